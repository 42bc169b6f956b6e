"""Loops that time one operation: long enough to be seen, repeated, and the least disturbed repeat counts.

The collector stays on, as in a service, and has collected before each repeat.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter_ns
from timeit import Timer
from typing import Any


@dataclass(frozen=True)
class Effort:
    """How much time is spent.

    Attributes:
        repeats: how often a loop runs; the best run counts.
        loop_ns: how long one run lasts at least.
        items: the most exceptions that are raised beforehand for one run.
        deliveries: events sent in one run over HTTP.
        starts: processes started for one value of the startup.
    """

    repeats: int = 7
    loop_ns: int = 10_000_000
    items: int = 400
    deliveries: int = 300
    starts: int = 5


QUICK = Effort(repeats=3, loop_ns=3_000_000, items=100, deliveries=60, starts=2)


def per_call(statement: str, names: Mapping[str, Any], effort: Effort) -> float:
    """The nanoseconds of one execution of the statement, a loop's own few included."""
    timer = Timer(statement, "gc.enable()", perf_counter_ns, {**names, "gc": gc})
    calls = 1
    while (took := timer.timeit(calls)) < effort.loop_ns:
        calls = max(calls * 2, min(calls * 100, int(calls * effort.loop_ns / max(took, 1)) + 1))
    return min(_collected(timer.timeit, calls) for _ in range(effort.repeats)) / calls


def _collected(function: Callable[[int], Any], calls: int) -> float:
    gc.collect()
    return float(function(calls))


def per_item(function: Callable[[Any], object], make: Callable[[int], Iterable[Any]], effort: Effort) -> float:
    """The nanoseconds of one call with an item that was made beforehand, and is used once.

    Args:
        make: returns that many new items; not timed.
    """
    count = 4
    while (took := _each(function, make(count))) < effort.loop_ns and count < effort.items:
        count = min(effort.items, max(count * 2, int(count * effort.loop_ns / max(took, 1)) + 1))
    return min(_each(function, make(count)) for _ in range(effort.repeats)) / count


def _each(function: Callable[[Any], object], items: Iterable[Any]) -> int:
    items = list(items)
    gc.collect()
    began = perf_counter_ns()
    for item in items:
        function(item)
    return perf_counter_ns() - began
