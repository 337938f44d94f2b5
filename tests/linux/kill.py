#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The disk is whole after keg is killed amidst writes that the guest follows with fsync: what was
acknowledged is there, each time, and the file system is sound at the end."""

import os
import random
import re
import time

import machine

KILLS = 5 if machine.quick() else 20


def start(image, acked, **words):
    """A guest in which all records that were acknowledged are there."""
    guest = machine.Machine('--disk', image, job='kill', acked=acked, **words)
    found = guest.wait_for(r'^records: (\d+) of (\d+)\n')
    if int(found[1]) < acked:
        guest.fail(f'{acked} records were acknowledged, and {found[1]} are there')
    return guest


def acknowledged(guest):
    """Of all that the guest had said when it ended; the last line may be cut off."""
    return max(map(int, re.findall(r'^acked: (\d+)\n', guest.output, re.MULTILINE)))


def kill_once(image, acked):
    guest = start(image, acked)
    # Some records more, then any moment of the next: that is no waiting, but chance.
    guest.wait_for(rf'^acked: {acked + random.randint(5, 50)}\n')
    time.sleep(random.uniform(0, 0.02))
    guest.process.kill()
    guest.end()
    return acknowledged(guest)


def kill_and_look():
    began = time.monotonic()
    seed = int(os.environ.get('KEG_TEST_SEED', time.time_ns() % 2**32))
    random.seed(seed)
    machine.tell(f'KEG_TEST_SEED={seed}')
    image = machine.make_disk(machine.folder() / 'disk', 64)
    acked = 0
    for kill in range(KILLS):
        since = time.monotonic()
        acked = kill_once(image, acked)
        machine.tell(f'kill {kill + 1} of {KILLS}: {acked} records acknowledged so far', since)
    start(image, acked, do='check').expect_end(0)
    machine.check_disk(image)
    machine.tell(f'{acked} records are there, and the file system is sound'
                 + (' (quick: 5 kills, not 20)' if machine.quick() else ''), began)


def main():
    machine.need_linux_host()
    machine.attempt(kill_and_look)


main()
