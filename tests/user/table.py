# SPDX-License-Identifier: MIT
"""The table of the programs that run as outside, for programs.py."""

import subprocess

HEAD = '''# Programs in `keg exec`

Made by `tools/programs` on Debian {release}: each program was run outside and in a sandbox, in
equal folders. "the same" means the same standard output, standard error, exit status or signal,
and the same files left behind: names, modes, owners, contents. The times are of one run each, the
start of the program and of the sandbox included.

| Program | Version | What was run | Result | Outside | Inside |
|---|---|---|---|---:|---:|
'''


def version(package):
    done = subprocess.run(['dpkg-query', '-W', '-f', '${Version}', package],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() if done.returncode == 0 else '-'


def release():
    try:
        with open('/etc/debian_version', encoding='ascii') as file:
            return file.read().strip()
    except OSError:
        return '(of no version)'


def row(case, result):
    words = {'ok': 'the same', 'not yet': f'not yet: {result.why}',
             'as it should': f'differs as it should: {result.why}', 'skip': f'skipped: {result.why}'}
    cells = [case.package or case.argv[0], version(case.package) if case.package else '-',
             case.about or case.name, words.get(result.word, f'**differs**: {result.why}')]
    cells += [f'{result.outside:.2f} s', f'{result.inside:.2f} s']
    return '| ' + ' | '.join(cell.replace('|', '\\|') for cell in cells) + ' |\n'


def text(results):
    words = [result.word for _, _, result in results]
    end = f'\n{len(words)} runs: ' + ', '.join(
        f'{words.count(word)} {name}' for word, name in (
            ('ok', 'the same'), ('as it should', 'differ as they should'),
            ('not yet', 'not yet'), ('not ok', 'differ'), ('skip', 'skipped'))
        if word in words) + '.\n'
    rows = ''.join(row(case, result) for _, case, result in results)
    return HEAD.format(release=release()) + rows + end
