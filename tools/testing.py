# SPDX-License-Identifier: MIT
"""Builds the tests in a build folder, runs them here or in a lab, and counts. For tools/check and
tools/coverage."""

import collections
import dataclasses
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# How long a lab may take, if a run says no other time, and its exit status when that was over.
LAB_SECONDS = 480
LAB_TIME_OVER = 124
RESULT = re.compile(r'(ok|not ok|skip) (\S+?):?(?: (.*))?$')


class Report:
    """Prints what happens, from several threads, and keeps count."""

    def __init__(self):
        self.lock = threading.Lock()
        self.results = {'ok': [], 'not ok': [], 'skip': []}
        # No colour for a file, for CI, or for who asks for none (no-color.org).
        plain = not sys.stdout.isatty() or 'CI' in os.environ or 'NO_COLOR' in os.environ
        self.colours = {} if plain else {'ok': '32', 'not ok': '31', 'skip': '33'}

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def add(self, status, name, remark='', log=()):
        """Counts one result; the log is shown under it."""
        colour = self.colours.get(status)
        word = f'\033[{colour}m{status}\033[0m' if colour else status
        with self.lock:
            self.results[status].append((name, remark))
            print(f'{word} {name}{":" if status == "skip" else ""} {remark}', *log, sep='\n',
                  flush=True)

    def finish(self):
        """Prints the skipped and the failed again, then the counts; 0 if all is well, else 1."""
        for status, title in (('skip', 'SKIPPED'), ('not ok', 'FAILED')):
            for name, remark in self.results[status]:
                print(f'{title} {name}: {remark}')
        counts = {status: len(found) for status, found in self.results.items()}
        skipped = f', {counts["skip"]} skipped' if counts['skip'] else ''
        print(f'{counts["ok"]} passed, {counts["not ok"]} failed{skipped}', flush=True)
        return 1 if counts['not ok'] or not counts['ok'] else 0


@dataclasses.dataclass
class Run:
    """A build folder, and which of its tests run where."""
    name: str
    about: str
    build: str = ''
    options: tuple = ()
    env: dict = dataclasses.field(default_factory=dict)
    suites: tuple = ()        # only these, if any
    without: tuple = ()       # not these
    lab: str = ''             # the lab's architecture; '' for this machine
    lab_options: tuple = ()
    lab_seconds: int = LAB_SECONDS  # how long the lab may take, booting included
    slower: int = 1           # what the tests' time limits are multiplied with
    command: tuple = ()       # prints results itself; nothing above but the name is looked at


def compilers(env=None):
    """The environment in which compilers are called: through ccache, where it is, which compiles
    nothing twice, whatever folder it is in."""
    env = {**os.environ, **(env or {})}
    return {**env, 'PATH': f'/usr/lib/ccache:{env["PATH"]}', 'CCACHE_NOHASHDIR': '1'}


def sh(command, env=None):
    """Runs a command quietly; its output, with RuntimeError if it fails."""
    done = subprocess.run(command, cwd=ROOT, env=env, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError(f'{shlex.join(command)} failed:\n{done.stdout}')
    return done.stdout


def build(run):
    env = compilers(run.env)
    sh(['tools/configure', run.build, *run.options], env)
    sh(['ninja', '--quiet', '-C', run.build, 'all', 'meson-test-prereq'], env)


def tests_of(run):
    """The tests of the run as [suite/name, time limit, shell command]."""
    tests = []
    introspection = subprocess.run(['meson', 'introspect', '--tests', run.build], cwd=ROOT,
                                   check=True, capture_output=True, text=True).stdout
    for test in json.loads(introspection):
        suites = [suite.split(':')[-1] for suite in test['suite']]
        if (run.suites and not set(suites) & set(run.suites)) or set(suites) & set(run.without):
            continue
        name = re.sub(r'\s+', '-', f'{suites[0]}/{test["name"]}')
        limit = test['timeout'] * run.slower if test['timeout'] > 0 else 600
        folder = test['workdir'] or str(ROOT / run.build)
        setting = [f'{key}={value}' for key, value in test['env'].items()]
        command = f'cd {shlex.quote(folder)} && exec {shlex.join(["env", *setting, *test["cmd"]])}'
        tests.append((name, limit, command))
    return tests


def results(lines, other):
    """Yields [status, name, remark, log] from the lines that tools/run-tests prints. What is no
    result goes to `other`."""
    pending = None
    for line in lines:
        line = line.rstrip('\r\n')
        found = RESULT.match(line)
        if pending and not found and line.startswith('    '):
            pending[3].append(line)
            continue
        if pending:
            yield pending
        pending = None
        if found:
            pending = [found[1], found[2], found[3] or '', []]
        else:
            other.append(line)
    if pending:
        yield pending


def run_command(run, report, command, expected=None, failed=None):
    """Runs a command that prints results, adds those of the expected names (None: any) to the
    report as they come; but failures to the list `failed`, if there is one. The names that it told
    of, its exit status, and the end of what else it said."""
    other = collections.deque(maxlen=40)
    names = set()
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **run.env}, text=True,
                          errors='replace', stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        for status, name, remark, log in results(process.stdout, other):
            known = expected is None or name in expected or os.path.dirname(name) in expected
            if name in names or not known:
                other.append(f'{status} {name} {remark}')
                continue
            names.add(name)
            if failed is not None and status == 'not ok':
                failed.append(name)
                report.say('\n'.join([f'-- {run.name} {name} failed {remark}', *log]))
                continue
            report.add(status, f'{run.name} {name}', remark, log)
    return names, process.returncode, [f'    {line}' for line in other]


