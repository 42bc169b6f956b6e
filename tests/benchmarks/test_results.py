"""Ratios are taken within a round, and nothing void gets into them."""

from __future__ import annotations

import json

from benchmarks import claims, report
from benchmarks.results import Cell, Results, Row

ROW = Row("exception-20", "an exception", floor="orjson.dumps of the event")
RATE = Row("rate", "events per second", "1/s", more_is_better=True)


def _results(**cells: Cell) -> Results:
    machine = {"processor": "a", "cores": 2, "system": "b", "python": "c", "versions": {}, "date": "d", "load": None}
    results = Results({**machine, "command": "python -m benchmarks"}, sdks=["tocsin", "sentry-sdk"])
    results.add_row(ROW)
    results.cells[ROW.name] = {name.replace("_", "-"): cell for name, cell in cells.items()}
    return results


def test_a_ratio_is_taken_within_each_round() -> None:
    """The median and the minimum are those of the rounds' ratios, not the ratio of medians."""
    results = _results(tocsin=Cell([1.0, 10.0, 100.0]), sentry_sdk=Cell([100.0, 20.0, 300.0]))
    ratio = results.ratio(ROW)
    assert ratio is not None
    assert (ratio.median, ratio.minimum) == (3.0, 2.0)


def test_where_more_is_better_the_ratio_is_turned_round() -> None:
    """A ratio above one always says that tocsin is better."""
    results = _results()
    results.add_row(RATE)
    results.cells[RATE.name] = {"tocsin": Cell([2000.0]), "sentry-sdk": Cell([100.0])}
    ratio = results.ratio(RATE)
    assert ratio is not None
    assert ratio.median == 20.0


def test_a_round_that_one_of_them_lacks_does_not_count() -> None:
    """Values of different rounds are never compared."""
    results = _results(tocsin=Cell([None, 10.0]), sentry_sdk=Cell([1.0, 30.0]))
    ratio = results.ratio(ROW)
    assert ratio is not None
    assert ratio.minimum == 3.0


def test_a_void_row_has_no_numbers() -> None:
    """One wrong event takes away the ratio and the median, and the reason is told."""
    results = _results(tocsin=Cell([1.0], void="19 frames instead of 20"), sentry_sdk=Cell([9.0]))
    assert results.ratio(ROW) is None
    assert results.cells[ROW.name]["tocsin"].median is None
    text = report.text(results)
    assert "void" in text
    assert "19 frames instead of 20" in text


def test_a_loss_is_told_as_plainly_as_a_win() -> None:
    """It stands in the table, and again below it, with who is better and by how much."""
    text = report.text(_results(tocsin=Cell([4.0]), sentry_sdk=Cell([2.0])))
    assert "0.500 x [0.500]  LOST" in text
    assert "Where tocsin loses:\n  an exception: sentry-sdk is 2.00 times cheaper" in text
    won = report.text(_results(tocsin=Cell([2.0]), sentry_sdk=Cell([4.0])))
    assert "LOST" not in won
    assert "tocsin loses in no row." in won


def test_what_an_sdk_lacks_is_told_with_its_reason() -> None:
    """An empty cell is explained below the table, and so is an SDK that is not there."""
    results = _results(tocsin=Cell([4.0]), sentry_sdk=Cell([None], absent="has no such thing"))
    results.skipped["rollbar"] = "it is not installed"
    text = report.text(results)
    assert "sentry-sdk, exception-20: is not measured: has no such thing" in text
    assert "rollbar is left out: it is not installed." in text


def test_what_is_written_can_be_read_again() -> None:
    """`--read` shows what `--json` has written, to the letter."""
    results = _results(tocsin=Cell([1.0, None]), sentry_sdk=Cell([9.0, 8.0]), floor=Cell([], absent="none"))
    again = Results.from_dict(json.loads(json.dumps(results.as_dict())))
    assert report.text(again) == report.text(results)
    assert again.as_dict() == results.as_dict()


def test_a_promise_is_held_against_the_median_of_the_rounds() -> None:
    """140 times cheaper in most rounds is reached; in fewer it is not."""
    claim = "sentry-sdk at least 140 x"
    for ours, reached in (([1.0, 1.0, 2.0], True), ([1.0, 2.0, 2.0], False)):
        results = _results(tocsin=Cell(ours), sentry_sdk=Cell([150.0] * 3), floor=Cell([1.0] * 3))
        (verdict,) = [verdict for verdict, words in claims.verdicts(results) if claim in words]
        assert verdict is reached


def test_a_distance_to_a_floor_is_held_within_each_round() -> None:
    """At most ten microseconds more than the floor, in the median of the rounds."""
    for floors, reached in (([20.0, 1.0, 21.0], True), ([19.0, 1.0, 21.0], False)):
        results = _results(tocsin=Cell([30.0] * 3), sentry_sdk=Cell([1.0] * 3), floor=Cell(floors))
        (verdict,) = [verdict for verdict, words in claims.verdicts(results) if "plus 10.0 us" in words]
        assert verdict is reached


def test_what_was_not_measured_is_not_reached() -> None:
    """A void row, or one without its floor, keeps no promise."""
    results = _results(tocsin=Cell([1.0], void="wrong"), sentry_sdk=Cell([900.0]))
    verdicts = claims.verdicts(results)
    assert len(verdicts) == 2
    assert not any(reached for reached, _ in verdicts)
    assert "NOT REACHED" in claims.text(verdicts)
