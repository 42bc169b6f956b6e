"""What the values of options have to be. Called at `init()` only, where errors are for the one who made them."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_TRUE_WORDS = frozenset(("1", "true", "t", "yes", "y", "on"))
_FALSE_WORDS = frozenset(("0", "false", "f", "no", "n", "off"))


class Check:
    """Reads a value, from code or from the environment, or says what is wrong with it.

    Args:
        wants: what the value has to be, in words.
        read: returns the value to use; raises TypeError or ValueError.
    """

    __slots__ = ("read", "wants")

    def __init__(self, wants: str, read: Callable[[Any], Any]) -> None:
        self.wants = wants
        self.read = read

    def __call__(self, value: Any, where: str) -> Any:
        """Return the value to use.

        Args:
            value: what was given.
            where: what it was given for, to begin the error's text with.
        """
        try:
            return self.read(value)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{where} is {_shown(value)}; it has to be {self.wants}") from None


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 100 else text[:97] + "..."


def word_as_bool(text: str) -> bool | None:
    """Return what a word such as `yes` or `0` says; None if it says neither."""
    word = text.strip().lower()
    return True if word in _TRUE_WORDS else False if word in _FALSE_WORDS else None


def _boolean(value: Any) -> bool:
    if isinstance(value, str):
        said = False if not value.strip() else word_as_bool(value)
        if said is None:
            raise ValueError
        return said
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    raise TypeError


def _number(value: Any) -> float:
    if isinstance(value, (bytes, bytearray)):
        raise TypeError
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError
    return number


def _rate(value: Any) -> float:
    rate = _number(value)
    if not 0.0 <= rate <= 1.0:
        raise ValueError
    return rate


def _seconds(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    seconds = _number(value)
    if seconds < 0:
        raise ValueError
    return int(seconds) if seconds == int(seconds) else seconds


def at_least(least: int) -> Check:
    """Return the check of a whole number that is not below `least`."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise TypeError
        number = int(value)
        if number < least:
            raise ValueError
        return number

    return Check(f"a whole number, {least} or more", read)


def one_of(*choices: str) -> Check:
    """Return the check of a value that is one of a few texts."""

    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return Check("one of " + ", ".join(choices), read)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def _path(value: Any) -> str:
    return os.fsdecode(value)


def _callable(value: Any) -> Any:
    if not callable(value):
        raise TypeError
    return value


def _items(value: Any) -> list[Any]:
    if isinstance(value, (str, bytes, dict)):
        raise TypeError
    return list(value)


def _texts(value: Any) -> list[str]:
    texts = _items(value)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return texts


def _errors(value: Any) -> list[Any]:
    errors = _items(value)
    if not all(isinstance(error, (type, str)) for error in errors):
        raise TypeError
    return errors


def _mapping(value: Any) -> dict[Any, Any]:
    if isinstance(value, str):
        raise TypeError
    return dict(value)


def _spotlight(value: Any) -> bool | str:
    if isinstance(value, str):
        said = word_as_bool(value)
        if said is not None:
            return said
        if not value.startswith(("http://", "https://")):
            raise ValueError
        return value
    return _boolean(value)


def _scrubber(value: Any) -> Any:
    return _callable(getattr(value, "scrub_event", None)) and value


BOOLEAN = Check("True or False", _boolean)
RATE = Check("a number from 0.0 to 1.0", _rate)
SECONDS = Check("a number of seconds, 0 or more", _seconds)
TEXT = Check("a text", _text)
PATH = Check("a path", _path)
CALLABLE = Check("a callable", _callable)
ITEMS = Check("a list", _items)
TEXTS = Check("a list of texts", _texts)
ERRORS = Check("a list of exception classes and their names", _errors)
MAPPING = Check("a dict", _mapping)
SPOTLIGHT = Check("True, False or an http(s) URL", _spotlight)
SCRUBBER = Check("an object with a method scrub_event, such as an EventScrubber", _scrubber)
ANYTHING = Check("anything", lambda value: value)
