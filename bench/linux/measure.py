#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures keg against QEMU with Linux guests: see --help, and tools/bench --linux."""

import argparse
import pathlib
import sys

import arms
import report
import tap

# Requests of the disk's patterns (disk.c), and what is moved each way, in MiB: whole and quick.
REQUESTS, MIB = (2000, 32), (200, 4)
DISK_MIB = 256
PATTERNS = {
    'randread-1': '4 KiB random read, depth 1',
    'randwrite-1': '4 KiB random write, depth 1',
    'randread-32': '4 KiB random read, depth 32',
    'randwrite-32': '4 KiB random write, depth 32',
    'seqread': '1 MiB sequential read',
    'seqwrite': '1 MiB sequential write',
}
SEQUENTIAL_BYTES = 1 << 20


def own_ms(stats):
    """keg's own part of starting: without reading files, unpacking and loading the image."""
    return (stats['start_ns'] - stats['read_ns'] - stats['load_ns']) / 1e6


def start(options, table):
    """keg's own part on this machine's KVM, whether or not that can boot Linux."""
    row = table.row('start', 'keg: start to guest, 512 MiB, disk, net', 'ms',
                    floor=('<=', 10, 'of the figure'))
    for _ in range(options.rounds or (3 if options.quick else 15)):
        with options.scratch_disk(1) as disk:
            stats = arms.keg_stats([options.keg, 'run', options.kernel, '--memory', '512M',
                                    '--timeout', '0.2', '--disk', disk, '--net', 'user'])
        row.keg.append(own_ms(stats))
    row.show()


def boot_arms(options):
    """What is booted: QEMU's commands, and keg's image and options, words, and peer."""
    usual, sparing, same = arms.NO_PCI_WORDS, arms.SPARING_WORDS, arms.SAME_PARTS
    peers = {name: arms.qemu(options, kernel, options.first, arms.MICROVM, words=words)
             for name, kernel, words in (('microvm', options.kernel, usual),
                                         ('microvm-elf', options.vmlinux, usual),
                                         ('microvm-spared', options.kernel, sparing))}
    return peers, {
        'unpacked by keg': ([options.kernel, *same], usual, 'microvm'),
        'unpacking itself': ([options.kernel, '--no-unpack', *same], usual, 'microvm'),
        'vmlinux': ([options.vmlinux, *same], usual, 'microvm-elf'),
        'with PCI and entropy': ([options.kernel], '', 'microvm'),
        'words that spare work': ([options.kernel, *same], sparing, 'microvm-spared'),
    }


def boot(options, table):
    """From the start of the process to the first line that init prints."""
    peers, kegs = boot_arms(options)
    rows, own = {}, table.row('boot', 'keg: start to guest (no reading, loading)', 'ms')
    for name, (*_, peer) in kegs.items():
        floor = ('<=', 0.33) if name == 'unpacked by keg' else None
        rows[name] = table.row('boot', f'start to init, {name}', 'ms', floor=floor,
                               against=f'qemu {peer}')
    for turn in range(options.rounds or (2 if options.quick else 5)):
        seen = {}
        everyone = [*kegs, *peers]
        for name in everyone if turn % 2 == 0 else reversed(everyone):
            if name in peers:
                seen[name] = arms.time_to(peers[name], 'first')
                continue
            parts, words, _ = kegs[name]
            command = arms.keg(options, options.first, *parts, '--grace', '0', words=words)
            seen[name], stats = arms.with_stats(arms.time_to, command, 'first')
            own.keg.append(own_ms(stats))
        for name, (*_, peer) in kegs.items():
            rows[name].add(seen[name] * 1e3, seen[peer] * 1e3)
        report.progress(f'boot {turn + 1}: ' + ', '.join(
            f'{name} {value:.2f} s' for name, value in seen.items()))
    for row in (*rows.values(), own):
        row.show()


def memory(options, table):
    """Resident memory beyond the guest's, when it has booted."""
    row = table.row('memory', 'resident beyond the guest\'s memory', 'MiB', against='qemu microvm',
                    floor=('<=', 3, 'of the figure'))
    own = table.row('memory', '... of that, no file\'s', 'MiB', against='qemu microvm')
    net = ['-netdev', 'user,id=net0', '-device', 'virtio-net-device,netdev=net0']
    for _ in range(options.rounds or 1):
        with options.scratch_disk(16) as disk:
            keg = arms.resident_mib(arms.keg(
                options, options.job, options.kernel, '--disk', disk, '--net', 'user',
                words='bench=wait'), options.memory_mib)
            qemu = arms.resident_mib(arms.qemu(
                options, options.kernel, options.job, arms.MICROVM, *arms.qemu_disk(
                    disk, 'virtio-blk-device'), *net, words='bench=wait'), options.memory_mib)
        row.add(keg[0], qemu[0])
        own.add(keg[1], qemu[1])
    row.show()
    own.show()


def disk_results(command):
    """{pattern: requests a second} from what the guest prints."""
    results = {}
    for words in arms.lines(command, 'disk'):
        results[words[0]] = int(words[1]) / (int(words[2]) / 1e9)
    return results


def disk_words(requests, patterns=()):
    return f'bench=disk requests={requests} patterns={",".join(patterns)}'


