"""Which scopes are in force, in contexts, threads, tasks and generators."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import random
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tocsin import scope_stack
from tocsin.inactive import INACTIVE, InactiveClient
from tocsin.scope import Scope
from tocsin.scope_stack import (
    get_client,
    get_current_scope,
    get_global_scope,
    get_isolation_scope,
    isolation_scope,
    new_scope,
    set_current_scope,
    set_isolation_scope,
    use_isolation_scope,
    use_scope,
)


@pytest.fixture(autouse=True)
def _clean_scopes() -> Iterator[None]:
    scope_stack.reset()
    yield
    scope_stack.reset()


class ActiveClient(InactiveClient):
    def is_active(self) -> bool:
        return True


def _in_force() -> tuple[Scope, Scope]:
    return get_isolation_scope(), get_current_scope()


def test_scopes_are_made_once_per_context() -> None:
    """The first asker makes it, the next gets the same."""
    assert get_current_scope() is get_current_scope()
    assert get_isolation_scope() is get_isolation_scope()
    assert get_global_scope() is get_global_scope()
    assert len({id(get_current_scope()), id(get_isolation_scope()), id(get_global_scope())}) == 3


@pytest.mark.parametrize("get", [get_isolation_scope, get_current_scope])
def test_what_a_handler_says_while_a_scope_is_made_is_kept(get: Any) -> None:
    """Code of Python's runs in the making of one, and a handler of a signal may run in that."""
    said: list[bool] = []

    class Interrupted(Scope):
        __slots__ = ()

        def __init__(self, kind: str) -> None:
            super().__init__(kind)
            if is_armed and not said:
                said.append(True)
                get_isolation_scope().set_tag("said", "yes")

    is_armed = False
    scope_stack.install_scope_class(Interrupted)
    try:
        scope_stack.reset()
        is_armed = True
        get()
        assert get_isolation_scope()._tags == ({"said": "yes"} if said else {})
    finally:
        scope_stack.install_scope_class(Scope)


def test_the_class_methods_are_the_functions() -> None:
    """`Scope.get_current_scope()` and its kin are the peer's spelling."""
    assert Scope.get_current_scope() is get_current_scope()
    assert Scope.get_isolation_scope() is get_isolation_scope()
    assert Scope.get_global_scope() is get_global_scope()
    assert Scope.get_client() is get_client()


def test_a_plain_thread_starts_with_scopes_of_its_own() -> None:
    """But shares the global one."""
    get_isolation_scope().set_tag("a", 1)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend([*_in_force(), get_global_scope()]))
    thread.start()
    thread.join(60)
    assert found[0] is not get_isolation_scope()
    assert found[0]._tags == {}
    assert found[1] is not get_current_scope()
    assert found[2] is get_global_scope()


def test_new_scope_forks_the_current_scope_only() -> None:
    """What is set inside is gone outside, but for what was set on the isolation scope."""
    isolation, current = _in_force()
    current.set_tag("outer", 1)
    with new_scope() as scope:
        assert scope is get_current_scope() is not current
        assert get_isolation_scope() is isolation
        assert scope._tags == {"outer": 1}
        scope.set_tag("inner", 1)
    assert _in_force() == (isolation, current)
    assert current._tags == {"outer": 1}


def test_isolation_scope_forks_both() -> None:
    """And yields the isolation scope."""
    isolation, current = _in_force()
    isolation.set_tag("outer", 1)
    with isolation_scope() as scope:
        assert scope is get_isolation_scope() is not isolation
        assert get_current_scope() is not current
        assert scope._tags == {"outer": 1}
        scope.set_tag("inner", 1)
    assert _in_force() == (isolation, current)
    assert isolation._tags == {"outer": 1}


def test_use_scope_takes_the_very_scope() -> None:
    """No fork is made of what is given."""
    isolation, current = _in_force()
    mine = Scope()
    with use_scope(mine) as scope:
        assert scope is mine is get_current_scope()
        assert get_isolation_scope() is isolation
    assert get_current_scope() is current


def test_use_isolation_scope_takes_the_very_scope_and_forks_the_current_one() -> None:
    """So that the current scope's data does not come back changed."""
    isolation, current = _in_force()
    mine = Scope()
    with use_isolation_scope(mine) as scope:
        assert scope is mine is get_isolation_scope()
        assert get_current_scope() is not current
    assert _in_force() == (isolation, current)


