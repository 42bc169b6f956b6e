"""Laws of which scopes are in force: each block ends what it began, wherever and in whatever order it is left."""

from __future__ import annotations

import gc
import itertools
import signal
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from support.concurrency import Interruption, grown_blocks, rapid_switching, signals, threads
from tocsin import testing

LEFT_KEPT = 16


class Inactive:
    """Stands for the client that does nothing."""

    def is_active(self) -> bool:
        return False


@pytest.fixture
def stack(backend: Any) -> Iterator[Any]:
    """The room, with scopes of no facade, in a context of its own."""
    room = backend.scope_stack
    tokens = [
        (variable, variable.set(value))
        for variable, value in (
            (room.scopes_var, (None, None)),
            (room.left_scopes_var, ()),
        )
    ]
    room.install(backend.ScopeState, Inactive())
    yield room
    for variable, token in tokens:
        variable.reset(token)
    testing.reset()


def in_force(stack: Any) -> tuple[Any, Any]:
    return stack.get_isolation_scope(), stack.get_current_scope()


def test_scopes_are_made_once(stack: Any) -> None:
    """By whoever asks first, of the kind that is asked for."""
    assert in_force(stack) == in_force(stack)
    assert [scope._type for scope in in_force(stack)] == ["isolation", "current"]
    assert stack.get_global_scope()._type == "global"


def test_a_block_yields_what_it_puts_in_force(stack: Any) -> None:
    """The fork of the current scope, or of the isolation scope; afterwards all is as it was."""
    isolation, current = in_force(stack)
    with stack.new_scope() as scope:
        assert in_force(stack) == (isolation, scope)
        assert scope is not current
    assert in_force(stack) == (isolation, current)
    with stack.isolation_scope() as scope:
        assert stack.get_isolation_scope() is scope is not isolation
        assert stack.get_current_scope() is not current
    assert in_force(stack) == (isolation, current)


def test_every_order_of_leaving_three_ends_where_it_began(stack: Any) -> None:
    """And what was entered last and not left is in force meanwhile."""
    before = in_force(stack)
    for make in (stack.new_scope, stack.isolation_scope):
        for order in itertools.permutations(range(3)):
            switches = [make() for _ in range(3)]
            entered = []
            for switch in switches:
                switch.__enter__()
                entered.append(in_force(stack))
            left = set()
            for at in order:
                switches[at].__exit__(None, None, None)
                left.add(at)
                last = max(set(range(3)) - left, default=None)
                expected = before if last is None else entered[last]
                assert stack.get_current_scope() is expected[1], order
                assert stack.get_isolation_scope() is expected[0], order


def test_leaving_twice_or_without_entering_is_nothing(stack: Any) -> None:
    """Each leaving undoes one entering."""
    before = in_force(stack)
    switch = stack.isolation_scope()
    switch.__exit__(None, None, None)
    with stack.new_scope() as scope:
        with switch:
            switch.__exit__(None, None, None)
            assert in_force(stack) == (before[0], scope)
            switch.__exit__(None, None, None)
        assert in_force(stack) == (before[0], scope)
    assert in_force(stack) == before


class Refusing:
    """Flags that cannot be copied."""

    def copy(self) -> object:
        raise InterruptedError


@pytest.mark.parametrize("where", [0, 1], ids=["isolation scope", "current scope"])
def test_a_block_that_cannot_be_entered_leaves_all_as_it_was(stack: Any, where: int) -> None:
    """A handler of a signal may raise while a scope is forked: the block's end is then never reached."""
    before = in_force(stack)
    before[where]._flags = Refusing()
    for make in (stack.isolation_scope, stack.new_scope)[: 2 if where else 1]:
        switch = make()
        with pytest.raises(InterruptedError), switch:
            raise AssertionError
        assert in_force(stack) == before
        switch.__exit__(None, None, None)
        assert in_force(stack) == before


def test_what_is_remembered_of_leaving_out_of_order_is_bounded(stack: Any) -> None:
    """A program that leaves wrongly for ever keeps no more than sixteen scopes alive."""

    class Local:
        pass

    watches = []
    for _ in range(300):
        outer, inner = stack.new_scope(), stack.new_scope()
        value = Local()
        watches.append(weakref.ref(value))
        scope = outer.__enter__()
        scope._user = {"held": value}
        inner.__enter__()._user = None
        outer.__exit__(None, None, None)
        del value, scope, outer, inner
    assert len(stack.left_scopes_var.get()) == LEFT_KEPT
    assert sum(watch() is not None for watch in watches) <= LEFT_KEPT + 1


