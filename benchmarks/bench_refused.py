"""Captures that come to nothing: of an exception of 20 frames with locals."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import floors, gate
from benchmarks.adapters.base import Seen
from benchmarks.bench import Bench, Workload
from benchmarks.results import Row

_FRAMES = 20
_QUEUE = 10
# In flight, or taken out of the queue while it was filled.
_BESIDE_QUEUE = 4

_SAMPLED = Row("sampled-out", "sampled out", floor=floors.EMPTY_CALL)
_IGNORED = Row("ignored", "ignored", floor=floors.EMPTY_CALL)
_LIMITED = Row("rate-limited", "rate limited", floor=floors.EMPTY_CALL)
_FULL = Row("queue-full", "queue full", floor=floors.EMPTY_CALL)


def _capture(bench: Bench) -> None:
    bench.adapter.capture(bench.failures.raised(_FRAMES))


def _refused(bench: Bench) -> None:
    """Nothing is sent now, though it is with nothing in the way: that was looked at before."""
    gate.check_count(bench.seen(lambda: _capture(bench)), 0)


def _sampled(bench: Bench) -> dict[str, float]:
    bench.start()
    gate.check_exception(bench.adapter, bench.captured(_FRAMES), _FRAMES)
    bench.start(sample_rate=0.0)
    _refused(bench)
    return {_SAMPLED.name: bench.time_captures(_FRAMES)}


def _ignored(bench: Bench) -> dict[str, float]:
    bench.start(ignored=(bench.failures.kind,))
    gate.check_count(bench.seen(lambda: bench.adapter.capture(_other())), 1)
    _refused(bench)
    return {_IGNORED.name: bench.time_captures(_FRAMES)}


def _other() -> Exception:
    try:
        raise ValueError("another class")
    except ValueError as error:
        return error


def _limited(bench: Bench) -> dict[str, float]:
    bench.adapter.need_rate_limits()
    server = bench.start_http()
    _capture(bench)
    bench.wait_for(server, 1)
    gate.check_exception(bench.adapter, _one(bench.delivered(server)), _FRAMES)
    server.control("status/429")
    _capture(bench)
    bench.wait_for(server, 2)
    server.control("clear")
    took = bench.time_captures(_FRAMES)
    bench.adapter.flush(10.0)
    gate.check_count(bench.delivered(server), 0)
    return {_LIMITED.name: took}


def _full(bench: Bench) -> dict[str, float]:
    bench.adapter.need_bounded_queue()
    server = bench.start_http(queue_size=_QUEUE)
    _capture(bench)
    bench.wait_for(server, 1)
    gate.check_exception(bench.adapter, _one(bench.delivered(server)), _FRAMES)
    server.control("clear")
    server.control("hold")
    for _ in range(_QUEUE * 2):
        _capture(bench)
    took = bench.time_captures(_FRAMES)
    server.control("release")
    bench.wait_for(server, _QUEUE)
    count = len(bench.delivered(server))
    if not _QUEUE <= count <= _QUEUE + _BESIDE_QUEUE:
        raise gate.Void(f"{count} events were delivered through a queue of {_QUEUE}")
    return {_FULL.name: took}


def _one(found: list[Seen]) -> Seen:
    gate.check_count(found, 1)
    return found[0]


def _workload(row: Row, measure: Callable[[Bench], dict[str, float]]) -> Workload:
    return Workload(row.name, (row,), measure, lambda bench: {row.name: floors.empty_call(bench, "nothing(error)")})


WORKLOADS = [
    _workload(_SAMPLED, _sampled),
    _workload(_IGNORED, _ignored),
    _workload(_LIMITED, _limited),
    _workload(_FULL, _full),
]
