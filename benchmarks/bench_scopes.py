"""Scopes and tags."""

from __future__ import annotations

from benchmarks import floors, gate
from benchmarks.bench import RING, Bench, Workload
from benchmarks.results import Row

_SCOPE = Row("scope", "scope: enter, one tag, leave", floor=floors.EMPTY_CALL)
_ISOLATION = Row("isolation-scope", "isolation scope, ring of 100: enter, leave", floor=floors.EMPTY_CALL)
_TAG = Row("tag", "set_tag", floor=floors.EMPTY_CALL)


def _scope(bench: Bench) -> dict[str, float]:
    bench.start()
    operation = bench.adapter.scope()
    inside = bench.adapter.scope("capture(error)")
    error = bench.failures.raised(1)
    gate.check_tag(bench.one_event(lambda: inside.run(capture=bench.adapter.capture, error=error)), True)
    gate.check_tag(bench.captured(), False)
    return {_SCOPE.name: bench.time_call(operation.statement, operation.names)}


def _isolation_scope(bench: Bench) -> dict[str, float]:
    bench.start()
    bench.fill_ring()
    operation = bench.adapter.isolation_scope()
    inside = bench.adapter.isolation_scope("add(); capture(error)")
    error = bench.failures.raised(1)

    def add() -> None:
        bench.adapter.breadcrumb(True).run()
        bench.adapter.tag().run()

    seen = bench.one_event(lambda: inside.run(capture=bench.adapter.capture, error=error, add=add))
    gate.check_breadcrumbs(bench.adapter, seen, RING, "paid")
    gate.check_tag(seen, True)
    if "EUR" not in str(seen.raw):
        raise gate.Void("the breadcrumb of the scope is not in its event")
    seen = bench.captured()
    gate.check_tag(seen, False)
    if "EUR" in str(seen.raw):
        raise gate.Void("a breadcrumb of the scope is still there after it")
    return {_ISOLATION.name: bench.time_call(operation.statement, operation.names)}


def _tag(bench: Bench) -> dict[str, float]:
    bench.start()
    operation = bench.adapter.tag()
    gate.check_tag(bench.captured(), False)
    operation.run()
    gate.check_tag(bench.captured(), True)
    return {_TAG.name: bench.time_call(operation.statement, operation.names)}


WORKLOADS = [
    Workload("scope", (_SCOPE,), _scope, lambda bench: {_SCOPE.name: floors.empty_call(bench, "nothing()")}),
    Workload(
        "isolation-scope",
        (_ISOLATION,),
        _isolation_scope,
        lambda bench: {_ISOLATION.name: floors.empty_call(bench, "nothing()")},
    ),
    Workload("tag", (_TAG,), _tag, lambda bench: {_TAG.name: floors.empty_call(bench, "nothing('shop', 'north')")}),
]
