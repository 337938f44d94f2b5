# SPDX-License-Identifier: MIT
"""Rows of figures: a table as keg-bench prints it, and the same as JSON."""

import json
import os
import platform
import statistics

LAYOUT = '%-43s %-18s %5s %10s %10s %7s %8s %s'


def progress(text):
    print(f'  {text}', flush=True)


def summary(values):
    ordered = sorted(values)
    pick = lambda share: ordered[min(int(share * len(ordered)), len(ordered) - 1)]
    return {'count': len(ordered), 'min': ordered[0], 'p25': pick(0.25),
            'median': statistics.median(ordered), 'p75': pick(0.75), 'max': ordered[-1]}


class Row:
    """keg's figures, its peer's of the same rounds, and what is asked of them: ('<=' or '>=',
    limit), of the ratio unless a third says otherwise."""

    def __init__(self, benchmark, what, unit, against, floor, digits):
        self.benchmark, self.what, self.unit = benchmark, what, unit
        self.against, self.floor, self.digits = against, floor, digits
        self.keg, self.peer = [], []

    def add(self, keg, peer):
        self.keg.append(keg)
        self.peer.append(peer)

    def ratio(self):
        """Of keg's to its peer's: the median of what each round gave."""
        return statistics.median(keg / peer for keg, peer in zip(self.keg, self.peer))

    def met(self):
        sign, limit, *of_figure = self.floor
        value = statistics.median(self.keg) if of_figure else self.ratio()
        return value <= limit if sign == '<=' else value >= limit

    def show(self):
        figure = lambda values: '%.*f' % (self.digits, statistics.median(values)) if values else ''
        print(LAYOUT % (
            self.what, self.against or '', self.unit, figure(self.keg), figure(self.peer),
            f'{self.ratio():.3f}' if self.peer else '',
            f'{self.floor[0]} {self.floor[1]}' if self.floor else '',
            ('met' if self.met() else 'NOT MET') if self.floor else ''), flush=True)

    def as_json(self):
        row = {'benchmark': self.benchmark, 'what': self.what, 'unit': self.unit,
               'keg': summary(self.keg)}
        if self.peer:
            row.update({'against': self.against, 'peer': summary(self.peer), 'compared': 'median',
                        'ratio': self.ratio(), 'ratio_is': 'keg / peer'})
        if self.floor:
            row['floor'] = {'is': 'at most' if self.floor[0] == '<=' else 'at least',
                            'figure' if self.floor[2:] else 'ratio': self.floor[1],
                            'met': self.met()}
        return row


class Table:
    """All rows; those that a file has already may stay there."""

    def __init__(self, path, add):
        self.path, self.rows, self.before = path, [], []
        if add and path.exists():
            self.before = json.loads(path.read_text())['results']
        load = os.getloadavg()[0]
        self.host = {'kernel': platform.release(), 'architecture': platform.machine(),
                     'cpus': os.cpu_count(), 'load': load, 'lab': 'KEG_LAB' in os.environ}
        print(LAYOUT % ('what', 'against', 'unit', 'keg', 'against', 'ratio', 'asked', ''), flush=True)

    def row(self, benchmark, what, unit, against=None, floor=None, digits=1):
        return self.add(Row(benchmark, what, unit, against, floor, digits))

    def add(self, row):
        self.rows.append(row)
        return row

    def write(self):
        results = self.before + [row.as_json() for row in self.rows if row.keg]
        self.path.write_text(json.dumps({'host': self.host, 'results': results}, indent=2) + '\n')
