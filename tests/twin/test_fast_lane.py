"""Laws of the way of most captures: what decides, in which order, that it is counted once, and what is left behind."""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.concurrency import Interruption, rapid_switching, signals, threads
from support.twins import PROPERTY, TEXTS, Text, strict_json
from tocsin import testing
from tocsin.reasons import DiscardReason

DROPS = ("limited", "full", "gate", "fenced", "no transport")


class Fields:
    """Renders what scopes say, as far as these laws look."""

    static = b'"static":true'

    def __init__(self) -> None:
        self.calls = 0

    def of(self, snapshot: Any) -> bytes:
        self.calls += 1
        tags = {key: str(value) for key, value in snapshot.tags.items()}
        told = {"tags": tags, "trace": snapshot.trace, "user": snapshot.user}
        return json.dumps(told).encode()[1:-1]


class Hooks:
    """What the lane gives to others, noted."""

    def __init__(self) -> None:
        self.hooks = types.SimpleNamespace(are_there=False)
        self.given: list[tuple[Any, ...]] = []
        self.delivers = True
        self.stats: Any = None

    def message_head(self, message: object, level: object) -> tuple[bytes, str]:
        return b'"message":' + json.dumps(str(message)).encode(), "info"

    def synthetic_head(self, thing: object, mechanism: str, handled: bool) -> bytes:
        return b'"value":"synthetic"'

    def attachments_of(self, hint: object, snapshot: Any) -> tuple[Any, ...]:
        return (hint, *snapshot.attachments)

    def snapshot_of(self, argument: Any) -> Any:
        return argument

    def send_capture(self, *given: Any) -> str:
        self.given.append(given)
        return "by the hooks"

    def deliver(self, item: object) -> bool:
        self.given.append((item,))
        return self.delivers

    def failed(self, where: str, failure: BaseException) -> None:
        self.stats.record_dropped(DiscardReason.INTERNAL_SDK_ERROR)
        if not isinstance(failure, (LookupError, TypeError)):
            raise failure
        self.given.append((where, type(failure)))


