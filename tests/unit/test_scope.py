"""One scope: its setters, its forks."""

from __future__ import annotations

import copy
import enum
import logging
import math
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest

from support.scopes import Hostile, HostileMapping, NotingClient, breadcrumbs_of, snapshot_of, use_client
from tocsin import scope_stack
from tocsin.flags import FlagBuffer
from tocsin.scope import Scope, ScopeType
from tocsin.scope_snapshot import ScopeSnapshot


@pytest.fixture(autouse=True)
def _clean_scopes() -> Iterator[None]:
    scope_stack.reset()
    yield
    scope_stack.reset()


# Made when they are used: a test's parameters are looked at by pytest.
JUNK: dict[str, Any] = {
    "none": lambda: None,
    "zero": lambda: 0,
    "float": lambda: 1.5,
    "nan": lambda: math.nan,
    "empty text": lambda: "",
    "text": lambda: "x",
    "bytes": lambda: b"x",
    "empty list": list,
    "list": lambda: ["a"],
    "tuple": tuple,
    "empty dict": dict,
    "dict": lambda: {1: 2},
    "object": object,
    "hostile object": Hostile,
    "hostile mapping": HostileMapping,
    "huge number": lambda: 10**5000,
}


@pytest.mark.internal_errors
@pytest.mark.parametrize("kind", JUNK)
def test_junk_never_raises(kind: str) -> None:
    """Whatever a setter is given, in any place."""
    junk = JUNK[kind]()
    use_client(NotingClient())
    scope = Scope()
    scope.set_tag(junk, junk)
    scope.set_tags(junk)
    scope.remove_tag(junk)
    scope.set_extra(junk, junk)
    scope.remove_extra(junk)
    scope.set_context(junk, junk)
    scope.remove_context(junk)
    scope.set_user(junk)
    scope.user = junk
    scope.set_level(junk)
    scope.level = junk
    scope.fingerprint = junk
    scope.set_transaction_name(junk, junk)
    scope.transaction = junk
    scope.add_attachment(junk, junk)
    scope.add_breadcrumb(junk)
    scope.add_breadcrumb({"message": junk, "timestamp": junk, "data": junk, "level": junk, "type": junk})
    scope.add_breadcrumb(message=junk, hint=junk, other=junk)
    scope.update_from_kwargs(junk, junk, junk, junk, junk, junk, junk, nonsense=junk)
    assert isinstance(snapshot_of(scope), ScopeSnapshot)
    assert (scope.apply_to_event(junk, junk) is None) is (type(junk) is not dict)


def test_tags_are_set_and_removed() -> None:
    """Singly and by the mapping; the later wins."""
    scope = Scope()
    scope.set_tag("a", 1)
    scope.set_tags({"b": "2", "a": "3"})
    scope.set_tags(MappingProxyType({"c": True}))
    scope.remove_tag("b")
    scope.remove_tag("never set")
    assert scope._tags == {"a": "3", "c": True}


def test_extras_are_set_and_removed() -> None:
    """Values of any kind, kept as they are."""
    scope = Scope()
    value = object()
    scope.set_extra("a", value)
    scope.set_extra("b", 2)
    scope.remove_extra("b")
    assert scope._extras == {"a": value}


def test_contexts_are_dicts() -> None:
    """A value that is none goes under `value`, as the server takes nothing else; None removes."""
    scope = Scope()
    scope.set_context("a", {"x": 1})
    scope.set_context("b", "text")
    scope.set_context("c", MappingProxyType({"y": 2}))
    scope.set_context("d", {"z": 3})
    scope.set_context("d", None)
    scope.remove_context("never set")
    assert scope._contexts == {"a": {"x": 1}, "b": {"value": "text"}, "c": {"y": 2}}


class Color(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("key", "name"),
    [(1, "1"), (None, "None"), (True, "True"), (Color.RED, "red"), (b"x", "x"), (Hostile, "<Hostile>")],
)
def test_names_are_texts(key: Any, name: str) -> None:
    """A key of another type is written out, without running its code."""
    scope = Scope()
    key = Hostile() if key is Hostile else key
    scope.set_tag(key, "v")
    scope.set_extra(key, "v")
    assert scope._tags == scope._extras == {name: "v"}
    assert [type(found) for found in scope._tags] == [str]
    scope.remove_tag(key)
    assert scope._tags == {}


def test_the_user() -> None:
    """A dict; a bare id becomes one; None takes it back."""
    scope = Scope()
    scope.set_user({"id": "1"})
    assert scope.user == {"id": "1"}
    scope.user = 42
    assert scope.user == {"id": 42}
    scope.set_user(None)
    assert scope.user is None


