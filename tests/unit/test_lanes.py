"""The two ways of an event to the transport: whichever it takes, it is the same event."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import tocsin
from support.clients import DSN, Sent, masked, raised
from support.receiver import Receiver
from tocsin import source_context
from tocsin.attachments import Attachment

SURROGATE = "é\ud800\x00\u2028\U0001f514"


class Noted(Exception):
    def __init__(self) -> None:
        super().__init__("noted")
        self.__notes__ = ["first", "second"]
        self.errno = 17


def deep(levels: int) -> None:
    if levels:
        deep(levels - 1)
    raise RecursionError("deep")


def recursion() -> BaseException:
    try:
        deep(400)
    except RecursionError as error:
        return error
    raise AssertionError


def chain() -> BaseException:
    try:
        try:
            raise KeyError("inner")
        except KeyError:
            raise ValueError("context")  # noqa: B904
    except ValueError as error:
        return raised(RuntimeError("outer"), cause=error)


def full_scopes() -> None:
    """Something of everything that scopes can say."""
    tocsin.get_global_scope().set_tag("where", "global")
    tocsin.set_tags({"where": "isolation", "a b": SURROGATE, "number": 5, "long": "x" * 500, "none": None})
    tocsin.set_extra("deep", {"a": [{"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}], "nan": float("nan"), "set": {1}})
    tocsin.set_extra(SURROGATE, object)
    tocsin.set_extra("password", "secret")
    tocsin.set_context("mine", {"key": (1, b"bytes", SURROGATE), "token": "secret"})
    tocsin.set_user({"id": 5, "email": "a@b.c", "name": {"first": SURROGATE}, "ip_address": "127.0.0.1"})
    tocsin.set_transaction_name("/route/<id>", "route")
    tocsin.set_level("warning")
    scope = tocsin.get_current_scope()
    scope.fingerprint = ["{{ default }}", SURROGATE, "x" * 300]
    scope.flags.set("flag", True)
    for number in range(5):
        tocsin.add_breadcrumb(
            message=f"{SURROGATE} {number}", category="c", level="warn", data={"n": number, "deep": [[[[[1]]]]]}
        )
    tocsin.add_breadcrumb({"message": 5, "own": "field", "type": "http"})


def few_scopes() -> None:
    """Nothing."""


def overflow() -> None:
    """More breadcrumbs than are kept, of two scopes."""
    for number in range(7):
        tocsin.add_breadcrumb(message=str(number))
    for number in range(2):
        tocsin.get_global_scope().add_breadcrumb(message=f"global {number}")


def busy() -> BaseException:
    wide = {f"key {number}": number for number in range(200)}
    deep_one = [{"a": [{"b": [{"c": [{"d": [1]}]}]}]}]
    long_list = list(range(300))
    long_text = SURROGATE * 1000
    password = "secret"
    nested = {"password": "secret", "own": raised, "rest": (wide, deep_one, long_list)}
    try:
        raise LookupError("busy")
    except LookupError as error:
        assert None not in (wide, long_text, password, nested)
        return error


CAPTURES: dict[str, Callable[[], Any]] = {
    "plain": lambda: tocsin.capture_exception(raised(ValueError(SURROGATE))),
    "chain": lambda: tocsin.capture_exception(chain()),
    "recursion": lambda: tocsin.capture_exception(recursion()),
    "busy": lambda: tocsin.capture_exception(busy()),
    "notes": lambda: tocsin.capture_exception(raised(Noted())),
    "no traceback": lambda: tocsin.capture_exception(ValueError("never raised")),
    "uncaught": lambda: tocsin.api.capture_uncaught(raised(ValueError("x")), "excepthook"),
    "long": lambda: tocsin.capture_exception(raised(ValueError("é" * 20_000))),
    "text": lambda: tocsin.capture_exception("a text"),
    "class": lambda: tocsin.capture_exception(ValueError),
    "object": lambda: tocsin.capture_exception({"a": [1, 2, {3}]}),
    "message": lambda: tocsin.capture_message(SURROGATE),
    "long message": lambda: tocsin.capture_message("x" * 20_000, level="fatal"),
    "list message": lambda: tocsin.capture_message([1, 2]),  # type: ignore[arg-type]
    "level": lambda: tocsin.capture_exception(raised(ValueError("x")), level="debug", tags={"own": "x"}),
}
_SAME_EACH_TIME = ("raised", "deep", "recursion", "chain", "busy", "<lambda>")
SCOPES = {"full": full_scopes, "few": few_scopes, "overflow": overflow}
OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "attach_stacktrace": {"attach_stacktrace": True, "release": "app@1", "dist": "7", "server_name": "here"},
    "max_value_length": {"max_value_length": 100},
    "nothing collected": {"include_local_variables": False, "include_source_context": False},
    "add_full_stack": {"add_full_stack": True},
    "pii": {"data_collection": {"user_info": True}},
}


def within_capture(event: dict[str, Any]) -> Any:
    """The event with only those frames, of the caller's stack, whose locals are the same each time."""
    for home in ("exception", "threads"):
        for value in event.get(home, {}).get("values", []):
            frames = value["stacktrace"]["frames"]
            frames[:] = [f for f in frames if f["function"] in _SAME_EACH_TIME]
            assert frames
    return without_null(event)


