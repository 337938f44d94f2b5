#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Linux guest's disk: what is written through ext4 is read back, by the guest and by the host;
and each word of --disk does what the manual says."""

import hashlib
import os
import time

import machine


# MiB of the cases that are about something else than the data.
SMALL = 4 if machine.quick() else 16


def disk_machine(path, words='', cpus=1, **variables):
    """A guest that uses the disk and powers off, as it should."""
    guest = machine.Machine('--cpus', cpus, '--disk', f'{path}{words}', job='disk', memory='512M',
                            **variables)
    guest.expect_end(0)
    machine.check('failed:' not in guest.output, 'something failed in the guest')
    return guest


def hash_of(path):
    with open(path, 'rb') as file:
        return hashlib.md5(file.read()).hexdigest()


def allocated(path):
    """How many MiB the file has on the host's disk."""
    return os.stat(path).st_blocks * 512 / 2**20


def write_and_read(folder, mib):
    """Written, read back from the disk itself, and found by the host in the image."""
    image = machine.make_disk(folder / f'disk-{mib}', mib * 5 // 4 + 64)
    guest = disk_machine(image, do='write', mib=mib)
    written = guest.value('written')
    machine.check(written == guest.value('read'), f'{mib} MiB differ')
    machine.check_disk(image)
    data = machine.run('debugfs', '-R', 'cat /file', image, errors=False)
    machine.check(hashlib.md5(data).hexdigest() == written, f'{mib} MiB: the host finds others')
    # What the guest made: see jobs/disk.
    block = data[len('part 1\n'):][:1 << 20]
    good = b''.join(b'part %d\n%s' % (part + 1, block) for part in range(mib))
    machine.check(data == good, f'{mib} MiB: they were not written as they were made')
    machine.tell(f'{mib} MiB written, read back, and found by the host: the same', guest.began)
    return image, written


def discard(image):
    """What the guest has no use for goes back to the host."""
    before = allocated(image)
    guest = disk_machine(image, do='discard')
    after = allocated(image)
    machine.check(after < before / 2, f'discard: {before:.0f} MiB before, {after:.0f} MiB after')
    machine.check_disk(image)
    machine.tell(f'discard: {before:.0f} MiB, then {after:.0f} MiB of the host\'s', guest.began)


def words(folder):
    """The image of each case has a file already, and the guest writes another."""
    image, _ = write_and_read(folder, SMALL)
    before = hash_of(image)
    guest = disk_machine(image, ',ro', do='refuse')
    machine.check(guest.value('write') == 'refused' and guest.value('ro') == '1',
                  'ro: the guest could write')
    machine.check(hash_of(image) == before, 'a disk with ",ro" is not what it was')
    machine.tell('ro: the guest cannot write', guest.began)

    guest = disk_machine(image, f',scratch={folder}', do='write', mib=SMALL)
    machine.check(guest.value('written') == guest.value('read'), 'scratch: what was read differs')
    machine.check(hash_of(image) == before, 'a disk with ",scratch" is not what it was')
    machine.tell('scratch: written and read back, and the image as it was', guest.began)

    guest = disk_machine(image, ',threads,queues=2', cpus=2, do='write', mib=SMALL)
    machine.check(guest.value('written') == guest.value('read'), 'threads: what was read differs')
    machine.check_disk(image)
    machine.tell('threads: written and read back', guest.began)
    direct(image)


def direct(image):
    """Past the page cache: where the file system has no O_DIRECT, on a loop device."""
    device = image
    try:
        os.close(os.open(image, os.O_RDWR | os.O_DIRECT))
    except OSError:
        device = machine.run('losetup', '--find', '--show', image).decode().strip()
    try:
        guest = disk_machine(device, ',direct', do='write', mib=SMALL)
    finally:
        if device != image:
            machine.run('losetup', '--detach', device)
    machine.check(guest.value('written') == guest.value('read'), 'direct: what was read differs')
    machine.check_disk(image)
    machine.tell(f'direct, on {device}: written and read back', guest.began)


def large(folder):
    """256 MiB, and the host has them back when the guest discards them."""
    image, _ = write_and_read(folder, 256)
    discard(image)


def main():
    machine.need_linux_host()
    start = time.monotonic()
    folder = machine.folder()
    machine.attempt(words, folder)
    machine.attempt(large, folder)
    machine.tell('all', start)


main()
