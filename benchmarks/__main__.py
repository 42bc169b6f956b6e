"""The command line.

Run it from the repository's top folder, on a machine that does nothing else:

    pip install '.[bench]'
    python -m benchmarks

One process measures one workload with one SDK; a round runs them all, the SDKs next to each other. A timing counts
only if the event that is sent is right. Numbers are microseconds of the caller's thread unless they say otherwise.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks import chart, claims, failures, machine, native, report
from benchmarks.adapters import ADAPTERS, adapter_class
from benchmarks.results import OURS, PEER, Results
from benchmarks.runner import Runner
from benchmarks.timing import QUICK, Effort
from benchmarks.workloads import all_workloads

_ROUNDS, _QUICK_ROUNDS = 5, 2
_QUICK_SDKS = [OURS, "tocsin-pure", PEER]


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; return the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    known = all_workloads()
    names = {one.name for one in known}
    unknown = [name for name in given.only or [] if name not in names]
    if unknown:
        parser.error(f"there is no workload {', '.join(unknown)}; --list tells which there are")
    if given.list:
        print("\n".join(f"{one.name:20} {'; '.join(row.title for row in one.rows)}" for one in known))
        return 0
    if given.read:
        return _told(Results.from_dict(json.loads(Path(given.read).read_text("utf-8"))), given)
    command = shlex.join(["python", "-m", "benchmarks", *(sys.argv[1:] if arguments is None else arguments)])
    workloads = [one for one in known if (one.name in given.only if given.only else not (given.quick and one.is_long))]
    results = _prepared(given, command)
    effort = QUICK if given.quick else Effort()
    rounds = given.rounds or (_QUICK_ROUNDS if given.quick else _ROUNDS)
    with TemporaryDirectory(prefix="benchmarks-") as folder:
        try:
            native.compile_sink(Path(folder))
            native.compile_nothing(Path(folder))
        except native.CannotCompile as error:
            print(f"what needs a compiled server or floor is not measured: {error}", file=sys.stderr)
        failures.write(Path(folder))
        Runner(Path(folder), Path(folder), effort, _Progress()).run(results, workloads, rounds)
    if given.json:
        Path(given.json).write_text(json.dumps(results.as_dict(), indent=1) + "\n", "utf-8")
    return _told(results, given)


def _told(results: Results, given: argparse.Namespace) -> int:
    """Show the results in every way that is asked for; return the exit status."""
    print(report.text(results))
    if given.chart:
        try:
            chart.draw(results, given.chart)
        except ImportError as error:
            print(f"there is no chart: {error}", file=sys.stderr)
    if not given.claims:
        return 0
    verdicts = claims.verdicts(results)
    print()
    print(claims.text(verdicts))
    return 0 if verdicts and all(reached for reached, _ in verdicts) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute: fewer rounds, shorter loops, three SDKs")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this workload; may be repeated")
    parser.add_argument("--sdk", action="append", choices=list(ADAPTERS), help="only this SDK; may be repeated")
    parser.add_argument(
        "--rounds", type=int, metavar="N", help=f"how many rounds; {_ROUNDS}, or {_QUICK_ROUNDS} if quick"
    )
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured to this file")
    parser.add_argument("--chart", metavar="FILE", help="draw a chart into this file, .svg or .png")
    parser.add_argument(
        "--claims", action="store_true", help="check what claims.py promises; 1 if a row is not reached"
    )
    parser.add_argument("--read", metavar="FILE", help="measure nothing, show what --json has written")
    parser.add_argument("--list", action="store_true", help="list the workloads")
    return parser


def _prepared(given: argparse.Namespace, command: str) -> Results:
    """Empty results, with the SDKs that can be measured here."""
    wanted = given.sdk or (_QUICK_SDKS if given.quick else list(ADAPTERS))
    versions = {sdk: adapter_class(sdk).version() for sdk in ADAPTERS if sdk in wanted}
    found = {sdk: version for sdk, version in versions.items() if version is not None}
    results = Results(machine.describe(command, found), sdks=list(found))
    results.notes = {sdk: adapter_class(sdk).notes for sdk in found if adapter_class(sdk).notes}
    for sdk in versions.keys() - found.keys():
        results.skipped[sdk] = "it is not installed"
    return results


class _Progress:
    """One line on stderr that says how far it is: rewritten in a terminal, else once in a while."""

    _INTERVAL_S = 30.0

    def __init__(self) -> None:
        self._began = self._told = monotonic()

    def __call__(self, done: int, total: int, what: str) -> None:
        now = monotonic()
        left = f", about {(now - self._began) / done * (total - done):.0f} s left" if done else ""
        line = f"{done} of {total}{left}: {what}" if what else f"{total} processes in {now - self._began:.0f} s"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line[:150]}", end="" if what else "\n", file=sys.stderr, flush=True)
        elif not what or now - self._told > self._INTERVAL_S:
            self._told = now
            print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
