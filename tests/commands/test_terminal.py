"""What the commands print is text for people: cut to the width, coloured on a terminal only, progress on one line."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.commands.terminal import Terminal, cut, shortened


class Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets it unless its owner said no, a file gets none unless it was asked for."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    piece = ("wrong", "bad")

    def printed(out: io.StringIO, is_colourful: bool | None = None) -> str:
        Terminal(out, io.StringIO(), is_colourful).line(piece)
        return out.getvalue()

    assert printed(Screen()) == "\x1b[31mwrong\x1b[0m\n"
    assert printed(Screen(), False) == printed(io.StringIO()) == "wrong\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed(Screen()) == "wrong\n"


@given(st.lists(st.text(), max_size=5), st.integers(1, 60))
def test_a_line_is_never_wider_than_its_width(texts: list[str], width: int) -> None:
    """Pieces are cut where the room ends, with a mark, and hold no character that moves the cursor."""
    kept = cut([(text, "dim") for text in texts], width)
    line = "".join(text for text, _ in kept)
    assert len(line) <= width
    assert line.isprintable()
    whole = "".join(char if char.isprintable() else " " for char in "".join(texts))
    assert line == whole if len(whole) <= width else line[:-1] == whole[: len(line) - 1]


@given(st.text(), st.integers(1, 20))
def test_a_shortened_text_ends_with_a_mark(text: str, chars: int) -> None:
    """Whoever reads it can tell that there was more."""
    short = shortened(text, chars)
    assert short == text if len(text) <= chars else (len(short) == chars and short.endswith("…"))


def test_progress_is_overwritten_on_a_terminal_and_leaves_nothing() -> None:
    """A shorter text wipes out the longer one before it, and the end what is left."""
    screen = Screen()
    with Terminal(io.StringIO(), screen).progress() as progress:
        progress.show("ten to go")
        progress.show("ten to go")
        progress.show("done")
    assert screen.getvalue() == "\rten to go\rdone     \r" + " " * 4 + "\r"


def test_progress_is_one_line_elsewhere() -> None:
    """A log gets the first text alone."""
    log = io.StringIO()
    with Terminal(io.StringIO(), log).progress() as progress:
        progress.show("ten to go")
        progress.show("nine to go")
    assert log.getvalue() == "ten to go\n"


def test_a_problem_is_one_line_whatever_is_in_it() -> None:
    """Text of a server cannot break the line or steer the terminal."""
    err = io.StringIO()
    Terminal(io.StringIO(), err).problem("it says:\n\x1b[2Jnothing")
    assert err.getvalue() == "tocsin: it says:  [2Jnothing\n"