class Transport:
    """As limited, full or broken as a law wants; keeps what it takes."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.limited = False
        self.full = False
        self.answer: Any = True
        self.asked: list[str] = []

    def is_limited(self, category: str) -> bool:
        self.asked.append(category)
        return self.limited

    def is_full(self) -> bool:
        self.asked.append("full")
        return self.full

    def offer(self, item: Any, size_bytes: int) -> Any:
        assert size_bytes == item.size_bytes
        if callable(self.answer):
            return self.answer()
        if self.answer:
            self.items.append(item)
        return self.answer


class House:
    """A lane with all that it needs, of one twin."""

    def __init__(self, backend: Any, **options: Any) -> None:
        self.backend = backend
        self.stats = backend.Stats()
        self.fields = Fields()
        self.hooks = Hooks()
        self.hooks.stats = self.stats
        self.hooks.hooks.are_there = options.pop("are_there", False)
        self.transport = Transport()
        given = {
            "before_breadcrumb": None,
            "max_breadcrumbs": 100,
            "attach_stacktrace": False,
            "add_full_stack": False,
            "ignore_errors": [],
            "sample_rate": 1.0,
            "error_sampler": None,
            **options,
        }
        self.gate = backend.Gate(given)
        self.renderer = backend.Renderer()
        self.lane = backend.FastLane(
            given,
            self.stats,
            self.gate,
            backend.StackExtractor(self.renderer, None),
            self.renderer,
            self.fields,
            self.hooks,
        )
        self.lane.set_transport(self.transport)

    @property
    def dropped(self) -> dict[str, int]:
        """What was dropped, after checking that the account adds up."""
        captured, _, _, dropped = self.stats.snapshot()
        assert captured == len(self.transport.items) + sum(dropped.values()) + len(self.hooks.given)
        return dict(dropped)

    def events(self) -> list[Any]:
        return [strict_json(self.backend.render(item)) for item in self.transport.items]


@pytest.fixture
def house(backend: Any) -> Iterator[Callable[..., House]]:
    """Makes houses; the twin's scopes are fresh and no facade's."""
    stack = backend.scope_stack
    tokens = [(variable, variable.set(None)) for variable in (stack.current_scope_var, stack.isolation_scope_var)]
    stack.install(backend.ScopeState, None)
    yield lambda **options: House(backend, **options)
    for variable, token in tokens:
        variable.reset(token)
    testing.reset()


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


CAPTURES: dict[str, Callable[[Any], Any]] = {
    "exception": lambda lane: lane.capture_exception(raised(ValueError("x"))),
    "exc_info": lambda lane: lane.capture_exception((ValueError, ValueError("x"), None)),
    "thing": lambda lane: lane.capture_exception("a text"),
    "tuple": lambda lane: lane.capture_exception((1, 2, 3)),
    "message": lambda lane: lane.capture_message("x"),
}
every_capture = pytest.mark.parametrize("capture", CAPTURES.values(), ids=CAPTURES.keys())


@every_capture
def test_what_is_captured_is_offered_once(house: Any, capture: Callable[[Any], Any]) -> None:
    """With the id that is returned, and counted as captured."""
    made = house()
    event_id = capture(made.lane)
    (event,) = made.events()
    assert event["event_id"] == event_id
    assert event["static"] is True
    assert made.dropped == {}
    assert made.stats.snapshot()[0] == 1


@every_capture
@pytest.mark.parametrize("reasons", [DROPS[:count] for count in range(1, len(DROPS))], ids=repr)
def test_the_first_reason_counts_and_counts_once(
    house: Any, backend: Any, capture: Callable[[Any], Any], reasons: tuple[str, ...]
) -> None:
    """The gate's word, then what was called by tocsin itself, then a rate limit, then a full queue."""
    made = house(sample_rate=0.0 if "gate" in reasons else 1.0)
    made.transport.limited = "limited" in reasons
    made.transport.full = "full" in reasons
    if "fenced" in reasons:
        assert backend.fence.call_fenced(lambda: [capture(made.lane)]) == [None]
    else:
        assert capture(made.lane) is None
    if "gate" in reasons:
        expected = DiscardReason.SAMPLE_RATE
    elif "limited" in reasons:
        expected = DiscardReason.RATELIMIT_BACKOFF
    else:
        expected = DiscardReason.QUEUE_OVERFLOW
    assert made.dropped == {expected: 1}
    assert made.fields.calls == 0
    assert made.transport.asked == ([] if "gate" in reasons else ["error", "full"][: 1 if "limited" in reasons else 2])


def test_what_tocsin_itself_has_called_is_refused_before_the_transport_is_asked(house: Any, backend: Any) -> None:
    """It would never end."""
    made = house()
    assert backend.fence.call_fenced(lambda: [capture(made.lane) for capture in CAPTURES.values()]) == [None] * 5
    assert made.dropped == {DiscardReason.EVENT_PROCESSOR: 5}
    assert made.transport.asked == []


@every_capture
def test_without_a_transport_nothing_is_captured(house: Any, capture: Callable[[Any], Any]) -> None:
    """Nor counted; one that is taken away in the middle is a counted drop."""
    made = house()
    made.lane.set_transport(None)
    assert made.lane.transport is None
    assert capture(made.lane) is None
    assert made.stats.snapshot()[0] == 0
    assert made.lane.refuses(None) is True
    assert made.stats.snapshot()[3] == {DiscardReason.INTERNAL_SDK_ERROR: 1}


def test_nothing_handled_is_nothing_captured(house: Any) -> None:
    """No event, no count; what is being handled is found."""
    made = house()
    assert made.lane.capture_exception() is None
    assert made.lane.capture_exception((None, None, None)) is None
    assert made.stats.snapshot()[0] == 0
    try:
        raise KeyError("handled")
    except KeyError:
        assert made.lane.capture_exception() is not None
    (event,) = made.events()
    assert event["exception"]["values"][0]["type"] == "KeyError"


@every_capture
def test_a_transport_that_does_not_take_it_is_a_full_queue(house: Any, capture: Callable[[Any], Any]) -> None:
    """Whatever it says no with."""
    made = house()
    for answer in (False, None, 0):
        made.transport.answer = answer
        assert capture(made.lane) is None
    assert made.dropped == {DiscardReason.QUEUE_OVERFLOW: 3}


