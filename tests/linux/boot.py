#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's cloud kernel boots: with 1, 2 and 8 vCPUs (64 where there is time), unpacked by keg and
by itself, its devices by PCI and by MMIO, with both kinds of interrupt controller, with memory on both
sides of the hole below 4 GiB, and through its PVH entry."""

import re
import time

import machine

# vCPUs, memory in MiB, options. Each value of each option is there, and each pair that has something
# in common.
CASES = [
    (1, 256, []),
    (2, 6144, ['--mmio']),
    (8, 256, []),
    (1, 256, ['--no-unpack', '--mmio']),
    (2, 256, ['--no-unpack', '--split-irqchip']),
    (1, 256, ['--kind', 'pvh', '--cpu', 'max']),
]
# Many vCPUs cost most on an emulated host.
LONG_CASES = [
    (8, 6144, ['--no-unpack', '--mmio']),
    (2, 256, ['--split-irqchip', '--mmio']),
    (64, 5120, []),
]


def kernel_for(options):
    """A PVH entry is an ELF file's."""
    return machine.artefact('vmlinux' if 'pvh' in options else 'kernel')


def boot(cpus, memory, options):
    name = ' '.join([f'{cpus} vCPUs', f'{memory} MiB', *options])
    guest = machine.Machine('--cpus', cpus, '--net', 'user', *options, job='report', stock=True,
                            memory=f'{memory}M', kernel=kernel_for(options))
    guest.wait_for('^kernel:')
    first = guest.seconds()
    guest.expect_end(0)
    transport = 'virtio-mmio' if '--mmio' in options else 'virtio-pci'
    drivers = set(re.findall(r'^virtio: (.+)$', guest.output, re.MULTILINE))
    machine.check(guest.value('cpus') == str(cpus), f'{name}: it has {guest.value("cpus")} CPUs')
    # The kernel keeps some for itself.
    usable = int(guest.value('memory').split()[0])
    machine.check(memory > usable > memory * 0.7, f'{name}: {usable} MiB')
    machine.check(guest.value('clock') in ('kvm-clock', 'tsc'), f'{name}: {guest.value("clock")}')
    machine.check(drivers == {f'virtio_net by {transport}', f'virtio_rng by {transport}'},
                  f'{name}: drivers {drivers}')
    machine.check(len(set(guest.value('hwrng').split())) > 4, f'{name}: {guest.value("hwrng")}')
    machine.tell(f'{name}: first line after {first:.1f} s, ended', guest.began)


def main():
    machine.need_linux_host()
    start = time.monotonic()
    for case in CASES + ([] if machine.quick() else LONG_CASES):
        machine.attempt(boot, *case)
    if machine.quick():
        machine.tell(f'quick: without {len(LONG_CASES)} cases')
    machine.tell('all', start)


main()
