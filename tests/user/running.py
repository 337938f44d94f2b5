# SPDX-License-Identifier: MIT
"""Runs a case outside and in a sandbox, and finds the differences; for programs.py."""

import dataclasses
import difflib
import hashlib
import os
import pathlib
import re
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import time

WORDS = ('ok', 'as it should', 'not yet', 'not ok', 'skip')
# What every program may read. All else that a case needs is in its folder.
SYSTEM = ('/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc')
ENVIRONMENT = {
    'PATH': '/usr/bin:/bin:/usr/sbin:/sbin',
    'LC_ALL': 'C',
    'TZ': 'UTC',
    'TERM': 'dumb',
    'USER': 'user',
    'SHELL': '/bin/sh',
}
# As a sandbox has them without options.
LIMITS = ((resource.RLIMIT_NOFILE, 1024), (resource.RLIMIT_CORE, 0))
# The standard streams' ends are shown up to so many lines.
SHOWN_LINES = 30


@dataclasses.dataclass
class Result:
    word: str                 # one of WORDS
    why: str = ''
    log: list = dataclasses.field(default_factory=list)
    outside: float = 0        # seconds
    inside: float = 0


@dataclasses.dataclass
class Outcome:
    """What one run of a program left."""
    status: object            # negative: a signal; a text: it did not end
    output: bytes
    errors: bytes
    tree: dict                # path: what is there, in words
    seconds: float


def cannot(program):
    """Why no program can be run in a sandbox here, or ''."""
    if os.uname().machine != 'x86_64':
        return 'keg exec is for x86-64'
    if not os.path.exists('/dev/kvm'):
        return 'there is no /dev/kvm'
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return '/dev/kvm cannot be opened'
    return '' if os.access(program, os.X_OK) else f'there is no {program}'


class Place:
    """Folders for the cases: each has the same name for both runs, as it may show in what they
    print. Not in /tmp, which is another one in a sandbox."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix='keg-programs-', dir='/var/tmp'))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def template(self, case):
        """A folder with the case's files."""
        folder = self.path / 'here'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in case.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            path.chmod(0o755 if content[:2] in ('#!', b'#!') else 0o644)
        if case.make:
            subprocess.run(['/bin/bash', '-euc', case.make], cwd=folder, check=True,
                           env=environment(case, folder), stdin=subprocess.DEVNULL)
        template = self.path / 'template'
        shutil.rmtree(template, ignore_errors=True)
        folder.rename(template)
        return template

    def fresh(self, template):
        """A copy of the template, times included, always of the same name."""
        folder = self.path / 'here'
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(['cp', '-a', template, folder], check=True)
        return folder


def environment(case, folder):
    return {**ENVIRONMENT, 'HOME': str(folder), 'HERE': str(pathlib.Path(__file__).parent),
            **{name: value.replace('@HERE@', str(folder)) for name, value in case.env.items()}}


def missing(case):
    """The first of what the case needs that is not there, or None."""
    for name in (case.argv[0], *case.needs):
        if '@HERE@' not in name and not shutil.which(name) and not os.path.exists(name):
            return name
    return None


def describe(path, case, name):
    """A file in words: its type, mode and content, but not its times."""
    info = path.lstat()
    words = [stat.filemode(info.st_mode), f'{info.st_uid}:{info.st_gid}']
    if stat.S_ISLNK(info.st_mode):
        words.append(f'-> {os.readlink(path)}')
    elif stat.S_ISREG(info.st_mode):
        words.append(f'{info.st_nlink} links')
        if name not in case.unlike:
            words.append(f'{info.st_size} bytes')
            words.append(hashlib.sha256(path.read_bytes()).hexdigest()[:16])
    return ' '.join(words)


def look(folder, case):
    tree = {}
    for above, folders, files in os.walk(folder):
        for name in folders + files:
            path = pathlib.Path(above) / name
            relative = str(path.relative_to(folder))
            if not any(relative.startswith(one + '/') for one in case.unlike):
                tree[relative] = describe(path, case, relative)
    return tree


