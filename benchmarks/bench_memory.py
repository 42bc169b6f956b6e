"""Resident memory: of the SDK itself, and of the events that wait to be sent.

An event is an exception of 20 frames with locals, with 100 breadcrumbs where the SDK has them.
"""

from __future__ import annotations

import gc
from pathlib import Path
from resource import getpagesize

from benchmarks import gate
from benchmarks.bench import Bench, Workload
from benchmarks.results import Row

_FRAMES = 20
_QUEUE = 300
_IDLE = Row("memory-idle", "resident memory after init, over a bare interpreter", "kB")
_WORKING = Row("memory-working", "the same after the first event was delivered", "kB")
_QUEUED = Row("memory-queued", "resident memory per queued event, 20 frames, 100 breadcrumbs", "kB")


def _resident_kb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * getpagesize() / 1024


def _measure(bench: Bench) -> dict[str, float]:
    before = _resident_kb()
    server = bench.start_http(queue_size=_QUEUE * 2)
    started = _resident_kb()
    bench.fill_ring()
    bench.adapter.capture(bench.failures.raised(_FRAMES))
    bench.wait_for(server, 1)
    gate.check_exception(bench.adapter, bench.delivered(server)[0], _FRAMES)
    worked = _resident_kb()
    server.control("clear")
    server.control("hold")
    for _ in range(_QUEUE):
        bench.adapter.capture(bench.failures.raised(_FRAMES))
    full = _resident_kb()
    server.control("release")
    bench.wait_for(server, _QUEUE)
    gate.check_count(bench.delivered(server), _QUEUE)
    return {
        _IDLE.name: started - before,
        _WORKING.name: worked - before,
        _QUEUED.name: (full - worked) / _QUEUE,
    }


WORKLOADS = [Workload("memory", (_IDLE, _WORKING, _QUEUED), _measure)]
