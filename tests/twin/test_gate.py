"""Laws of the decisions before an event is built: both twins decide alike, and nobody's code is asked."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.hostile import HostileDict, HostileMeta, HostileObject, HostileStr, watching
from support.concurrency import outcome
from support.twins import PROPERTY, twins
from tocsin.reasons import DiscardReason


class Base(Exception):
    class Inner(Exception):
        pass


class Derived(Base, KeyError):
    pass


ERRORS: list[type[BaseException]] = [Base, Base.Inner, Derived, KeyError, LookupError, ValueError, KeyboardInterrupt]
IGNORABLE: list[Any] = [*ERRORS, Exception, BaseException, object, int, "Base", "Inner", "Base.Inner", "KeyError", ""]
IGNORABLE += ["builtins.KeyError", f"{__name__}.Base", f"{__name__}.Base.Inner", f"{__name__}.Derived", "None.Base"]


def options(**given: Any) -> dict[str, Any]:
    return {"ignore_errors": [], "sample_rate": 1.0, "error_sampler": None, **given}


def is_ignored(kind: type[BaseException], ignored: list[Any]) -> bool:
    """What the documentation says: by class with what derives from it, by name alone."""
    names = {kind.__qualname__, f"{kind.__module__}.{kind.__qualname__}"}
    return any(entry in kind.__mro__ if isinstance(entry, type) else entry in names for entry in ignored)


@given(
    kind=st.sampled_from(ERRORS),
    ignored=st.lists(st.sampled_from(IGNORABLE), max_size=4),
    rate=st.sampled_from([0, 0.0, 0.3, 0.7, 1, 1.0, True, False]),
    sampler=st.sampled_from([None, len]),
    dedupes=st.booleans(),
    is_marked=st.booleans(),
    seed=st.integers(0, 5),
)
@PROPERTY
@pytest.mark.usefixtures("backend")
def test_both_twins_decide_alike(
    kind: type[BaseException], ignored: list[Any], rate: Any, sampler: Any, dedupes: bool, is_marked: bool, seed: int
) -> None:
    """And as documented: ignored or captured before, else by a draw, unless a sampler is to see the event."""
    found = []
    for room in twins("gate"):
        gate = room.Gate(options(ignore_errors=ignored, sample_rate=rate, error_sampler=sampler))
        gate.dedupes = dedupes
        error = kind("text")
        if is_marked:
            room.mark(error, "0" * 32)
        random.seed(seed)
        found.append([gate.refuses_error(error), gate.refuses(), gate.samples, gate.sample_rate, gate.dedupes])
    assert found[0] == found[1]
    random.seed(seed)
    expected = None
    if is_ignored(kind, ignored) or (dedupes and is_marked):
        expected = DiscardReason.EVENT_PROCESSOR
    elif sampler is None and rate < 1.0 and not (rate > 0.0 and random.random() < rate):
        expected = DiscardReason.SAMPLE_RATE
    assert found[0][0] == expected


@given(
    rate=st.floats(-1.0, 2.0) | st.sampled_from([0, 1, True, False, 0.5]), draw=st.floats(0.0, 1.0, exclude_max=True)
)
@PROPERTY
@pytest.mark.usefixtures("backend")
def test_a_draw_is_below_the_rate_or_not(rate: Any, draw: float) -> None:
    """Nothing is drawn at a rate of one or of nothing."""
    found = []
    for room in twins("gate"):
        gate = room.Gate(options(sample_rate=0.5))
        drawn: list[float] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(random, "random", lambda drawn=drawn: drawn.append(draw) or draw)  # type: ignore[misc]
            found.append((gate.draws(rate), len(drawn)))
    assert found[0] == found[1] == (rate >= 1.0 or rate > draw, int(0.0 < rate < 1.0))


def test_a_gate_without_a_rate_draws_nothing(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it ask for the module that would."""

    def drawn() -> float:
        raise AssertionError

    monkeypatch.setattr(random, "random", drawn)
    gate = backend.Gate(options())
    assert gate.refuses() is None
    assert gate.refuses_error(ValueError()) is None


ODD: dict[str, Any] = {
    "qualified name of a subclass of str": {"__qualname__": HostileStr("Odd")},
    "module of a subclass of str": {"__module__": HostileStr("module")},
    "module that is no text": {"__module__": HostileObject()},
    "no module": {"__module__": None},
}


OF_ODD = ("metaclass", "parent", *ODD)


def odd_errors() -> Iterator[tuple[str, BaseException]]:
    """Errors whose types or attributes raise, and note it, when they are looked at."""
    yield "metaclass", type.__call__(HostileMeta("Odd", (Exception,), {}))
    yield "metaclass of a parent", type.__call__(HostileMeta("Odd", (KeyError,), {}), "x")
    for name, attributes in ODD.items():
        kind = type("Odd", (Exception,), {})
        for attribute, value in attributes.items():
            type.__setattr__(kind, attribute, value)
        yield name, kind()
    error = ValueError()
    error.__dict__ = HostileDict(a=1)
    yield "attributes in a dict of its own kind", error


@pytest.mark.parametrize("ignored", [[], [KeyError], ["Odd"], ["module.Odd"], [KeyError, "Other", "a.Odd"]], ids=repr)
def test_no_code_of_an_errors_type_is_run(ignored: list[Any]) -> None:
    """Neither to compare it with what is ignored, nor to see whether it was captured, nor to mark it."""
    for name, error in odd_errors():
        found = []
        for room in twins("gate"):
            gate = room.Gate(options(ignore_errors=ignored))
            with watching() as calls:
                first = outcome(lambda: gate.refuses_error(error))  # noqa: B023
                marked = outcome(lambda: room.mark(error, "1" * 32))  # noqa: B023
                second = outcome(lambda: gate.refuses_error(error))  # noqa: B023
            assert calls == [], name
            assert marked == ("returned", None)
            found.append((first, second))
            del BaseException.__dict__["__dict__"].__get__(error)[room.MARK]
        assert found[0] == found[1], name
        assert found[0][1] == ("returned", DiscardReason.EVENT_PROCESSOR), name
        matches = {"Odd": name.endswith(OF_ODD), "module.Odd": name.startswith("module of"), KeyError: "parent" in name}
        expected = any(matches.get(entry, False) for entry in ignored)
        assert found[0][0] == ("returned", DiscardReason.EVENT_PROCESSOR if expected else None), name


def test_a_hostile_class_can_be_ignored_by_itself(backend: Any) -> None:
    """By identity: its metaclass is not asked about equality, hash or membership."""
    kind = HostileMeta("Odd", (Exception,), {})
    error = type.__call__(kind)
    with watching() as calls:
        gate = backend.Gate(options(ignore_errors=[kind]))
        assert gate.refuses_error(error) == DiscardReason.EVENT_PROCESSOR
        assert gate.refuses_error(ValueError()) is None
    assert calls == []


def test_a_mark_is_an_attribute_like_any_other(backend: Any) -> None:
    """It goes with the error, and leaves the others alone."""
    error = ValueError()
    error.__dict__["own"] = 1
    backend.mark(error, "0" * 32)
    assert vars(error) == {"own": 1, backend.gate.MARK: "0" * 32}
    assert backend.chain.MARK == backend.gate.MARK
