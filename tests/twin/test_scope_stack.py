"""Laws of which scopes are in force: each block ends what it began, wherever and in whatever order it is left."""

from __future__ import annotations

import contextvars
import gc
import itertools
import signal
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from support.concurrency import Interruption, grown_blocks, rapid_switching, signals, threads
from support.twins import twins
from tocsin import testing

LEFT_KEPT = 16


class Inactive:
    """Stands for the client that does nothing."""

    def is_active(self) -> bool:
        return False


class World:
    """The scopes of one twin, which get numbers in the order in which they are seen."""

    def __init__(self, state: Any, stack: Any) -> None:
        self.state = state
        self.stack = stack
        self.inactive = Inactive()
        stack.install(state.ScopeState, self.inactive)
        self.seen: list[Any] = []
        self.contexts = [contextvars.Context()]
        self.switches: list[Any] = []
        self.generators: list[Iterator[None]] = []

    def number(self, scope: Any) -> int | None:
        if scope is None:
            return None
        for at, known in enumerate(self.seen):
            if known is scope:
                return at
        self.seen.append(scope)
        return len(self.seen) - 1

    def in_force(self) -> list[tuple[int | None, int | None, int]]:
        """In each context: the current scope, the isolation scope, and how many left ones are remembered."""
        stack = self.stack
        return [
            (
                self.number(context.run(stack.current_scope_var.get)),
                self.number(context.run(stack.isolation_scope_var.get)),
                len(context.run(stack.left_scopes_var.get)),
            )
            for context in self.contexts
        ]

    def switch(self, kind: str, at: int) -> Any:
        scope = self.seen[at % len(self.seen)] if self.seen else None
        made = {
            "new": self.stack.new_scope,
            "isolation": self.stack.isolation_scope,
            "use": lambda: self.stack.ScopeSwitch(scope, None, False),
            "use isolation": lambda: self.stack.ScopeSwitch(None, scope, True),
            "use both": lambda: self.stack.ScopeSwitch(scope, scope, True),
        }[kind]()
        return made

    def working(self) -> Iterator[None]:
        with self.stack.isolation_scope():
            yield
            with self.stack.new_scope():
                yield
            yield


KINDS = st.sampled_from(["new", "isolation", "use", "use isolation", "use both"])
NUMBERS = st.integers(0, 99)


class Worlds(RuleBasedStateMachine):
    """Both twins, doing the same; what is in force is the same scope, by its number."""

    @initialize()
    def start(self) -> None:
        self.worlds = [
            World(state, stack) for state, stack in zip(twins("scope_state"), twins("scope_stack"), strict=True)
        ]

    def each(self, act: Callable[[World], object]) -> None:
        found = [act(world) for world in self.worlds]
        assert found[0] == found[1]

    @rule(kind=KINDS, scope=NUMBERS, context=NUMBERS)
    def enter(self, kind: str, scope: int, context: int) -> None:
        def act(world: World) -> object:
            switch = world.switch(kind, scope)
            world.switches.append(switch)
            return world.number(world.contexts[context % len(world.contexts)].run(switch.__enter__))

        self.each(act)

    @rule(switch=NUMBERS, context=NUMBERS)
    def enter_again(self, switch: int, context: int) -> None:
        def act(world: World) -> object:
            if not world.switches:
                return None
            entering = world.switches[switch % len(world.switches)].__enter__
            return world.number(world.contexts[context % len(world.contexts)].run(entering))

        self.each(act)

    @rule(switch=NUMBERS, context=NUMBERS)
    def leave(self, switch: int, context: int) -> None:
        def act(world: World) -> object:
            if not world.switches:
                return None
            leaving = world.switches[switch % len(world.switches)].__exit__
            return world.contexts[context % len(world.contexts)].run(leaving, None, None, None)

        self.each(act)

    @rule(context=NUMBERS)
    def leave_the_last(self, context: int) -> None:
        self.leave(len(self.worlds[0].switches) - 1, context)

    @rule(context=NUMBERS, is_fresh=st.booleans())
    def make_a_context(self, context: int, is_fresh: bool) -> None:
        for world in self.worlds:
            if len(world.contexts) < 4:
                copied = world.contexts[context % len(world.contexts)].run(contextvars.copy_context)
                world.contexts.append(contextvars.Context() if is_fresh else copied)

    @rule(name=st.sampled_from(["get_current_scope", "get_isolation_scope", "get_global_scope"]), context=NUMBERS)
    def look_up(self, name: str, context: int) -> None:
        self.each(lambda world: world.number(_run(world, context, getattr(world.stack, name))))

    @rule(is_current=st.booleans(), scope=st.none() | NUMBERS, is_fresh=st.booleans(), context=NUMBERS)
    def set_by_hand(self, is_current: bool, scope: int | None, is_fresh: bool, context: int) -> None:
        """As the facade does it."""

        def act(world: World) -> None:
            given = None
            if is_fresh:
                given = world.state.ScopeState()
            elif scope is not None and world.seen:
                given = world.seen[scope % len(world.seen)]
            if given is not None:
                given._set_by_hand = True
            variable = world.stack.current_scope_var if is_current else world.stack.isolation_scope_var
            _run(world, context, variable.set, given)

        self.each(act)

    @rule()
    def begin_a_generator(self) -> None:
        for world in self.worlds:
            world.generators.append(world.working())

    @rule(generator=NUMBERS, context=NUMBERS, is_closed=st.booleans())
    def go_on_with_a_generator(self, generator: int, context: int, is_closed: bool) -> None:
        def act(world: World) -> object:
            if not world.generators:
                return None
            chosen: Any = world.generators[generator % len(world.generators)]
            return _run(world, context, chosen.close if is_closed else lambda: next(chosen, "done"))

        self.each(act)

    @rule(kind=KINDS, scope=NUMBERS, context=NUMBERS, switch=NUMBERS)
    def call_decorated(self, kind: str, scope: int, context: int, switch: int) -> None:
        """The function leaves a switch that was entered elsewhere."""

        def act(world: World) -> object:
            @world.switch(kind, scope)  # type: ignore[untyped-decorator]
            def work() -> object:
                if world.switches:
                    world.switches[switch % len(world.switches)].__exit__(None, None, None)
                return world.number(world.stack.current_scope_var.get())

            return _run(world, context, work)

        self.each(act)

    @invariant()
    def the_same_scopes_are_in_force(self) -> None:
        found = [world.in_force() for world in self.worlds]
        assert found[0] == found[1]
        assert all(kept <= LEFT_KEPT for _, _, kept in found[0])

    def teardown(self) -> None:
        testing.reset()


def _run(world: World, context: int, function: Callable[..., Any], *arguments: object) -> Any:
    return world.contexts[context % len(world.contexts)].run(function, *arguments)


@pytest.mark.usefixtures("backend")
def test_both_twins_put_the_same_scopes_in_force() -> None:
    """Entered and left in and out of order, twice, in other contexts, by generators, set by hand."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Worlds,
        settings=settings(max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=checks),
    )


@pytest.fixture
def stack(backend: Any) -> Iterator[Any]:
    """The room, with scopes of no facade, in a context of its own."""
    room = backend.scope_stack
    tokens = [
        (variable, variable.set(value))
        for variable, value in (
            (room.current_scope_var, None),
            (room.isolation_scope_var, None),
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
                    stack.isolation_scope_var.set(isolation)
                    stack.current_scope_var.set(current)
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
