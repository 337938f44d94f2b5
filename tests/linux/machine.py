# SPDX-License-Identifier: MIT
"""Linux guests for the tests of this folder: keg run on Debian's kernel, its console, its end."""

import atexit
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEG = os.environ['KEG_PROGRAM']
SKIPPED = 77


def artefact(*words):
    """The path of what tools/guest makes."""
    done = subprocess.run([ROOT / 'tools/guest', *words], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f'tools/guest {" ".join(words)} failed')
    return done.stdout.strip()


def need_linux_host():
    """Ends the test as skipped where KVM does not run a guest's kernel natively."""
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


class Machine:
    """A guest that runs: what it has printed so far is in `output`."""

    def __init__(self, *options, job=None, initrd=None, kernel=None, append='', quiet=True,
                 limit=120):
        if job is not None:
            initrd = artefact('initrd', str(ROOT / 'tests/linux/jobs' / job))
        self.began = time.monotonic()
        self.deadline = self.began + limit
        self.output = ''
        self.lines = {}
        words = ' '.join(filter(None, ['quiet' if quiet else '', append]))
        command = [KEG, 'run', kernel or artefact('kernel'), '--memory', '256M',
                   '--initrd', initrd or artefact('initrd'), '--append', words, *map(str, options)]
        self.command = ' '.join(command)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        atexit.register(self.process.kill)

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
                self.lines.setdefault(pattern, time.monotonic() - self.began)
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

    def fail(self, why):
        print(f'$ {self.command}\n{self.output[-6000:]}\nFAILED: {why}', flush=True)
        os._exit(1)


def quick():
    """Whether the longest tests are to do less, on an emulated host."""
    return 'KEG_TEST_QUICK' in os.environ


def check(truth, what):
    if not truth:
        print(f'FAILED: {what}', flush=True)
        os._exit(1)


def tell(text):
    print(text, flush=True)
