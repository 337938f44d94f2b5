# SPDX-License-Identifier: MIT
"""The two sides of a comparison as commands, and what is seen of them when they run."""

import contextlib
import json
import os
import pathlib
import re
import select
import subprocess
import tempfile
import time

# No longer than this: an emulated host is slow.
LIMIT_SECONDS = 240
WORDS = 'console=ttyS0 quiet reboot=t panic=-1 8250.nr_uarts=1'
# QEMU's microvm at its best: each of SeaBIOS, option ROMs, no PIT and PIC, no clock, a second I/O
# APIC takes longer to the first line. Without ACPI, Linux cannot power it off.
FIRMWARE = 'qboot.rom'
WITH_ACPI = 'microvm,x-option-roms=off,isa-serial=on,pit=on,pic=on,rtc=on,acpi=on'
MICROVM = WITH_ACPI + ',ioapic2=off'
MICROVM_PCI = WITH_ACPI + ',pcie=on'
# Where there is no PCI, as in that microvm, and in keg's machine of the same parts.
NO_PCI_WORDS = 'pci=off'
SAME_PARTS = ['--mmio', '--no-entropy']
# What else spares a kernel work, at the price of safety: the same for both. keg unpacks a kernel to
# its usual address anyway.
SPARING_WORDS = NO_PCI_WORDS + ' cryptomgr.notests mitigations=off nokaslr'


class Failure(Exception):
    """An arm did not do what was to be measured."""


def keg(options, initrd, kernel, *more, words=''):
    return [options.keg, 'run', kernel, *more, '--initrd', initrd, '--memory',
            f'{options.memory_mib}M', '--no-default-append', '--append', f'{WORDS} {words}']


def qemu(options, kernel, initrd, machine, *more, words=''):
    return ['qemu-system-x86_64', '-accel', 'kvm', '-cpu', 'host', '-M', machine, '-bios',
            FIRMWARE, '-m', str(options.memory_mib), '-nodefaults', '-no-user-config',
            '-display', 'none', '-serial', 'stdio', '-no-reboot', '-kernel', kernel, '-initrd',
            initrd, '-append', f'{WORDS} {words}', *more]


def qemu_disk(image, device='virtio-blk-pci'):
    return ['-object', 'iothread,id=io0', '-blockdev',
            f'file,node-name=disk0,filename={image},aio=io_uring,cache.direct=off', '-device',
            f'{device},drive=disk0,iothread=io0']


@contextlib.contextmanager
def scratch_disk(mib):
    """A disk image in memory, all of it written."""
    with tempfile.NamedTemporaryFile(prefix='keg-bench-', dir='/dev/shm') as image:
        for _ in range(mib):
            image.write(os.urandom(1 << 20))
        image.flush()
        yield image.name


class Guest:
    """A machine that runs, and what it has printed."""

    def __init__(self, command):
        self.command = list(map(str, command))
        self.output = b''
        self.began = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def more(self):
        left = self.began + LIMIT_SECONDS - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            self.fail('the time is over')
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data
        return data

    def wait_for(self, line):
        """Seconds from the start to the line."""
        pattern = re.compile(rf'^{line}\r?$'.encode(), re.MULTILINE)
        while not pattern.search(self.output):
            if not self.more():
                self.fail(f'it ended without "{line}"')
        return time.monotonic() - self.began

    def end(self):
        while self.more():
            pass
        if self.process.wait():
            self.fail(f'it ended with status {self.process.returncode}')

    def fail(self, why):
        tail = self.output[-3000:].decode(errors='replace')
        raise Failure(f'{why}: {" ".join(self.command)}\n{tail}')


def time_to(command, line):
    """Seconds to the line; what comes after it is not waited for."""
    with Guest(command) as guest:
        seconds = guest.wait_for(line)
        guest.process.terminate()
        guest.process.wait()
        return seconds


def output(command):
    with Guest(command) as guest:
        guest.end()
        return guest.output.decode(errors='replace').replace('\r', '')


def lines(command, first):
    """The guest's lines that begin with that word: their other words."""
    text = output(command)
    found = [line.split()[1:] for line in text.splitlines() if line.startswith(first + ' ')]
    if not found:
        raise Failure(f'it measured nothing: {" ".join(map(str, command))}\n{text[-3000:]}')
    return found


def with_stats(function, command, *more):
    """What the function says of the command, and keg's statistics."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'stats.json'
        result = function([*command, f'--json={path}'], *more)
        return result, json.loads(path.read_text())


def keg_stats(command):
    """Of a run that may end as it likes."""
    run = lambda words: subprocess.run(words, stdin=subprocess.DEVNULL, check=False,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return with_stats(run, command)[1]


def mappings(pid):
    """(bytes, resident bytes, those of no file) of each mapping of a process."""
    found = []
    for line in pathlib.Path(f'/proc/{pid}/smaps').read_text().splitlines():
        head = re.match(r'([0-9a-f]+)-([0-9a-f]+) ', line)
        if head:
            found.append([int(head[2], 16) - int(head[1], 16), 0, 0])
        elif line.startswith('Rss:'):
            found[-1][1] = int(line.split()[1]) << 10
        elif line.startswith('Anonymous:'):
            found[-1][2] = int(line.split()[1]) << 10
    return found


def resident_mib(command, guest_mib):
    """What is resident beyond the guest's memory, which is the largest mapping: all, and what is
    no file's and so shared with nobody."""
    with Guest(command) as guest:
        guest.wait_for('ready')
        parts = sorted(mappings(guest.process.pid), reverse=True)
        if parts[0][0] < guest_mib << 20:
            guest.fail('the guest\'s memory is in parts')
        return [sum(part[which] for part in parts[1:]) / (1 << 20) for which in (1, 2)]
