#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's cloud kernel boots: with 1, 2 and 8 vCPUs, unpacked by keg and by itself, its devices
by PCI and by MMIO, with both kinds of interrupt controller, and through its PVH entry."""

import re
import time

import machine

# vCPUs, options. Each value of each option is there, and each pair that has something in common.
CASES = [
    (1, []),
    (2, ['--mmio']),
    (8, []),
    (1, ['--no-unpack', '--mmio']),
    (2, ['--no-unpack', '--split-irqchip']),
    (1, ['--kind', 'pvh', '--cpu', 'max']),
]
# Eight vCPUs cost most on an emulated host.
LONG_CASES = [
    (8, ['--no-unpack', '--mmio']),
    (2, ['--split-irqchip', '--mmio']),
]


def kernel_for(options):
    """A PVH entry is an ELF file's."""
    return machine.artefact('vmlinux' if 'pvh' in options else 'kernel')


def boot(cpus, options):
    name = ' '.join([f'{cpus} vCPUs', *options])
    guest = machine.Machine('--cpus', cpus, '--net', 'user', *options, job='report', stock=True,
                            kernel=kernel_for(options))
    guest.wait_for('^kernel:')
    first = guest.seconds()
    guest.expect_end(0)
    transport = 'virtio-mmio' if '--mmio' in options else 'virtio-pci'
    drivers = set(re.findall(r'^virtio: (.+)$', guest.output, re.MULTILINE))
    machine.check(guest.value('cpus') == str(cpus), f'{name}: it has {guest.value("cpus")} CPUs')
    machine.check(int(guest.value('memory').split()[0]) > 190, f'{name}: {guest.value("memory")}')
    machine.check(guest.value('clock') in ('kvm-clock', 'tsc'), f'{name}: {guest.value("clock")}')
    machine.check(drivers == {f'virtio_net by {transport}', f'virtio_rng by {transport}'},
                  f'{name}: drivers {drivers}')
    machine.check(len(set(guest.value('hwrng').split())) > 4, f'{name}: {guest.value("hwrng")}')
    machine.tell(f'{name}: first line after {first:.1f} s, ended', guest.began)


def main():
    machine.need_linux_host()
    start = time.monotonic()
    for cpus, options in CASES + ([] if machine.quick() else LONG_CASES):
        machine.attempt(boot, cpus, options)
    if machine.quick():
        machine.tell(f'quick: without {len(LONG_CASES)} cases')
    machine.tell('all', start)


main()
