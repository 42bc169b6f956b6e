"""Capturing a message."""

from __future__ import annotations

from benchmarks import floors, gate
from benchmarks.adapters.base import MESSAGE, Seen
from benchmarks.bench import RING, Bench, Workload
from benchmarks.results import Row

_PLAIN = Row("message", "message", floor=floors.DUMPS)
_CRUMBS = Row("message-crumbs", "message with 100 breadcrumbs", floor=floors.DUMPS)


def _prepare(bench: Bench, has_crumbs: bool) -> Seen:
    bench.start()
    if has_crumbs:
        bench.need_breadcrumbs()
        bench.fill_ring()
    seen = bench.one_event(bench.adapter.message().run)
    gate.check_message(seen, MESSAGE)
    gate.check_breadcrumbs(bench.adapter, seen, RING if has_crumbs else 0, "paid")
    return seen


def _measure(bench: Bench, row: str, has_crumbs: bool) -> dict[str, float]:
    _prepare(bench, has_crumbs)
    operation = bench.adapter.message()
    return {row: bench.time_call(operation.statement, operation.names)}


WORKLOADS = [
    Workload(
        "message",
        (_PLAIN,),
        lambda bench: _measure(bench, _PLAIN.name, False),
        lambda bench: {_PLAIN.name: floors.dumps(bench, _prepare(bench, False))},
    ),
    Workload(
        "message-crumbs",
        (_CRUMBS,),
        lambda bench: _measure(bench, _CRUMBS.name, True),
        lambda bench: {_CRUMBS.name: floors.dumps(bench, _prepare(bench, True))},
    ),
]