@pytest.mark.parametrize("use", [use_scope, use_isolation_scope])
def test_what_is_no_scope_is_not_put_in_force(use: Any) -> None:
    """The block runs, in a fork of what was in force."""
    before = get_isolation_scope(), get_current_scope()
    with use("no scope") as scope:
        assert type(scope) is Scope
        assert scope not in before
    assert (get_isolation_scope(), get_current_scope()) == before


def test_the_same_scope_can_be_entered_within_itself() -> None:
    """Each leaving undoes one entering."""
    current = get_current_scope()
    mine = Scope()
    with use_scope(mine):
        with use_scope(mine):
            pass
        assert get_current_scope() is mine
    assert get_current_scope() is current


def test_scopes_are_left_when_the_block_raises() -> None:
    """The error goes through."""
    before = _in_force()
    with pytest.raises(KeyError), isolation_scope():
        raise KeyError
    assert _in_force() == before


def test_leaving_twice_is_once() -> None:
    """A block left by hand and again by `with` does no harm."""
    before = _in_force()
    switch = isolation_scope()
    with use_scope(Scope()):
        switch.__enter__()
        inside = get_current_scope()
        switch.__exit__(None, None, None)
        switch.__exit__(None, None, None)
        assert get_current_scope() is not inside
    assert _in_force() == before


def test_a_decorated_method_is_one() -> None:
    """It is given its object, as before."""

    class Worker:
        @new_scope()
        def work(self, depth: int) -> tuple[object, int]:
            return self, depth

    worker = Worker()
    assert worker.work(2) == (worker, 2)


def test_a_switch_works_as_a_decorator() -> None:
    """Every call has scopes of its own, also when it calls itself."""
    seen: list[Scope] = []

    @isolation_scope()
    def work(depth: int) -> int:
        """Works."""
        seen.append(get_isolation_scope())
        return work(depth - 1) if depth else 7

    before = _in_force()
    assert (work(2), work.__name__, work.__doc__) == (7, "work", "Works.")
    assert len({id(scope) for scope in seen}) == 3
    assert _in_force() == before


def test_a_scope_set_by_hand_ends_with_the_block() -> None:
    """`set_current_scope` inside a block lasts to its end."""
    isolation, current = _in_force()
    with isolation_scope():
        set_isolation_scope(Scope())
        set_current_scope(Scope())
    assert _in_force() == (isolation, current)


def test_none_set_by_hand_stands_for_a_fresh_scope() -> None:
    """It is what the peer's users write to start afresh."""
    isolation, current = _in_force()
    set_current_scope(None)
    set_isolation_scope(None)
    assert get_current_scope() is not current
    assert get_isolation_scope() is not isolation


def test_generators_may_leave_in_the_order_they_entered() -> None:
    """The later one keeps its scope until it leaves, and the earlier one's does not come back."""

    def work(name: str) -> Iterator[None]:
        with isolation_scope() as scope:
            scope.set_tag(name, 1)
            yield
            assert get_isolation_scope() is scope
            yield

    before = _in_force()
    first, second = work("a"), work("b")
    next(first)
    inside_first = get_isolation_scope()
    next(second)
    inside_second = get_isolation_scope()
    first.close()
    assert get_isolation_scope() is inside_second
    next(second)
    second.close()
    assert _in_force() == before
    assert get_isolation_scope() is not inside_first


def test_any_order_of_leaving_ends_where_it_began() -> None:
    """Random interleavings of entering and leaving: what is entered last and not left is in force."""
    for seed in range(200):
        chance = random.Random(seed)
        before = _in_force()
        entered: list[tuple[Any, Scope]] = []
        for _ in range(12):
            if entered and chance.random() < 0.5:
                switch, _scope = entered.pop(chance.randrange(len(entered)))
                switch.__exit__(None, None, None)
            else:
                switch = new_scope()
                entered.append((switch, switch.__enter__()))
            expected = entered[-1][1] if entered else before[1]
            assert get_current_scope() is expected, seed
        while entered:
            entered.pop(chance.randrange(len(entered)))[0].__exit__(None, None, None)
        assert _in_force() == before, seed


def test_a_block_left_in_another_context_changes_nothing_there() -> None:
    """A generator may be closed anywhere."""

    def work() -> Iterator[None]:
        with isolation_scope(), new_scope():
            yield

    generator = work()
    contextvars.copy_context().run(next, generator)
    before = _in_force()
    generator.close()
    assert _in_force() == before
    fresh = contextvars.Context()
    generator = work()
    next(generator)
    fresh.run(generator.close)
    assert fresh.run(get_isolation_scope) is not get_isolation_scope()


