"""The decisions that are taken before an event is built."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

import tocsin
from support.clients import Sent, building, raised
from tocsin.integrations.dedupe import DedupeIntegration


class Base(Exception):
    class Inner(Exception):
        pass


class Derived(Base):
    pass


EVERY_CAPTURE: dict[str, Callable[[], Any]] = {
    "exception": lambda: tocsin.capture_exception(raised(ValueError("x"))),
    "thing": lambda: tocsin.capture_exception("a text"),
    "message": lambda: tocsin.capture_message("x"),
    "event": lambda: tocsin.capture_event({"message": "x"}),
    "uncaught": lambda: tocsin.api.capture_uncaught(raised(ValueError("x")), "excepthook"),
}
every_capture = pytest.mark.parametrize("capture", EVERY_CAPTURE.values(), ids=EVERY_CAPTURE.keys())


def assert_not_built(sent: Sent, capture: Callable[[], Any], reason: str) -> None:
    """The capture is dropped for the reason, counted once, and nothing was made for it."""
    before = sent.dropped.get(reason, 0)
    with building(sent.client) as built:
        assert capture() is None
    assert built == []
    assert sent.events == []
    assert sent.dropped == {reason: before + 1}


def test_the_watch_on_building_sees_an_event_built() -> None:
    """The detector itself: what is built does call the extractor."""
    sent = Sent(attach_stacktrace=True)
    for capture in EVERY_CAPTURE.values():
        with building(sent.client) as built:
            assert capture() is not None
        assert built


@every_capture
def test_what_is_sampled_out_is_not_built(capture: Callable[[], Any]) -> None:
    """A rate of zero drops every kind of capture before any work."""
    assert_not_built(Sent(sample_rate=0.0, attach_stacktrace=True), capture, "sample_rate")


@every_capture
def test_what_the_server_does_not_want_is_not_built(capture: Callable[[], Any]) -> None:
    """Under a rate limit nothing is made that would be thrown away."""
    sent = Sent(attach_stacktrace=True)
    sent.transport.limited = True
    assert_not_built(sent, capture, "ratelimit_backoff")
    sent.transport.limited = False
    assert capture() is not None


@every_capture
def test_what_the_queue_has_no_room_for_is_not_built(capture: Callable[[], Any]) -> None:
    """A full queue refuses before any work."""
    sent = Sent(attach_stacktrace=True)
    sent.transport.full = True
    assert_not_built(sent, capture, "queue_overflow")
    sent.transport.full = False
    assert capture() is not None


@pytest.mark.parametrize(
    "ignored",
    [Base, "Base", f"{__name__}.Base", Exception, BaseException],
    ids=["class", "name", "module and name", "parent", "root"],
)
def test_what_is_to_be_ignored_is_not_built(ignored: Any) -> None:
    """By class, by name, by module and name."""
    sent = Sent(ignore_errors=[ignored])
    assert_not_built(sent, lambda: tocsin.capture_exception(raised(Base())), "event_processor")


def test_subclasses_are_ignored_with_a_class_but_not_with_a_name() -> None:
    """A class stands for all that derive from it, a name for itself alone."""
    sent = Sent(ignore_errors=[Base])
    assert_not_built(sent, lambda: tocsin.capture_exception(raised(Derived())), "event_processor")
    sent = Sent(ignore_errors=["Base", f"{__name__}.Base"])
    assert tocsin.capture_exception(raised(Derived())) is not None
    assert sent.dropped == {}


def test_a_nested_class_is_named_by_its_qualified_name() -> None:
    """`Outer.Inner`, with or without the module; the bare inner name is another's."""
    for name in ("Base.Inner", f"{__name__}.Base.Inner"):
        assert_not_built(
            Sent(ignore_errors=[name]), lambda: tocsin.capture_exception(raised(Base.Inner())), "event_processor"
        )
    Sent(ignore_errors=["Inner", "Base"])
    assert tocsin.capture_exception(raised(Base.Inner())) is not None


def test_builtin_errors_are_named_without_and_with_module() -> None:
    """`KeyError` and `builtins.KeyError` are the same."""
    for name in ("KeyError", "builtins.KeyError"):
        assert_not_built(
            Sent(ignore_errors=[name]), lambda: tocsin.capture_exception(raised(KeyError())), "event_processor"
        )


