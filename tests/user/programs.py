#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs real programs outside and in keg exec, in equal folders, and compares what they print, how
they end, and which files they leave."""

import argparse
import fnmatch
import importlib
import os
import pathlib
import signal
import sys
import traceback

import running
import table

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77


def groups():
    names = sorted(path.stem for path in (HERE / 'cases').glob('*.py'))
    return [name for name in names if name not in ('case', '__init__')]


def cases_of(group):
    return importlib.import_module(f'cases.{group}').CASES


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('groups', nargs='*', metavar='GROUP',
                        help=f'only these: {" ".join(groups())}')
    parser.add_argument('--case', metavar='PATTERN', action='append', help='only these cases')
    parser.add_argument('--full', action='store_true', default='KEG_TEST_FULL' in os.environ,
                        help='the long ones also (or set KEG_TEST_FULL)')
    parser.add_argument('--outside', action='store_true', help='only outside, twice')
    parser.add_argument('--show', action='store_true', help='show what they print')
    parser.add_argument('--list', action='store_true', help='only name the cases')
    parser.add_argument('--table', metavar='FILE', help='write the table to FILE')
    parser.add_argument('--program', metavar='KEG', help='the keg to use ($KEG_PROGRAM)',
                        default=os.environ.get('KEG_PROGRAM', HERE.parents[1] / 'build/keg'))
    given = parser.parse_args()
    for group in given.groups:
        if group not in groups():
            parser.error(f'no group {group}')
    return given


def chosen(given):
    """Yields (group, case)."""
    for group in given.groups or groups():
        for case in cases_of(group):
            if given.case and not any(fnmatch.fnmatch(case.name, one) for one in given.case):
                continue
            if not case.long or given.full or given.case:
                yield group, case


def tell(result, case):
    """A line of how it went; what is skipped is told so that tools/run-tests finds it."""
    times = f'{result.outside:.2f} s outside, {result.inside:.2f} s inside'
    if result.word == 'skip':
        print(f'SKIP: {result.why}\n[  SKIPPED ] {case.name}')
    elif result.word == 'ok':
        print(f'ok {case.name}: {times}')
    else:
        print(f'{result.word} {case.name}: {result.why} ({times})')
        for line in result.log:
            print(f'    {line}')
    sys.stdout.flush()


def run_all(given):
    results = []
    with running.Place() as place:
        runner = running.Runner(given.program, place, outside_only=given.outside, show=given.show)
        for group, case in chosen(given):
            try:
                result = runner.run(case)
            except Exception:  # pylint: disable=broad-except
                result = running.Result('not ok', 'the test failed',
                                        traceback.format_exc().splitlines())
            tell(result, case)
            results.append((group, case, result))
    return results


def main():
    given = arguments()
    if given.list:
        for group, case in chosen(given):
            print(f'{group}/{case.name}')
        return 0
    why = running.cannot(given.program)
    if why and not given.outside:
        print(f'SKIP: {why}')
        return SKIPPED
    # nohup(1) and shells' background jobs ignore some, and so would the programs.
    for signo in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(signo, signal.SIG_DFL)
    results = run_all(given)
    if given.table:
        pathlib.Path(given.table).write_text(table.text(results))
    words = [result.word for _, _, result in results]
    print(', '.join(f'{words.count(word)} {word}' for word in running.WORDS if word in words))
    if 'not ok' in words or not words:
        return 1
    return SKIPPED if set(words) == {'skip'} else 0


sys.exit(main())
