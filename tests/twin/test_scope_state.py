"""Laws of what a scope holds: a fork is independent from then on, and nothing that was handed out changes."""

from __future__ import annotations

import copy
import gc
import signal
import sys
import weakref
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from support.concurrency import Interruption, interrupt, rapid_switching, threads
from support.twins import TEXTS, VALUES, twins


class Flags:
    """Stands for the facade's buffer of flags: all that is asked of it is a copy."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.names = names

    def copy(self) -> Flags:
        return Flags(self.names)


# Two values that each field can have.
VALUED: dict[str, tuple[Any, Any]] = {
    "_type": ("current", "isolation"),
    "_level": ("info", "fatal"),
    "_user": ({"id": 1}, {"id": 2}),
    "_tags": ({"a": 1}, {"b": 2}),
    "_extras": ({"a": 1}, {"b": 2}),
    "_contexts": ({"a": {}}, {"b": {}}),
    "_fingerprint": (["a"], ["b"]),
    "_transaction": ("a", "b"),
    "_transaction_info": ({"source": "a"}, {"source": "b"}),
    "_attachments": ((1,), (2,)),
    "_event_processors": ((1,), (2,)),
    "_error_processors": ((1,), (2,)),
    "_trace": ({"trace_id": "a"}, {"trace_id": "b"}),
    "_last_event_id": ("a", "b"),
    "_client": ("a client", "another"),
    "_base_rings": ((1,), (2,)),
    "_touched": (True, False),
}
# Those that a fork does not have from its parent as they are.
OTHERWISE = {"_flags", "_lane", "_ring", "_ring_shared", "_set_by_hand"}


def of(scope: Any) -> dict[str, Any]:
    """What a scope says, comparable between twins."""
    found = {name: getattr(scope, name) for name in VALUED if name != "_base_rings"}
    found["_trace"] = None if scope._trace is None else sorted(scope._trace)
    found["_flags"] = None if scope._flags is None else scope._flags.names
    found["crumbs"] = None if scope._ring is None else [entry[4] for entry in scope._ring.snapshot()]
    found["ring"] = None if scope._ring is None else (scope._ring.capacity, scope._ring.total)
    found["shared"] = scope._ring_shared
    return found


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


class Scopes(RuleBasedStateMachine):
    """A family of scopes in both twins, and what each of them should say."""

    @initialize()
    def start(self) -> None:
        self.families = [[room.ScopeState("current")] for room in twins("scope_state")]
        self.model: list[tuple[dict[str, Any], list[str]]] = [({}, [])]

    def _pick(self, at: int) -> int:
        return at % len(self.model)

    @rule(at=st.integers(0, 99))
    def fork(self, at: int) -> None:
        at = self._pick(at)
        if len(self.model) < 12:
            for family in self.families:
                family.append(family[at].fork())
            tags, messages = self.model[at]
            self.model.append((dict(tags), list(messages)))

    @rule(at=st.integers(0, 99), key=TEXTS, value=VALUES)
    def set_tag(self, at: int, key: str, value: object) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at].set_tag(key, value)
        self.model[at][0][key] = value

    @rule(
        at=st.integers(0, 99), name=st.sampled_from(sorted(set(VALUED) - {"_tags", "_base_rings"})), which=st.booleans()
    )
    def set_field(self, at: int, name: str, which: bool) -> None:
        at = self._pick(at)
        for family in self.families:
            setattr(family[at], name, VALUED[name][which])

    @rule(at=st.integers(0, 99), names=st.none() | st.tuples(TEXTS))
    def set_flags(self, at: int, names: Any) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at]._flags = None if names is None else Flags(names)

    @rule(at=st.integers(0, 99), message=st.text("abc", max_size=3), capacity=st.sampled_from([3, 3, 3, 2, 5]))
    def add_breadcrumb(self, at: int, message: str, capacity: int) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at]._own_ring(capacity, None).add(1.0, message=message)
        tags, messages = self.model[at]
        self.model[at] = (tags, [*messages, message][-capacity:])

    @rule(at=st.integers(0, 99))
    def clear_breadcrumbs(self, at: int) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at].clear_breadcrumbs()
        self.model[at] = (self.model[at][0], [])

    @rule(at=st.integers(0, 99))
    def clear(self, at: int) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at].clear()
        self.model[at] = ({}, [])

    @rule(at=st.integers(0, 99))
    def trace(self, at: int) -> None:
        at = self._pick(at)
        for family in self.families:
            assert family[at].get_trace_context() is family[at]._trace

    @invariant()
    def they_say_the_same(self) -> None:
        for at, (tags, messages) in enumerate(self.model):
            found = [of(family[at]) for family in self.families]
            assert found[0] == found[1]
            assert found[0]["_tags"] == tags
            assert (found[0]["crumbs"] or []) == messages

    @invariant()
    def the_same_of_them_share(self) -> None:
        shared = [
            [[one._ring is other._ring for other in family] for one in family if one._ring is not None]
            for family in self.families
        ]
        assert shared[0] == shared[1]


@pytest.mark.usefixtures("backend")
def test_forks_of_forks_are_independent() -> None:
    """Whatever is done to them, both twins and the model agree."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Scopes,
        settings=settings(max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=checks),
    )


def test_a_fork_costs_a_handful_of_references(backend: Any) -> None:
    """However much its parent holds: nothing of it is copied."""
    small, large = backend.ScopeState(), backend.ScopeState()
    large._tags = {str(number): number for number in range(10_000)}
    large._own_ring(1000, None).add(1.0, message="m")
    assert sys.getsizeof(large.fork()) == sys.getsizeof(small.fork())
    assert large.fork()._tags is large._tags
    assert large.fork()._ring is large._ring