def without_null(value: Any) -> Any:
    """The value without members that are null: to a server they say what absent ones say."""
    if isinstance(value, dict):
        return {key: without_null(member) for key, member in value.items() if member is not None}
    return [without_null(member) for member in value] if isinstance(value, list) else value


def sent_by(capture: Callable[[], Any], options: dict[str, Any]) -> Any:
    """The event of a capture by a client of its own, without what never is the same."""
    sent = Sent(max_breadcrumbs=4, **options)
    event_id = capture()
    assert event_id == sent.event["event_id"]
    return within_capture(masked(sent.event))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("prepare", SCOPES.values(), ids=SCOPES.keys())
@pytest.mark.parametrize("capture", CAPTURES.values(), ids=CAPTURES.keys())
def test_both_lanes_give_the_same_event(
    capture: Callable[[], Any], prepare: Callable[[], None], options: dict[str, Any]
) -> None:
    """A before_send that changes nothing changes nothing."""
    Sent(max_breadcrumbs=4, **options)
    prepare()
    events = [sent_by(capture, {**options, **hook}) for hook in ({}, {"before_send": lambda event, hint: event})]
    assert events[0] == events[1]


def test_hooks_find_the_members_that_an_exception_always_has() -> None:
    """A builtin exception has no module: the member is there and null, on both lanes, as hooks expect it."""
    seen: list[Any] = []
    for hook in ({}, {"before_send": lambda event, hint: seen.append(event) or event}):
        sent = Sent(**hook)
        tocsin.capture_exception(raised(ValueError("x")))
        seen.append(sent.event)
    assert len(seen) == 3
    for event in seen:
        (value,) = event["exception"]["values"]
        assert value["module"] is None
        assert value.keys() == {"type", "value", "module", "mechanism", "stacktrace"}


@pytest.mark.parametrize("prepare", SCOPES.values(), ids=SCOPES.keys())
def test_an_event_made_by_hand_is_the_same_with_hooks(prepare: Callable[[], None]) -> None:
    """A before_send that changes nothing changes nothing there either."""
    Sent(max_breadcrumbs=4)
    prepare()
    frame = {"lineno": 5, "vars": {"a": {1}}, "module": __name__, "function": "raised"}
    event = {
        "message": SURROGATE,
        "tags": [["a", 1], ["where", "event"]],
        "extra": {"x": {1, 2}},
        "breadcrumbs": [{"message": "own", "timestamp": 5}],
        "exception": {"type": "E", "value": 5, "stacktrace": {"frames": [frame]}},
        "unknown": {"a": (1, 2)},
        "_meta": {"message": {"": {"len": 9}}},
    }
    events = []
    for hook in ({}, {"before_send": lambda event, hint: event}):
        events.append(sent_by(lambda: tocsin.capture_event(event), hook))
    assert events[0] == events[1]


@pytest.mark.parametrize("hook", [{}, {"before_send": lambda event, hint: event}], ids=["fast", "hook"])
@pytest.mark.parametrize("by_hand", [False, True], ids=["message", "event"])
def test_the_number_of_breadcrumbs_there_were_is_told(hook: dict[str, Any], by_hand: bool) -> None:
    """`_meta` has the original length where the ring let go of some, and nothing where it did not."""
    sent = Sent(max_breadcrumbs=4, **hook)
    for count in (4, 5, 11):
        tocsin.get_isolation_scope().clear_breadcrumbs()
        for number in range(count):
            tocsin.add_breadcrumb(message=str(number))
        assert tocsin.capture_event({"message": "x"}) if by_hand else tocsin.capture_message("x")
        event = sent.events[-1]
        assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == list(map(str, range(count)))[-4:]
        told = event.get("_meta", {}).get("breadcrumbs", {}).get("", {}).get("len")
        assert told == (None if count == 4 else count)


@pytest.mark.parametrize("hook", [{}, {"before_send": lambda event, hint: event}], ids=["fast", "hook"])
def test_texts_are_cut_at_the_length_that_is_wanted(hook: dict[str, Any]) -> None:
    """`max_value_length` holds for the error's text, the message, breadcrumbs and extra, in both lanes."""
    sent = Sent(max_value_length=50, **hook)
    tocsin.add_breadcrumb(message="b" * 200, data={"text": "d" * 200})
    tocsin.set_extra("text", "x" * 200)
    tocsin.capture_exception(raised(ValueError("v" * 200)))
    tocsin.capture_message("m" * 200)
    of_error, of_message = sent.events
    (crumb,) = of_error["breadcrumbs"]["values"]
    for text, char in (
        (of_error["exception"]["values"][0]["value"], "v"),
        (of_message["message"], "m"),
        (crumb["message"], "b"),
        (crumb["data"]["text"], "d"),
        (of_error["extra"]["text"], "x"),
    ):
        assert text == char * 47 + "..."


