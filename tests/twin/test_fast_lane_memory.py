"""Laws of what the fast lane keeps between captures: never another scope's words, and nothing of the application's."""

from __future__ import annotations

import gc
import signal
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.concurrency import Interruption, rapid_switching, signals, threads
from support.lanes import Fields, House, no_facade, raised
from support.twins import PROPERTY, TEXTS, Text


@pytest.fixture
def house(backend: Any) -> Iterator[Callable[..., House]]:
    """Makes houses."""
    with no_facade(backend):
        yield lambda **options: House(backend, **options)


def tags_of(made: House) -> dict[str, str]:
    """Those of one more event."""
    event_id = made.lane.capture_message("x")
    event = made.events()[-1]
    assert event["event_id"] == event_id
    assert event["trace"] == made.backend.scope_stack.get_isolation_scope().get_trace_context()
    tags: dict[str, str] = event["tags"]
    return tags


def test_what_the_scopes_say_is_rendered_once_while_it_is_the_same(house: Any, backend: Any) -> None:
    """And anew whenever a tag or the trace is another."""
    made = house()
    scope = backend.scope_stack.get_isolation_scope()
    scope.set_tag("a", "1")
    assert [tags_of(made) for _ in range(3)] == [{"a": "1"}] * 3
    assert made.fields.calls == 1
    scope.set_tag("a", "2")
    assert [tags_of(made) for _ in range(3)] == [{"a": "2"}] * 3
    assert made.fields.calls == 2
    scope._trace = None
    assert [tags_of(made) for _ in range(3)] == [{"a": "2"}] * 3
    assert made.fields.calls == 3
    scope._user = {"id": 1}
    tags_of(made)
    assert made.events()[-1]["user"] == {"id": 1}


class Counter:
    """Has another text each time."""

    count = 0

    def __str__(self) -> str:
        self.count += 1
        return str(self.count)


@pytest.mark.parametrize("value", [Counter(), [1], Text("text"), 1, None], ids=lambda value: type(value).__name__)
def test_what_is_no_text_is_rendered_each_time(house: Any, backend: Any, value: object) -> None:
    """It may have changed, and is not kept alive."""
    made = house()
    backend.scope_stack.get_isolation_scope().set_tag("a", value)
    seen = []
    for number in range(3):
        if type(value) is list:
            value.append(number)
        seen.append(tags_of(made))
    assert made.fields.calls == 3
    if isinstance(value, (Counter, list)):
        assert len({each["a"] for each in seen}) == 3


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tag"), st.sampled_from("ab"), TEXTS | st.integers(0, 2)),
        st.tuples(st.just("trace")),
        st.tuples(st.just("user"), st.none() | st.integers(0, 2)),
        st.tuples(st.just("capture")),
        st.tuples(st.just("enter")),
        st.tuples(st.just("leave")),
    ),
    max_size=25,
)


@given(steps=STEPS)
@PROPERTY
def test_what_is_remembered_is_never_stale(house: Any, backend: Any, steps: list[tuple[Any, ...]]) -> None:
    """Whatever is set, entered and left between two captures, an event says what the scopes say at that moment."""
    made = house()
    stack = backend.scope_stack
    entered: list[Any] = []
    for name, *values in [*steps, ("capture",)]:
        scope = stack.get_isolation_scope()
        if name == "tag":
            scope.set_tag(*values)
        elif name == "trace":
            scope._trace = None
        elif name == "user":
            scope._user = None if values[0] is None else {"id": values[0]}
            scope._touched = True
        elif name == "enter":
            entered.append(stack.isolation_scope())
            entered[-1].__enter__()
        elif name == "leave" and entered:
            entered.pop().__exit__(None, None, None)
        elif name == "capture":
            snapshot = backend.merged(stack.get_global_scope(), scope, stack.get_current_scope())
            made.lane.capture_message("x")
            assert bytes(made.transport.items[-1].fields) == Fields().of(snapshot)
    while entered:
        entered.pop().__exit__(None, None, None)


def alternating(house: House) -> list[tuple[str, str, str]]:
    """The events that say something else than the scope in which they were captured."""
    told = [(event["message"], event["tags"]["name"], event["trace"]["trace_id"]) for event in house.events()]
    return [names for names in told if len(set(names)) != 1]


class Named:
    """Scopes that say their names in tags and trace, the same each time."""

    def __init__(self, made: House) -> None:
        self.made = made
        # Looked up once: a signal handler that captures is not to import.
        self.switch = made.backend.scope_stack.ScopeSwitch
        self.scopes = {name: made.backend.ScopeState("isolation") for name in "abc"}
        for name, scope in self.scopes.items():
            scope._trace = {"trace_id": name}
            scope.set_tag("name", name)

    def capture(self, name: str, *between: Callable[[], object]) -> None:
        """Capture in the scope of that name, before and after each of the calls."""
        with self.switch(None, self.scopes[name], True):
            self.made.lane.capture_message(name)
            for call in between:
                call()
                self.made.lane.capture_message(name)


