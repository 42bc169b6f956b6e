"""Runs the plan: one process for each workload, SDK and round, the SDKs of one workload next to each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.adapters import adapter_class
from benchmarks.bench import Workload
from benchmarks.results import FLOOR, Cell, Results
from benchmarks.timing import Effort

_CHILD_S = 300
_ROOT = Path(__file__).resolve().parent.parent
# Settings of the SDKs and of the interpreter that somebody's shell may hold, and that would change what is measured.
_FOREIGN = (
    "SENTRY_",
    "ROLLBAR_",
    "BUGSNAG_",
    "ELASTIC_",
    "HONEYBADGER_",
    "TOCSIN_",
    "PYTHON",
    "http_proxy",
    "HTTP_PROXY",
)


class Runner:
    """Starts the processes and collects what they found.

    Args:
        folder: of the failing modules, which is also where the processes run.
        native: of the compiled programs.
        tell: called with the number of processes done and to do, and what is next.
    """

    def __init__(self, folder: Path, native: Path, effort: Effort, tell: Callable[[int, int, str], None]) -> None:
        self._folder = folder
        self._native = native
        self._effort = effort
        self._tell = tell

    def run(self, results: Results, workloads: list[Workload], rounds: int) -> None:
        """Fill the results, round by round."""
        for workload in workloads:
            for row in workload.rows:
                results.add_row(row)
        turns = [
            (number, workload, sdk)
            for number in range(rounds)
            for workload in workloads
            for sdk in [*results.sdks, FLOOR]
            if (workload.floor if sdk == FLOOR else workload.measure) is not None
        ]
        for done, (number, workload, sdk) in enumerate(turns):
            cells = [results.cell(row.name, sdk) for row in workload.rows]
            self._tell(done, len(turns), f"round {number + 1} of {rounds}, {workload.name}, {sdk}")
            if any(cell.absent for cell in cells):
                continue
            found = self.measure(workload.name, sdk)
            for row, cell in zip(workload.rows, cells, strict=True):
                if sdk != FLOOR or row.floor:
                    _note(cell, row.name, found)
        self._tell(len(turns), len(turns), "")

    def measure(self, workload: str, sdk: str) -> dict[str, Any]:
        """What one process says."""
        job = {
            "sdk": sdk,
            "workload": workload,
            "effort": asdict(self._effort),
            "folder": str(self._folder),
            "native": str(self._native),
        }
        command = [sys.executable, "-m", "benchmarks.child", json.dumps(job)]
        try:
            done = subprocess.run(
                command,
                cwd=self._folder,
                env=environment(sdk, self._folder),
                capture_output=True,
                text=True,
                check=False,
                timeout=_CHILD_S,
            )
        except subprocess.TimeoutExpired:
            return {"void": f"not done after {_CHILD_S} s"}
        try:
            found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            return {"void": f"the process died: {lines[-1]}"}
        return found


def environment(sdk: str, folder: Path) -> dict[str, str]:
    """The environment of a process that measures that SDK; compiled files of all SDKs go into a new place."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    paths = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    kept["PYTHONPATH"] = os.pathsep.join([str(_ROOT), *paths])
    kept["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    kept["NO_PROXY"] = "*"
    return {**kept, **adapter_class("tocsin" if sdk == FLOOR else sdk).environment}


def _note(cell: Cell, row: str, found: dict[str, Any]) -> None:
    cell.absent = found.get("absent", "")
    # One void round is enough: what is wrong once is not to be relied on.
    cell.void = cell.void or found.get("void", "")
    cell.values.append(found.get("values", {}).get(row))
