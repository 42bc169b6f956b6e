"""The laws of the counters under threads, signal handlers and finalizers, on both twins."""

from __future__ import annotations

import dis
import gc
import importlib
import threading
from collections import Counter
from typing import Any

from support.concurrency import PATIENCE_S, deadline, eager_collector, rapid_switching, signals, threads

COUNTERS = 4


def test_no_count_is_lost_and_every_reading_is_consistent(backend: Any) -> None:
    """While four threads count, captured = delivered + pending + dropped with no negative part, and reports add up."""
    stats = backend.Stats()
    counts = 6000
    running = [None] * COUNTERS
    taken: Counter[str] = Counter()
    start = threading.Barrier(COUNTERS + 2)

    def count() -> None:
        start.wait(PATIENCE_S)
        for number in range(counts):
            stats.record_captured()
            if number % 3 == 0:
                stats.record_delivered()
            elif number % 3 == 1:
                stats.record_dropped("before_send")
            else:
                stats.record_dropped("send_error", told=False)
        running.pop()

    def report() -> None:
        start.wait(PATIENCE_S)
        while running:
            for reason, _, quantity in stats.take_discarded():
                taken[reason] += quantity

    with rapid_switching(), threads(report, *[count] * COUNTERS):
        start.wait(PATIENCE_S)
        is_over = False
        while not is_over:
            is_over = not running
            captured, delivered, pending, dropped = stats.snapshot()
            assert pending >= 0
            # Each counting thread has at most one event that it has not settled.
            assert pending <= COUNTERS
            assert captured == delivered + pending + sum(dropped.values())
    for reason, _, quantity in stats.take_discarded():
        taken[reason] += quantity
    third = COUNTERS * counts // 3
    assert stats.snapshot() == (3 * third, third, 0, {"before_send": third, "send_error": third})
    assert taken == {"before_send": third}


def test_each_drop_is_told_by_exactly_one_of_two_reports(backend: Any) -> None:
    """Two threads that take at once never get the same count, nor miss one."""
    stats = backend.Stats()
    counts = 5000
    running = [None]
    taken = [0, 0]

    def report(place: int) -> None:
        while running:
            taken[place] += sum(quantity for _, _, quantity in stats.take_discarded())

    def count() -> None:
        for _ in range(counts):
            stats.record_dropped("before_send", "attachment", 3)
        running.pop()

    with rapid_switching(), threads(lambda: report(0), lambda: report(1), count):
        pass
    left = sum(quantity for _, _, quantity in stats.take_discarded())
    assert sum(taken) + left == 3 * counts


def test_a_signal_handler_may_count_while_a_count_runs(backend: Any) -> None:
    """Counts nested in counts on one thread are all there in the end."""
    stats = backend.Stats()
    handled = 0
    counted = 0

    def handler(*_: object) -> None:
        nonlocal handled
        handled += 1
        stats.record_captured()
        stats.record_dropped("ignored")

    is_time = deadline()
    with signals(handler, 1e-4, repeat=True):
        while handled < 300 and is_time():
            stats.record_captured()
            stats.record_dropped("ignored")
            counted += 1
    assert handled >= 300
    total = counted + handled
    assert stats.snapshot() == (total, 0, 0, {"ignored": total})
    assert stats.take_discarded() == [("ignored", "error", total)]


def test_a_finalizer_may_count_while_a_count_runs(backend: Any) -> None:
    """Counts out of the garbage collector are all there in the end."""
    stats = backend.Stats()
    finalized = 0

    class Garbage:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            nonlocal finalized
            finalized += 1
            stats.record_captured()
            stats.record_dropped("ignored")

    reported = 0
    with eager_collector():
        for _ in range(1000):
            Garbage()
            stats.record_captured()
            stats.record_dropped("ignored")
            reported += sum(quantity for _, _, quantity in stats.take_discarded())
    gc.collect()
    reported += sum(quantity for _, _, quantity in stats.take_discarded())
    total = 1000 + finalized
    assert finalized == 1000
    assert stats.snapshot() == (total, 0, 0, {"ignored": total})
    assert reported == total


def test_the_pure_counts_call_nothing() -> None:
    """A statement that changes a count, or swaps the counts, holds no call at which a thread could be switched."""
    stats = importlib.import_module("tocsin._pure.stats").Stats
    for method in (stats.record_captured, stats.record_delivered, stats.record_dropped, stats.restore_discarded):
        checked = 0
        statement: list[str] = []
        for instruction in dis.get_instructions(method):
            if instruction.starts_line:
                statement = []
            statement.append(instruction.opname)
            if instruction.opname == "STORE_SUBSCR":
                checked += 1
                assert [opname for opname in statement if "CALL" in opname or "BACKWARD" in opname] == []
        assert checked > 0
    opnames = [each.opname for each in dis.get_instructions(stats.take_discarded)]
    swap = opnames.index("STORE_ATTR")
    line_start = max(
        i for i, each in enumerate(dis.get_instructions(stats.take_discarded)) if each.starts_line and i < swap
    )
    assert not any("CALL" in opname for opname in opnames[line_start:swap])
