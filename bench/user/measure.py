#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures programs inside keg exec against the same outside: see --help, and tools/bench --user."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'linux'))
import report  # noqa: E402

OPENSSL = {
    'sha256': ('openssl sha256, 16 KiB', ['-evp', 'sha256', '-bytes', '16384']),
    'aes': ('openssl aes-256-gcm, 16 KiB', ['-evp', 'aes-256-gcm', '-bytes', '16384']),
    'rsa': ('openssl rsa2048, sign', ['rsa2048']),
}
PYTHON = '''
import json, re, sys
rounds = int(sys.argv[1])
for _ in range(rounds):
    total = 0
    for i in range(400000):
        total += i * i % 7
    words = {f'word{i}': [i, str(i), i / 3] for i in range(20000)}
    again = json.loads(json.dumps(words))
    assert sorted(again, key=lambda word: again[word][2])[0] == 'word0'
    assert len(re.findall('[0-9]+', ' '.join(words))) == 20000
'''
SQL = '''
PRAGMA journal_mode = WAL;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -400000;
DROP TABLE IF EXISTS item;
DROP TABLE IF EXISTS kind;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL, kind INTEGER);
CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
    INSERT INTO item SELECT i, 'item ' || (i * 7919 % 100003), i * 1.5, i % 50 FROM n;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49)
    INSERT INTO kind SELECT i, 'kind ' || i FROM n;
COMMIT;
CREATE INDEX by_name ON item (name);
SELECT kind.name, count(*), avg(price) FROM item JOIN kind ON item.kind = kind.id
    GROUP BY kind.id ORDER BY avg(price) DESC LIMIT 3;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name WHERE a.id < b.id;
UPDATE item SET price = price * 1.1 WHERE kind % 2;
SELECT sum(length(name)) FROM (SELECT name FROM item ORDER BY price * -1, name);
'''
CALLS = {
    'getpid': 'getpid',
    'read': 'pread, 4 KiB',
    'write': 'pwrite, 4 KiB',
    'open': 'open and close of a folder',
    'stat': 'stat',
    'map': 'mmap, 64 pages written to, munmap',
    'wake': 'futex wake, nobody waits',
    'ping': 'a byte through two pipes and back',
    'thread': 'a thread made and joined',
    'fork': 'fork, exit, wait',
    'exec': 'vfork, execve (static), exit, wait',
}


class Best(report.Row):
    """Of a figure that others' work can only lower, the best of each side says most."""

    def ratio(self):
        return max(self.keg) / max(self.peer)

    def as_json(self):
        return super().as_json() | {'compared': 'best'} if self.peer else super().as_json()


def inside(options, command, *more):
    return [options.keg, 'exec', '--ro', '/usr', '--ro', '/etc', '--rw', options.scratch, *more,
            '--', *command]


def output(command):
    command = list(map(str, command))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=600)
    if done.returncode:
        sys.exit(f'bench/user: {" ".join(command)} ended with {done.returncode}: {done.stderr}')
    return done.stdout


def in_turns(options, rounds, row, measure, command, *more):
    """Has the command measured inside and outside, the two in changing order."""
    for turn in range(rounds):
        seen = {}
        for side in ('keg', 'peer') if turn % 2 else ('peer', 'keg'):
            seen[side] = measure(inside(options, command, *more) if side == 'keg' else command)
        row.add(seen['keg'], seen['peer'])
    row.show()


def took_ms(command):
    began = time.monotonic()
    output(command)
    return (time.monotonic() - began) * 1e3


def processor_time(command):
    """What it prints, and of how many seconds the processor worked for it how many, keg's included:
    that, unlike the time, does not depend on what else the machine does."""
    before, began = os.times(), time.monotonic()
    said = output(command)
    after = os.times()
    return (said, time.monotonic() - began, after.children_user + after.children_system -
            before.children_user - before.children_system)


def a_minute(command):
    """How often the command could be run in a minute of the processor's."""
    return 60 / processor_time(command)[2]


def openssl_rate(command):
    """What `openssl speed -mr` says: bytes, or signatures, a second of the processor's."""
    said, seconds, worked = processor_time(command)
    for line in said.splitlines():
        words = line.split(':')
        if words[0] == '+F':
            return float(words[-1]) / 1e6 * seconds / worked
        if words[0] == '+F2':
            return float(words[3]) * seconds / worked
    sys.exit('bench/user: openssl speed says nothing')


