#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Linux guest's ends, each with the exit status that the manual gives it."""

import signal

import machine

POWER_OFF, RESET, HALTED, PANIC, TIMEOUT = 0, 6, 8, 16, 124


def by_itself(word, status):
    guest = machine.Machine(job='report', do=word)
    guest.expect_end(status)
    machine.tell(f'{word}: status {status}', guest.began)


def time_is_over():
    guest = machine.Machine('--timeout', 2, job='report', do='wait')
    guest.expect_end(TIMEOUT)
    machine.check(guest.seconds() >= 2, f'it ended after {guest.seconds():.1f} s')
    machine.tell(f'--timeout: status {TIMEOUT}', guest.began)


def power_button():
    """SIGTERM presses it; a guest that listens powers off, as that of boot.py does by itself."""
    guest = machine.Machine(job='report', do='press')
    guest.wait_for('^listening')
    guest.signal(signal.SIGTERM)
    guest.wait_for('^pressed')
    guest.expect_end(POWER_OFF)
    machine.tell(f'SIGTERM, and a guest that listens: status {POWER_OFF}', guest.began)


def terminated_twice():
    """A guest that does not care goes on, until the second signal ends it."""
    guest = machine.Machine(job='report', do='ignore')
    guest.wait_for('^listening')
    guest.signal(signal.SIGTERM)
    guest.wait_for('^pressed')
    guest.signal(signal.SIGTERM)
    guest.expect_end(-signal.SIGTERM)
    machine.tell('SIGTERM twice: ended by SIGTERM', guest.began)


def grace_is_over():
    guest = machine.Machine('--grace', '0.5', job='report', do='wait')
    guest.wait_for('^waiting')
    guest.signal(signal.SIGTERM)
    guest.expect_end(-signal.SIGTERM)
    machine.tell('SIGTERM, and the time of --grace over: ended by SIGTERM', guest.began)


def main():
    machine.need_linux_host()
    for word, status in (('reboot', RESET), ('halt', HALTED), ('panic', PANIC)):
        machine.attempt(by_itself, word, status)
    machine.attempt(time_is_over)
    machine.attempt(power_button)
    machine.attempt(terminated_twice)
    machine.attempt(grace_is_over)


main()