def test_only_the_captured_error_itself_is_asked_about() -> None:
    """An ignored cause does not take the error with it."""
    sent = Sent(ignore_errors=[KeyError, "LookupError"])
    assert tocsin.capture_exception(raised(ValueError(), cause=KeyError())) is not None
    assert len(sent.event["exception"]["values"]) == 2


def test_ignoring_runs_no_code_of_the_type() -> None:
    """A metaclass and a lying `__class__` are not asked what they are."""
    asked: list[str] = []

    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            asked.append("instance")
            return True

        def __subclasscheck__(cls, subclass: type) -> bool:
            asked.append("subclass")
            return True

        def __getattribute__(cls, name: str) -> Any:
            asked.append(name)
            return super().__getattribute__(name)

    class Odd(Exception, metaclass=Meta):
        pass

    error = raised(Odd())
    sent = Sent(ignore_errors=[Odd])
    unrelated = raised(ValueError())
    asked.clear()
    assert tocsin.capture_exception(unrelated) is not None
    assert tocsin.capture_exception(error) is None
    assert asked == []
    assert sent.dropped == {"event_processor": 1}


def test_an_error_is_captured_once() -> None:
    """The same object through a second door is a counted drop, also when another came between."""
    sent = Sent(integrations=[DedupeIntegration()])
    first, second = raised(ValueError("a")), raised(ValueError("b"))
    assert tocsin.capture_exception(first) is not None
    assert tocsin.capture_exception(second) is not None
    with building(sent.client) as built:
        assert tocsin.capture_exception(first) is None
        assert tocsin.api.capture_uncaught(first, "excepthook") is None
        assert tocsin.capture_event({"message": "x"}, {"exc_info": (ValueError, first, None)}) is None
    assert built == []
    assert len(sent.events) == 2
    assert sent.dropped == {"event_processor": 3}


def test_whoever_leaves_the_integration_out_gets_every_capture() -> None:
    """Without `DedupeIntegration` the same error is as many events as captures."""
    sent = Sent()
    error = raised(ValueError())
    assert None not in [tocsin.capture_exception(error) for _ in range(3)]
    assert len({event["event_id"] for event in sent.events}) == 3


def test_equal_errors_are_different_errors() -> None:
    """Identity counts, not equality: an error that claims to equal all is captured all the same."""

    class Same(Exception):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    sent = Sent(integrations=[DedupeIntegration()])
    for _ in range(3):
        assert tocsin.capture_exception(raised(Same())) is not None
    assert sent.dropped == {}


def test_an_error_that_was_dropped_may_be_captured_later() -> None:
    """Only what was sent is remembered on the error."""
    sent = Sent(integrations=[DedupeIntegration()])
    error = raised(ValueError())
    sent.transport.full = True
    assert tocsin.capture_exception(error) is None
    sent.transport.full = False
    assert tocsin.capture_exception(error) is not None


def test_messages_are_never_taken_for_repeated() -> None:
    """The same text twice is two events."""
    sent = Sent(integrations=[DedupeIntegration()])
    for _ in range(2):
        assert tocsin.capture_message("x") is not None
        assert tocsin.capture_exception("x") is not None
    assert len(sent.events) == 4


def test_an_event_that_brings_an_ignored_error_is_ignored() -> None:
    """The hint's exc_info counts like an exception captured by itself."""
    sent = Sent(ignore_errors=["KeyError"])
    error = raised(KeyError())
    hint = {"exc_info": (KeyError, error, error.__traceback__)}
    assert_not_built(sent, lambda: tocsin.capture_event({"message": "x"}, hint), "event_processor")


def test_the_rate_is_the_share_that_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A draw below the rate is sent, one at the rate or above is not."""
    sent = Sent(sample_rate=0.25)
    draws = iter([0.0, 0.2499, 0.25, 0.9999])
    monkeypatch.setattr(random, "random", lambda: next(draws))
    answers = [tocsin.capture_message("x") is not None for _ in range(4)]
    assert answers == [True, True, False, False]
    assert sent.dropped == {"sample_rate": 2}


def test_a_rate_of_one_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The common case costs no random number."""
    sent = Sent(sample_rate=1.0)

    def drawn() -> float:
        raise AssertionError

    monkeypatch.setattr(random, "random", drawn)
    assert tocsin.capture_message("x") is not None
    assert sent.dropped == {}
