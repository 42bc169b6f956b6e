"""Programs that look for anything a capture could wait for, and for work done in vain."""

from __future__ import annotations

import _imp
import _thread
import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import tocsin
from support.receiver import Answer, Receiver
from tocsin.integrations.dedupe import DedupeIntegration
from tocsin.testing import MemoryTransport
from tocsin.transport import HttpTransport

# What the interpreter tells of that neither waits nor leaves the process.
_HARMLESS = {
    "builtins.id",
    "sys._getframe",
    "object.__getattr__",
    "object.__setattr__",
    "object.__delattr__",
    "code.__new__",
}
_PATIENCE_S = 20.0


def _of_every_kind() -> None:
    """All that an application calls while it runs, but for `flush`."""
    with tocsin.isolation_scope() as scope:
        scope.set_tag("a", "b")
        tocsin.set_user({"id": 5})
        tocsin.set_context("c", {"d": [1]})
        tocsin.set_extra("e", {"f": object()})
        tocsin.add_breadcrumb(message="crumb", data={"a": 1})
        tocsin.add_attachment(b"content", "a.bin")
        tocsin.capture_message("message", level="warning")
        tocsin.capture_event({"message": "by hand", "tags": {"g": "h"}, "request": {"url": "http://x/"}})
        _raise_and_capture()
        tocsin.capture_exception("a text")
        tocsin.stats(), tocsin.last_event_id(), tocsin.get_client()


def _seen_by_a_hook() -> None:
    with tocsin.new_scope() as scope:
        scope.add_event_processor(lambda event, hint: event)
        tocsin.capture_message("seen by a hook")
        _raise_and_capture()


def _raise_and_capture() -> None:
    text, number, nested = "local", 7, {"a": [1, 2, {"b": None}]}
    try:
        try:
            raise KeyError(text)
        except KeyError as error:
            raise ValueError(number, nested) from error
    except ValueError:
        tocsin.capture_exception()


def what_the_capturing_thread_does(dsn: str, lane: str) -> Any:
    """Everything that the interpreter's audit tells of this thread: for the first captures, and for later ones."""
    ident = threading.get_ident()
    told: list[str] | None = None

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if told is not None and event not in _HARMLESS and _thread.get_ident() == ident:
            what = [argument for argument in arguments if isinstance(argument, (str, int))]
            told.append(f"{event} {what[:2]}" if event in ("import", "open") else event)

    found = {}
    tocsin.init(dsn, default_integrations=False)
    if lane == "hook":
        # What hooks need is loaded when the first is added, not when the first event comes.
        with tocsin.new_scope() as scope:
            scope.add_event_processor(lambda event, hint: event)
    sys.addaudithook(audit)
    for name in ("first", "second", "last"):
        events: list[str] = []
        told = events
        (_of_every_kind if lane == "fast" else _seen_by_a_hook)()
        told = None
        found[name] = events
        assert tocsin.flush(_PATIENCE_S)
    control: list[str] = []
    told = control
    open(__file__).close()
    told = None
    found["control"] = [event.partition(" ")[0] for event in control]
    return found


class Locked:
    """Its representation needs a lock that another thread holds."""

    def __init__(self, lock: Any) -> None:
        self.lock = lock

    def __repr__(self) -> str:
        with self.lock:
            return "Locked"

    __str__ = __repr__


def captures_while_others_hold_locks(dsn: str) -> Any:
    """How long captures take while another thread holds every lock there is; it holds them until they are done."""
    tocsin.init(dsn, default_integrations=False)
    tocsin.capture_message("the first, which starts the worker")
    assert tocsin.flush(_PATIENCE_S)
    lock = threading.Lock()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        _imp.acquire_lock()
        with lock, logging._lock, threading._active_limbo_lock:  # type: ignore[attr-defined]
            held.set()
            done.wait(_PATIENCE_S)
        _imp.release_lock()

    threading.Thread(target=hold, daemon=True).start()
    assert held.wait(_PATIENCE_S)
    local = Locked(lock)
    began = time.monotonic()
    try:
        for _ in range(20):
            try:
                raise ValueError("locked")
            except ValueError:
                tocsin.capture_exception(extras={"locked": local}, contexts={"locked": {"a": local}})
            tocsin.add_breadcrumb(message="crumb", data={"locked": local})
            tocsin.capture_message("locked")
        took_s = time.monotonic() - began
        was_held = lock.locked()
    finally:
        done.set()
    assert tocsin.flush(_PATIENCE_S)
    return {"took_s": took_s, "was_held": was_held, "delivered": tocsin.stats().delivered}


