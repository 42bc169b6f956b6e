"""Programs that measure what a capture costs in time and memory, however large what it looks at is."""

from __future__ import annotations

import gc
import time
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import tocsin
from tocsin.testing import MemoryTransport

_ROUNDS = 5


def _failed(local: object) -> ValueError:
    try:
        raise ValueError("beside a local")
    except ValueError as error:
        return error


def _local(make: Callable[[int], object], size: int) -> Callable[[], Callable[[], object]]:
    value = make(size)

    def prepare() -> Callable[[], object]:
        error = _failed(value)
        return lambda: tocsin.capture_exception(error)

    return prepare


def _nested(depth: int) -> object:
    value: object = "innermost"
    for _ in range(depth):
        value = [value]
    return value


def _chain(length: int) -> ValueError:
    error = ValueError("innermost")
    for number in range(length):
        outer = ValueError(number)
        outer.__context__ = error
        error = outer
    return error


def _deep(depth: int) -> Exception:
    def fail(below: int) -> None:
        if not below:
            raise ValueError("deep")
        fail(below - 1)

    try:
        fail(depth)
    except ValueError as error:
        return error
    raise AssertionError


def _cases() -> dict[str, tuple[int, int, Callable[[int], Callable[[], Callable[[], object]]]]]:
    """Pairs of sizes, both above what is kept, and what makes a capture of that size ready."""
    locals_: dict[str, tuple[int, int, Callable[[int], object]]] = {
        "bytes": (5_000, 500_000_000, bytes),
        "bytearray": (5_000, 500_000_000, bytearray),
        "memoryview": (5_000, 500_000_000, lambda size: memoryview(bytes(size))),
        "str": (5_000, 100_000_000, lambda size: "x" * size),
        "wide str": (5_000, 20_000_000, lambda size: "\u2603" * size),
        "list": (5_000, 10_000_000, lambda size: [None] * size),
        "tuple of str": (5_000, 1_000_000, lambda size: ("item",) * size),
        "dict": (5_000, 1_000_000, lambda size: dict.fromkeys(range(size), "value")),
        "set": (5_000, 1_000_000, lambda size: set(range(size))),
        "range": (5_000, 1 << 62, range),
        "int": (20_000, 50_000_000, lambda bits: 1 << bits),
        "nested": (100, 100_000, _nested),
    }
    cases = {
        name: (small, big, lambda size, make=make: _local(make, size)) for name, (small, big, make) in locals_.items()
    }

    def with_error(make: Callable[[int], BaseException]) -> Callable[[int], Callable[[], Callable[[], object]]]:
        def prepared(size: int) -> Callable[[], Callable[[], object]]:
            error = make(size)
            return lambda: lambda: tocsin.capture_exception(error)

        return prepared

    def with_call(call: Callable[[Any], object], make: Callable[[int], object]) -> Any:
        def prepared(size: int) -> Callable[[], Callable[[], object]]:
            value = make(size)
            return lambda: lambda: call(value)

        return prepared

    wide: Callable[[int], object] = lambda size: dict.fromkeys(map(str, range(size)), "v")  # noqa: E731
    cases |= {
        "text of an error": (20_000, 50_000_000, with_error(lambda size: ValueError("x" * size))),
        "chain": (200, 10_000, with_error(_chain)),
        "stack": (300, 800, with_error(_deep)),
        "message": (20_000, 50_000_000, with_call(tocsin.capture_message, lambda size: "x" * size)),
        "breadcrumb": (20_000, 50_000_000, with_call(lambda text: tocsin.add_breadcrumb(message=text), "x".__mul__)),
        "crumb's data": (5_000, 500_000, with_call(lambda data: tocsin.add_breadcrumb(data=data), wide)),
        "tag": (20_000, 50_000_000, with_call(lambda text: tocsin.set_tag("a", text), "x".__mul__)),
        "event's text": (20_000, 50_000_000, with_call(lambda t: tocsin.capture_event({"message": t}), "x".__mul__)),
        "extra": (20_000, 500_000, with_call(lambda value: tocsin.capture_message("m", extras={"e": value}), wide)),
    }
    return cases


def costs() -> Any:
    """For each kind of value: how many times as long a huge one takes as a large one, and the memory at its peak."""
    tocsin.init("", transport=_Forgetful(), default_integrations=False)
    found = {}
    for name, (small, big, make) in _cases().items():
        least: list[float] = []
        peak = 0
        for size in (small, big):
            prepare = make(size)
            times = []
            for _ in range(_ROUNDS):
                capture = prepare()
                began = time.perf_counter()
                capture()
                times.append(time.perf_counter() - began)
            least.append(min(times))
            capture = prepare()
            tracemalloc.start()
            capture()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            tocsin.get_isolation_scope().clear()
            del prepare, capture
        # What takes microseconds at either size is dominated by the clock and the caches.
        found[name] = [least[1] / max(least[0], 2e-5), peak]
    return found


class _Forgetful(MemoryTransport):
    """Takes events as they come from the capturing thread, and keeps nothing."""

    def offer(self, capture: object, size_bytes: int) -> bool:
        assert self._stats is not None
        self._stats.record_delivered()
        return True


class _Queueing(_Forgetful):
    """Keeps what it is offered, as a queue does."""

    settles = True

    def offer(self, capture: object, size_bytes: int) -> bool:
        queued.append(capture)
        return super().offer(capture, size_bytes)


queued: list[object] = []


class Local:
    """Something that a weak reference can watch."""


class Failure(Exception):
    """An error that one can watch."""


def kept_alive() -> Any:
    """What of the application's lives on, by name, while its captures still wait in the queue."""
    tocsin.init("", transport=_Queueing(), default_integrations=False)
    gc.collect()
    gc.disable()
    watched: dict[str, Any] = {}

    def fail() -> None:
        local = Local()
        watched["a local"] = weakref.ref(local)
        raise Failure(local)

    def capture() -> None:
        value, function = Local(), lambda: None
        watched["a value"], watched["a function"] = weakref.ref(value), weakref.ref(function)
        with tocsin.isolation_scope() as scope:
            scope.set_extra("value", value)
            scope.set_context("c", {"value": value, "function": function})
            tocsin.add_breadcrumb(message="m", data={"value": value}, hint_of_mine=value)
            try:
                fail()
            except Failure as error:
                watched["the error"] = weakref.ref(error)
                tocsin.capture_exception(extras={"value": [value]})
            tocsin.capture_message("m", contexts={"c": {"value": value}})
            tocsin.capture_event({"message": "m", "extra": {"value": value}}, {"hint": value})

    capture()
    return {"alive": [name for name, reference in watched.items() if reference() is not None], "queued": len(queued)}
