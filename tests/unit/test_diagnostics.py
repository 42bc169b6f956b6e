"""What tocsin says about itself."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator

import pytest

from tocsin import diagnostics


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diagnostics, "_debug", False)
        patch.setattr(diagnostics, "_warned", set())
        yield


@pytest.mark.internal_errors
def test_debug_lines_need_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed unless `debug` is on; then one line, on stderr."""
    diagnostics.debug("one")
    diagnostics.internal_error("there", ValueError("two"))
    assert capsys.readouterr() == ("", "")
    diagnostics.configure(True)
    diagnostics.debug("three")
    assert capsys.readouterr() == ("", " [tocsin] three\n")


@pytest.mark.internal_errors
def test_an_internal_error_names_place_type_and_text(capsys: pytest.CaptureFixture[str]) -> None:
    """The line says where, which type and what; an exception without a text is said to have none."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    diagnostics.configure(True)
    diagnostics.internal_error("worker", KeyError("x"))
    assert capsys.readouterr().err == " [tocsin] worker: KeyError: 'x'\n"
    diagnostics.internal_error("worker", Mute())
    assert capsys.readouterr().err == " [tocsin] worker: Mute: <unprintable>\n"


def test_a_warning_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Each key warns once per process, whatever `debug` says."""
    for _ in range(3):
        diagnostics.warn_once("a", "first")
        diagnostics.warn_once(("a", 1), "second")
    assert capsys.readouterr().err == " [tocsin] first\n [tocsin] second\n"


def test_warnings_have_a_bound(capsys: pytest.CaptureFixture[str]) -> None:
    """Keys made from data neither fill memory nor stderr."""
    for number in range(1000):
        diagnostics.warn_once(number, "x")
    assert len(diagnostics._warned) == diagnostics._WARNINGS
    assert len(capsys.readouterr().err.splitlines()) == diagnostics._WARNINGS


def test_a_stderr_that_cannot_be_written_to_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stderr, a closed one and one that raises are all the same."""

    class Full:
        def write(self, text: str) -> int:
            raise OSError("no space left")

    closed = io.StringIO()
    closed.close()
    diagnostics.configure(True)
    for stream in (None, closed, Full(), 7):
        monkeypatch.setattr(sys, "stderr", stream)
        diagnostics.debug("x")
        diagnostics.warn_once(stream, "x")


def test_a_stderr_that_leads_back_is_entered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stderr whose write makes tocsin speak again gets the first line and no recursion."""
    lines = []

    class Echo:
        def write(self, text: str) -> int:
            lines.append(text)
            diagnostics.debug("again")
            return len(text)

        def flush(self) -> None:
            diagnostics.debug("and again")

    monkeypatch.setattr(sys, "stderr", Echo())
    diagnostics.configure(True)
    diagnostics.debug("once")
    diagnostics.debug("twice")
    assert lines == [" [tocsin] once\n", " [tocsin] twice\n"]


def test_logging_is_never_used(caplog: pytest.LogCaptureFixture) -> None:
    """A line about a failed capture cannot become the next capture."""
    diagnostics.configure(True)
    with caplog.at_level(logging.NOTSET):
        diagnostics.debug("x")
        diagnostics.warn_once("k", "x")
    assert caplog.records == []