@pytest.mark.parametrize(
    ("given_level", "level"),
    [
        ("fatal", "fatal"),
        ("warning", "warning"),
        ("WARNING", "warning"),
        ("warn", "warning"),
        ("critical", "fatal"),
        (logging.WARNING, "warning"),
        (logging.CRITICAL, "fatal"),
        (logging.DEBUG, "debug"),
        (5, "debug"),
        (99, "fatal"),
    ],
)
def test_levels_have_the_protocols_names(given_level: Any, level: str) -> None:
    """Other spellings are mended: the server would make an error of them."""
    scope = Scope()
    scope.set_level(given_level)
    assert scope.level == level


@pytest.mark.parametrize("level", ["loud", "", 0, -10, 1.5, [], True])
def test_what_is_no_level_changes_nothing(level: Any) -> None:
    """And None takes the level back."""
    scope = Scope()
    scope.level = "info"
    scope.level = level
    assert scope.level == "info"
    scope.set_level(None)
    assert scope.level is None


def test_the_fingerprint_is_a_list() -> None:
    """A bare text, which the server would drop, becomes a list of one."""
    scope = Scope()
    parts = ["a", "b"]
    scope.fingerprint = parts
    assert scope.fingerprint is parts
    scope.fingerprint = ("a", 1)
    assert scope.fingerprint == ["a", 1]
    scope.fingerprint = "{{ default }}"
    assert scope.fingerprint == ["{{ default }}"]
    scope.fingerprint = None
    assert scope.fingerprint is None


def test_the_transaction_has_a_name_and_a_source() -> None:
    """Reading it gives None, as there is no tracing: code that goes on with it must not break."""
    scope = Scope()
    scope.set_transaction_name("/a", "route")
    assert (scope._transaction, scope._transaction_info) == ("/a", {"source": "route"})
    scope.transaction = "/b"
    assert (scope._transaction, scope.transaction, scope.span) == ("/b", None, None)
    scope.set_transaction_name("/c")
    assert (scope._transaction, scope._transaction_info) == ("/c", {"source": "route"})


def test_attributes_are_accepted_and_ignored() -> None:
    """They belong to logs, metrics and spans."""
    scope = Scope()
    scope.set_attribute("a", 1)
    scope.set_attributes({"a": 1})
    scope.remove_attribute("a")
    scope.update_from_kwargs(attributes={"a": 1})
    assert scope.apply_to_event({}, {}).keys() == {"contexts", "breadcrumbs"}


def test_a_fork_is_independent() -> None:
    """Neither sees what the other is told afterwards."""
    use_client(NotingClient())
    scope = Scope()
    scope.set_tag("a", 1)
    scope.set_extra("a", 1)
    scope.set_context("a", {"x": 1})
    scope.flags.set("a", True)
    scope.add_breadcrumb(message="a")
    scope.add_event_processor(len)
    fork = scope.fork()
    for one, name in ((scope, "b"), (fork, "c")):
        one.set_tag(name, 1)
        one.set_extra(name, 1)
        one.set_context(name, {"x": 1})
        one.flags.set(name, True)
        one.add_breadcrumb(message=name)
        one.add_attachment(b"x", name)
        one.add_event_processor(repr)
    for one, name in ((scope, "b"), (fork, "c")):
        assert list(one._tags) == list(one._extras) == list(one._contexts) == ["a", name]
        assert [flag["flag"] for flag in one.flags.get()] == ["a", name]
        assert [crumb["message"] for crumb in breadcrumbs_of(one)] == ["a", name]
        assert len(one._attachments) == 1
        assert one._event_processors == (len, repr)


def test_a_fork_shares_until_it_is_written_to() -> None:
    """Forking for each request copies nothing."""
    use_client(NotingClient())
    scope = Scope()
    scope.set_tag("a", 1)
    scope.add_breadcrumb(message="a")
    fork = copy.copy(scope)
    assert fork._tags is scope._tags
    assert fork._ring is scope._ring
    assert type(fork) is Scope


def test_a_fork_of_a_fork_keeps_all_breadcrumbs() -> None:
    """The ring is copied by whoever adds first, in any order."""
    use_client(NotingClient())
    scope = Scope()
    scope.add_breadcrumb(message="1")
    first = scope.fork()
    second = first.fork()
    second.add_breadcrumb(message="2")
    first.add_breadcrumb(message="1b")
    scope.add_breadcrumb(message="0")
    assert [[crumb["message"] for crumb in breadcrumbs_of(one)] for one in (scope, first, second)] == [
        ["1", "0"],
        ["1", "1b"],
        ["1", "2"],
    ]


