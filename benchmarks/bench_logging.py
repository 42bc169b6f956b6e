"""What the SDK's hook adds to a log record that becomes a breadcrumb."""

from __future__ import annotations

import logging

from benchmarks import floors, gate
from benchmarks.bench import Bench, Workload
from benchmarks.results import Row

_STATEMENT = "info('order %s paid in %d ms', 'A-17', 42)"
_TEXT = "order A-17 paid in 42 ms"
_ROW = Row("logging-info", "logger.info, overhead of the hook over the bare logger", floor=floors.EMPTY_CALL)


def _measure(bench: Bench) -> dict[str, float]:
    logger = logging.getLogger("shop")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    names = {"info": logger.info}
    bare = bench.time_call(_STATEMENT, names)
    bench.start()
    bench.adapter.hook_logging(logger)
    names["info"](*_arguments())
    gate.check_breadcrumbs(bench.adapter, bench.captured(), 1, _TEXT)
    return {_ROW.name: bench.time_call(_STATEMENT, names) - bare}


def _arguments() -> tuple[str, str, int]:
    return "order %s paid in %d ms", "A-17", 42


def _floor(bench: Bench) -> dict[str, float]:
    return {_ROW.name: floors.empty_call(bench, "nothing('order %s paid in %d ms', 'A-17', 42)")}


WORKLOADS = [Workload("logging-info", (_ROW,), _measure, _floor)]
