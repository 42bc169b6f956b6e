"""Whatever is entered and left, in whatever order and context: both twins have the same scopes in force."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

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
                self.number(context.run(stack.scopes_var.get)[1]),
                self.number(context.run(stack.scopes_var.get)[0]),
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
            put = world.stack.set_current_scope if is_current else world.stack.set_isolation_scope
            _run(world, context, put, given)

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
                return world.number(world.stack.scopes_var.get()[1])

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
