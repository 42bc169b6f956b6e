"""Importing and starting the SDK, in fresh processes, the files already compiled and in the system's cache.

What an SDK puts off until the first event is not saved but paid later: the row of the first message holds it.
"""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter_ns

from benchmarks import gate
from benchmarks.bench import Bench, Workload
from benchmarks.results import Row
from benchmarks.server import Server

_START_S = 60
_PROCESS = Row("startup-process", "import, init, exit, over a bare interpreter", "ms")
_INSIDE = Row("startup", "import + init", "ms")
_FIRST = Row("startup-message", "import, init, message delivered, exit, over a bare one", "ms")

_TIMED = "from time import perf_counter_ns\nbegan = perf_counter_ns()\n{source}print(perf_counter_ns() - began)\n"


def _measure(bench: Bench) -> dict[str, float]:
    server = Server(bench.native)
    server.control(f"status/{bench.adapter.status}")
    source = bench.adapter.startup(server.url)
    first = source + bench.adapter.startup_message()
    _run(first)
    gate.check_count(bench.delivered(server), 1)
    best: dict[str, float] = {}
    for _ in range(bench.effort.starts):
        bare, _ = _run("")
        whole, _ = _run(source)
        _, inside = _run(_TIMED.format(source=source))
        message, _ = _run(first)
        turn = {_INSIDE.name: float(inside), _PROCESS.name: whole - bare, _FIRST.name: message - bare}
        best = {name: min(value, best.get(name, value)) for name, value in turn.items()}
    server.close()
    return {name: value / 1e6 for name, value in best.items()}


def _run(source: str) -> tuple[int, str]:
    """Run a program in a fresh interpreter; return the nanoseconds it took, and what it printed."""
    began = perf_counter_ns()
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, timeout=_START_S)
    took = perf_counter_ns() - began
    if done.returncode:
        raise gate.Void(f"the program failed: {done.stderr.strip()[-200:]}")
    return took, done.stdout.strip() or "0"


WORKLOADS = [Workload("startup", (_INSIDE, _PROCESS, _FIRST), _measure)]
