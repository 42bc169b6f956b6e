"""Recording a breadcrumb."""

from __future__ import annotations

from benchmarks import floors, gate
from benchmarks.bench import Bench, Workload
from benchmarks.results import Row

_COUNT = 3


def _measure(bench: Bench, row: str, has_data: bool) -> dict[str, float]:
    bench.start()
    operation = bench.adapter.breadcrumb(has_data)
    for _ in range(_COUNT):
        operation.run()
    seen = bench.captured()
    gate.check_breadcrumbs(bench.adapter, seen, _COUNT, "paid")
    if has_data and not ("84" in str(seen.raw) and "EUR" in str(seen.raw)):
        raise gate.Void("the breadcrumbs' data is not in the event")
    return {row: bench.time_call(operation.statement, operation.names)}


_PLAIN = Row("breadcrumb", "add_breadcrumb, three keywords", floor=floors.EMPTY_CALL)
_DATA = Row("breadcrumb-data", "add_breadcrumb with a two-key data dict", floor=floors.EMPTY_CALL)
_THREE = "nothing(message='paid', category='cart', level='info'"

WORKLOADS = [
    Workload(
        "breadcrumb",
        (_PLAIN,),
        lambda bench: _measure(bench, _PLAIN.name, False),
        lambda bench: {_PLAIN.name: floors.empty_call(bench, f"{_THREE})")},
    ),
    Workload(
        "breadcrumb-data",
        (_DATA,),
        lambda bench: _measure(bench, _DATA.name, True),
        lambda bench: {_DATA.name: floors.empty_call(bench, _THREE + ", data={'sum': 84, 'currency': 'EUR'})")},
    ),
]
