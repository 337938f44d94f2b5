#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Linux guest's network, user-mode and tap: TCP both ways compared by hash, datagrams, fifty
connections at once, and connections that the host makes to the guest."""

import concurrent.futures
import fcntl
import hashlib
import os
import socket
import struct
import sys
import threading
import time

import machine

MIB = 8 if machine.quick() else 32
MANY = 50
# boot.py has those with several, which an emulated host is slow with.
CPUS = 1 if machine.quick() else 2
TAP, HOST, GUEST = 'keg0', '10.9.0.1', '10.9.0.2'
# <linux/sockios.h>
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891c
IFF_UP = 1


def in_a_network_of_its_own():
    """Begins again in a network namespace, so that this host's interfaces stay as they are."""
    if 'KEG_TEST_NETWORK' in os.environ:
        return
    unshare = ['unshare', '--net'] + (['--map-root-user'] if os.geteuid() else [])
    os.environ['KEG_TEST_NETWORK'] = 'its own'
    os.execvp('unshare', [*unshare, sys.executable, *sys.argv])


def set_up(name, address=None):
    """Gives an interface of the host's its address, and switches it on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        def ask(request, value):
            return fcntl.ioctl(control, request, struct.pack('16s24s', name.encode(), value))

        def inet(value):
            return struct.pack('HH4s', socket.AF_INET, 0, socket.inet_aton(value))

        if address:
            ask(SIOCSIFADDR, inet(address))
            ask(SIOCSIFNETMASK, inet('255.255.255.0'))
        flags = struct.unpack('16xH', ask(SIOCGIFFLAGS, b'')[:18])[0]
        ask(SIOCSIFFLAGS, struct.pack('H', flags | IFF_UP))


def receive_all(connection):
    """Yields what comes until the other side has sent all."""
    while data := connection.recv(1 << 18):
        yield data


class Server:
    """The host's side: a stream first, then connections and datagrams that it echoes."""

    def __init__(self):
        self.tcp = socket.create_server(('0.0.0.0', 0), backlog=2 * MANY)
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(('0.0.0.0', self.port))
        self.data = os.urandom(MIB << 20)
        self.received = ''
        # Until all are there, none gets an answer.
        self.all_there = threading.Barrier(MANY)
        for serve in (self.serve_tcp, self.serve_udp):
            threading.Thread(target=serve, daemon=True).start()

    def serve_tcp(self):
        self.stream(self.tcp.accept()[0])
        while True:
            connection, _ = self.tcp.accept()
            threading.Thread(target=self.echo, args=[connection], daemon=True).start()

    def stream(self, connection):
        with connection:
            digest = hashlib.md5()
            for data in receive_all(connection):
                digest.update(data)
            self.received = digest.hexdigest()
            connection.sendall(self.data)

    def echo(self, connection):
        with connection:
            data = b''.join(receive_all(connection))
            self.all_there.wait()
            connection.sendall(data)

    def serve_udp(self):
        while True:
            data, sender = self.udp.recvfrom(65536)
            self.udp.sendto(data, sender)


def send_and_compare(address, data):
    """Sends to the guest, which echoes at once: both ways at a time."""
    with socket.create_connection(address, machine.LIMIT) as connection:
        def send():
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        same = hashlib.md5(b''.join(receive_all(connection))).digest() == \
            hashlib.md5(data).digest()
        sender.join()
        return same


def exchange_datagram(address, data):
    """A datagram to the guest, and its echo."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(machine.LIMIT)
        client.connect(address)
        client.send(data)
        return client.recv(65536) == data


def from_host(kind, guest, address):
    guest.wait_for('^serving')
    since = time.monotonic()
    machine.check(send_and_compare(address, os.urandom(MIB << 20)), f'{kind}: the echo differs')
    machine.tell(f'{kind}: the host connects, {MIB} MiB and their echo the same', since)
    since = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        same = pool.map(lambda _: send_and_compare(address, os.urandom(1 << 16)), range(MANY))
        machine.check(all(same), f'{kind}: of {MANY} connections, some echoes differ')
    machine.tell(f'{kind}: {MANY} connections of the host', since)
    machine.check(exchange_datagram(address, b'datagram'), f'{kind}: another datagram')
    machine.check(exchange_datagram(address, b'end'), f'{kind}: another datagram')


def from_guest(kind, guest, server):
    since = time.monotonic()
    received = guest.value('received')
    machine.check(guest.value('sent') == server.received,
                  f'{kind}: the guest sent {guest.value("sent")}, received was {server.received}')
    machine.check(received == hashlib.md5(server.data).hexdigest(),
                  f'{kind}: what the guest received differs')
    machine.tell(f'{kind}: the guest connects, {MIB} MiB each way the same', since)
    since = time.monotonic()
    guest.wait_for('^udp: 200 echoed.*\n')
    machine.tell(f'{kind}: udp: {guest.value("udp")}', since)
    since = time.monotonic()
    guest.wait_for(f'^many: {MANY} at once')
    machine.tell(f'{kind}: {MANY} connections of the guest at once', since)


def try_net(kind, option, words, address):
    server = Server()
    guest = machine.Machine('--cpus', CPUS, '--net', option, job='net', port=server.port, mib=MIB,
                            **words)
    machine.check(guest.value('address') != '', f'{kind}: the guest has no address')
    if kind == 'tap':
        set_up(TAP, HOST)
    guest.send('\n')
    from_guest(kind, guest, server)
    from_host(kind, guest, address)
    guest.wait_for('^served')
    guest.expect_end(0)
    machine.tell(f'{kind}: all', guest.began)


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


def main():
    machine.need_linux_host()
    in_a_network_of_its_own()
    set_up('lo')
    port = free_port()
    machine.attempt(try_net, 'user', f'user,forward={port}:7,forward=udp:{port}:7',
                    {'address': 'dhcp', 'host': '10.0.2.2'}, ('127.0.0.1', port))
    machine.attempt(try_net, 'tap', f'tap={TAP},queues=2',
                    {'address': f'{GUEST}/24', 'host': HOST}, (GUEST, 7))


main()
