"""What the commands print: lines cut to the width of the terminal, colour on a terminal only, one line of progress."""

from __future__ import annotations

import os
import shutil
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import TextIO

    # A text, plain or with the name of its style.
    Piece = str | tuple[str, str]

_STYLES = {"strong": "1", "dim": "2", "bad": "31", "good": "32", "warn": "33", "accent": "36"}
_WIDTH_MIN = 40
_WIDTH_MAX = 110
# Where the output goes to a file or a pipe.
_WIDTH_ELSEWHERE = 100
# For streams whose encoding lacks them.
_PLAIN = str.maketrans({"µ": "u", "…": "~", "├": "|", "└": "`", "─": "-", "│": "|", "·": "-"})


class Terminal:
    """Prints to a pair of streams.

    Args:
        out: for results.
        err: for progress and problems.
        is_colourful: None for what `out` and the environment (`NO_COLOR`, `TERM`) suggest.
    """

    def __init__(self, out: TextIO, err: TextIO, is_colourful: bool | None = None) -> None:
        self._out = out
        self._err = err
        self._is_colourful = _suggests_colour(out) if is_colourful is None else is_colourful
        columns = shutil.get_terminal_size((_WIDTH_ELSEWHERE, 24)).columns if out.isatty() else _WIDTH_ELSEWHERE
        self.width = min(max(columns, _WIDTH_MIN), _WIDTH_MAX)

    def line(self, *pieces: Piece) -> None:
        """Prints one line of pieces, cut to the width."""
        self._out.write(self._rendered(cut(pieces, self.width)) + "\n")
        self._out.flush()

    def whole_line(self, *pieces: Piece) -> None:
        """Prints one line of pieces, whatever the width."""
        self._out.write(self._rendered(pieces) + "\n")
        self._out.flush()

    def problem(self, text: str) -> None:
        """Says on the other stream, in one line, what went wrong."""
        self._err.write(_encodable("tocsin: " + one_line(text), self._err) + "\n")
        self._err.flush()

    def progress(self) -> Progress:
        """Return a context manager for a line that shows that something is being waited for."""
        return Progress(self._err, self.width)

    def _rendered(self, pieces: Iterable[Piece]) -> str:
        rendered = []
        for piece in pieces:
            text, style = (piece, "") if isinstance(piece, str) else piece
            text = _encodable(text, self._out)
            code = _STYLES.get(style)
            rendered.append(f"\x1b[{code}m{text}\x1b[0m" if code and self._is_colourful and text else text)
        return "".join(rendered)


class Progress:
    """One line that is overwritten on a terminal; elsewhere only its first text is printed."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self._stream = stream
        self._width = width
        self._is_live = stream.isatty()
        self._shown = ""

    def show(self, text: str) -> None:
        """Replaces the text."""
        text = _encodable(text[: self._width - 1], self._stream)
        if text == self._shown or (self._shown and not self._is_live):
            return
        self._stream.write(f"\r{text.ljust(len(self._shown))}" if self._is_live else f"{text}\n")
        self._stream.flush()
        self._shown = text

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_live and self._shown:
            self._stream.write("\r" + " " * len(self._shown) + "\r")
            self._stream.flush()


def cut(pieces: Iterable[Piece], width: int) -> list[tuple[str, str]]:
    """Return the pieces, made one line, as far as `width` characters go; a mark tells that there was more."""
    styled = [(piece, "") if isinstance(piece, str) else piece for piece in pieces]
    whole = [(one_line(text), style) for text, style in styled]
    if sum(len(text) for text, _ in whole) <= width:
        return whole
    kept = []
    room = width - 1
    for text, style in whole:
        if len(text) > room:
            kept.append((text[:room] + "…", style))
            break
        kept.append((text, style))
        room -= len(text)
    return kept


def shortened(text: str, chars: int) -> str:
    """Return the text, with its end cut off where it has more characters."""
    return text if len(text) <= chars else text[: max(chars - 1, 0)] + "…"


def one_line(text: str) -> str:
    """Return the text without anything that a terminal would take for more than text."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeError, LookupError):
        return text.translate(_PLAIN).encode("ascii", "replace").decode("ascii")
    return text


def _suggests_colour(stream: TextIO) -> bool:
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.platform != "win32" or "WT_SESSION" in os.environ or "ANSICON" in os.environ