def run_once(run, report, tests, failed=None):
    """Runs the tests. Those that gave no result, the exit status, and what else was said. Failures
    go to the list `failed`, if there is one, in place of the report."""
    listing = ROOT / run.build / f'keg-tests-{run.name}'
    listing.write_text(''.join('\t'.join(map(str, test)) + '\n' for test in tests))
    command = ['tools/run-tests', str(listing)]
    if run.lab:
        # An emulated processor is slow: the longest tests then do less, and say so.
        command = ['tools/lab', run.lab, '--timeout', str(run.lab_seconds), '--env',
                   'KEG_TEST_QUICK=1', *run.lab_options, '--', *command]
    names, status, other = run_command(run, report, command, [name for name, _, _ in tests],
                                       failed)
    return [test for test in tests if test[0] not in names], status, other


def run_tests(run, report):
    """Builds and runs the tests of the run; a test that gave no result has failed."""
    build(run)
    tests = tests_of(run)
    if not tests:
        raise RuntimeError(f'no test in {run.build} of suite {" ".join(run.suites) or "any"}')
    failed = [] if run.lab else None
    left, status, other = run_once(run, report, tests, failed)
    # An emulated host has faults of its own: seen were a processor that stands still, and QEMU's
    # end. What fails in one is run once more, in a fresh one, and that is the result.
    if run.lab and (failed or left):
        again = [test for test in tests if test[0] in failed or test in left]
        report.say('\n'.join([f'-- {run.name}: {len(again)} once more, in a fresh lab', *other]))
        left, status, other = run_once(run, report, again)
    for name, _, _ in left:
        if run.lab and status == LAB_TIME_OVER:
            # Tests have time limits of their own, well below: it is the host that stood still.
            report.add('skip', f'{run.name} {name}', 'the emulated host stood still, twice')
        else:
            report.add('not ok', f'{run.name} {name}', f'gave no result (exit status {status})')
    if left:
        report.say('\n'.join(other))


def perform(run, report):
    """Carries the run out. Whatever goes wrong is a failure in the report, never an exception."""
    start = time.monotonic()
    report.say(f'-- {run.name}: {run.about}')
    try:
        if run.command:
            names, status, other = run_command(run, report, run.command)
            if status and not names:
                raise RuntimeError(f'{shlex.join(run.command)} failed:\n' + '\n'.join(other))
        else:
            run_tests(run, report)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        log = [f'    {line}' for line in str(error).splitlines()[-100:]]
        report.add('not ok', f'{run.name} build', 'could not build or start', log)
    report.say(f'-- {run.name}: done in {time.monotonic() - start:.0f} s')


def without_kvm(report, runs):
    """Leaves the tests that need KVM to the labs if this machine has none that can be used; those
    that boot Linux if it has none that runs a guest's kernel natively, of which build/keg tells. The
    suites that were left."""
    every = ('kvm', 'fault', 'native', 'programs', 'linux')
    for suites, words in (every, []), (('linux',), ['--kernels']):
        tried = subprocess.run(['tools/has-kvm', *words], cwd=ROOT, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
        if tried.returncode:
            report.say(f'-- {tried.stdout.strip()}: the tests of suite {" and ".join(suites)} '
                       'run in the labs, if anywhere')
            for run in runs:
                run.without += suites
            return suites
    return ()
