#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's cloud kernel boots: with 1, 2 and 8 vCPUs, unpacked by keg and by itself, its devices
by PCI and by MMIO, with both kinds of interrupt controller."""

import re

import machine

CASES = [
    # vCPUs, options
    (1, []),
    (2, []),
    (8, []),
    (1, ['--no-unpack']),
    (2, ['--no-unpack', '--mmio']),
    (8, ['--mmio']),
    (1, ['--mmio']),
    (2, ['--split-irqchip']),
    (1, ['--cpu', 'max']),
    (1, ['--kind', 'pvh']),
]


def kernel_for(options, unpacked):
    """A PVH entry is an ELF file's."""
    return unpacked if 'pvh' in options else None


def boot(cpus, options, kernel):
    guest = machine.Machine('--cpus', cpus, '--net', 'user', *options, job='report', kernel=kernel)
    guest.wait_for('^kernel:')
    guest.expect_end(0)
    seen = dict(re.findall(r'^(\w+): *(.*)$', guest.output, re.MULTILINE))
    drivers = set(re.findall(r'^virtio: (\S+)$', guest.output, re.MULTILINE))
    name = ' '.join([f'{cpus} vCPUs', *options])
    machine.check(seen['cpus'] == str(cpus), f'{name}: the guest has {seen["cpus"]} CPUs')
    machine.check(int(seen['memory'].split()[0]) > 190, f'{name}: memory {seen["memory"]}')
    machine.check(seen['clock'] in ('kvm-clock', 'tsc'), f'{name}: clock {seen["clock"]}')
    machine.check({'virtio_net', 'virtio_rng'} <= drivers, f'{name}: drivers {drivers}')
    machine.check(len(set(seen['hwrng'].split())) > 4, f'{name}: entropy {seen["hwrng"]}')
    machine.tell(f'{name}: {guest.lines["^kernel:"]:.2f} s to the first line')


def main():
    machine.need_linux_host()
    unpacked = machine.artefact('vmlinux')
    for cpus, options in CASES:
        boot(cpus, options, kernel_for(options, unpacked))


main()
