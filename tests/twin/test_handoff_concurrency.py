"""The laws of the handoff under threads, signal handlers and finalizers, on both twins."""

from __future__ import annotations

import dis
import gc
import importlib
import itertools
import threading
import time
from typing import Any

import pytest

from support.concurrency import (
    PATIENCE_S,
    Interruption,
    deadline,
    eager_collector,
    interrupt,
    rapid_switching,
    signals,
    threads,
)

PRODUCERS = 4


def drain(handoff: Any) -> list[Any]:
    items = []
    while (item := handoff.take(0)) is not None:
        items.append(item)
    return items


@pytest.mark.parametrize("capacity", [1, 2, 3, 64, 100])
def test_capacity_is_exact_under_four_producers(backend: Any, capacity: int) -> None:
    """Without a consumer exactly `capacity` offers succeed, whoever makes them."""
    handoff = backend.Handoff(capacity, 1000)
    accepted: list[int] = []

    def produce() -> None:
        accepted.append(sum(handoff.offer("item", 1) for _ in range(500)))

    with rapid_switching(), threads(*[produce] * PRODUCERS):
        pass
    assert sum(accepted) == capacity == len(handoff) == handoff.size_bytes


def test_bytes_are_never_passed_under_four_producers(backend: Any) -> None:
    """The sizes of the accepted items never add up to more than the bound."""
    handoff = backend.Handoff(10_000, 1000)
    sizes: list[int] = []

    def produce() -> None:
        sizes.extend(size for size in range(1, 300) if handoff.offer(size, size))

    with rapid_switching(), threads(*[produce] * PRODUCERS):
        pass
    assert 1000 - 300 < sum(sizes) <= 1000
    assert sum(sizes) == handoff.size_bytes == sum(drain(handoff))


@pytest.mark.parametrize(("capacity", "capacity_bytes"), [(1, 100), (7, 100), (100, 10_000)])
def test_every_offer_is_accounted_for(backend: Any, capacity: int, capacity_bytes: int) -> None:
    """Offered = accepted + refused; what is accepted comes out once, in the order of its producer."""
    handoff = backend.Handoff(capacity, capacity_bytes)
    offers = 4000
    accepted = [0] * PRODUCERS
    refused = [0] * PRODUCERS
    running = [None] * PRODUCERS

    def produce(number: int) -> None:
        for size_bytes in itertools.islice(itertools.cycle(range(17)), offers):
            if handoff.offer((number, accepted[number]), size_bytes):
                accepted[number] += 1
            else:
                refused[number] += 1
        running.pop()
        handoff.wake()

    taken = [0] * PRODUCERS
    with rapid_switching(), threads(*(lambda number=number: produce(number) for number in range(PRODUCERS))):
        while True:
            is_last = not running
            item = handoff.take(PATIENCE_S)
            if item is not None:
                number, position = item
                assert position == taken[number]
                taken[number] += 1
            elif is_last:
                break
    assert taken == accepted
    assert [a + r for a, r in zip(accepted, refused, strict=True)] == [offers] * PRODUCERS
    assert (len(handoff), handoff.size_bytes, handoff.offered) == (0, 0, sum(accepted))


def test_a_sleeping_consumer_is_woken_by_every_single_item(backend: Any) -> None:
    """Two threads that each sleep until the other offers never stop: no wake-up is lost."""
    there, back = backend.Handoff(1, 1), backend.Handoff(1, 1)
    rounds = 2000

    def echo() -> None:
        for _ in range(rounds):
            item = there.take(PATIENCE_S)
            assert item is not None
            assert back.offer(item, 1)

    with threads(echo):
        for number in range(1, rounds + 1):
            assert there.offer(number, 1)
            assert back.take(PATIENCE_S) == number


def test_sleeping_lets_other_threads_run(backend: Any) -> None:
    """While the consumer sleeps, the interpreter belongs to others."""
    handoff = backend.Handoff(1, 1)
    started = threading.Event()
    taken: list[object] = []

    def consume() -> None:
        started.set()
        taken.append(handoff.take(PATIENCE_S))

    before_s = time.monotonic()
    with threads(consume):
        assert started.wait(PATIENCE_S)
        # Long enough that the consumer gets its turn, and then sleeps.
        turns = 0
        while time.monotonic() - before_s < 0.1:
            turns += 1
        assert handoff.offer("item", 1)
    assert turns > 100
    assert taken == ["item"]
    assert time.monotonic() - before_s < PATIENCE_S / 2