def speed(options, table):
    """Work of several seconds, the same inside as outside."""
    rounds = options.rounds or (1 if options.quick else 5)
    best = lambda what, unit, floor=('>=', 0.97): table.add(
        Best('speed', what, unit, 'outside', floor, 1))
    for what, words in OPENSSL.values():
        row = best(what, '1/s' if 'rsa' in what else 'MB/s')
        in_turns(options, rounds, row, openssl_rate,
                 ['/usr/bin/openssl', 'speed', '-mr', '-elapsed', '-seconds',
                  '1' if options.quick else '3', *words])
    in_turns(options, rounds, best('xz, 8 MiB of text', '1/min'), a_minute,
             ['/usr/bin/xz', '-kfT1', text(options, 1 if options.quick else 8)])
    for what, name, floor in (('in memory', ':memory:', ('>=', 0.97)),
                              ('in a file', options.scratch / 'work.db', None)):
        in_turns(options, rounds, best(f'sqlite3, {what}', '1/min', floor), a_minute,
                 ['/usr/bin/sqlite3', '-batch', name, f'.read {sql(options)}'])
    in_turns(options, rounds, best('python3: loops, dicts, json, re', '1/min'), a_minute,
             ['/usr/bin/python3', '-c', PYTHON, '1' if options.quick else '45'])


def text(options, mib):
    """A file of text: Python's own library."""
    path, wanted = options.scratch / 'text', mib << 20
    sources = sorted(pathlib.Path(os.__file__).parent.glob('**/*.py'))
    with path.open('wb') as file:
        for source in sources:
            file.write(source.read_bytes())
            if file.tell() >= wanted:
                break
        file.truncate(wanted)
    return path


def sql(options):
    """Statements for a database, which is new each time. To a file, and its log, each page is written
    by a system call: it shows what those cost."""
    path = options.scratch / 'work.sql'
    path.write_text(SQL.format(rows=20000 if options.quick else 1200000))
    return path


def start(options, table):
    """From posix_spawn() to the end of a program that does nothing."""
    rounds = options.rounds or (5 if options.quick else 300)
    programs = {'a static program that does nothing': (options.true, ('<=', 3)),
                '/bin/true, dynamic': ('/usr/bin/true', None)}
    for what, (program, floor) in programs.items():
        row = table.row('start', f'start and end of {what}', 'ms', against='outside', floor=floor,
                        digits=3)
        for line in output([options.spawn, rounds, options.keg, 'exec', '--', program, '---',
                            program]).splitlines():
            row.add(*(int(word) / 1e6 for word in line.split()))
        row.show()


def calls(options, table):
    """Common system calls, by a program that times its own."""
    rows = {name: table.row('calls', what, 'us', against='outside', digits=2)
            for name, what in CALLS.items()}
    command = [options.calls, '40' if options.quick else '2000', options.calls]
    for turn in range(options.rounds or (1 if options.quick else 5)):
        seen = {}
        for side in ('keg', 'peer') if turn % 2 else ('peer', 'keg'):
            said = output(inside(options, command) if side == 'keg' else command)
            seen[side] = dict(line.split() for line in said.splitlines())
        for name, row in rows.items():
            row.add(float(seen['keg'][name]) / 1e3, float(seen['peer'][name]) / 1e3)
    for row in rows.values():
        row.show()


def shell(options, table):
    """Processes, files and pages, as scripts and interpreters have them."""
    rounds = options.rounds or (1 if options.quick else 7)
    jobs = {
        'sh: 100 times /usr/bin/true': ['/bin/sh', '-c', 'i=0; while [ $i -lt 100 ]; do /usr/bin/true; '
                                                     'i=$((i+1)); done'],
        'sh: 20 pipes of three': ['/bin/sh', '-c', 'i=0; while [ $i -lt 20 ]; do echo $i | cat | '
                                                   'cat >/dev/null; i=$((i+1)); done'],
        'python3 -c pass': ['/usr/bin/python3', '-c', 'pass'],
        'find over /usr/lib/python3': ['/usr/bin/find', '/usr/lib/python3', '-type', 'f', '-newer',
                                       '/usr/bin/python3'],
    }
    for what, command in jobs.items():
        row = table.row('shell', what, 'ms', against='outside')
        in_turns(options, rounds, row, took_ms, command)


BENCHMARKS = {'start': start, 'calls': calls, 'shell': shell, 'speed': speed}


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, about in (('keg', 'the program'), ('true', 'user-true'), ('calls', 'user-calls'),
                        ('spawn', 'user-spawn')):
        parser.add_argument(f'--{name}', required=True, type=pathlib.Path, help=about)
    parser.add_argument('--json', type=pathlib.Path, required=True, help='the figures')
    parser.add_argument('--only', action='append', choices=BENCHMARKS)
    parser.add_argument('--quick', action='store_true', help='show that it works')
    parser.add_argument('--rounds', type=int, default=0)
    return parser.parse_args()


def main():
    options = parse()
    for name in ('keg', 'true', 'calls', 'spawn'):
        setattr(options, name, getattr(options, name).resolve())
    table = report.Table(options.json, False)
    # In memory on both sides: what a disk does is not to be measured.
    with tempfile.TemporaryDirectory(prefix='keg-bench-', dir='/dev/shm') as scratch:
        options.scratch = pathlib.Path(scratch)
        for name in BENCHMARKS:
            if name in (options.only or BENCHMARKS):
                BENCHMARKS[name](options, table)
                table.write()


main()