def test_ten_thousand_interleaved_tasks_never_see_each_others_tags() -> None:
    """Tasks, with async generators that are closed by the loop, in any order."""
    wrong: list[object] = []

    async def numbers(number: int) -> AsyncIterator[int]:
        with new_scope() as scope:
            scope.set_tag("generator", number)
            yield number
            await asyncio.sleep(0)
            yield number

    async def work(number: int) -> None:
        with isolation_scope() as scope:
            scope.set_tag("task", number)
            await asyncio.sleep(0)
            async for _ in numbers(number):
                if get_current_scope()._tags.get("generator") not in (number, None):
                    wrong.append(number)
                if number % 3:
                    break
            await asyncio.sleep(0)
            if get_isolation_scope() is not scope or scope._tags != {"task": number}:
                wrong.append(number)

    async def main() -> None:
        for start in range(0, 10_000, 500):
            tasks = [asyncio.create_task(work(number)) for number in range(start, start + 500)]
            for number in range(0, 500, 7):
                asyncio.get_running_loop().call_soon(tasks[number].cancel)
            await asyncio.gather(*tasks, return_exceptions=True)

    before = _in_force()
    asyncio.run(main())
    assert not wrong
    assert _in_force() == before


def test_a_task_keeps_the_scope_it_was_started_in() -> None:
    """Work that goes on in the background after the request is still that request's."""

    async def main() -> list[bool]:
        found = []
        go_on = asyncio.Event()

        async def background(scope: Scope) -> None:
            await go_on.wait()
            with new_scope():
                pass
            with isolation_scope():
                pass
            found.append(get_isolation_scope() is scope)

        with isolation_scope() as scope:
            task = asyncio.create_task(background(scope))
            await asyncio.sleep(0)
        go_on.set()
        await task
        return found

    assert asyncio.run(main()) == [True]


def test_a_scope_that_was_left_is_freed() -> None:
    """No stack, token or cycle keeps it; the collector is not needed."""

    class Marker:
        pass

    gc.disable()
    try:
        marker = Marker()
        reference = weakref.ref(marker)
        with isolation_scope() as scope, new_scope() as inner:
            scope.set_extra("marker", marker)
            inner.set_extra("marker", marker)
        del scope, inner, marker
        assert reference() is None
    finally:
        gc.enable()


def test_what_is_remembered_of_leaving_out_of_order_is_bounded() -> None:
    """A program that leaves wrongly for ever does not grow."""
    for _ in range(1000):
        outer, inner = new_scope(), new_scope()
        outer.__enter__()
        inner.__enter__()
        outer.__exit__(None, None, None)
    assert len(scope_stack.left_scopes_var.get()) <= 16


def test_the_client_is_that_of_the_innermost_scope_that_has_an_active_one() -> None:
    """Current, isolation, global; none: one that does nothing."""
    first, second, third = ActiveClient(), ActiveClient(), ActiveClient()
    assert get_client() is INACTIVE
    get_global_scope().set_client(first)
    assert get_client() is first
    get_isolation_scope().set_client(second)
    assert get_client() is second
    get_current_scope().set_client(third)
    assert get_client() is third
    get_current_scope().set_client(InactiveClient())
    assert get_client() is second
    get_isolation_scope().set_client(None)
    assert get_client() is first


def test_reset_forgets_scopes_and_client() -> None:
    """Tests start clean."""
    get_global_scope().set_client(ActiveClient())
    get_global_scope().set_tag("a", 1)
    before = get_isolation_scope()
    scope_stack.reset()
    assert get_client() is INACTIVE
    assert get_global_scope()._tags == {}
    assert get_isolation_scope() is not before


def test_the_inactive_client_takes_every_call() -> None:
    """Nobody has to ask whether there is a client."""
    client = InactiveClient()
    assert not client.is_active()
    assert not client.should_send_default_pii()
    assert client.capture_event({}, None, None) is None
    assert client.capture_exception(None, None) is None
    assert client.capture_message("m", "info", None) is None
    assert client.get_integration("x") is None
    assert client.flush(1.0) is True
    assert (client.dsn, client.transport, client.options) == (None, None, {})
    with client as entered:
        assert entered is client
    client.close()
    assert asyncio.run(client.flush_async()) is True
    asyncio.run(client.close_async())
