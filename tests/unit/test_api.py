"""The verbs: what they may be called with, and what becomes of it."""

from __future__ import annotations

import asyncio
import copy
import sys
import time
from collections import OrderedDict, UserDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

import tocsin
from support.clients import Sent, balanced, masked, raised
from tocsin._backend import iso_time


class Odd(Mapping[str, Any]):
    """A mapping that is no dict."""

    def __getitem__(self, key: str) -> Any:
        return {"message": "x", "tags": {"a": "b"}}[key]

    def __iter__(self) -> Any:
        return iter(("message", "tags"))

    def __len__(self) -> int:
        return 2


def the_value(sent: Sent) -> dict[str, Any]:
    (value,) = sent.event["exception"]["values"]
    assert isinstance(value, dict)
    return value


def functions(value: dict[str, Any]) -> list[str]:
    return [frame["function"] for frame in value["stacktrace"]["frames"]]


def test_an_exception_is_given_as_itself() -> None:
    """Also outside of the except block; its frames are those it was raised through."""
    sent = Sent()
    event_id = tocsin.capture_exception(raised(ValueError("x")))
    assert event_id == sent.event["event_id"] == tocsin.last_event_id()
    value = the_value(sent)
    assert (value["type"], value["value"]) == ("ValueError", "x")
    assert value["mechanism"] == {"type": "generic", "handled": True}
    assert functions(value) == ["raised"]


def test_nothing_means_the_exception_being_handled() -> None:
    """The innermost one; the chain comes along."""
    sent = Sent()
    try:
        raise ValueError("x")
    except ValueError:
        assert tocsin.capture_exception() is not None
    assert the_value(sent)["value"] == "x"


@pytest.mark.parametrize("nothing", [None, (None, None, None)], ids=["None", "empty exc_info"])
def test_nothing_being_handled_is_no_event_and_no_capture(nothing: Any) -> None:
    """It is neither sent nor counted."""
    sent = Sent()
    assert tocsin.capture_exception(nothing) is None
    assert sent.events == []
    assert balanced().captured == 0


def test_exc_info_is_taken_for_the_exception_in_it() -> None:
    """The traceback is that of the tuple, which may be another than the exception's."""
    sent = Sent()
    error = raised(ValueError("x"))
    for traceback in (error.__traceback__, None):
        assert tocsin.capture_exception((ValueError, error, traceback)) is not None
    with_own = raised(ValueError("y"))
    assert tocsin.capture_exception((ValueError, with_own.with_traceback(None), error.__traceback__)) is not None
    for event in sent.events:
        assert functions(event["exception"]["values"][0]) == ["raised"]


@pytest.mark.parametrize("third", [5, "traceback", object(), [], ValueError()], ids=repr)
def test_exc_info_without_a_traceback_for_third_is_still_the_exception(third: Any) -> None:
    """The exception's own traceback is shown."""
    sent = Sent()
    error = raised(ValueError("x"))
    assert tocsin.capture_exception((ValueError, error, third)) is not None
    assert the_value(sent)["value"] == "x"
    assert functions(the_value(sent)) == ["raised"]
    assert sent.dropped == {}


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        ("a text", "str"),
        ("", "str"),
        (ValueError, "ValueError"),
        (5, "int"),
        (0, "int"),
        (False, "bool"),
        ([], "list"),
        ({}, "dict"),
        ((), "tuple"),
        ((1, 2, 3), "tuple"),
        ((ValueError, "text", None), "tuple"),
        ((None, None), "tuple"),
        ((None, None, 5), "tuple"),
        (object(), "object"),
        (NotImplemented, "NotImplementedType"),
    ],
    ids=repr,
)
def test_anything_else_is_reported_as_what_it_is(thing: Any, kind: str) -> None:
    """Marked synthetic, with the stack of the call; also what is false, and a tuple that is no exc_info."""
    sent = Sent()
    assert tocsin.capture_exception(thing) is not None
    value = the_value(sent)
    assert value["type"] == kind
    assert value["mechanism"] == {"type": "generic", "handled": True, "synthetic": True}
    assert functions(value)[-1] == "test_anything_else_is_reported_as_what_it_is"


