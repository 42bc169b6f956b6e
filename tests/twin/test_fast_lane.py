"""Laws of the way of most captures: what decides, in which order, and that it is counted once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.lanes import House, no_facade, raised
from support.twins import strict_json
from tocsin.reasons import DiscardReason

DROPS = ("limited", "full", "gate", "fenced", "no transport")


@pytest.fixture
def house(backend: Any) -> Iterator[Callable[..., House]]:
    """Makes houses."""
    with no_facade(backend):
        yield lambda **options: House(backend, **options)


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