def test_threads_with_scopes_of_their_own_never_get_each_others(house: Any, backend: Any) -> None:
    """However they take turns."""
    made = house()
    named = Named(made)

    def work(name: str) -> None:
        for _ in range(300):
            named.capture(name, int, int)

    with rapid_switching(), threads(lambda: work("a"), lambda: work("b")):
        pass
    assert len(made.transport.items) == 1800
    assert alternating(made) == []


def test_captures_that_come_between_any_two_steps_never_get_each_others(house: Any, backend: Any) -> None:
    """A thread or a signal handler with another scope, at each line of the lane that the interpreter can stop at."""
    made = house()
    named = Named(made)
    reached = 0

    def stopped_at(stop: int) -> Any:
        def trace(frame: Any, event: str, _: object) -> Any:
            nonlocal lines
            if not str(frame.f_code.co_filename).endswith("fast_lane.py"):
                return None
            if event == "line":
                lines += 1
                if lines == stop:
                    sys.settrace(None)
                    named.capture("b")
            return trace

        return trace

    before = sys.gettrace()
    for stop in range(1, 400):
        # Whatever is remembered before, and whoever asks afterwards.
        for remembered in "abc":
            named.capture(remembered)
            lines = 0
            sys.settrace(stopped_at(stop))
            try:
                named.capture("a")
            finally:
                sys.settrace(before)
            for name in "ab":
                named.capture(name)
        if lines < stop:
            break
        reached = stop
    assert alternating(made) == []
    assert reached > 20 or backend.name == "core"


class Local:
    """Something that a weakref can watch."""


def test_nothing_of_the_applications_is_alive_after_a_capture(house: Any, backend: Any) -> None:
    """Not the error, its locals, a thing that is no error, a hint, or what a tag is; sent, dropped or failed."""
    made = house()
    watches = []

    def work(kind: type[BaseException], capture: Callable[[BaseException], object]) -> None:
        value, hinted, tagged = Local(), Local(), Local()
        watches.extend(map(weakref.ref, (value, hinted, tagged)))
        with backend.scope_stack.isolation_scope() as scope:
            scope.set_tag("tag", tagged)
            try:
                raise kind("text", value)
            except BaseException as error:
                capture(error)
                made.lane.capture_exception(value)

    def fail() -> None:
        raise LookupError

    gc.collect()
    gc.disable()
    try:
        for answer in (True, False, fail):
            for kind in (ValueError, KeyboardInterrupt):
                made.transport.answer = answer
                work(kind, made.lane.capture_exception)
                work(kind, lambda error: made.lane.capture_exception((type(error), error, error.__traceback__)))
                work(kind, lambda error: made.lane.capture_exception(error, None, "hook", False))
                made.transport.full = True
                work(kind, made.lane.capture_exception)
                made.transport.full = False
        assert made.transport.items
        assert [watch() for watch in watches if watch() is not None] == []
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no such signal")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, Interruption])
def test_what_a_signal_handler_raises_comes_out_of_a_capture(
    house: Any, backend: Any, kind: type[BaseException]
) -> None:
    """At whatever moment, and each capture is counted: sent, or dropped."""
    made = house()
    armed = False
    raised_count = came_out = 0

    def handler(*_: object) -> None:
        nonlocal armed, raised_count
        if armed:
            armed = False
            raised_count += 1
            raise kind("by the handler")

    error = raised(ValueError("x"))
    made.gate.dedupes = False
    # What is raised in a callback of the collector goes nowhere, and the test's tools have one.
    gc.disable()

    def capture_until_hit() -> None:
        nonlocal armed
        armed = True
        while armed:
            made.lane.capture_exception(error)
            made.lane.capture_message("x")

    try:
        with signals(handler, 2e-4, repeat=True):
            for _ in range(200):
                try:
                    capture_until_hit()
                except BaseException as caught:
                    came_out += (type(caught), str(caught)) == (kind, "by the handler")
                made.transport.items.clear()
            armed = False
    finally:
        gc.enable()
    assert came_out == raised_count == 200


def test_a_lane_can_be_watched_and_dies_alone(house: Any) -> None:
    """No scope, frame or count keeps it."""
    made = house()
    made.lane.capture_message("x")
    watch = weakref.ref(made.lane)
    made.lane = None
    gc.collect()
    assert watch() is None


def test_a_signal_handler_may_capture_while_a_capture_is_made(house: Any, backend: Any) -> None:
    """Both are delivered, each with what its own scope says."""
    made = house()
    named = Named(made)
    handled = 0
    is_handling = False

    def handler(*_: object) -> None:
        nonlocal handled, is_handling
        if is_handling:
            # On a busy machine the next one comes before this is done with; they would pile up for ever.
            return
        is_handling = True
        named.capture("b")
        is_handling = False
        handled += 1

    with signals(handler, 1e-4, repeat=True):
        while handled < 200:
            named.capture("a")
    assert alternating(made) == []
    assert made.dropped == {}