def captures_with_a_stalled_server() -> Any:
    """How long captures take while the server does not answer, and what the full queue holds."""
    release = threading.Event()
    capacity_bytes = 500_000
    with Receiver(Answer(until=release)) as receiver:
        client = tocsin.init(
            receiver.dsn, default_integrations=False, transport_queue_size=100_000, transport_queue_bytes=capacity_bytes
        )
        tocsin.capture_message("the one that hangs")
        receiver.wait_for(1)
        handoff = client.transport._handoff  # type: ignore[union-attr]
        most_bytes = 0
        slowest_s = 0.0
        for _ in range(2000):
            began = time.perf_counter()
            tocsin.capture_message("x" * 5000)
            slowest_s = max(slowest_s, time.perf_counter() - began)
            most_bytes = max(most_bytes, handoff.size_bytes)
        stalled = tocsin.stats()
        release.set()
        settled = tocsin.flush(_PATIENCE_S)
        events = [request.envelope.event for request in receiver.requests]
        return {
            "slowest_s": slowest_s,
            "fill": most_bytes / capacity_bytes,
            "held": stalled.pending * 5000 / capacity_bytes,
            "dropped": stalled.dropped,
            "captured": stalled.captured,
            "settled": settled,
            "lost": tocsin.stats().delivered - sum(event is not None for event in events),
        }


class Spy:
    """Stands in for the extractor and counts how often it is asked to look at a stack."""

    def __init__(self, extractor: Any) -> None:
        self._extractor = extractor
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        self.asked += 1
        return getattr(self._extractor, name)


class Unwilling(HttpTransport):
    """Says no before anything is built."""

    limited = full = False

    def is_limited(self, category: str) -> bool:
        return self.limited

    def is_full(self) -> bool:
        return self.full


def work_for_refused_captures() -> Any:
    """For each way to refuse a capture: how often the stack was looked at, and under which reason it was counted."""
    found: dict[str, Any] = {}
    error = ValueError("seen before")

    def watch(name: str, capture: Callable[[], object], transport: Any = None, **options: Any) -> None:
        transport = transport or MemoryTransport()
        client = tocsin.init("http://k@127.0.0.1:9/1", transport=transport, default_integrations=False, **options)
        if name == "captured before":
            tocsin.capture_exception(error)
        before = client.stats.snapshot()[3]
        client.extractor = client.fast_lane.extractor = client.hook_lane._extractor = spy = Spy(client.extractor)  # type: ignore[assignment]
        capture()
        dropped = {reason: count for reason, count in client.stats.snapshot()[3].items() if count != before.get(reason)}
        found[name] = [spy.asked, dropped]
        client.close(0.0)

    def raise_and_capture() -> None:
        try:
            raise ValueError("refused")
        except ValueError:
            tocsin.capture_exception()

    limited, full = (type("Refusing", (Unwilling,), {name: True}) for name in ("limited", "full"))
    watch("taken", raise_and_capture)
    watch("ignored by class", raise_and_capture, ignore_errors=[Exception])
    watch("ignored by name", raise_and_capture, ignore_errors=["ValueError"])
    watch("sampled out", raise_and_capture, sample_rate=0.0)
    dedupe = [DedupeIntegration()]
    watch("captured before", lambda: tocsin.capture_exception(error), integrations=dedupe)
    watch("limited", raise_and_capture, limited)
    watch("full", raise_and_capture, full)
    for name, transport in (("limited", limited), ("full", full)):
        watch(f"message, {name}", lambda: tocsin.capture_message("m"), transport, attach_stacktrace=True)
    watch("message, sampled out", lambda: tocsin.capture_message("m"), sample_rate=0.0, attach_stacktrace=True)
    return found


def cost_of_refused_captures() -> Any:
    """How much a refused capture of a deep stack costs, as a share of one that is taken."""
    costs = {}
    for name, ignored in (("taken", []), ("refused", [ValueError])):
        tocsin.init("", transport=MemoryTransport(), default_integrations=False, ignore_errors=ignored)
        errors = [_deep_error(30) for _ in range(60)]
        least = 1.0
        for error in errors:
            began = time.perf_counter()
            tocsin.capture_exception(error)
            least = min(least, time.perf_counter() - began)
        costs[name] = least
    return costs["refused"] / costs["taken"]


def _deep_error(depth: int) -> ValueError:
    def fail(below: int, text: str, several: list[int]) -> None:
        if below == 0:
            raise ValueError("deep")
        fail(below - 1, text + ".", [*several, below])

    try:
        fail(depth, "local", [])
    except ValueError as error:
        return error
    raise AssertionError