@pytest.mark.parametrize("error", [ValueError("x"), "a text"], ids=["exception", "thing"])
def test_what_was_never_raised_shows_who_captured_it(error: Any) -> None:
    """The stack ends with the caller, tocsin's own frames are left out."""
    sent = Sent()
    tocsin.capture_exception(error)
    (value,) = sent.event["exception"]["values"]
    assert value["mechanism"]["synthetic"] is True
    assert value["stacktrace"]["frames"][-1]["function"] == "test_what_was_never_raised_shows_who_captured_it"


def test_source_lines_are_read_by_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The capturing thread opens no file."""
    readers: set[int] = set()
    read = source_context.read

    def noting(*arguments: Any) -> Any:
        readers.add(threading.get_ident())
        return read(*arguments)

    monkeypatch.setattr(source_context, "read", noting)
    with Receiver() as server:
        client = tocsin.init(server.dsn, default_integrations=False)
        tocsin.capture_exception(raised(ValueError("x")))
        tocsin.capture_exception("a text")
        assert client.flush(20)
        event = server.wait_for(2)[0].envelope.event
        client.close()
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["context_line"].strip() == "raise error"
    assert readers
    assert threading.get_ident() not in readers


def item_of(sent: Sent, name: str) -> Any:
    (item,) = [item for item in sent.transport.envelopes[-1].items if item.headers.get("filename") == name]
    return item


@pytest.mark.parametrize("hook", [{}, {"before_send": lambda event, hint: event}], ids=["fast", "hook"])
def test_attachments_of_the_scope_travel_with_each_event(hook: dict[str, Any]) -> None:
    """With content given, made by a function, or read from a file."""
    sent = Sent(**hook)
    tocsin.add_attachment(b"\x00bytes", "a.bin")
    tocsin.add_attachment(lambda: b"made", "b.txt")
    tocsin.add_attachment(path=__file__)
    for capture in (CAPTURES["plain"], CAPTURES["message"], lambda: tocsin.capture_event({"message": "x"})):
        assert capture() is not None
        assert item_of(sent, "a.bin").get_bytes() == b"\x00bytes"
        assert item_of(sent, "b.txt").get_bytes() == b"made"
        assert item_of(sent, "test_lanes.py").get_bytes().startswith(b'"""The two ways')
        assert [item.type for item in sent.transport.envelopes[-1].items] == ["event", *["attachment"] * 3]


def test_attachments_of_the_hint_travel_too_and_hooks_may_edit_them() -> None:
    """The hint's come before the scope's; what before_send leaves in the list is sent."""
    seen: list[list[Any]] = []

    def before_send(event: Any, hint: Any) -> Any:
        seen.append([attachment.filename for attachment in hint["attachments"]])
        del hint["attachments"][0]
        hint["attachments"].append(Attachment(b"c", "c"))
        return event

    sent = Sent(before_send=before_send)
    tocsin.add_attachment(b"b", "b")
    assert tocsin.capture_event({"message": "x"}, {"attachments": [Attachment(b"a", "a")]}) is not None
    assert seen == [["a", "b"]]
    assert [item.headers.get("filename") for item in sent.transport.envelopes[0].items] == [None, "b", "c"]


@pytest.mark.internal_errors
@pytest.mark.parametrize("hook", [{}, {"before_send": lambda event, hint: event}], ids=["fast", "hook"])
@pytest.mark.parametrize("junk", [5, "text", None, {"a": 1}, [5, None, "x"], object(), (1,), True, b"x"], ids=repr)
def test_junk_for_attachments_does_not_cost_the_event(junk: Any, hook: dict[str, Any]) -> None:
    """What is no attachment is left out; the scope's still travel."""
    sent = Sent(**hook)
    tocsin.add_attachment(b"good", "good")
    assert tocsin.capture_event({"message": "x"}, {"attachments": junk}) is not None
    assert item_of(sent, "good").get_bytes() == b"good"
    assert len(sent.transport.envelopes[0].items) == 2


@pytest.mark.internal_errors
def test_an_attachment_that_fails_does_not_cost_the_event() -> None:
    """A content function that raises, on whichever thread it is called, leaves an empty attachment."""

    def fail() -> bytes:
        raise RuntimeError

    sent = Sent()
    tocsin.add_attachment(fail, "bad")
    assert tocsin.capture_message("x") is not None
    assert item_of(sent, "bad").get_bytes() == b""
    assert sent.event["message"] == "x"


def test_a_full_queue_is_counted_where_nobody_could_know_before() -> None:
    """An event that does not fit the queue's bytes is dropped at the offer."""
    client = tocsin.init(DSN, default_integrations=False, transport_queue_bytes=10)
    assert tocsin.capture_message("x") is None
    assert tocsin.capture_event({"message": "x"}) is None
    assert tocsin.stats().dropped == {"queue_overflow": 2}
    client.close(0)
