# SPDX-License-Identifier: MIT
"""A tap interface with an address, and the listener behind it."""

import contextlib
import subprocess

NAME, HOST, GUEST, PORT = 'kegbench0', '10.77.0.1', '10.77.0.2', 5001


def ip(*words):
    subprocess.run(['ip', *words], check=True)


@contextlib.contextmanager
def listening(program):
    """The interface, and the program that serves at its address."""
    ip('tuntap', 'add', 'dev', NAME, 'mode', 'tap', 'vnet_hdr')
    try:
        ip('addr', 'add', f'{HOST}/24', 'dev', NAME)
        ip('link', 'set', NAME, 'up')
        with subprocess.Popen([program, 'listen', str(PORT)], stdout=subprocess.PIPE) as listener:
            listener.stdout.readline()
            try:
                yield
            finally:
                listener.kill()
    finally:
        ip('link', 'delete', NAME)
