"""What an event says of the client and of the scopes, as JSON."""

from __future__ import annotations

import platform
import sys
from typing import Any

import pytest

import tocsin
from support.receiver import strict_json
from tocsin import limits
from tocsin._backend import Renderer
from tocsin.event_fields import EventFields
from tocsin.normalize import Normalizer
from tocsin.scope_snapshot import ScopeSnapshot, snapshot_of

OPTIONS = {"release": "a@1", "environment": "test", "server_name": "here", "dist": None}


def _is_secret(key: str) -> bool:
    return key == "password"


def fields(options: dict[str, Any] | None = None, integrations: dict[str, Any] | None = None) -> EventFields:
    normalizer = Normalizer(Renderer(_is_secret), _is_secret)
    return EventFields(
        normalizer, OPTIONS if options is None else options, {} if integrations is None else integrations
    )


def said(made: EventFields, snapshot: ScopeSnapshot | None = None) -> dict[str, Any]:
    event = strict_json(b"{" + made.of(snapshot or snapshot_of()) + b"}")
    assert isinstance(event, dict)
    return event


def test_the_client_says_what_it_is() -> None:
    """What the options leave open is left out."""
    made = strict_json(b"{" + fields(integrations={"b": 1, "a": 2}).static + b"}")
    assert made == {
        "release": "a@1",
        "environment": "test",
        "server_name": "here",
        "sdk": {
            "name": "tocsin",
            "version": tocsin.VERSION,
            "packages": [{"name": "pypi:tocsin", "version": tocsin.VERSION}],
            "integrations": ["a", "b"],
        },
    }
    assert made == fields(integrations={"b": 1, "a": 2}).defaults()


def test_integrations_that_come_later_are_told_after_a_refresh() -> None:
    """The bytes are made once until then."""
    integrations: dict[str, Any] = {}
    made = fields(integrations=integrations)
    before = made.static
    integrations["late"] = object()
    assert made.static is before
    made.refresh()
    assert b'"late"' in made.static


def test_the_runtime_is_told() -> None:
    """Name, version and build of the interpreter."""
    runtime = said(fields())["contexts"]["runtime"]
    assert runtime["name"] == platform.python_implementation()
    assert runtime["version"] == platform.python_version().rstrip("+")
    assert runtime["build"] == sys.version


def test_scopes_that_say_nothing_add_nothing() -> None:
    """But the contexts of every event: runtime and trace."""
    assert list(said(fields())) == ["contexts"]
    assert sorted(said(fields())["contexts"]) == ["runtime", "trace"]


def test_a_context_of_ones_own_takes_the_place_of_ours() -> None:
    """Runtime, trace, and the flags that the scope gathers."""
    scope = tocsin.get_isolation_scope()
    scope.set_context("runtime", {"name": "own"})
    scope.set_context("trace", {"trace_id": "ab" * 16, "span_id": "cd" * 8})
    scope.set_context("flags", {"values": "own"})
    scope.flags.set("flag", True)
    contexts = said(fields())["contexts"]
    assert contexts["runtime"] == {"name": "own"}
    assert contexts["trace"] == {"trace_id": "ab" * 16, "span_id": "cd" * 8}
    assert contexts["flags"] == {"values": [{"flag": "flag", "result": True}]}


@pytest.mark.parametrize("junk", [{}, {"trace_id": "ab" * 16}, {"trace_id": "x", "span_id": "y"}, "text"], ids=repr)
def test_a_trace_that_is_none_gives_way_to_ours(junk: Any) -> None:
    """A server would drop it, and with it what relates the events of one request."""
    tocsin.set_context("trace", junk)
    trace = said(fields())["contexts"]["trace"]
    assert {key: trace[key] for key in ("trace_id", "span_id")} == tocsin.get_isolation_scope().get_trace_context()


@pytest.mark.parametrize("count", [0, 1, 50])
def test_what_is_left_of_junk_is_still_json(count: int) -> None:
    """However many parts come to nothing."""
    scope = tocsin.get_isolation_scope()
    for number in range(count):
        scope.set_tag(f"tag{number}", None)
        scope.set_context(f"context{number}", None)
        scope.set_extra(f"\ud800{number}", float("nan"))
    scope.set_user({"id": None})
    scope.fingerprint = [None]
    event = said(fields())
    assert "tags" not in event
    assert "user" not in event
    assert "fingerprint" not in event


def test_parts_are_bounded() -> None:
    """By what a server keeps."""
    scope = tocsin.get_isolation_scope()
    scope.set_transaction_name("é" * 5000, "route")
    scope.fingerprint = ["x" * 5000] * 500
    scope.set_tag("x" * 5000, "é" * 5000)
    scope.set_user({"id": "x" * 5000})
    event = said(fields())
    assert len(event["transaction"]) <= limits.TRANSACTION_CHARS
    assert event["transaction_info"] == {"source": "route"}
    assert len(event["fingerprint"]) <= limits.FINGERPRINT_PARTS
    assert all(len(part) <= limits.NAME_CHARS for part in event["fingerprint"])
    ((key, value),) = event["tags"].items()
    assert len(key) <= limits.TAG_KEY_CHARS
    assert len(value) <= limits.TAG_VALUE_CHARS
    assert len(event["user"]["id"]) <= limits.USER_ID_CHARS


def test_tags_are_rendered_once_and_never_stale() -> None:
    """While nobody sets one, their bytes are reused; a new tag is in the next event."""
    made = fields()
    scope = tocsin.get_isolation_scope()
    scope.set_tag("a", "1")
    first = snapshot_of()
    assert said(made, first)["tags"] == {"a": "1"}
    assert made._tags(first.tags) is made._tags(first.tags)
    scope.set_tag("a", "2")
    assert said(made)["tags"] == {"a": "2"}
    assert said(made, first)["tags"] == {"a": "1"}
    scope.remove_tag("a")
    assert "tags" not in said(made)
    assert said(made, first)["tags"] == {"a": "1"}


def test_a_tag_that_may_change_is_rendered_each_time() -> None:
    """Only texts are sure to stay what they are."""
    made = fields()
    value = [1]
    tocsin.set_tag("a", value)
    before = said(made)["tags"]
    value.append(2)
    assert said(made)["tags"] != before


def test_secrets_are_hidden() -> None:
    """In tags, extra, contexts and the user."""
    scope = tocsin.get_isolation_scope()
    secret = {"password": "hidden"}
    scope.set_tags(secret)
    scope.set_extra("deep", secret)
    scope.set_context("mine", secret)
    scope.set_user(secret)
    event = said(fields())
    assert "hidden" not in str(event)
    assert str(event).count("[Filtered]") == 4
