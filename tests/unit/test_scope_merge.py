"""What several scopes say together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scopes import NotingClient
from tocsin import scope_stack
from tocsin.scope import Scope
from tocsin.scope_snapshot import ScopeArgument, ScopeSnapshot, global_event_processors, merge, snapshot_of


@pytest.fixture(autouse=True)
def _clean_scopes() -> Iterator[None]:
    scope_stack.reset()
    scope_stack.get_global_scope().set_client(NotingClient())
    yield
    scope_stack.reset()


def _scopes() -> tuple[Scope, Scope, Scope]:
    return scope_stack.get_global_scope(), scope_stack.get_isolation_scope(), scope_stack.get_current_scope()


def _merge(*extra: Any) -> ScopeSnapshot:
    return merge(*_scopes(), *extra)


def _messages(snapshot: ScopeSnapshot) -> list[str]:
    return [crumb["message"] for ring in snapshot.rings for crumb in ring.to_list()]


def test_the_innermost_that_says_something_wins() -> None:
    """Level, user, fingerprint and transaction: global, isolation, current, calling scope, argument."""
    scopes = [*_scopes(), Scope(), Scope()]
    for number, scope in enumerate(scopes):
        scope.set_level(("debug", "info", "warning", "error", "fatal")[number])
        scope.set_user({"id": number})
        scope.fingerprint = [number]
        scope.set_transaction_name(str(number), f"source{number}")
    for number in range(5):
        snapshot = _merge(*scopes[3:])
        assert snapshot.user == {"id": 4 - number}
        assert snapshot.level == ("debug", "info", "warning", "error", "fatal")[4 - number]
        assert snapshot.fingerprint == [4 - number]
        assert snapshot.transaction == str(4 - number)
        assert snapshot.transaction_info == {"source": f"source{4 - number}"}
        scopes[4 - number].clear()
    assert _merge(*scopes[3:]).user is None


def test_an_inner_none_does_not_clear_an_outer_user() -> None:
    """`set_user(None)` takes back only what that scope said."""
    global_scope, isolation, _ = _scopes()
    global_scope.set_user({"id": 1})
    isolation.set_user({"id": 2})
    isolation.set_user(None)
    assert _merge().user == {"id": 1}


def test_dicts_are_joined_by_key() -> None:
    """Tags, extra and contexts; the inner wins by key, contexts as wholes."""
    global_scope, isolation, current = _scopes()
    for scope, name in ((global_scope, "g"), (isolation, "i"), (current, "c")):
        scope.set_tags({"shared": name, name: name})
        scope.set_extra("shared", name)
        scope.set_extra(name, name)
        scope.set_context("shared", {name: 1})
        scope.flags.set("shared", name == "i")
        scope.flags.set(name, True)
    snapshot = _merge()
    assert snapshot.tags == snapshot.extra == {"shared": "c", "g": "g", "i": "i", "c": "c"}
    assert snapshot.contexts == {"shared": {"c": 1}}
    assert snapshot.flags == [
        {"flag": "g", "result": True},
        {"flag": "i", "result": True},
        {"flag": "shared", "result": False},
        {"flag": "c", "result": True},
    ]


def test_one_speakers_dict_is_not_copied() -> None:
    """The snapshot refers to it."""
    isolation = scope_stack.get_isolation_scope()
    isolation.set_tag("a", 1)
    isolation.set_extra("a", 1)
    isolation.set_context("a", {})
    snapshot = _merge()
    assert snapshot.tags is isolation._tags
    assert snapshot.extra is isolation._extras
    assert snapshot.contexts is isolation._contexts


def test_a_snapshot_does_not_change_afterwards() -> None:
    """Whatever the scopes are told later."""
    isolation = scope_stack.get_isolation_scope()
    isolation.set_tag("a", 1)
    isolation.add_attachment(b"x", "x")
    snapshot = _merge()
    isolation.set_tag("b", 2)
    isolation.remove_tag("a")
    isolation.add_attachment(b"y", "y")
    isolation.clear()
    assert snapshot.tags == {"a": 1}
    assert len(snapshot.attachments) == 1


def test_lists_are_joined_from_the_outside_in() -> None:
    """Breadcrumbs, attachments and processors."""
    for scope, name in zip([*_scopes(), Scope(), Scope()], "gicxy", strict=True):
        scope.add_breadcrumb(message=name)
        scope.add_attachment(name.encode(), name)
        scope.add_event_processor(name)  # type: ignore[arg-type]
        scope.add_error_processor(name)  # type: ignore[arg-type]
        if name == "x":
            calling = scope
        if name == "y":
            extra = scope
    snapshot = _merge(calling, extra)
    assert "".join(_messages(snapshot)) == "gicxy"
    assert "".join(str(attachment.filename) for attachment in snapshot.attachments) == "gicxy"
    assert "".join(snapshot.event_processors) == "".join(snapshot.error_processors) == "gicxy"


def test_what_a_fork_shares_counts_once() -> None:
    """A fork of the current scope as `scope=` doubles nothing."""
    _, _, current = _scopes()
    current.add_breadcrumb(message="a")
    current.add_attachment(b"x", "x")
    current.add_event_processor(len)
    fork = current.fork()
    fork.add_event_processor(repr)
    snapshot = _merge(None, fork)
    assert _messages(snapshot) == ["a"]
    assert len(snapshot.attachments) == 1
    assert snapshot.event_processors == (len, repr)


def test_processors_of_the_process_come_first() -> None:
    """Before those of the global scope."""
    global_event_processors.append(len)
    scope_stack.get_global_scope().add_event_processor(repr)
    assert _merge().event_processors == (len, repr)
    assert _merge(None, None, {"tags": {"a": 1}}).event_processors == (len, repr)


def test_a_callable_is_given_the_merged_scope() -> None:
    """It may change anything, for this event only."""
    global_scope, isolation, _ = _scopes()
    global_scope.set_tag("a", 1)
    isolation.add_breadcrumb(message="i")
    isolation.set_user({"id": 1})

    def change(scope: Scope) -> None:
        assert scope._tags == {"a": 1}
        scope.set_tag("b", 2)
        scope.remove_tag("a")
        scope.set_user(None)
        scope.add_breadcrumb(message="extra")
        scope.add_event_processor(len)

    snapshot = _merge(None, change)
    assert (snapshot.tags, snapshot.user) == ({"b": 2}, None)
    assert _messages(snapshot) == ["i", "extra"]
    assert snapshot.event_processors == (len,)
    assert (global_scope._tags, isolation._user) == ({"a": 1}, {"id": 1})
    assert _messages(_merge()) == ["i"]


def test_a_callable_may_clear_the_scope() -> None:
    """Then the event has nothing of the scopes but their processors."""
    _, isolation, _ = _scopes()
    isolation.set_tag("a", 1)
    isolation.add_breadcrumb(message="i")
    isolation.add_event_processor(len)
    snapshot = _merge(None, lambda scope: scope.clear())
    assert (snapshot.tags, snapshot.rings, snapshot.event_processors) == ({}, (), (len,))
    assert len(snapshot.trace["trace_id"]) == 32


@pytest.mark.internal_errors
def test_a_callable_that_raises_does_not_cost_the_event() -> None:
    """What it did before stays."""

    def change(scope: Scope) -> None:
        scope.set_tag("a", 1)
        raise ValueError

    assert _merge(None, change).tags == {"a": 1}


def test_an_interrupt_in_a_callable_goes_through() -> None:
    """Ctrl-C is not its failure."""

    def change(scope: Scope) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _merge(None, change)


def test_arguments_win_over_everything() -> None:
    """`tags=...` of one capture, alone or besides `scope=`; unknown ones do not cost the event."""
    extra = Scope()
    extra.set_tag("a", "scope")
    extra.set_level("info")
    snapshot = _merge(None, extra, {"tags": {"a": "kwargs"}, "nonsense": 1})
    assert (snapshot.tags, snapshot.level) == ({"a": "kwargs"}, "info")
    assert _merge(None, {"tags": {"a": 1}, "extra": {"b": 2}}).extra == {"b": 2}


@pytest.mark.parametrize("junk", [3, "text", b"x", [1], object()])
def test_what_is_no_scope_is_ignored(junk: object) -> None:
    """The event is worth more."""
    scope_stack.get_isolation_scope().set_tag("a", 1)
    assert _merge(None, junk).tags == {"a": 1}


def test_the_trace_is_that_of_the_isolation_scope() -> None:
    """Made once for it, so that the events of a request belong together; an inner one that was set wins."""
    _, isolation, current = _scopes()
    trace = _merge().trace
    assert _merge().trace is trace is isolation.get_trace_context()
    with scope_stack.new_scope():
        assert snapshot_of().trace is trace
    with scope_stack.isolation_scope() as inner:
        inner.set_new_propagation_context()
        assert snapshot_of().trace["trace_id"] != trace["trace_id"]
    current.set_trace("a" * 32, "b" * 16)
    assert _merge().trace["trace_id"] == "a" * 32
    extra = Scope()
    extra.set_trace("c" * 32, "d" * 16)
    assert _merge(None, extra).trace["trace_id"] == "c" * 32
    assert _merge(None, {"tags": {"a": 1}}).trace["trace_id"] == "a" * 32


def test_of_takes_whatever_a_capture_was_given() -> None:
    """None, a scope, a callable, a dict, a ScopeArgument, a snapshot."""
    scope_stack.get_isolation_scope().set_tag("a", 1)
    extra = Scope()
    extra.set_tag("b", 2)
    snapshot = snapshot_of(None)
    assert snapshot.tags == {"a": 1}
    assert snapshot_of(snapshot) is snapshot
    assert snapshot_of(extra).tags == {"a": 1, "b": 2}
    assert snapshot_of(lambda scope: scope.set_tag("b", 2)).tags == {"a": 1, "b": 2}
    assert snapshot_of({"tags": {"b": 2}}).tags == {"a": 1, "b": 2}
    argument = ScopeArgument(extra, {"tags": {"c": 3}}, {"tags": {"d": 4}})
    assert snapshot_of(argument).tags == {"a": 1, "b": 2, "c": 3, "d": 4}


_values = st.none() | st.integers(0, 3)


@given(st.lists(st.tuples(_values, st.dictionaries(st.sampled_from("abc"), st.integers(0, 3))), min_size=5, max_size=5))
def test_merging_is_laying_one_over_the_other(layers: list[tuple[int | None, dict[str, int]]]) -> None:
    """For any layers: the last user that is set, and the tags as if updated in turn."""
    scope_stack.reset()
    scopes = [*_scopes(), Scope(), Scope()]
    user, tags = None, {}
    for scope, (number, some) in zip(scopes, layers, strict=True):
        if number is not None:
            scope.set_user({"id": number})
            user = {"id": number}
        scope.set_tags(some)
        tags.update(some)
    snapshot = _merge(*scopes[3:])
    assert (snapshot.user, snapshot.tags) == (user, tags)
    assert not global_event_processors