def test_a_liar_is_not_taken_for_an_exception() -> None:
    """`__class__` is not asked."""

    class Liar:
        @property
        def __class__(self) -> Any:
            return ValueError

    sent = Sent()
    assert tocsin.capture_exception(Liar()) is not None
    assert the_value(sent)["type"].endswith("Liar")


def test_the_last_error_is_the_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sys.last_exc`, else `sys.last_value`; without either nothing is captured."""
    sent = Sent()
    for name in ("last_exc", "last_value"):
        monkeypatch.delattr(sys, name, raising=False)
    assert tocsin.capture_last_error() is None
    monkeypatch.setattr(sys, "last_value", raised(ValueError("value")), raising=False)
    assert tocsin.capture_last_error() is not None
    monkeypatch.setattr(sys, "last_exc", raised(ValueError("exc")), raising=False)
    assert tocsin.capture_last_error() is not None
    assert [event["exception"]["values"][0]["value"] for event in sent.events] == ["value", "exc"]


def test_the_last_error_is_not_the_one_being_handled(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is no exception is none."""
    sent = Sent()
    for junk in (None, "text", 5):
        monkeypatch.setattr(sys, "last_exc", junk, raising=False)
        monkeypatch.setattr(sys, "last_value", junk, raising=False)
        try:
            raise ValueError
        except ValueError:
            assert tocsin.capture_last_error() is None
    assert sent.events == []


@pytest.mark.parametrize(
    ("message", "text"),
    [("x", "x"), ("", ""), (5, "5"), (None, "None"), ([1, 2], "[1, 2]"), ({"a": 1}, "{'a': 1}"), (b"bytes", "bytes")],
    ids=repr,
)
def test_a_message_of_any_kind_is_a_text(message: Any, text: str) -> None:
    """What is no text is shown as data."""
    sent = Sent()
    assert tocsin.capture_message(message) is not None
    assert sent.event["message"] == text
    assert sent.event["level"] == "info"
    assert "exception" not in sent.event


@pytest.mark.parametrize(
    ("given", "level"), [("error", "error"), ("WARN", "warning"), (50, "fatal"), ("nonsense", "info"), (None, "info")]
)
def test_a_messages_level_is_one_that_the_server_knows(given: Any, level: str) -> None:
    """In any spelling; what is none is the default."""
    sent = Sent()
    tocsin.capture_message("x", level=given)
    assert sent.event["level"] == level


EVENT = {"message": "x", "tags": {"a": "b"}}


@pytest.mark.parametrize(
    "event",
    [EVENT, MappingProxyType(EVENT), OrderedDict(EVENT), UserDict(EVENT), Odd()],
    ids=["dict", "proxy", "ordered", "user", "mapping"],
)
def test_an_event_may_be_any_mapping(event: Any) -> None:
    """All of them give the same event."""
    sent = Sent()
    assert tocsin.capture_event(event) is not None
    assert sent.event["message"] == "x"
    assert sent.event["tags"] == {"a": "b"}


@pytest.mark.parametrize("junk", [None, 5, "x", [], [("message", "x")], object()], ids=repr)
def test_what_is_no_event_is_counted_and_not_sent(junk: Any) -> None:
    """It does not vanish from the account."""
    sent = Sent()
    assert tocsin.capture_event(junk) is None
    assert sent.events == []
    account = balanced()
    assert account.captured == sum(account.dropped.values()) == 1


def test_an_event_is_completed() -> None:
    """Id, time, platform, level, and what the client knows; what the event says itself stays."""
    sent = Sent(release="a@1", environment="test", server_name="here")
    assert tocsin.capture_event({}) is not None
    event = sent.event
    assert len(event["event_id"]) == 32
    assert event["timestamp"].endswith("Z")
    assert (event["platform"], event["level"]) == ("python", "error")
    assert (event["release"], event["environment"], event["server_name"]) == ("a@1", "test", "here")
    assert event["sdk"]["name"] == "tocsin"
    assert event["contexts"]["runtime"]["name"]
    own = {
        "event_id": "ab" * 16,
        "timestamp": iso_time(time.time() - 3600.0),
        "platform": "javascript",
        "level": "fatal",
        "release": "b@2",
        "environment": "own",
        "server_name": "there",
        "sdk": {"name": "other", "version": "1.2"},
    }
    assert tocsin.capture_event(own) == "ab" * 16
    assert {key: sent.events[1][key] for key in own} == own


def test_an_event_may_be_made_of_our_own_parts() -> None:
    """`exception_values()` and `stacktrace()` are what a capture would have sent."""
    error = raised(ValueError("x"), cause=KeyError("y"))
    sent = Sent()
    tocsin.capture_exception(error)
    values = tocsin.exception_values(error)
    assert values == sent.event["exception"]["values"]
    here = tocsin.stacktrace()
    assert here["frames"][-1]["function"] == "test_an_event_may_be_made_of_our_own_parts"
    assert here["frames"][-1]["context_line"].strip() == "here = tocsin.stacktrace()"
    assert tocsin.stacktrace(error.__traceback__) == values[-1]["stacktrace"]
    threads = {"values": [{"current": True, "stacktrace": here}]}
    assert tocsin.capture_event({"exception": {"values": values}, "threads": threads}) is not None
    assert sent.events[1]["exception"]["values"] == values
    assert sent.events[1]["threads"] == threads


def test_parts_may_be_made_without_a_client() -> None:
    """And what is no exception has no values."""
    error = raised(ValueError("x"))
    assert tocsin.exception_values(error)[0]["value"] == "x"
    assert tocsin.stacktrace(error.__traceback__)["frames"][-1]["function"] == "raised"
    for junk in (None, "x", ValueError):
        assert tocsin.exception_values(junk) == []  # type: ignore[arg-type]


def test_each_scope_wins_over_those_before_it() -> None:
    """Global, isolation, current, the one captured on, `scope=`, keyword arguments: seen on the event."""
    sent = Sent()
    scopes = [tocsin.get_global_scope(), tocsin.get_isolation_scope(), tocsin.get_current_scope(), tocsin.Scope()]
    argument = tocsin.Scope()
    for number, scope in enumerate([*scopes, argument]):
        for later in range(number, 6):
            scope.set_tag(f"tag{later}", number)
        scope.set_extra("extra", number)
        scope.set_user({"id": str(number)})
        scope.set_level(["debug", "info", "warning", "error", "fatal"][number])
    scopes[3].capture_message("x", scope=argument)
    assert sent.event["tags"] == {f"tag{number}": str(min(number, 4)) for number in range(6)}
    assert (sent.event["extra"], sent.event["user"], sent.event["level"]) == ({"extra": 4}, {"id": "4"}, "fatal")
    tocsin.capture_message("x", tags={"tag0": "kwargs"}, user={"id": "kwargs"}, level="debug", extras={"extra": 5})
    assert sent.events[1]["tags"]["tag0"] == "kwargs"
    assert sent.events[1]["user"] == {"id": "kwargs"}
    assert sent.events[1]["extra"] == {"extra": 5}


def test_scope_data_and_an_event_made_by_hand_meet() -> None:
    """Scopes win by key for tags, extra, contexts and for the level; the event for user, transaction, fingerprint."""
    sent = Sent()
    tocsin.set_tags({"both": "scope", "scope": "s"})
    tocsin.set_extra("both", "scope")
    tocsin.set_context("both", {"is": "scope"})
    tocsin.set_level("fatal")
    tocsin.set_user({"id": "scope"})
    tocsin.get_current_scope().fingerprint = ["scope"]
    tocsin.set_transaction_name("scope")
    own = {"user": {"id": "event"}, "fingerprint": ["event"], "transaction": "event"}
    by_key = {"tags": {"both": "e", "event": "e"}, "extra": {"both": "e", "event": "e"}, "level": "debug"}
    tocsin.capture_event({**own, **by_key, "contexts": {"both": {"is": "e"}, "event": {"is": "e"}}})
    event = sent.event
    assert {key: event[key] for key in own} == own
    assert event["tags"] == {"both": "scope", "scope": "s", "event": "e"}
    assert event["extra"] == {"both": "scope", "event": "e"}
    assert event["level"] == "fatal"
    assert event["contexts"]["both"] == {"is": "scope"}
    assert event["contexts"]["event"] == {"is": "e"}


def test_nothing_of_the_callers_is_changed() -> None:
    """Event, hint and scope data are as before, at every depth, with and without hooks."""
    for options in ({}, {"before_send": lambda event, hint: event}):
        Sent(**options)
        tocsin.set_tag("a", "b")
        tocsin.add_breadcrumb(message="x")
        tocsin.add_attachment(b"x", "x")
        event = {
            "message": {"message": "%s", "params": (1, {2})},
            "tags": [["a", "c"], ("d", 1)],
            "extra": {"deep": [{"password": "x"}, b"y"]},
            "breadcrumbs": {"values": [{"message": "own", "data": {"token": 1}}]},
            "contexts": {"runtime": {"name": "own"}, "trace": None},
            "exception": [{"type": "E", "stacktrace": {"frames": [{"vars": {"password": object}}]}}],
            "_meta": {"message": {"": {"len": 5}}},
            "user": {"ip_address": "nonsense"},
        }
        hint: dict[str, Any] = {"exc_info": None, "attachments": [], "mine": [1]}
        before = copy.deepcopy((event, hint))
        extras = {"k": [1]}
        assert tocsin.capture_event(event, hint, extras=extras) is not None
        assert (event, hint, extras) == (*before, {"k": [1]})


def test_the_last_event_id_is_the_isolation_scopes() -> None:
    """An inner one does not leak out; a dropped capture leaves it as it is."""
    sent = Sent()
    first = tocsin.capture_message("x")
    with tocsin.isolation_scope():
        second = tocsin.capture_message("y")
        assert tocsin.last_event_id() == second
    assert tocsin.last_event_id() == first
    sent.transport.full = True
    assert tocsin.capture_message("z") is None
    assert tocsin.last_event_id() == first


def test_an_uncaught_exception_is_told_apart() -> None:
    """By the name of the hook, and as not handled."""
    sent = Sent()
    assert tocsin.api.capture_uncaught(raised(ValueError()), "excepthook") == tocsin.last_event_id()
    assert the_value(sent)["mechanism"] == {"type": "excepthook", "handled": False}


def test_capturing_leaves_the_exception_being_handled_alone() -> None:
    """`sys.exc_info()` is the same afterwards, and so is the captured exception's context."""
    Sent(before_send=lambda event, hint: event)
    try:
        raise ValueError("x")
    except ValueError as error:
        before = sys.exc_info()
        tocsin.capture_exception()
        tocsin.capture_message("x")
        assert sys.exc_info() == before
        caught = error
    assert (caught.__context__, caught.__cause__, caught.args) == (None, None, ("x",))


def test_flush_is_awaitable() -> None:
    """`flush_async` answers as `flush` does."""
    Sent()
    tocsin.capture_message("x")
    assert asyncio.run(tocsin.flush_async(1.0)) is True


def test_a_message_looks_the_same_from_every_door() -> None:
    """Module, scope and client capture alike."""
    sent = Sent()
    tocsin.capture_message("x", level="error")
    tocsin.get_current_scope().capture_message("x", level="error")
    tocsin.get_isolation_scope().capture_message("x", "error")
    sent.client.capture_message("x", "error")
    assert len(sent.events) == 4
    assert all(masked(event) == masked(sent.events[0]) for event in sent.events)
