"""What tocsin says about itself, on stderr; any thread may speak, also inside a signal handler.

Nothing here goes through `logging`: a line about a failed capture must not become the next capture.
"""

from __future__ import annotations

import sys
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable

# More different warnings than tocsin has; a key made from data must not grow the set for ever.
_WARNINGS = 256

_debug = False
_warned: set[Hashable] = set()
# The threads that are printing: stderr may be an object of the application's that leads back here.
_printing: set[int] = set()


def configure(debug: bool) -> None:
    """Turns the lines of `debug` and `internal_error` on or off."""
    global _debug
    _debug = bool(debug)


def is_debugging() -> bool:
    """Return whether `debug` prints, for who would have to make up a costly line."""
    return _debug


def debug(message: str) -> None:
    """Prints one line if the `debug` option is on."""
    if _debug:
        _print(message)


def warn_once(key: Hashable, message: str) -> None:
    """Prints one line, once per process for each `key`, whatever the `debug` option says."""
    if key in _warned or len(_warned) >= _WARNINGS:
        return
    _warned.add(key)
    _print(message)


def internal_error(where: str, error: BaseException) -> None:
    """Prints, if the `debug` option is on, that tocsin has failed at `where` and carries on."""
    if not _debug:
        return
    try:
        text = str(error)
    except Exception:
        text = "<unprintable>"
    _print(f"{where}: {type(error).__name__}: {text}")


def _print(message: str) -> None:
    me = get_ident()
    if me in _printing:
        return
    _printing.add(me)
    try:
        stream = sys.stderr
        if stream is not None:
            # One write, so that lines of several threads do not mix.
            stream.write(f" [tocsin] {message}\n")
            stream.flush()
    except Exception:
        # A closed, full or foreign stderr: there is nowhere left to say so.
        return
    finally:
        _printing.discard(me)
