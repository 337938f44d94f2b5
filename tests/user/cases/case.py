# SPDX-License-Identifier: MIT
"""What a case of programs.py is."""

import dataclasses


@dataclasses.dataclass
class Case:
    """A program run twice, outside and in a sandbox, in equal folders. All fields but the first
    two are optional."""
    name: str
    argv: list                # @HERE@ in a word is the case's folder
    package: str = ''         # Debian's, that it is about: its version is in the table
    about: str = ''           # what was run, for the table
    needs: tuple = ()         # programs or files that must be there, beside argv[0]
    files: dict = dataclasses.field(default_factory=dict)   # name: text or bytes
    make: str = ''            # a shell script, run outside in the folder to set it up
    input: bytes = b''
    env: dict = dataclasses.field(default_factory=dict)
    options: tuple = ()       # more for keg exec
    alike: tuple = ()         # (pattern, replacement) for what differs from run to run anyhow
    unlike: tuple = ()        # files whose content differs from run to run anyhow
    uncompared: tuple = ()    # of 'output', 'errors': what says other things each time
    limit: int = 60           # seconds, outside and in the sandbox
    long: bool = False        # only with --full
    status: int = 0           # what it ends with outside; negative: a signal
    gap: str = ''             # why it is known to differ as yet
    otherwise: str = ''       # why it differs as it should: a sandbox is not the host


def shell(name, script, package='dash', shell='/bin/sh', **more):
    """A case that is a shell's script."""
    return Case(name, [shell, '-c', script], package, **more)
