"""Counts are held against the record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import instructions


def _counted(**counts: int) -> dict[str, Any]:
    return {"python": "3.11.7", "compiler": "a", "instructions": counts}


def test_more_instructions_than_tolerated_fail() -> None:
    """By name, with both counts; fewer are told and do not fail."""
    lines, is_within = instructions.compare(_counted(message=1000, scope=1000), _counted(message=1060, scope=500), 5)
    assert not is_within
    assert "+6.0 %  MORE THAN 5 %" in lines[0]
    assert lines[1].endswith("-50.0 %")


def test_what_is_tolerated_passes() -> None:
    """A few more are noise."""
    assert instructions.compare(_counted(message=1000), _counted(message=1049), 5)[1]


def test_another_python_or_compiler_is_told() -> None:
    """Counts of different ones are not comparable, and whoever reads them must know."""
    lines, _ = instructions.compare(_counted(message=1), {**_counted(message=1), "python": "3.12.0"}, 5)
    assert lines[0] == "python: recorded with 3.11.7, counted with 3.12.0"


def test_the_record_holds_every_operation() -> None:
    """Each of the hottest operations has its count."""
    recorded = json.loads(instructions.RECORD.read_text("utf-8"))
    assert recorded["instructions"].keys() == instructions.COUNTS.keys()
    assert all(count > 0 for count in recorded["instructions"].values())


def test_without_valgrind_it_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is recorded."""
    monkeypatch.setattr(instructions.shutil, "which", lambda name: None)
    assert instructions.main([]) == 2
    assert "valgrind is not installed" in capsys.readouterr().err
