"""Laws of what a scope holds: a fork is independent from then on, and nothing that was handed out changes."""

from __future__ import annotations

import copy
import gc
import signal
import sys
import weakref
from typing import Any

import pytest

from support.concurrency import Interruption, interrupt, rapid_switching, threads
from support.scope_fields import VALUED, Flags
from support.twins import twins

# Those that a fork does not have from its parent as they are.
OTHERWISE = {"_flags", "_lane", "_ring", "_ring_shared", "_set_by_hand"}


def test_every_field_is_tried(backend: Any) -> None:
    """The table above is whole."""
    assert set(VALUED) | OTHERWISE == set(twins("scope_state")[1].ScopeState.__slots__)
    scope = backend.ScopeState()
    for name in set(VALUED) | OTHERWISE:
        getattr(scope, name)


def test_a_fresh_scope_says_nothing(backend: Any) -> None:
    """But of which kind it is."""
    scope = backend.ScopeState("current")
    assert scope._type == "current"
    assert not any(getattr(scope, name) for name in (set(VALUED) | OTHERWISE) - {"_type"})


@pytest.mark.parametrize("name", VALUED)
def test_a_fork_has_each_field_and_changes_none_of_its_parents(backend: Any, name: str) -> None:
    """Nor the parent one of the fork's."""
    first, second = VALUED[name]
    parent = backend.ScopeState()
    setattr(parent, name, first)
    fork = parent.fork()
    assert getattr(fork, name) is first
    setattr(fork, name, second)
    assert (getattr(parent, name), getattr(fork, name)) == (first, second)
    other = parent.fork()
    setattr(parent, name, second)
    assert getattr(other, name) is first


def test_flags_of_a_fork_are_its_own(backend: Any) -> None:
    """They are the one thing that is changed in place."""
    parent = backend.ScopeState()
    parent._flags = Flags(("a",))
    fork = parent.fork()
    assert fork._flags is not parent._flags
    assert fork._flags.names == ("a",)
    parent._flags = None
    assert parent.fork()._flags is None


def test_a_fork_was_not_set_by_hand(backend: Any) -> None:
    """Whatever its parent was."""
    parent = backend.ScopeState()
    parent._set_by_hand = True
    assert parent.fork()._set_by_hand is False


def test_a_fork_is_of_its_parents_class(backend: Any) -> None:
    """Also when made by the module `copy`."""

    class Mine(backend.ScopeState):  # type: ignore[misc, name-defined]
        __slots__ = ("own",)

    parent = Mine("current")
    parent.set_tag("a", 1)
    for fork in (parent.fork(), copy.copy(parent)):
        assert type(fork) is Mine
        assert fork._tags == {"a": 1}
        assert not hasattr(fork, "own")


@pytest.mark.parametrize("who", ["fork", "parent"])
def test_breadcrumbs_are_copied_at_the_first_addition_on_either_side(backend: Any, who: str) -> None:
    """Until then a fork has the very ring, which costs nothing."""
    parent = backend.ScopeState()
    renderer = backend.Renderer()
    parent._own_ring(3, renderer).add(1.0, message="shared")
    fork = parent.fork()
    assert fork._ring is parent._ring
    adding, other = (fork, parent) if who == "fork" else (parent, fork)
    adding._own_ring(3, renderer).add(2.0, message="own")
    assert adding._ring is not other._ring
    assert [entry[4] for entry in adding._ring.snapshot()] == ["shared", "own"]
    assert [entry[4] for entry in other._ring.snapshot()] == ["shared"]
    own = adding._ring
    assert adding._own_ring(3, renderer) is own
    other._own_ring(3, renderer).add(3.0, message="other")
    assert [entry[4] for entry in adding._ring.snapshot()] == ["shared", "own"]


def test_a_ring_of_another_capacity_has_the_newest_and_the_count(backend: Any) -> None:
    """The client may have changed since."""
    scope = backend.ScopeState()
    for number in range(5):
        scope._own_ring(4, None).add(1.0, message=str(number))
    assert [entry[4] for entry in scope._own_ring(2, None).snapshot()] == ["3", "4"]
    assert scope._own_ring(9, None).total == 5
    assert [entry[4] for entry in scope._ring.snapshot()] == ["3", "4"]
    assert scope._ring.capacity == 9


def test_adding_touches(backend: Any) -> None:
    """A snapshot passes by what was not touched."""
    for change in (lambda scope: scope.set_tag("a", 1), lambda scope: scope._own_ring(3, None)):
        scope = backend.ScopeState()
        assert scope._touched is False
        change(scope)
        assert scope._touched is True
        scope.clear()
        assert scope._touched is False


def test_clearing_keeps_client_and_processors(backend: Any) -> None:
    """They are no data."""
    scope = backend.ScopeState("current", "a client")
    for name, (value, _) in VALUED.items():
        if name != "_client":
            setattr(scope, name, value)
    scope.clear()
    assert (scope._type, scope._client) == ("current", "a client")
    assert (scope._event_processors, scope._error_processors) == ((1,), (1,))
    assert scope._touched is True
    for name in ("_level", "_user", "_tags", "_extras", "_contexts", "_fingerprint", "_transaction", "_trace"):
        assert not getattr(scope, name)


