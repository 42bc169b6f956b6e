"""The laws of the handoff, on both twins: bounds, order, accounting, sleep, re-entrancy, memory."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import gc
import importlib
import inspect
import itertools
import os
import pickle
import sys
import time
import weakref
from collections import deque
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support.concurrency import (
    PATIENCE_S,
    failing_allocations,
    grown_blocks,
    outcome,
    threads,
)

CAPACITY_MAX = 2**20
CAPACITY_BYTES_MAX = 2**40 - 1


class Item:
    """Something that a weakref can watch."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.other: object = None


@pytest.fixture
def twins(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Both classes at once, for laws about their likeness."""
    if request.config.getoption("--no-core"):
        pytest.skip("--no-core: there is only one twin to look at")
    return tuple(importlib.import_module(f"tocsin._{name}.handoff").Handoff for name in ("core", "pure"))  # type: ignore[return-value]


def drain(handoff: Any) -> list[Any]:
    items = []
    while (item := handoff.take(0)) is not None:
        items.append(item)
    return items


def test_twins_have_the_same_names_and_signatures(twins: tuple[Any, Any]) -> None:
    """Public names, parameters and defaults are the same."""
    core, pure = twins
    names = [name for name in dir(pure) if not name.startswith("_")]
    assert [name for name in dir(core) if not name.startswith("_")] == names
    for name in names:
        ours, theirs = inspect.getattr_static(core, name), inspect.getattr_static(pure, name)
        assert callable(ours) == callable(theirs)
        if callable(ours):
            parameters = [
                [
                    (each.name, each.kind, each.default)
                    for each in inspect.signature(method).parameters.values()
                    if each.name != "self"
                ]
                for method in (ours, theirs)
            ]
            assert parameters[0] == parameters[1]
    for twin in twins:
        assert twin(capacity=3, capacity_bytes=5).offer(item=1, size_bytes=2) is True


@pytest.mark.parametrize("name", ["CAPACITY_MAX", "CAPACITY_BYTES_MAX", "TIMEOUT_MAX_S"])
def test_twins_have_the_same_limits(twins: tuple[Any, Any], name: str) -> None:
    """The limits that callers may read are the same."""
    core, pure = (getattr(importlib.import_module(twin.__module__), name) for twin in twins)
    assert core == pure


BOUNDS = [1, 7, CAPACITY_MAX, CAPACITY_MAX + 1, CAPACITY_BYTES_MAX + 1, 0, -1, 2**70, True, False, 1.0, "1", None]


def test_twins_refuse_the_same_bounds_with_the_same_words(twins: tuple[Any, Any]) -> None:
    """A bound out of its range is a ValueError, one that is no integer a TypeError."""
    for capacity, capacity_bytes in itertools.product(BOUNDS, BOUNDS):
        if capacity == CAPACITY_MAX and capacity_bytes != 7:
            continue
        results = [outcome(lambda: len(twin(capacity, capacity_bytes))) for twin in twins]  # noqa: B023
        assert results[0] == results[1]


SIZES = [0, 1, 99, 100, 101, 2**40, 2**63, 2**64, 2**200, -1, -(2**70), True, 1.5, "5", None, [], object]
TIMEOUTS = [0, -1, 0.0, -0.0, 1e-9, float("nan"), float("-inf"), False, "1", None, [], 1j]


def test_twins_answer_odd_arguments_alike(twins: tuple[Any, Any]) -> None:
    """Sizes and timeouts of any value and type have the same outcome, text included."""
    for size in SIZES:
        results = []
        for twin in twins:
            handoff = twin(5, 100)
            results.append((outcome(lambda: handoff.offer("item", size)), len(handoff), handoff.size_bytes))  # noqa: B023
        assert results[0] == results[1]
    for timeout_s in TIMEOUTS:
        results = [outcome(lambda: twin(5, 100).take(timeout_s)) for twin in twins]  # noqa: B023
        assert results[0] == results[1]


def test_a_bound_out_of_range_is_a_value_error(backend: Any) -> None:
    """Both bounds must be positive and at most what the twins can count."""
    for bounds in [(0, 1), (1, 0), (-1, 1), (CAPACITY_MAX + 1, 1), (1, CAPACITY_BYTES_MAX + 1)]:
        with pytest.raises(ValueError, match=r"^capacity(_bytes)? must be between 1 and \d+, not -?\d+$"):
            backend.Handoff(*bounds)


def test_none_is_refused(backend: Any) -> None:
    """None means that there was nothing to take, so it cannot be an item."""
    handoff = backend.Handoff(1, 1)
    with pytest.raises(TypeError, match=r"^None cannot be offered"):
        handoff.offer(None, 1)
    assert len(handoff) == 0


def test_a_negative_size_is_a_value_error(backend: Any) -> None:
    """Sizes are counts of bytes."""
    handoff = backend.Handoff(1, 1)
    with pytest.raises(ValueError, match=r"^size_bytes must not be negative$"):
        handoff.offer("item", -1)
    assert (len(handoff), handoff.size_bytes, handoff.offered) == (0, 0, 0)


def test_it_cannot_be_copied_or_pickled(backend: Any) -> None:
    """A copy would share the items or lose them."""
    handoff = backend.Handoff(1, 1)
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"^a Handoff cannot be copied or pickled$"):
            attempt(handoff)


class Model(RuleBasedStateMachine):
    """A deque with two bounds, and a note whether wake was called."""

    backend: Any

    @initialize(capacity=st.sampled_from([1, 2, 3, 5, 8]), capacity_bytes=st.sampled_from([1, 10, 25]))
    def start(self, capacity: int, capacity_bytes: int) -> None:
        self.capacity = capacity
        self.capacity_bytes = capacity_bytes
        self.handoff = self.backend.Handoff(self.capacity, self.capacity_bytes)
        self.items: deque[tuple[object, int]] = deque()
        self.offered = 0
        self.is_woken = False

    @property
    def size_bytes(self) -> int:
        return sum(size_bytes for _, size_bytes in self.items)

    @rule(item=st.integers() | st.text() | st.just(()), size_bytes=st.integers(0, 30))
    def offer(self, item: object, size_bytes: int) -> None:
        fits = len(self.items) < self.capacity and self.size_bytes + size_bytes <= self.capacity_bytes
        assert self.handoff.offer(item, size_bytes) is fits
        if fits:
            self.items.append((item, size_bytes))
            self.offered += 1

    @rule(timeout_s=st.sampled_from([0, -1.0, 1e-6, float("nan")]))
    def take(self, timeout_s: float) -> None:
        taken = self.handoff.take(timeout_s)
        if self.items:
            assert taken is self.items.popleft()[0]
        else:
            self.is_woken = False
            assert taken is None

    @precondition(lambda self: self.items or self.is_woken)
    @rule()
    def take_what_is_there_whatever_the_timeout(self) -> None:
        before_s = time.monotonic()
        self.take(PATIENCE_S)
        assert time.monotonic() - before_s < PATIENCE_S / 2

    @rule()
    def wake(self) -> None:
        self.handoff.wake()
        self.is_woken = True

    @invariant()
    def counts_are_those_of_the_model(self) -> None:
        assert len(self.handoff) == len(self.items)
        assert self.handoff.size_bytes == self.size_bytes
        assert self.handoff.offered == self.offered
        is_full = len(self.items) == self.capacity or self.size_bytes == self.capacity_bytes
        assert self.handoff.is_full() is is_full


def test_it_agrees_with_a_bounded_deque(backend: Any) -> None:
    """Any sequence of calls gives what a deque with two bounds gives."""
    machine = type("BoundModel", (Model,), {"backend": backend})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=60, deadline=None))


def test_an_empty_take_sleeps_as_long_as_it_is_told(backend: Any) -> None:
    """None comes when the time is over, and not before."""
    handoff = backend.Handoff(1, 1)
    before_s = time.monotonic()
    assert handoff.take(0.05) is None
    assert 0.05 <= time.monotonic() - before_s < PATIENCE_S / 2


@pytest.mark.parametrize("timeout_s", [float("inf"), 1e300, 10**30, sys.float_info.max])
def test_a_timeout_beyond_what_a_lock_can_wait_is_cut(backend: Any, timeout_s: float) -> None:
    """A huge timeout sleeps until something happens, rather than to raise or return at once."""
    handoff = backend.Handoff(1, 1)
    taken: list[object] = []
    with threads(lambda: taken.append(handoff.take(timeout_s))):
        assert handoff.offer("item", 1)
    assert taken == ["item"]
    handoff.wake()
    assert handoff.take(timeout_s) is None


def test_wake_ends_a_sleep(backend: Any) -> None:
    """The sleeping consumer comes back with None well before its time is over."""
    handoff = backend.Handoff(1, 1)
    taken: list[object] = []
    before_s = time.monotonic()
    with threads(lambda: taken.append(handoff.take(PATIENCE_S))):
        handoff.wake()
    assert taken == [None]
    assert time.monotonic() - before_s < PATIENCE_S / 2


def test_items_come_before_the_answer_to_a_wake(backend: Any) -> None:
    """A wake does not hide what is in the queue, before it or after, and several count as one."""
    handoff = backend.Handoff(3, 3)
    handoff.offer("first", 1)
    handoff.wake()
    handoff.wake()
    handoff.offer("second", 1)
    before_s = time.monotonic()
    assert [handoff.take(PATIENCE_S) for _ in range(3)] == ["first", "second", None]
    assert time.monotonic() - before_s < PATIENCE_S / 2
    assert handoff.take(0.02) is None
    assert time.monotonic() - before_s >= 0.02


def test_an_item_is_free_once_it_was_taken_or_refused(backend: Any) -> None:
    """The handoff keeps alive what it holds, and nothing else."""
    handoff = backend.Handoff(2, 10)
    held, refused = Item(), Item()
    watched, watched_refused = weakref.ref(held), weakref.ref(refused)
    assert handoff.offer(held, 10)
    assert not handoff.offer(refused, 1)
    del held, refused
    assert watched_refused() is None
    assert watched() is not None
    assert handoff.take(0) is watched()
    assert watched() is None


def test_items_die_with_the_handoff(backend: Any) -> None:
    """Also when an item refers to the handoff that holds it."""
    handoff = backend.Handoff(3, 3)
    items = [Item(number) for number in range(3)]
    for item in items:
        handoff.offer(item, 1)
    items[1].other = handoff
    watched = [weakref.ref(item) for item in items]
    del handoff, items, item
    gc.collect()
    assert [ref() for ref in watched] == [None] * 3


def test_ten_thousand_cycles_leave_no_memory_behind(backend: Any) -> None:
    """Offers, refusals, errors, takes and wakes keep nothing; the measure itself sees one lost block per call."""
    handoff = backend.Handoff(3, 100)

    def cycle() -> None:
        for _ in range(4):
            handoff.offer(Item(), 1000 // 7)
            handoff.offer(Item(), 2)
        for bad in (lambda: handoff.offer(None, 1), lambda: handoff.offer(1, -1), lambda: handoff.offer(1, "1")):
            with contextlib.suppress(TypeError, ValueError):
                bad()
        handoff.wake()
        while handoff.take(0) is not None:
            pass

    kept: list[object] = []
    assert grown_blocks(lambda: kept.append(object()), 1000) >= 1000
    assert grown_blocks(cycle, 10_000) <= 50
    assert grown_blocks(lambda: backend.Handoff(5, 5).offer(Item(), 1), 1000) <= 50


def test_running_out_of_memory_leaves_the_counts_right(backend: Any) -> None:
    """Whichever allocation fails, nothing is held that was not counted, and the handoff works on."""
    handoff = backend.Handoff(200, 1000)

    def offer_many() -> None:
        for number in range(1000, 1200):
            handoff.offer([number], 5)

    failures = 0
    for has_failed in failing_allocations(offer_many):
        failures += has_failed
        held = len(handoff)
        assert handoff.size_bytes == 5 * held
        numbers = [number for [number] in drain(handoff)]
        assert len(numbers) == held
        assert numbers == sorted(numbers)
        assert (len(handoff), handoff.size_bytes) == (0, 0)
    assert failures > 0
    assert sum(handoff.offer(number, 5) for number in range(250)) == 200


def test_running_out_of_memory_makes_no_half_handoff(backend: Any) -> None:
    """A handoff is made as a whole, or MemoryError says that it is not (for the lock, RuntimeError, as in CPython)."""
    made: list[Any] = []

    def make() -> None:
        try:
            made.append(backend.Handoff(100, 1000))
        except RuntimeError as error:
            raise MemoryError from error

    failures = sum(failing_allocations(make, 60))
    assert failures > 0
    assert made
    for handoff in made:
        assert handoff.offer("item", 1)
        assert handoff.take(0) == "item"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("fork", [os.fork, ctypes.PyDLL(None).fork] if hasattr(os, "fork") else [])
def test_a_child_has_no_part_in_its_parents_handoff(backend: Any, fork: Any) -> None:
    """Nobody takes from it there: it accepts nothing, nor is it full, even if nobody told the interpreter."""
    full, empty = backend.Handoff(1, 100), backend.Handoff(1, 100)
    assert full.offer("item", 1)
    pid = fork()
    if pid == 0:
        os._exit(int(full.is_full() or full.offer("item", 1) or empty.offer("item", 1)))
    assert os.waitpid(pid, 0)[1] == 0
    assert full.is_full()
    assert empty.offer("item", 1)
