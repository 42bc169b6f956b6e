"""How many instructions the hottest operations take, counted by callgrind: `python -m benchmarks.instructions`.

Where seconds are noisy, these are not: the same code takes the same count within a few tenths of a per cent. Without
an option the counts are recorded in `instructions.json`; `--compare` holds those of now against them. The counts belong
to a Python and a compiler, which are recorded too. logger.info is counted whole, the logger's own part included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import failures, native
from benchmarks.runner import environment

RECORD = Path(__file__).with_name("instructions.json")
# The two counts of each operation; more of what takes little.
COUNTS = {
    "breadcrumb": (200, 2200),
    "logging-info": (200, 1200),
    "scope": (200, 1200),
    "message": (100, 600),
    "exception-20": (10, 60),
}
_TOLERANCE_PERCENT = 5.0
_RUN_S = 300


class CannotCount(Exception):
    """The text says why."""


def main(arguments: list[str] | None = None) -> int:
    """Record or compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--compare", action="store_true", help="compare with the record, and fail if more are taken")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=_TOLERANCE_PERCENT,
        metavar="PERCENT",
        help=f"how many more may be taken; {_TOLERANCE_PERCENT:g}",
    )
    given = parser.parse_args(arguments)
    try:
        counted = count_all()
    except CannotCount as error:
        print(f"instructions cannot be counted: {error}", file=sys.stderr)
        return 2
    if given.compare:
        recorded = json.loads(RECORD.read_text("utf-8"))
        lines, is_within = compare(recorded, counted, given.tolerance)
        print("\n".join(lines))
        return 0 if is_within else 1
    RECORD.write_text(json.dumps(counted, indent=1) + "\n", "utf-8")
    print("\n".join(f"{name:16} {count:>12,}" for name, count in counted["instructions"].items()))
    return 0


def count_all() -> dict[str, Any]:
    """The instructions of one execution of each operation, and what they were counted with.

    Raises:
        CannotCount: valgrind is not installed, or a process failed.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise CannotCount("valgrind is not installed")
    with TemporaryDirectory(prefix="instructions-") as folder:
        failures.write(Path(folder))
        counted = {}
        for name, (few, many) in COUNTS.items():
            print(f"counting {name}", file=sys.stderr, flush=True)
            # Once outside of valgrind, so that everything is compiled.
            _run([], name, few, many, folder)
            tool = [valgrind, "--tool=callgrind", f"--callgrind-out-file={os.devnull}"]
            totals = [_collected(_run(tool, name, count, many, folder)) for count in (few, many)]
            counted[name] = round((totals[1] - totals[0]) / (many - few))
    return {"python": platform.python_version(), "compiler": _compiler(), "instructions": counted}


def compare(recorded: dict[str, Any], counted: dict[str, Any], tolerance: float) -> tuple[list[str], bool]:
    """What has changed since the record, in words, and whether nothing takes too many more.

    Args:
        tolerance: in per cent.
    """
    lines = [
        f"{what}: recorded with {recorded[what]}, counted with {counted[what]}"
        for what in ("python", "compiler")
        if recorded[what] != counted[what]
    ]
    is_within = True
    for name, now in counted["instructions"].items():
        before = recorded["instructions"].get(name)
        if before is None:
            lines.append(f"{name:16} {now:>12,}  not recorded")
            continue
        percent = (now - before) / before * 100
        too_many = percent > tolerance
        is_within = is_within and not too_many
        words = f"{name:16} {before:>12,} -> {now:>12,}  {percent:+.1f} %"
        lines.append(f"{words}  MORE THAN {tolerance:g} %" if too_many else words)
    return lines, is_within


def _run(tool: list[str], name: str, count: int, most: int, folder: str) -> str:
    command = [*tool, sys.executable, "-m", "benchmarks.counted", name, str(count), str(most), folder]
    # The same seed, or dicts would be laid out in another way each time.
    variables = {**environment("tocsin", Path(folder)), "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=_RUN_S
        )
    except subprocess.TimeoutExpired as error:
        raise CannotCount(f"{name} was not done after {_RUN_S} s") from error
    if done.returncode:
        raise CannotCount(f"{name} failed: {done.stderr.strip()[-500:]}")
    return done.stderr


def _collected(output: str) -> int:
    found = re.search(r"Collected : (\d+)", output)
    if found is None:
        raise CannotCount(f"callgrind did not say how many it has collected: {output[-500:]}")
    return int(found[1])


def _compiler() -> str:
    """The compiler that is found here, which has presumably built the core too, and the interpreter's own."""
    try:
        done = subprocess.run(
            [*native.compiler(), "--version"], capture_output=True, text=True, check=False, timeout=_RUN_S
        )
        here = (done.stdout.splitlines() or ["unknown"])[0]
    except OSError:
        here = "none"
    return f"{here}; Python by {platform.python_compiler()}"


if __name__ == "__main__":
    sys.exit(main())
