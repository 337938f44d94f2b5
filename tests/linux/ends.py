#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Linux guest's ends, each with the exit status that the manual gives it."""

import signal

import machine

POWER_OFF, RESET, HALTED, PANIC, TIMEOUT = 0, 6, 8, 16, 124


def main():
    machine.need_linux_host()
    for word, status in (('power-off', POWER_OFF), ('reboot', RESET), ('halt', HALTED),
                         ('panic', PANIC)):
        guest = machine.Machine(job='report', append=f'do={word}')
        guest.expect_end(status)
        machine.tell(f'{word}: status {status}')

    guest = machine.Machine('--timeout', 8, job='report', append='do=wait')
    guest.expect_end(TIMEOUT)
    machine.tell('--timeout: status 124')

    # A guest without a daemon for its power button: the second signal ends it.
    guest = machine.Machine(job='report', append='do=wait')
    guest.wait_for('^waiting')
    guest.signal(signal.SIGTERM)
    guest.signal(signal.SIGTERM)
    guest.expect_end(-signal.SIGTERM)
    machine.tell('SIGTERM twice: ended by SIGTERM')

    guest = machine.Machine('--grace', '0.5', job='report', append='do=wait')
    guest.wait_for('^waiting')
    guest.signal(signal.SIGTERM)
    guest.expect_end(-signal.SIGTERM)
    machine.tell('SIGTERM, and the time of --grace over: ended by SIGTERM')


main()