@every_capture
def test_a_transport_that_raises_is_told_and_counted_once(house: Any, capture: Callable[[Any], Any]) -> None:
    """As a failure of ours; what is none comes out."""
    made = house()

    def refuse() -> None:
        raise LookupError("the transport fails")

    made.transport.answer = refuse
    assert capture(made.lane) is None
    assert made.stats.snapshot()[0] == 1
    assert made.stats.snapshot()[3] == {DiscardReason.INTERNAL_SDK_ERROR: 1}
    assert [failure for _, failure in made.hooks.given] == [LookupError]
    for error in (KeyboardInterrupt, SystemExit, GeneratorExit):

        def leave(error: type[BaseException] = error) -> None:
            raise error

        made.transport.answer = leave
        with pytest.raises(error):
            capture(made.lane)
    assert made.stats.snapshot()[0] == sum(made.stats.snapshot()[3].values()) == 4


def test_a_transport_of_envelopes_is_the_hook_lanes(house: Any) -> None:
    """One that has no `offer`."""
    made = house()

    class Plain:
        def is_limited(self, category: str) -> bool:
            return False

        def is_full(self) -> bool:
            return False

    made.lane.set_transport(Plain())
    event_id = made.lane.capture_message("x")
    ((item,),) = made.hooks.given
    assert strict_json(made.backend.render(item))["event_id"] == event_id
    made.hooks.delivers = False
    assert made.lane.capture_message("x") is None


def test_hooks_of_client_and_scopes_are_called_by_the_hook_lane(house: Any, backend: Any) -> None:
    """It gets the capture, the hint, the snapshot and the exc_info; what it returns is the event's id."""
    for made in (house(are_there=True), house(), house()):
        if made.hooks.hooks.are_there is False:
            with backend.scope_stack.new_scope() as scope:
                scope._event_processors = (len,)
                scope._touched = True
                error = raised(ValueError("x"))
                assert made.lane.capture_exception(error, hint={"a": 1}) == "by the hooks"
        else:
            error = raised(ValueError("x"))
            assert made.lane.capture_exception(error, hint={"a": 1}) == "by the hooks"
        ((capture, hint, snapshot, exc_info),) = made.hooks.given
        assert (hint, exc_info) == ({"a": 1}, (ValueError, error, error.__traceback__))
        assert type(snapshot) is backend.ScopeSnapshot
        assert capture.attachments[0] == {"a": 1}
        assert vars(error)[backend.gate.MARK] == "by the hooks"


def test_an_error_is_marked_once_it_is_sent(house: Any, backend: Any) -> None:
    """Not when it was dropped; a marked one is refused."""
    made = house()
    error = raised(ValueError("x"))
    made.transport.full = True
    assert made.lane.capture_exception(error) is None
    assert vars(error) == {}
    made.transport.full = False
    event_id = made.lane.capture_exception(error)
    assert vars(error) == {backend.gate.MARK: event_id}
    assert made.lane.capture_exception(error) is None
    assert made.dropped == {DiscardReason.QUEUE_OVERFLOW: 1, DiscardReason.EVENT_PROCESSOR: 1}


def test_breadcrumbs_of_several_scopes_are_in_order_of_time(house: Any, backend: Any) -> None:
    """And the whole count is told."""
    made = house()
    stack = backend.scope_stack
    for scope, times in ((stack.get_global_scope(), (1.0, 4.0)), (stack.get_isolation_scope(), (2.0, 3.0, 5.0))):
        for at in times:
            scope._own_ring(2, made.renderer).add(at, message=str(at))
    made.lane.capture_message("x")
    (event,) = made.events()
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["1.0", "3.0", "4.0", "5.0"]
    assert event["_meta"]["breadcrumbs"][""]["len"] == 5


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
        self.scopes = {name: made.backend.ScopeState("isolation") for name in "abc"}
        for name, scope in self.scopes.items():
            scope._trace = {"trace_id": name}
            scope.set_tag("name", name)

    def capture(self, name: str, *between: Callable[[], object]) -> None:
        """Capture in the scope of that name, before and after each of the calls."""
        with self.made.backend.scope_stack.ScopeSwitch(None, self.scopes[name], True):
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

    def handler(*_: object) -> None:
        nonlocal handled
        handled += 1
        named.capture("b")

    done = threading.Event()
    with signals(handler, 1e-4, repeat=True):
        while not done.is_set():
            named.capture("a")
            if handled >= 200:
                done.set()
    assert alternating(made) == []
    assert made.dropped == {}
