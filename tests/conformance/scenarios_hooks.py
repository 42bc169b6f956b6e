"""Scenarios: what hooks make of events."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import tocsin
from conformance.corpus import scenario


def fail(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        tocsin.capture_exception()


@scenario(keeps=("unchanged by the hook",), before_send=lambda event, hint: event)
def a_hook_that_changes_nothing() -> None:
    tocsin.add_breadcrumb(message="crumb", data={"n": 1})
    tocsin.set_tag("t", 1)
    fail("unchanged by the hook")


def spoil(event: Any, hint: Any) -> Any:
    event["tags"] = [("a", object()), ("b", [1]), 5, ("new", "kept by the hook")]
    event["extra"] = {"nan": float("nan"), "object": object(), "set": {1, 2}, 5: "\ud800"}
    event["contexts"] = {"odd": 5, "fine": {"when": datetime(2020, 2, 29, tzinfo=timezone.utc)}}
    event["level"] = "WARN"
    event["timestamp"] = datetime.now(timezone.utc)
    event["event_id"] = "junk"
    event["fingerprint"] = "a text"
    event["user"] = {"id": object(), "ip_address": "nowhere"}
    event["breadcrumbs"] = [{"message": object(), "timestamp": None, "data": [1]}]
    event["colour"] = "red"
    event["exception"]["values"][0]["value"] = object()
    event["exception"]["values"][0]["stacktrace"]["frames"][0]["vars"] = {"x": object(), "y": float("inf")}
    event["exception"]["values"][0]["stacktrace"]["frames"][0]["lineno"] = None
    event["request"] = {"data": object(), "url": None}
    event["modules"] = None
    event["release"], event["environment"], event["dist"] = "a/b", "x" * 100, "d d"
    return event


@scenario(keeps=("kept by the hook",), before_send=spoil)
def a_hook_that_leaves_junk() -> None:
    fail("spoilt")


@scenario(events=0, before_send=lambda event, hint: None)
def a_hook_that_drops() -> None:
    fail("dropped")


@scenario(keeps=("by hand instead",), before_send=lambda event, hint: {"message": "by hand instead"})
def a_hook_that_replaces() -> None:
    fail("replaced")


@scenario(keeps=("grown",), before_send=lambda event, hint: {**event, "extra": {"grown": ["x" * 1000] * 5000}})
def a_hook_that_makes_it_huge() -> None:
    fail("grown")


@scenario(keeps=("added by a processor", "the error itself"))
def processors_of_scopes() -> None:
    def process(event: Any, hint: Any) -> Any:
        event.setdefault("extra", {})["processed"] = "added by a processor"
        return event

    def process_error(event: Any, exc_info: Any) -> Any:
        event["tags"] = {"said": str(exc_info[1])}
        return event

    with tocsin.new_scope() as scope:
        scope.add_event_processor(process)
        scope.add_error_processor(process_error, ValueError)
        fail("the error itself")
