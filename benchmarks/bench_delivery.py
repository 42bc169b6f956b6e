"""Events delivered over HTTP: what the whole process spends, and what the callers notice meanwhile.

Each event is an exception of 20 frames with locals, and with 100 breadcrumbs where the SDK has them. All are captured
as fast as it goes, into a queue that has room for them, and the clock stops when the server has got the last one. The
processor time is that of all threads of the process, flush included; the server's is not in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter_ns, process_time_ns

from benchmarks import floors, gate
from benchmarks.bench import RING, Bench, Workload
from benchmarks.results import Row
from benchmarks.server import Server

_FRAMES = 20
_WARM = 5
_SPIN_S = 0.5
_SPIN_TURNS = 3
# Spinning is slow: each answer that a delivering thread waits for costs it a whole switch interval to come back.
_SPIN_EVENTS = 60


def _rows(threads: int, prefix: str) -> tuple[Row, ...]:
    words = f"delivered, {threads} thread{'s' if threads > 1 else ''}"
    return (
        Row(f"{prefix}-cpu", f"{words}: CPU of the process per event", floor=floors.BY_HAND if threads == 1 else ""),
        Row(f"{prefix}-rate", f"{words}: events per second", "1/s", more_is_better=True),
        Row(f"{prefix}-p50", f"{words}: a capture takes, median"),
        Row(f"{prefix}-p99", f"{words}: a capture takes, 99 of 100"),
        Row(f"{prefix}-max", f"{words}: a capture takes, longest"),
        Row(f"{prefix}-bytes", f"{words}: bytes sent per event", "B"),
    )


_ROWS = {1: _rows(1, "delivered"), 8: _rows(8, "delivered-8")}
_SPIN = Row("delivery-spin", "a spinning thread loses to each delivery")


def _ready(bench: Bench, count: int) -> Server:
    """A server that has got a few right events, and is waiting for that many more."""
    server = bench.start_http(queue_size=count + _WARM)
    bench.fill_ring()
    for error in bench.failures.pool(_WARM, _FRAMES):
        bench.adapter.capture(error)
    bench.wait_for(server, _WARM)
    _check(bench, server, _WARM)
    server.control("clear")
    return server


def _check(bench: Bench, server: Server, count: int) -> None:
    found = bench.delivered(server)
    gate.check_count(found, count)
    for seen in found:
        gate.check_exception(bench.adapter, seen, _FRAMES)
        gate.check_breadcrumbs(bench.adapter, seen, RING, "paid")


def _measure(bench: Bench, threads: int) -> dict[str, float]:
    share = bench.effort.deliveries // threads
    count = share * threads
    server = _ready(bench, count)
    pools = [bench.failures.pool(share, _FRAMES) for _ in range(threads)]
    took: list[int] = []
    start = threading.Barrier(threads + 1)

    def capture_all(pool: list[BaseException]) -> None:
        capture = bench.adapter.capture
        bench.fill_ring()
        mine = []
        start.wait()
        for error in pool:
            began = perf_counter_ns()
            capture(error)
            mine.append(perf_counter_ns() - began)
        took.extend(mine)

    callers = [threading.Thread(target=capture_all, args=(pool,)) for pool in pools]
    for caller in callers:
        caller.start()
    cpu, wall = process_time_ns(), perf_counter_ns()
    start.wait()
    for caller in callers:
        caller.join()
    bench.wait_for(server, count)
    wall, cpu = perf_counter_ns() - wall, process_time_ns() - cpu
    _check(bench, server, count)
    took.sort()
    values = [
        cpu / count / 1000,
        count / wall * 1e9,
        took[count // 2] / 1000,
        took[count * 99 // 100] / 1000,
        took[-1] / 1000,
        sum(len(body) for _, body in server.bodies()) / count,
    ]
    return dict(zip((row.name for row in _ROWS[threads]), values, strict=True))


def _floor(bench: Bench) -> dict[str, float]:
    server = _ready(bench, 1)
    bench.adapter.capture(bench.failures.raised(_FRAMES))
    bench.wait_for(server, 1)
    (seen,) = bench.delivered(server)
    return {_ROWS[1][0].name: floors.by_hand(bench, seen, server.port, bench.effort.deliveries)}


def _spin(bench: Bench) -> dict[str, float]:
    # What sends each event at once, or packs it while more are captured, has nothing left to do when it is watched.
    bench.adapter.need_bounded_queue()
    server = _ready(bench, _SPIN_EVENTS)
    return {_SPIN.name: median(_spin_once(bench, server) for _ in range(_SPIN_TURNS))}


def _spin_once(bench: Bench, server: Server) -> float:
    """The microseconds that the loop loses to a delivery: what its turns would have taken alone, and what they took."""
    turns, took = _spun(partial(threading.Event().wait, _SPIN_S))
    alone = took / turns
    server.control("clear")
    server.control("hold")
    for error in bench.failures.pool(_SPIN_EVENTS, _FRAMES):
        bench.adapter.capture(error)

    def deliver() -> None:
        server.control("release")
        bench.wait_for(server, _SPIN_EVENTS)

    turns, took = _spun(deliver)
    _check(bench, server, _SPIN_EVENTS)
    return (took - turns * alone) / _SPIN_EVENTS / 1000


def _spun(until: Callable[[], object]) -> tuple[int, int]:
    """The turns of a loop on this thread until the function has returned on another, and the nanoseconds they took."""
    done = []

    def run() -> None:
        until()
        done.append(True)

    thread = threading.Thread(target=run)
    turns = 0
    began = perf_counter_ns()
    thread.start()
    while not done:
        turns += 1
    took = perf_counter_ns() - began
    thread.join()
    return turns, took


WORKLOADS = [
    Workload("delivered", _ROWS[1], lambda bench: _measure(bench, 1), _floor),
    Workload("delivered-8", _ROWS[8], lambda bench: _measure(bench, 8), is_long=True),
    Workload("delivery-spin", (_SPIN,), _spin, is_long=True),
]
