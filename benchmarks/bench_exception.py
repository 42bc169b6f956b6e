"""Capturing an exception: on the thread that failed, up to where the SDK has handed the event over."""

from __future__ import annotations

from time import perf_counter_ns

from benchmarks import floors, gate
from benchmarks.adapters.base import Seen
from benchmarks.bench import RING, Bench, Workload
from benchmarks.results import Row

_CHAIN_FRAMES = 7


def _prepare(bench: Bench, frames: int, has_locals: bool, has_crumbs: bool) -> Seen:
    bench.start(has_locals=has_locals)
    if has_crumbs:
        bench.need_breadcrumbs()
        bench.fill_ring()
    seen = bench.captured(frames)
    gate.check_exception(bench.adapter, seen, frames, has_locals)
    gate.check_breadcrumbs(bench.adapter, seen, RING if has_crumbs else 0, "paid")
    return seen


def _measure(bench: Bench, row: str, frames: int, has_locals: bool, has_crumbs: bool) -> dict[str, float]:
    _prepare(bench, frames, has_locals, has_crumbs)
    return {row: bench.time_captures(frames)}


def _floor(bench: Bench, row: str, frames: int, has_locals: bool, has_crumbs: bool) -> dict[str, float]:
    return {row: floors.dumps(bench, _prepare(bench, frames, has_locals, has_crumbs))}


def _workload(name: str, title: str, frames: int, has_locals: bool = True, has_crumbs: bool = False) -> Workload:
    row = Row(name, title, floor=floors.DUMPS)
    return Workload(
        name,
        (row,),
        lambda bench: _measure(bench, name, frames, has_locals, has_crumbs),
        lambda bench: _floor(bench, name, frames, has_locals, has_crumbs),
    )


_FIRST = Row("exception-first", "the first exception of a process, 20 frames, six locals each")
_FIRST_FRAMES = 20


def _measure_first(bench: Bench) -> dict[str, float]:
    """One capture, with nothing of it known yet; the very event is looked at, afterwards."""
    bench.start()
    error = bench.failures.raised(_FIRST_FRAMES)
    took = 0.0

    def capture() -> None:
        nonlocal took
        began = perf_counter_ns()
        bench.adapter.capture(error)
        took = (perf_counter_ns() - began) / 1000

    gate.check_exception(bench.adapter, bench.one_event(capture), _FIRST_FRAMES)
    return {_FIRST.name: took}


_CHAIN = Row("chain", "a chain of three exceptions, 7 frames each", floor=floors.DUMPS)


def _prepare_chain(bench: Bench) -> Seen:
    bench.start()
    seen = bench.one_event(lambda: bench.adapter.capture(bench.failures.chained()))
    gate.check_exception(bench.adapter, seen, _CHAIN_FRAMES, exceptions=3)
    return seen


def _measure_chain(bench: Bench) -> dict[str, float]:
    _prepare_chain(bench)
    return {_CHAIN.name: bench.time_captures(make=lambda count: [bench.failures.chained() for _ in range(count)])}


WORKLOADS = [
    _workload("exception-1", "exception of one frame", 1),
    _workload("exception-20", "exception, 20 frames, six locals each", 20),
    Workload(_FIRST.name, (_FIRST,), _measure_first),
    _workload("exception-200", "exception, 200 frames, six locals each", 200),
    _workload("exception-20-crumbs", "20 frames, locals, 100 breadcrumbs", 20, has_crumbs=True),
    _workload("exception-20-bare", "20 frames without locals", 20, has_locals=False),
    Workload(
        "chain", (_CHAIN,), _measure_chain, lambda bench: {_CHAIN.name: floors.dumps(bench, _prepare_chain(bench))}
    ),
]