def adjust(text, case):
    for pattern, replacement in case.alike:
        text = re.sub(pattern.encode(), replacement.encode(), text)
    return text


def difference(what, outside, inside):
    """Some lines that tell two texts apart."""
    lines = difflib.unified_diff(outside.decode(errors='backslashreplace').splitlines(),
                                 inside.decode(errors='backslashreplace').splitlines(),
                                 f'{what} outside', f'{what} inside', lineterm='', n=1)
    return list(lines)[:SHOWN_LINES]


def compare(case, outside, inside):
    """Lines that say what differs; none if it is all the same."""
    log = []
    if outside.status != inside.status:
        log.append(f'status outside: {outside.status}, inside: {inside.status}')
    for what in ('output', 'errors'):
        if what in case.uncompared:
            continue
        texts = [adjust(getattr(outcome, what), case) for outcome in (outside, inside)]
        if texts[0] != texts[1]:
            log += difference(what, *texts) or [f'{what}: not the same']
    for name in sorted(outside.tree.keys() | inside.tree.keys()):
        left, right = outside.tree.get(name, 'nothing'), inside.tree.get(name, 'nothing')
        if left != right:
            log.append(f'{name}: outside {left}; inside {right}')
    return log


def set_limits():
    for limit, value in LIMITS:
        resource.setrlimit(limit, (value, value))


class Runner:
    def __init__(self, program, place, outside_only=False, show=False):
        self.program = str(pathlib.Path(program).resolve())
        self.place = place
        self.outside_only = outside_only
        self.show = show

    def sandbox(self, case, folder):
        command = [self.program, 'exec', '--env-all', '--rw', str(folder), '--cwd', str(folder)]
        for path in (*SYSTEM, environment(case, folder)['HERE']):
            if os.path.exists(path):
                command += ['--ro', path]
        return command + [word.replace('@HERE@', str(folder)) for word in case.options] + ['--']

    def once(self, case, folder, prefix=()):
        start = time.monotonic()
        argv = [word.replace('@HERE@', str(folder)) for word in case.argv]
        with subprocess.Popen([*prefix, *argv], cwd=folder, env=environment(case, folder),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True,
                              preexec_fn=None if prefix else set_limits) as process:
            try:
                output, errors = process.communicate(case.input, timeout=case.limit)
                status = process.returncode
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, errors = process.communicate()
                status = f'still running after {case.limit} s'
        seconds = time.monotonic() - start
        return Outcome(status, output, errors, look(folder, case), seconds)

    def run(self, case):
        absent = missing(case)
        if absent:
            return Result('skip', f'{absent} is not there: tools/deps programs applications')
        template = self.place.template(case)
        outside = self.once(case, self.place.fresh(template))
        if self.show:
            print((outside.output + outside.errors).decode(errors='backslashreplace'))
        if outside.status != case.status:
            log = (outside.output + outside.errors).decode(errors='backslashreplace').splitlines()
            return Result('not ok', f'ended with {outside.status} outside, not {case.status}',
                          log[-SHOWN_LINES:], outside.seconds)
        folder = self.place.fresh(template)
        prefix = () if self.outside_only else self.sandbox(case, folder)
        inside = self.once(case, folder, prefix)
        log = compare(case, outside, inside)
        return self.judge(case, log, outside.seconds, inside.seconds)

    @staticmethod
    def judge(case, log, outside, inside):
        expected = case.gap or case.otherwise
        if expected and log:
            return Result('not yet' if case.gap else 'as it should', expected, [], outside, inside)
        if expected:
            return Result('not ok', f'is the same, but is to differ: {expected}', [], outside,
                          inside)
        if log:
            return Result('not ok', 'not as outside', log, outside, inside)
        return Result('ok', '', [], outside, inside)
