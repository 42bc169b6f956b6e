"""The laws of the counters, on both twins: nothing lost, nothing told twice, one consistent reading."""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import pickle
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from support.concurrency import (
    failing_allocations,
    grown_blocks,
    outcome,
)

REASONS = {
    "queue_overflow",
    "cache_overflow",
    "buffer_overflow",
    "ratelimit_backoff",
    "network_error",
    "send_error",
    "sample_rate",
    "before_send",
    "callback_error",
    "event_processor",
    "internal_sdk_error",
    "insufficient_data",
    "backpressure",
    "ignored",
    "invalid",
}
CATEGORIES = {
    "default",
    "error",
    "transaction",
    "span",
    "attachment",
    "session",
    "internal",
    "feedback",
    "log_item",
    "log_byte",
    "profile",
    "profile_chunk",
    "replay",
    "monitor",
    "trace_metric",
    "trace_metric_byte",
    "security",
}
QUANTITY_MAX = 2**40


@pytest.fixture
def twins(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Both modules at once, for laws about their likeness."""
    if request.config.getoption("--no-core"):
        pytest.skip("--no-core: there is only one twin to look at")
    return tuple(importlib.import_module(f"tocsin._{name}.stats") for name in ("core", "pure"))  # type: ignore[return-value]


def test_twins_have_the_same_names_and_signatures(twins: tuple[Any, Any]) -> None:
    """Public names, parameters, defaults and tables are the same."""
    core, pure = (module.Stats for module in twins)
    names = [name for name in dir(pure) if not name.startswith("_")]
    assert [name for name in dir(core) if not name.startswith("_")] == names
    for name in names:
        parameters = [
            [
                (each.name, each.kind, each.default)
                for each in inspect.signature(getattr(twin, name)).parameters.values()
                if each.name != "self"
            ]
            for twin in (core, pure)
        ]
        assert parameters[0] == parameters[1]
    for table in ("REASONS", "CATEGORIES", "QUANTITY_MAX"):
        assert getattr(twins[0], table) == getattr(twins[1], table)


QUANTITIES = [0, 1, 3, -1, 2**40, 2**40 + 1, 2**63, 2**64, 2**200, -(2**200), True, False, 1.0, "1", None, [], object]


class Word(str):
    """A string by another name."""


NAMES: list[Any] = ["error", "before_send", Word("before_send"), Word("error"), "", "\ud800", None, 1, (), [], {}]


def test_twins_answer_odd_arguments_alike(twins: tuple[Any, Any]) -> None:
    """Quantities, reasons and categories of any value and type have the same outcome, text included."""
    calls: list[Callable[[Any], object]] = []
    for quantity in QUANTITIES:
        calls += [
            lambda stats, quantity=quantity: stats.record_captured(quantity),
            lambda stats, quantity=quantity: stats.record_delivered(quantity),
            lambda stats, quantity=quantity: stats.record_dropped("before_send", "error", quantity),
            lambda stats, quantity=quantity: stats.restore_discarded([("before_send", "error", quantity)]),
        ]
    for name in NAMES:
        calls += [
            lambda stats, name=name: stats.record_dropped(name),
            lambda stats, name=name: stats.record_dropped("before_send", name),
            lambda stats, name=name: stats.record_dropped("before_send", told=name),
            lambda stats, name=name: stats.restore_discarded([(name, name, 1)]),
        ]
    for call in calls:
        results = []
        for twin in twins:
            stats = twin.Stats()
            results.append((outcome(lambda: call(stats)), stats.snapshot(), stats.take_discarded()))  # noqa: B023
        assert results[0] == results[1]


def test_reasons_and_categories_are_those_of_the_protocol(backend: Any) -> None:
    """The server drops what is not in its lists, so the tables hold exactly these words."""
    assert set(backend.REASONS) == REASONS
    assert set(backend.CATEGORIES) == CATEGORIES
    assert len(backend.REASONS) == len(REASONS)
    assert len(backend.CATEGORIES) == len(CATEGORIES)


def test_each_pair_of_reason_and_category_is_counted_for_itself(backend: Any) -> None:
    """No two pairs share a counter, and only errors count as events."""
    stats = backend.Stats()
    pairs = [(reason, category) for reason in sorted(REASONS) for category in sorted(CATEGORIES)]
    for quantity, (reason, category) in enumerate(pairs, 1):
        stats.record_dropped(reason, category, quantity)
    expected = [(reason, category, quantity) for quantity, (reason, category) in enumerate(pairs, 1)]
    assert stats.take_discarded() == sorted(expected)
    dropped = {reason: quantity for reason, category, quantity in expected if category == "error"}
    assert stats.snapshot() == (0, 0, -sum(dropped.values()), dropped)


def test_unknown_words_are_counted_under_known_ones(backend: Any) -> None:
    """A reason that the server would not accept is an internal error, a category that it would not the default one."""
    stats = backend.Stats()
    stats.record_dropped("made up")
    stats.record_dropped("before_send", "made up")
    stats.restore_discarded([("made up", "made up", 5)])
    assert stats.snapshot()[3] == {"internal_sdk_error": 1}
    assert stats.take_discarded() == [
        ("before_send", "default", 1),
        ("internal_sdk_error", "default", 5),
        ("internal_sdk_error", "error", 1),
    ]


def test_a_quantity_is_cut_to_its_range(backend: Any) -> None:
    """Nothing and less counts nothing; more than the most counts as the most."""
    stats = backend.Stats()
    for quantity in (0, -1, -(2**100)):
        stats.record_captured(quantity)
        stats.record_delivered(quantity)
        stats.record_dropped("ignored", "error", quantity)
    assert stats.snapshot() == (0, 0, 0, {})
    assert stats.take_discarded() == []
    for quantity in (QUANTITY_MAX, QUANTITY_MAX + 1, 2**100):
        stats.record_captured(quantity)
    assert stats.snapshot()[0] == 3 * QUANTITY_MAX


def test_what_the_server_refused_is_not_told_again(backend: Any) -> None:
    """With told=False a drop counts here, and stays out of the next client report."""
    stats = backend.Stats()
    stats.record_dropped("ratelimit_backoff", told=False)
    assert stats.snapshot()[3] == {"ratelimit_backoff": 1}
    assert stats.take_discarded() == []


def test_reset_zeroes_everything(backend: Any) -> None:
    """After it the counters are as new."""
    stats = backend.Stats()
    stats.record_captured(5)
    stats.record_delivered(2)
    stats.record_dropped("invalid")
    stats.reset()
    assert stats.snapshot() == (0, 0, 0, {})
    assert stats.take_discarded() == []


def test_it_cannot_be_copied_or_pickled(backend: Any) -> None:
    """A copy would tell the same counts twice."""
    stats = backend.Stats()
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"^a Stats cannot be copied or pickled$"):
            attempt(stats)


class Model(RuleBasedStateMachine):
    """Counters in dicts."""

    backend: Any

    def __init__(self) -> None:
        super().__init__()
        self.stats = self.backend.Stats()
        self.captured = 0
        self.delivered = 0
        self.dropped: Counter[str] = Counter()
        self.unreported: Counter[tuple[str, str]] = Counter()
        self.reports: list[list[tuple[str, str, int]]] = []

    reasons = st.sampled_from([*sorted(REASONS), "made up"])
    categories = st.sampled_from([*sorted(CATEGORIES), "made up"])
    quantities = st.integers(-2, 5) | st.integers(-(2**70), 2**70)

    @staticmethod
    def units(quantity: int) -> int:
        return min(max(quantity, 0), QUANTITY_MAX)

    @staticmethod
    def pair(reason: str, category: str) -> tuple[str, str]:
        return reason if reason in REASONS else "internal_sdk_error", category if category in CATEGORIES else "default"

    @rule(quantity=quantities)
    def captured_some(self, quantity: int) -> None:
        assert self.stats.record_captured(quantity) is None
        self.captured += self.units(quantity)

    @rule(quantity=quantities)
    def delivered_some(self, quantity: int) -> None:
        assert self.stats.record_delivered(quantity) is None
        self.delivered += self.units(quantity)

    @rule(reason=reasons, category=categories, quantity=quantities, told=st.booleans())
    def dropped_some(self, reason: str, category: str, quantity: int, told: bool) -> None:
        assert self.stats.record_dropped(reason, category, quantity, told) is None
        reason, category = self.pair(reason, category)
        if category == "error":
            self.dropped[reason] += self.units(quantity)
        if told:
            self.unreported[reason, category] += self.units(quantity)

    @rule()
    def dropped_one_event(self) -> None:
        self.stats.record_dropped("queue_overflow")
        self.dropped["queue_overflow"] += 1
        self.unreported["queue_overflow", "error"] += 1

    @rule()
    def take(self) -> None:
        taken = self.stats.take_discarded()
        assert taken == sorted((*pair, count) for pair, count in self.unreported.items() if count)
        self.unreported.clear()
        self.reports.append(taken)

    @rule()
    def restore(self) -> None:
        for report in self.reports:
            self.stats.restore_discarded(report)
            for reason, category, quantity in report:
                self.unreported[reason, category] += self.units(quantity)
        self.reports.clear()

    @rule()
    def reset(self) -> None:
        self.stats.reset()
        self.captured = self.delivered = 0
        self.dropped.clear()
        self.unreported.clear()
        self.reports.clear()

    @invariant()
    def reading_is_that_of_the_model(self) -> None:
        pending = self.captured - self.delivered - sum(self.dropped.values())
        dropped = {reason: count for reason, count in self.dropped.items() if count}
        assert self.stats.snapshot() == (self.captured, self.delivered, pending, dropped)


def test_it_agrees_with_counters_in_dicts(backend: Any) -> None:
    """Any sequence of calls gives what plain counting gives."""
    machine = type("BoundModel", (Model,), {"backend": backend})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=50, deadline=None))


def test_counting_leaves_no_memory_behind(backend: Any) -> None:
    """Counts, readings, reports and errors keep nothing; the measure itself sees one lost block per call."""
    stats = backend.Stats()

    def cycle() -> None:
        stats.record_captured(7)
        stats.record_delivered()
        stats.record_dropped("made up", "made up", 2**90)
        for bad in (lambda: stats.record_captured("1"), lambda: stats.record_dropped([]), lambda: stats.reset(1)):
            with contextlib.suppress(TypeError):
                bad()
        stats.snapshot()
        stats.restore_discarded(stats.take_discarded())
        stats.reset()

    kept: list[object] = []
    assert grown_blocks(lambda: kept.append(object()), 1000) >= 1000
    assert grown_blocks(cycle, 3000) <= 50
    assert grown_blocks(backend.Stats, 1000) <= 50


def test_running_out_of_memory_loses_no_count(backend: Any) -> None:
    """Whichever allocation fails, what was counted can still be read and told."""
    stats = backend.Stats()
    for reason in REASONS:
        stats.record_dropped(reason, "attachment", 1000)
    expected = sorted((reason, "attachment", 1000) for reason in REASONS)
    taken: list[Any] = [None]

    def take() -> None:
        taken[0] = stats.take_discarded()

    failures = 0
    for has_failed in failing_allocations(take, 60):
        failures += has_failed
        discarded = stats.take_discarded() if has_failed else taken[0]
        assert discarded == expected
        stats.restore_discarded(discarded)
    assert failures > 0