def test_clear_keeps_processors_and_client() -> None:
    """All data goes."""
    client = use_client(NotingClient())
    scope = Scope(ScopeType.CURRENT, client)
    scope.update_from_kwargs({"id": 1}, "info", {"e": 1}, {"c": {}}, {"t": 1}, ["f"])
    scope.set_transaction_name("t", "route")
    scope.add_breadcrumb(message="m")
    scope.add_attachment(b"x", "x")
    scope.flags.set("f", True)
    trace = scope.get_trace_context()
    scope.add_event_processor(len)
    scope.add_error_processor(len)
    scope.clear()
    assert scope.client is client
    snapshot = snapshot_of(scope)
    assert (snapshot.event_processors, snapshot.error_processors) == ((len,), (len,))
    snapshot.event_processors = snapshot.error_processors = ()
    empty = ScopeSnapshot()
    assert {name: getattr(snapshot, name) for name in ScopeSnapshot.__slots__} == {
        name: getattr(empty, name) for name in ScopeSnapshot.__slots__
    }
    assert scope.get_trace_context() != trace


def test_the_trace_is_made_once_and_valid() -> None:
    """32 and 16 hex digits, the same until a new one is begun."""
    scope = Scope()
    trace = scope.get_trace_context()
    assert scope.get_trace_context() is trace
    assert (len(trace["trace_id"]), len(trace["span_id"])) == (32, 16)
    int(trace["trace_id"] + trace["span_id"], 16)
    assert scope.fork().get_trace_context() is trace
    scope.set_new_propagation_context()
    assert scope.get_trace_context()["trace_id"] != trace["trace_id"]
    scope.set_trace("a" * 32, "b" * 16)
    assert scope.get_trace_context()["trace_id"] == "a" * 32
    assert scope.get_trace_context()["parent_span_id"] == "b" * 16


def test_flags_keep_the_latest() -> None:
    """A hundred, or as many as `max_flags` says; setting one again makes it the newest."""
    flags = FlagBuffer(2)
    flags.set("a", True)
    flags.set("b", False)
    flags.set("a", False)
    flags.set("c", True)
    assert flags.get() == [{"flag": "a", "result": False}, {"flag": "c", "result": True}]
    flags.clear()
    assert len(flags) == 0
    use_client(NotingClient(_experiments={"max_flags": 3}))
    scope = Scope()
    for number in range(10):
        scope.flags.set(str(number), True)
    assert [flag["flag"] for flag in scope.flags.get()] == ["7", "8", "9"]


def test_update_from_kwargs_sets_what_is_given() -> None:
    """And nothing else."""
    scope = Scope()
    scope.update_from_kwargs(
        user={"id": 23},
        level="warning",
        extras={"k": "v"},
        contexts={"os": {"name": "x"}},
        tags={"x": "y"},
        fingerprint=["foo"],
    )
    assert (scope._user, scope._level, scope._extras) == ({"id": 23}, "warning", {"k": "v"})
    assert (scope._contexts, scope._tags, scope._fingerprint) == ({"os": {"name": "x"}}, {"x": "y"}, ["foo"])
    scope.update_from_kwargs()
    assert scope._level == "warning"
    scope.update_from_kwargs(extra={"also": 1}, nonsense=1)
    assert scope._extras == {"k": "v", "also": 1}


def test_update_from_scope_takes_over() -> None:
    """The other wins; what only one has stays; processors come along, each once."""
    use_client(NotingClient())
    other, scope = Scope(), Scope()
    other.update_from_kwargs({"id": 1}, "error", {"k": "v"}, {"os": {"a": 1}}, {"x": "new"}, ["f"])
    other.add_breadcrumb(message="other")
    other.add_event_processor(len)
    other.flags.set("g", True)
    scope.update_from_kwargs({"id": 2}, "info", {"foo": "bar"}, {"device": {"b": 1}}, {"x": "old", "a": "b"})
    scope.add_breadcrumb(message="own")
    scope.add_event_processor(len)
    scope.flags.set("f", True)
    scope.update_from_scope(other)
    assert (scope._user, scope._level, scope._fingerprint) == ({"id": 1}, "error", ["f"])
    assert scope._extras == {"foo": "bar", "k": "v"}
    assert scope._contexts == {"device": {"b": 1}, "os": {"a": 1}}
    assert scope._tags == {"x": "new", "a": "b"}
    assert scope._event_processors == (len,)
    assert [flag["flag"] for flag in scope.flags.get()] == ["f", "g"]
    other.add_breadcrumb(message="later")
    scope.add_breadcrumb(message="own2")
    assert sorted(crumb["message"] for crumb in breadcrumbs_of(scope)) == ["other", "own", "own2"]
    scope.update_from_scope(Scope())
    assert scope._level == "error"
