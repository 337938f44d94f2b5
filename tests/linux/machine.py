# SPDX-License-Identifier: MIT
"""Linux guests for the tests of this folder: keg run on Debian's kernel, its console, its end."""

import atexit
import functools
import json
import os
import pathlib
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEG = os.environ['KEG_PROGRAM']
SKIPPED = 77
# Seconds for any guest to end in: it only ever waits so long on a host that is emulated, and busy
# or at fault; on one that is to be quick, no longer than another attempt is worth waiting for.
LIMIT = 100 if 'KEG_TEST_QUICK' in os.environ else 300


@functools.lru_cache(maxsize=None)
def artefact(*words):
    """The path of what tools/guest makes."""
    done = subprocess.run([ROOT / 'tools/guest', *words], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f'tools/guest {" ".join(map(str, words))} failed')
    return done.stdout.strip()


def need_linux_host():
    """Ends the test as skipped where KVM does not run a guest's kernel natively: a lab's does."""
    if 'KEG_LAB' in os.environ:
        return
    done = subprocess.run([KEG, 'info', '--json'], stdout=subprocess.PIPE, text=True)
    try:
        mode = json.loads(done.stdout)['guest_kernel']['mode']
    except (ValueError, KeyError):
        mode = 'not usable'
    if mode != 'native':
        print(f'SKIP: a guest\'s kernel is {mode} on this KVM: run in the lab')
        sys.exit(SKIPPED)


def folder():
    """A folder for files, gone when the test ends."""
    made = tempfile.TemporaryDirectory(prefix='keg-linux-')
    atexit.register(made.cleanup)
    return pathlib.Path(made.name)


@functools.lru_cache(maxsize=None)
def job_initrd():
    """The initrd of these tests: every job and program is in it, job= says which one runs."""
    jobs = ROOT / 'tests/linux/jobs'
    programs = pathlib.Path(os.environ['KEG_GUEST_PROGRAMS'])
    return artefact('initrd', jobs / 'job', *sorted(set(jobs.iterdir()) - {jobs / 'job'}),
                    programs / 'peer', programs / 'records')


# The one that was started last: what it said is shown when something goes wrong.
latest = None


# What spares an emulated processor work of the kernel's own that says nothing about keg.
LEAN = 'mitigations=off cryptomgr.notests apparmor=0 init_on_alloc=0'


class Machine:
    """A guest that runs: what it has printed so far is in `output`. A `job` is a file in jobs/;
    `words` are its variables. `stock`: the kernel does all that it does by default."""

    def __init__(self, *options, job=None, kernel=None, memory='256M', limit=LIMIT, stock=False,
                 **words):
        initrd = job_initrd() if job else artefact('initrd')
        if job:
            words['job'] = job
        self.began = time.monotonic()
        self.deadline = self.began + limit
        self.output = ''
        lean = [] if stock or not quick() else [LEAN]
        line = ' '.join(['quiet', *lean, *(f'{name}={value}' for name, value in words.items())])
        command = [KEG, 'run', kernel or artefact('kernel'), '--memory', memory,
                   '--initrd', initrd, '--append', line, *map(str, options)]
        self.command = shlex.join(command)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        atexit.register(self.process.kill)
        global latest
        latest = self

    def seconds(self):
        """How long it has been there."""
        return time.monotonic() - self.began

    def read_more(self):
        """Waits for more output; False at its end."""
        left = self.deadline - time.monotonic()
        ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
        if not ready:
            self.process.kill()
            self.fail('the time is over')
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data.decode(errors='replace').replace('\r', '')
        return bool(data)

    def wait_for(self, pattern):
        """Reads on until the output has the pattern; its match."""
        while True:
            found = re.search(pattern, self.output, re.MULTILINE)
            if found:
                return found
            if not self.read_more():
                self.fail(f'it ended without {pattern!r}')

    def send(self, text):
        self.process.stdin.write(text.encode())

    def signal(self, signo):
        self.process.send_signal(signo)

    def end(self):
        """Reads to the end; the exit status (negative: the signal that keg died of)."""
        while self.read_more():
            pass
        return self.process.wait()

    def expect_end(self, status):
        ended = self.end()
        if ended != status:
            self.fail(f'it ended with status {ended}, not {status}')
        return self

    def value(self, name):
        """What the guest prints behind `name: `, waiting for the whole line."""
        return self.wait_for(rf'^{name}: *(.*)\n')[1]

    def fail(self, why):
        """Ends the test: what was run, what it said, what is wrong."""
        print(f'$ {self.command}\n{self.output[-6000:]}\nFAILED: {why}', flush=True)
        self.process.kill()
        os._exit(1)


def fail(why):
    """The same, of whatever was run last."""
    if latest:
        latest.fail(why)
    print(f'FAILED: {why}', flush=True)
    os._exit(1)


def fail_of_exception(*exception):
    fail(''.join(traceback.format_exception(*exception)))


sys.excepthook = fail_of_exception


def quick():
    """Whether the longest tests are to do less, on an emulated host."""
    return 'KEG_TEST_QUICK' in os.environ


def attempt(case, *arguments):
    """Runs a case, in a process of its own. An emulated host's processors have faults of their own
    (seen with QEMU's machines there, too): a case that fails on one is tried again, twice."""
    tries = 3 if quick() else 1
    for number in range(1, tries + 1):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            case(*arguments)
            sys.stdout.flush()
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return
        tell(f'ATTEMPT {number} of {tries} FAILED: {case.__name__} {arguments}')
    os._exit(1)


def check(truth, what):
    if not truth:
        fail(what)


def tell(text, since=None):
    """A line for a case, with how long it took."""
    took = f': {time.monotonic() - since:.1f} s' if since else ''
    print(text + took, flush=True)


def make_disk(path, mib):
    """An image with an empty ext4 file system."""
    with open(path, 'wb') as file:
        file.truncate(mib << 20)
    run('mke2fs', '-q', '-t', 'ext4', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', path)
    return path


def check_disk(path):
    """e2fsck finds nothing."""
    run('e2fsck', '-f', '-n', path)


def run(*command, errors=True):
    """Runs a program of the host's; what it printed, with its errors or without."""
    path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
    done = subprocess.run([str(word) for word in command], env={**os.environ, 'PATH': path},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT if errors else subprocess.DEVNULL)
    check(done.returncode == 0, f'{command}: {done.stdout[-2000:].decode(errors="replace")}')
    return done.stdout