def keg_disk(options, disk, words, *more):
    return arms.keg(options, options.job, options.kernel, '--disk', disk, *more, words=words)


def exits_a_request(options, table, requests):
    """By how many exits to user space more requests are dearer than fewer."""
    for pattern in ('randread-32', 'randwrite-32'):
        seen = []
        for count in (32, 32 + requests):
            with options.scratch_disk(DISK_MIB) as disk:
                _, stats = arms.with_stats(
                    arms.output, keg_disk(options, disk, disk_words(count, [pattern])))
            device = next(part for part in stats['devices'] if part['name'] == 'disk0')
            seen.append((sum(part['count'] for part in stats['exits']
                             if part['name'] in ('io', 'mmio')), device['requests']))
        exits, served = (more - less for less, more in zip(*seen))
        row = table.row('disk', f'exits a request, {PATTERNS[pattern]}', 'exits', digits=4,
                        floor=('<=', 0.1, 'of the figure'))
        row.keg.append(max(exits, 0) / served)
        row.show()


def disk(options, table):
    """Requests a second of the virtio disk, image in the host's page cache."""
    requests = REQUESTS[options.quick]
    rows = {}
    for pattern, about in PATTERNS.items():
        unit = 'MB/s' if pattern.startswith('seq') else '1/s'
        rows[pattern] = table.row('disk', about, unit, against='qemu virtio-blk',
                                  floor=('>=', 1.0))
    for turn in range(options.rounds or (1 if options.quick else 3)):
        with options.scratch_disk(DISK_MIB) as image:
            commands = [
                keg_disk(options, image, disk_words(requests)),
                arms.qemu(options, options.kernel, options.job, arms.MICROVM_PCI,
                          *arms.qemu_disk(image), words=disk_words(requests)),
            ]
            order = (0, 1) if turn % 2 == 0 else (1, 0)
            seen = {which: disk_results(commands[which]) for which in order}
        for pattern, row in rows.items():
            scale = SEQUENTIAL_BYTES / 1e6 if row.unit == 'MB/s' else 1
            row.add(seen[0][pattern] * scale, seen[1][pattern] * scale)
        report.progress(f'disk {turn + 1}: done')
    for row in rows.values():
        row.show()
    exits_a_request(options, table, requests)


def tcp_results(command):
    return {words[0]: int(words[1]) / (int(words[2]) / 1e9) / 1e6
            for words in arms.lines(command, 'tcp')}


def net(options, table):
    """TCP through a tap, both ways, the other end on the host."""
    rows = {way: table.row('net', f'TCP over tap, {about}', 'MB/s', against='qemu virtio-net',
                           floor=('>=', 1.0))
            for way, about in (('up', 'from the guest'), ('down', 'to the guest'))}
    words = f'bench=tcp address={tap.GUEST} host={tap.HOST} port={tap.PORT} mib=' \
            f'{MIB[options.quick]}'
    card = ['-netdev', f'tap,id=net0,ifname={tap.NAME},script=no,downscript=no,vhost=off',
            '-device', 'virtio-net-pci,netdev=net0,romfile=']
    with tap.listening(options.tcp):
        for turn in range(options.rounds or (1 if options.quick else 3)):
            commands = [
                arms.keg(options, options.job, options.kernel, '--net', f'tap={tap.NAME}',
                         words=words),
                arms.qemu(options, options.kernel, options.job, arms.MICROVM_PCI, *card,
                          words=words),
            ]
            order = (0, 1) if turn % 2 == 0 else (1, 0)
            seen = {which: tcp_results(commands[which]) for which in order}
            for way, row in rows.items():
                row.add(seen[0][way], seen[1][way])
            report.progress(f'net {turn + 1}: done')
    for row in rows.values():
        row.show()


BENCHMARKS = {'start': start, 'boot': boot, 'memory': memory, 'disk': disk, 'net': net}


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, about in (('keg', 'the program'), ('kernel', 'a bzImage'), ('vmlinux', 'its ELF'),
                        ('first', 'initrd of the boot'), ('job', 'initrd of the others'),
                        ('tcp', 'the host\'s end')):
        parser.add_argument(f'--{name}', required=True, help=about)
    parser.add_argument('--json', type=pathlib.Path, required=True, help='the figures')
    parser.add_argument('--add', action='store_true', help='to those that the file has')
    parser.add_argument('--only', action='append', choices=BENCHMARKS)
    parser.add_argument('--without', action='append', default=[], choices=BENCHMARKS)
    parser.add_argument('--quick', action='store_true', help='show that it works')
    parser.add_argument('--rounds', type=int, default=0)
    options = parser.parse_args()
    options.memory_mib = 256
    options.scratch_disk = arms.scratch_disk
    return options


def main():
    options = parse()
    for path in (options.kernel, options.vmlinux, options.first, options.job):
        pathlib.Path(path).read_bytes()  # into the page cache
    wanted = [name for name in BENCHMARKS
              if name not in options.without and name in (options.only or BENCHMARKS)]
    table = report.Table(options.json, options.add)
    for name in wanted:
        BENCHMARKS[name](options, table)
        table.write()


try:
    main()
except arms.Failure as failure:
    sys.exit(f'bench/linux: {failure}')
