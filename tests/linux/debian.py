#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian on a virtio disk: systemd brings it up to a login on the serial port, without anything
that failed; the power button takes it down."""

import signal

import machine


def live_and_die():
    disk = machine.artefact('disk', 'debian')
    guest = machine.Machine('--disk', f'{disk},scratch', '--net', 'user',
                            '--cpus', 1 if machine.quick() else 2, memory='512M',
                            limit=2 * machine.LIMIT, root='/dev/vda')
    guest.wait_for('login: ')
    machine.tell('Debian asks who logs in', guest.began)
    guest.send('root\n')
    guest.wait_for('root@debian:~# ')
    guest.send('systemctl is-system-running --wait; echo "status $?"; systemctl --failed\n')
    if guest.wait_for(r'^status (\d+)\n')[1] != '0':
        guest.wait_for(r'loaded units listed')
        guest.fail('a part of the system failed')
    machine.tell('all of the system runs', guest.began)
    guest.signal(signal.SIGTERM)
    guest.expect_end(0)
    machine.tell('SIGTERM presses the power button, and it is off', guest.began)


def main():
    machine.need_linux_host()
    machine.attempt(live_and_die)


main()