def test_a_tag_is_set_in_a_dict_of_its_own(backend: Any) -> None:
    """Whoever has the old one, another thread or a snapshot, sees no change."""
    scope = backend.ScopeState()
    seen = []
    for number in range(5):
        seen.append((scope._tags, dict(scope._tags)))
        scope.set_tag(str(number), number)
    assert [tags for tags, _ in seen] == [copied for _, copied in seen]
    assert len({id(tags) for tags, _ in seen}) == 5


def test_a_key_is_made_a_text_by_the_facades_rule(backend: Any) -> None:
    """Which a subclass brings; a text is left as it is."""

    class Mine(backend.ScopeState):  # type: ignore[misc, name-defined]
        __slots__ = ()

        @staticmethod
        def _text_of(value: object) -> str:
            return f"<{value}>"

    scope = Mine()
    scope.set_tag(5, 1)
    scope.set_tag("5", 2)
    assert scope._tags == {"<5>": 1, "5": 2}


def test_a_trace_is_made_once_and_shared_by_later_forks(backend: Any) -> None:
    """A fork of before has another."""
    scope = backend.ScopeState()
    early = scope.fork()
    trace = scope.get_trace_context()
    assert scope.get_trace_context() is trace
    assert {name: len(text) for name, text in trace.items()} == {"trace_id": 32, "span_id": 16}
    assert scope.fork().get_trace_context() is trace
    assert early.get_trace_context()["trace_id"] != trace["trace_id"]


def test_only_a_lane_of_ours_is_taken_for_one(backend: Any) -> None:
    """The compiled rooms use what is in `_lane` unseen; a client that raises when asked has none."""

    class Client:
        def __init__(self, lane: object) -> None:
            self.lane = lane

        @property
        def fast_lane(self) -> object:
            if isinstance(self.lane, Exception):
                raise self.lane
            return self.lane

    class Lying:
        __class__ = backend.FastLane

    class Derived(backend.FastLane):  # type: ignore[misc, name-defined]
        pass

    derived = Derived.__new__(Derived)
    scope = backend.ScopeState()
    for lane in (None, 5, Lying(), backend.FastLane, derived, RuntimeError("no"), AttributeError("no")):
        scope.set_client(Client(lane))
        assert scope._lane is None
        assert scope._client.lane is lane
    lane = backend.FastLane.__new__(backend.FastLane)
    scope.set_client(Client(lane))
    assert scope._lane is lane is scope.fork()._lane
    scope.set_client()
    assert (scope._client, scope._lane) == (None, None)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
def test_what_a_signal_handler_raises_while_a_client_is_asked_comes_out(backend: Any) -> None:
    """It is no failure of the client's."""

    class Client:
        @property
        def fast_lane(self) -> object:
            signal.raise_signal(signal.SIGUSR1)
            return None

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interruption):
            backend.ScopeState().set_client(Client())
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_scope_keeps_nothing_that_was_replaced(backend: Any) -> None:
    """And dies with its last owner, forks or not, without the collector."""

    class Local:
        pass

    value = Local()
    watch = weakref.ref(value)
    gc.disable()
    try:
        scope = backend.ScopeState()
        scope.set_tag("a", value)
        fork = scope.fork()
        fork.set_tag("a", 1)
        scope.set_tag("a", 1)
        del value
        assert watch() is None
        held = Local()
        watch = weakref.ref(held)
        scope.set_tag("b", held)
        scope._user = {"held": held}
        fork = scope.fork()
        del held, scope, fork
        assert watch() is None
    finally:
        gc.enable()


def test_threads_see_whole_tags(backend: Any) -> None:
    """One writes, others fork and read."""
    scope = backend.ScopeState()
    wrong = []

    def write() -> None:
        for number in range(3000):
            scope.set_tag("a", number)
            scope.set_tag("b", number)

    def read() -> None:
        for _ in range(3000):
            tags = scope.fork()._tags
            size = len(tags)
            if tags and not 0 <= tags["a"] - tags.get("b", -1) <= 1:
                wrong.append(dict(tags))
            if len(tags) != size:
                wrong.append(dict(tags))

    with rapid_switching(), threads(write, read, read):
        pass
    assert wrong == []


def test_a_fork_costs_a_handful_of_references(backend: Any) -> None:
    """However much its parent holds: nothing of it is copied."""
    small, large = backend.ScopeState(), backend.ScopeState()
    large._tags = {str(number): number for number in range(10_000)}
    large._own_ring(1000, None).add(1.0, message="m")
    assert sys.getsizeof(large.fork()) == sys.getsizeof(small.fork())
    assert large.fork()._tags is large._tags
    assert large.fork()._ring is large._ring
