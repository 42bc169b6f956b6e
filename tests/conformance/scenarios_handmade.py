"""Scenarios: events made by hand."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import tocsin
from conformance.corpus import scenario

NOW = datetime.now(timezone.utc)


@scenario(keeps=("Error message.", "MyError"))
def a_flat_exception_without_a_stack() -> None:
    tocsin.capture_event({"exception": {"type": "MyError", "value": "Error message."}})


@scenario(keeps=("with the caller's stack", "an_exception_with_the_callers_stack"))
def an_exception_with_the_callers_stack() -> None:
    stack = tocsin.stacktrace()
    tocsin.capture_event({"exception": [{"type": "MyError", "value": "with the caller's stack", "stacktrace": stack}]})


@scenario(keeps=("taken apart", "and its cause"))
def an_exception_taken_apart() -> None:
    try:
        raise ValueError("taken apart") from KeyError("and its cause")
    except ValueError as error:
        tocsin.capture_event({"exception": {"values": tocsin.exception_values(error)}, "level": "fatal"})


@scenario(keeps=("of a traceback", "deep_down"))
def an_exception_with_a_stack_of_a_traceback() -> None:
    def deep_down() -> None:
        raise ValueError("of a traceback")

    try:
        deep_down()
    except ValueError as error:
        stack = tocsin.stacktrace(error.__traceback__)
        tocsin.capture_event({"exception": {"type": "Renamed", "value": str(error), "stacktrace": stack}})


@scenario(keeps=("Hello!",))
def a_plain_message() -> None:
    tocsin.capture_event({"message": "Hello!"})


@scenario(events=4, keeps=("user %s, %d times", "user bob, 3 times", "user %(name)s", "bob"))
def messages_with_parameters() -> None:
    tocsin.capture_event({"logentry": {"message": "user %s, %d times", "params": ["bob", 3]}})
    tocsin.capture_event({"logentry": {"message": "user %(name)s", "params": {"name": "bob"}}})
    tocsin.capture_event(
        {"logentry": {"message": "user %s", "formatted": "user bob", "params": ("bob",)}, "logger": "app"}
    )
    tocsin.capture_event({"message": {"message": "%s", "params": [object(), "\ud800", float("inf"), 1 << 90]}})


@scenario(keeps=("everything there is", "route", "key", "deadbeef" * 4, "1.5.0"))
def an_event_with_everything() -> None:
    tocsin.capture_event(
        {
            "event_id": str(uuid.UUID("deadbeef" * 4)),
            "timestamp": NOW - timedelta(hours=1),
            "platform": "python",
            "level": "warning",
            "logger": "app.orders",
            "message": "everything there is",
            "transaction": "/route/{id}",
            "transaction_info": {"source": "route"},
            "server_name": "host-7",
            "release": "app@2.0",
            "dist": "7",
            "environment": "staging",
            "tags": [("key", "value"), ["number", 5]],
            "extra": {"list": [1, 2.5, None, True], "text": "t"},
            "contexts": {"order": {"id": 7, "lines": [{"sku": "a"}]}, "os": {"name": "Linux"}},
            "user": {"id": 5, "email": "a@example.org", "username": "a", "ip_address": "10.0.0.1", "plan": "gold"},
            "fingerprint": ["{{ default }}", "orders"],
            "modules": {"flask": "1.5.0"},
            "request": {"url": "https://example.org/x?q=1", "method": "GET", "headers": {"Accept": "*/*"}},
            "breadcrumbs": [{"message": "one", "timestamp": NOW - timedelta(hours=2), "level": "info"}],
            "threads": {"values": [{"id": 1, "name": "main", "current": True, "crashed": False}]},
            "sdk": {"name": "my.sdk", "version": "1"},
            "debug_meta": {"images": []},
        }
    )


@scenario(events=11)
def times_in_every_shape() -> None:
    times: tuple[Any, ...] = (
        NOW.timestamp(), int(NOW.timestamp()), NOW, NOW.replace(tzinfo=None), NOW.isoformat(), str(NOW), "yesterday",
        NOW.astimezone(timezone(timedelta(hours=9))), float("nan"), -5, [],
    )  # fmt: skip
    for time in times:
        tocsin.capture_event({"message": "a time", "timestamp": time})


@scenario(events=8)
def ids_in_every_shape() -> None:
    for odd in (uuid.uuid4(), str(uuid.uuid4()), uuid.uuid4().hex.upper(), "", "xyz", 5, None, "0" * 32):
        tocsin.capture_event({"message": "an id", "event_id": odd})


@scenario(keeps=("kept under its own name", "surely"))
def members_that_no_event_has() -> None:
    tocsin.capture_event({"message": "m", "colour": "kept under its own name", "culprit": "surely", 5: "number"})


@scenario(events=2, keeps=("kept", "tag value"))
def parts_of_the_wrong_type() -> None:
    tocsin.capture_event(
        {
            "message": "wrong types, but kept",
            "tags": {"tag value": "tag value"},
            "extra": ["a", "list"],
            "contexts": [1],
            "user": "a name",
            "request": "GET /",
            "fingerprint": "one text",
            "modules": ["flask"],
            "breadcrumbs": "none",
            "exception": "an error",
            "threads": 7,
            "sdk": "mine",
            "level": 99,
            "logger": 5,
            "transaction": ["t"],
            "transaction_info": "custom",
            "server_name": 5,
            "release": 2.0,
            "dist": 7,
            "environment": False,
            "platform": 3,
            "_meta": 5,
            "errors": "none",
            "debug_meta": "x",
        }
    )
    empty = (
        "tags",
        "extra",
        "contexts",
        "user",
        "request",
        "fingerprint",
        "modules",
        "breadcrumbs",
        "exception",
        "threads",
    )
    tocsin.capture_event({"message": "empty, but kept", **{key: [] for key in empty}})


@scenario(events=5, keeps=("only a type", "only a value"))
def exceptions_in_odd_shapes() -> None:
    tocsin.capture_event({"exception": {"values": [{"type": "only a type"}, {"value": "only a value"}]}})
    tocsin.capture_event({"exception": {"values": [{}, None, 5, {"type": "after junk", "value": None}]}})
    tocsin.capture_event({"exception": {"values": [{"type": 5, "value": [1, 2], "module": 7, "thread_id": {}}]}})
    tocsin.capture_event({"exception": {"type": "A", "value": "B", "mechanism": "odd", "stacktrace": "odd"}})
    tocsin.capture_event({"exception": {"type": "A", "value": "B", "mechanism": {"handled": "yes", "meta": 5, "a": 1}}})


@scenario(keeps=("odd frames", "named"))
def frames_in_odd_shapes() -> None:
    frames: list[Any] = [
        {},
        {"lineno": 5},
        {"function": "named", "lineno": "12", "vars": [1, 2], "in_app": "yes", "pre_context": "text"},
        {"filename": 7, "abs_path": None, "vars": {"a": object(), "password": "x"}, "colour": "red"},
        {"function": "f", "lineno": -1, "colno": 1 << 80, "context_line": 5, "post_context": [1, None]},
        None,
    ]
    tocsin.capture_event({"exception": {"type": "T", "value": "odd frames", "stacktrace": {"frames": frames, "x": 1}}})


@scenario(keeps=("a long way",))
def more_frames_by_hand_than_a_server_keeps() -> None:
    frames = [
        {"function": f"f{n}", "filename": "f.py", "lineno": n + 1, "vars": {"n": "v" * 5000}, "pre_context": ["p"] * 5}
        for n in range(400)
    ]
    tocsin.capture_event({"exception": {"type": "T", "value": "a long way", "stacktrace": {"frames": frames}}})


@scenario(keeps=("current", "worker-7"))
def threads_by_hand() -> None:
    stack = tocsin.stacktrace()
    threads = [{"id": n, "name": f"worker-{n}", "stacktrace": stack if n == 7 else None} for n in range(20)]
    tocsin.capture_event({"message": "current", "threads": threads})


@scenario(keeps=("GET", "/path", "page", "Accept", "example.org", "the-fragment"))
def a_request() -> None:
    tocsin.capture_event(
        {
            "message": "of a request",
            "request": {
                "url": "https://example.org/path?page=2&token=secret#the-fragment",
                "method": "GET",
                "headers": {
                    "Accept": "text/html",
                    "Cookie": "session=abc; a=b",
                    "Authorization": "Bearer x",
                    "X-N": "1",
                },
                "data": {"form": ["field", 1], "secret": "hunter2"},
                "env": {"REMOTE_ADDR": "10.0.0.1", "SERVER_PORT": "80"},
            },
        }
    )


@scenario(keeps=('["page", "3"]', "a-cookie", "of a query"))
def a_request_in_parts() -> None:
    request = {"url": "https://example.org/", "query_string": "page=3&password=hunter2", "cookies": {"a-cookie": "b"}}
    tocsin.capture_event({"message": "of a query", "request": {**request, "data": "plain body", "fragment": "f"}})


@scenario(events=2, keeps=("odd requests",))
def requests_in_odd_shapes() -> None:
    for request in (
        {
            "url": 5,
            "method": 7,
            "query_string": {"a": [1, 2]},
            "headers": [["A", "b"], 5],
            "cookies": "a=b; c",
            "data": "x" * 90_000,
        },
        {
            "url": "http://x/" + "u" * 5000 + "?" + "q=1&" * 3000,
            "headers": {"H": ["a", "b"], 5: None},
            "data": object(),
            "env": 5,
        },
    ):
        tocsin.capture_event({"message": "odd requests", "request": request})


@scenario(events=3, keeps=("flask", "1.0"))
def modules_in_every_shape() -> None:
    tocsin.capture_event({"message": "m", "modules": {"flask": "1.0", "odd": 5, "none": None, 7: "1.0"}})
    tocsin.capture_event({"message": "m", "modules": {f"module-{n:04}": "1.0" for n in range(3000)}})
    tocsin.capture_event({"message": "m", "modules": {"n" * 5000: "v" * 5000}})


@scenario(events=2, keeps=("too large to be true",))
def events_of_a_monstrous_size() -> None:
    big = {"extra": {f"k{n}": "v" * 200_000 for n in range(50)}, "tags": {f"t{n}": "v" * 500 for n in range(5000)}}
    contexts = {f"c{n}": {f"k{m}": "v" * 200 for m in range(100)} for n in range(500)}
    tocsin.capture_event({"message": "too large to be true", **big, "contexts": contexts})
    tocsin.capture_event(
        {"message": "too large to be true", "threads": [{"name": "n" * 1000, "id": n} for n in range(5000)]}
    )


@scenario(keeps=("with a mark", "7"))
def an_event_with_marks_of_its_own() -> None:
    tocsin.capture_event(
        {"message": "with a mark", "extra": {"list": [1]}, "_meta": {"extra": {"list": {"": {"len": 7}}}}}
    )


@scenario(keeps=("caught elsewhere", "in the hint"))
def an_event_with_a_hint() -> None:
    try:
        raise ValueError("in the hint")
    except ValueError as error:
        hint = {"exc_info": (type(error), error, error.__traceback__), "attachments": [], "anything": object()}
        event = {"message": "caught elsewhere", "exception": {"values": tocsin.exception_values(error)}}
        tocsin.capture_event(event, hint)