def test_a_signal_handler_may_offer_while_an_offer_runs(backend: Any) -> None:
    """Offers nested in offers on one thread are all accounted for, in order per offerer."""
    handoff = backend.Handoff(50, 1000)
    accepted = {"main": 0, "handler": 0}

    def offer(name: str) -> None:
        if handoff.offer((name, accepted[name]), 3):
            accepted[name] += 1

    taken = {"main": 0, "handler": 0}
    is_time = deadline()
    with signals(lambda *_: offer("handler"), 1e-4, repeat=True):
        while accepted["handler"] < 300 and is_time():
            for _ in range(20):
                offer("main")
            for name, position in drain(handoff):
                assert position == taken[name]
                taken[name] += 1
    for name, position in drain(handoff):
        assert position == taken[name]
        taken[name] += 1
    assert accepted["handler"] >= 300
    assert taken == accepted
    assert (len(handoff), handoff.size_bytes) == (0, 0)


def test_an_exception_from_a_signal_handler_leaves_the_counts_right(backend: Any) -> None:
    """Wherever an offer or a take is cut short, no reservation stays without its item."""
    handoff = backend.Handoff(20, 1000)
    interrupted = 0
    numbers = itertools.count(1)

    # A function, because 3.13.0 may take an exception that interrupts a loop's condition past the `with` around it.
    def offer_and_take() -> None:
        is_time = deadline()
        while is_time():
            number = next(numbers)
            handoff.offer(number, 7)
            if number % 3:
                handoff.take(0)

    for delay_us in itertools.islice(itertools.cycle(range(20, 220)), 600):
        try:
            with rapid_switching(), signals(interrupt, delay_us / 1e6):
                offer_and_take()
        except Interruption:
            interrupted += 1
        held = len(handoff)
        assert handoff.size_bytes == 7 * held
        items = drain(handoff)
        assert len(items) == held
        assert items == sorted(items)
        assert (len(handoff), handoff.size_bytes) == (0, 0)
    assert interrupted == 600
    assert sum(handoff.offer(number, 7) for number in range(30)) == 20


def test_an_exception_from_a_signal_handler_ends_a_sleep(backend: Any) -> None:
    """It comes out of take as itself, and the handoff works as before."""
    handoff = backend.Handoff(5, 5)
    before_s = time.monotonic()
    for _ in range(20):
        with pytest.raises(Interruption), signals(interrupt, 0.005):
            handoff.take(PATIENCE_S)
        assert handoff.take(0.001) is None
        assert handoff.offer("one", 1)
        assert handoff.offer("two", 1)
        assert drain(handoff) == ["one", "two"]
        handoff.wake()
        assert handoff.take(PATIENCE_S) is None
        taken: list[object] = []
        with threads(lambda: taken.append(handoff.take(PATIENCE_S))):  # noqa: B023
            assert handoff.offer("three", 1)
        assert taken == ["three"]
    assert time.monotonic() - before_s < PATIENCE_S / 2


def test_a_signal_handler_that_returns_does_not_shorten_a_sleep(backend: Any) -> None:
    """The sleep goes on for the rest of its time."""
    handoff = backend.Handoff(5, 5)
    seen: list[None] = []
    with signals(lambda *_: seen.append(None), 0.01, repeat=True):
        before_s = time.monotonic()
        assert handoff.take(0.1) is None
        assert time.monotonic() - before_s >= 0.1
    assert seen


def test_a_finalizer_may_offer_while_an_offer_runs(backend: Any) -> None:
    """Offers out of the garbage collector are accounted for as any other."""
    handoff = backend.Handoff(50, 1000)
    accepted = {"main": 0, "finalizer": 0}

    def offer(name: str) -> None:
        if handoff.offer((name, accepted[name]), 3):
            accepted[name] += 1

    class Garbage:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            offer("finalizer")

    taken = {"main": 0, "finalizer": 0}
    with eager_collector():
        for _ in range(2000):
            Garbage()
            offer("main")
            for name, position in drain(handoff):
                assert position == taken[name]
                taken[name] += 1
    gc.collect()
    for name, position in drain(handoff):
        assert position == taken[name]
        taken[name] += 1
    assert accepted["finalizer"] > 1000
    assert taken == accepted
    assert (len(handoff), handoff.size_bytes) == (0, 0)


def test_the_pure_stretches_call_nothing() -> None:
    """Between the test of the bounds and the count of the offer, and from peek to removal, no call switches threads."""
    handoff = importlib.import_module("tocsin._pure.handoff").Handoff
    for method, first, last in [
        (handoff.offer, ("LOAD_ATTR", "_len"), ("STORE_ATTR", "_offered")),
        (handoff.take, ("LOAD_ATTR", "_items"), ("DELETE_SUBSCR", None)),
    ]:
        instructions = [(each.opname, each.argval) for each in dis.get_instructions(method)]
        start, end = instructions.index(first), instructions.index(last)
        assert 0 < start < end
        stretch = {opname for opname, _ in instructions[start : end + 1]}
        assert [opname for opname in stretch if "CALL" in opname or "BACKWARD" in opname] == []