@pytest.mark.parametrize("kind", ["new_scope", "isolation_scope"])
def test_a_scope_that_was_left_is_freed(stack: Any, kind: str) -> None:
    """At once, without the collector, though its switch is kept; in and out of order once all are left."""

    class Local:
        pass

    def hold(scope: Any) -> Any:
        value = Local()
        scope._user = {"held": value}
        return weakref.ref(value)

    in_force(stack)
    gc.collect()
    gc.disable()
    try:
        switch, other = getattr(stack, kind)(), getattr(stack, kind)()
        with switch as scope:
            watch = hold(scope)
            del scope
            assert watch() is not None
        assert watch() is None
        watches = [hold(switch.__enter__()), hold(other.__enter__())]
        switch.__exit__(None, None, None)
        other.__exit__(None, None, None)
        assert [watch() for watch in watches] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", ["new_scope", "isolation_scope"])
def test_entering_and_leaving_leaves_no_memory_behind(stack: Any, kind: str) -> None:
    """A hundred thousand times; and ten thousand out of order."""
    make = getattr(stack, kind)
    in_force(stack)

    def cycle() -> None:
        with make() as scope:
            scope.set_tag("a", "b")

    def cross() -> None:
        first, second = make(), make()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)

    # Four runs of a quarter each.
    assert grown_blocks(cycle, 25_000) <= 20
    assert grown_blocks(cross, 2500) <= 20


def test_threads_have_scopes_of_their_own(stack: Any) -> None:
    """However they take turns, none sees another's; the global scope is everybody's."""
    shared = stack.get_global_scope()

    def work(name: str) -> None:
        isolation, current = in_force(stack)
        for number in range(500):
            with stack.isolation_scope() as scope:
                scope.set_tag("thread", name)
                with stack.new_scope() as inner:
                    inner.set_tag("number", number)
                    assert stack.get_current_scope()._tags == {"number": number}
                assert stack.get_isolation_scope()._tags == {"thread": name}
            assert in_force(stack) == (isolation, current)
        assert stack.get_global_scope() is shared

    with rapid_switching(), threads(*[lambda name=name: work(name) for name in "abc"]):  # type: ignore[misc]
        pass


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no such signal")
def test_interrupted_blocks_leave_scopes_and_breadcrumbs_whole(backend: Any, stack: Any) -> None:
    """A handler that raises at any moment comes out; compiled, each block that was begun was ended too."""
    isolation, current = before = in_force(stack)
    isolation._own_ring(7, None)
    armed = False
    raised = came_out = 0

    def handler(*_: object) -> None:
        nonlocal armed, raised
        if armed:
            armed = False
            raised += 1
            raise Interruption

    def work_until_hit() -> None:
        nonlocal armed
        armed = True
        while armed:
            with stack.isolation_scope() as scope:
                scope.set_tag("a", "b")
                scope._own_ring(7, None).add(1.0, message="m", data={"a": 1, "b": [2]})
                with stack.new_scope() as inner:
                    inner.get_trace_context()
            isolation._own_ring(7, None).add(1.0, message="m", data={"a": 1})

    # What is raised in a callback of the collector goes nowhere, and the test's tools have one.
    gc.disable()
    try:
        with signals(handler, 2e-4, repeat=True):
            for _ in range(300):
                try:
                    work_until_hit()
                except Interruption:
                    came_out += 1
                assert len(isolation._ring) == min(isolation._ring.total, 7)
                assert len(isolation._ring.snapshot()) == len(isolation._ring)
                if backend.name == "core":
                    assert in_force(stack) == before
                else:
                    # A function in Python can be interrupted before its first line.
                    stack.scopes_var.set((isolation, current))
    finally:
        gc.enable()
    assert came_out == raised == 300


class Client:
    """Some client, active or not, without a fast lane."""

    def __init__(self, active: bool) -> None:
        self.active = active

    def is_active(self) -> bool:
        return self.active


@pytest.mark.parametrize("clients", [*itertools.product((None, "active", "inactive", "lane"), repeat=3)], ids=repr)
def test_the_client_in_force_is_the_innermost_active_one(
    backend: Any, stack: Any, clients: tuple[str | None, ...]
) -> None:
    """Of the current, the isolation and the global scope; the lane in force is that client's, or None."""
    lane = backend.FastLane.__new__(backend.FastLane)
    expected: tuple[Any, Any] | None = None
    for kind, scope in zip(clients, (*reversed(in_force(stack)), stack.get_global_scope()), strict=True):
        if kind is None:
            continue
        client: Any = Client(kind != "inactive")
        if kind == "lane":
            client.fast_lane = lane
        scope.set_client(client)
        if expected is None and kind != "inactive":
            expected = (client, lane if kind == "lane" else None)
    found = stack.get_client()
    if expected is None:
        assert type(found) is Inactive
        assert stack.get_lane() is None
    else:
        assert found is expected[0]
        assert stack.get_lane() is expected[1]
