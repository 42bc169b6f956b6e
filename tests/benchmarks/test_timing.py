"""The loops do what they time, as often as they say, and use nothing twice."""

from __future__ import annotations

from benchmarks.timing import Effort, per_call, per_item


def test_each_item_is_used_once() -> None:
    """An exception that was captured before would be refused by an SDK that notices."""
    made = iter(range(10_000))
    used: list[int] = []
    took = per_item(used.append, lambda count: [next(made) for _ in range(count)], Effort(3, 50_000, 64))
    assert took > 0
    assert used == list(range(len(used)))
    assert len(used) > 3 * 4


def test_a_statement_is_repeated_until_it_can_be_seen() -> None:
    """A run lasts as long as is wanted, and the number of calls is taken out again."""
    calls: list[None] = []
    took = per_call("append(None)", {"append": calls.append}, Effort(2, 1_000_000))
    assert 0 < took < 1_000_000
    assert len(calls) > 100
