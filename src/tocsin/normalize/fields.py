"""The kinds of fields that servers know: each rule returns what a server keeps of a value, or None for nothing."""

from __future__ import annotations

from tocsin.scope_values import is_a, keyed, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tocsin.normalize.notes import Notes
    from tocsin.normalize.values import Values

    Rule = Callable[[Values, Any], Any]

_UINT64_MAX = (1 << 64) - 1
_INT64_MAX = (1 << 63) - 1
_HEX = frozenset("0123456789abcdef")
_DIGITS = frozenset("0123456789")
_YES = frozenset(("true", "yes", "on", "1"))
_NO = frozenset(("false", "no", "off", "0"))


def text(max_chars: int) -> Rule:
    """Return the rule for a text: anything can be one."""

    def rule(values: Values, value: Any) -> Any:
        return values.text(value, max_chars)

    return rule


def name(max_chars: int) -> Rule:
    """Return the rule for a name, a path or a line of source: a text whatever the client's bound for texts is."""

    def rule(values: Values, value: Any) -> Any:
        if type(value) is str:
            return value if len(value) <= max_chars else value[: max_chars - 3] + "..."
        return values.text(value, max_chars)

    return rule


def flag(values: Values, value: Any) -> Any:
    """The rule for a boolean, which 0 and 1 and their usual names are too."""
    if type(value) is bool:
        return value
    if type(value) is int or is_a(value, str):
        word = text_of(value).strip().lower() if is_a(value, str) or 0 <= value <= 1 else ""
        return True if word in _YES else False if word in _NO else None
    return None


def count(values: Values, value: Any) -> Any:
    """The rule for a number that is not negative and has no fraction."""
    if is_a(value, str):
        digits = text_of(value).strip()
        value = int(digits) if 0 < len(digits) <= 20 and _DIGITS.issuperset(digits) else None
    elif type(value) is float and 0 <= value <= 1 << 53 and value == int(value):
        value = int(value)
    if is_a(value, int) and type(value) is not bool:
        number = int.__int__(value)
        return number if 0 <= number <= _UINT64_MAX else None
    return None


def number(values: Values, value: Any) -> Any:
    """The rule for a finite number."""
    if type(value) is int:
        return value if abs(value) <= _INT64_MAX else None
    return value if type(value) is float and value - value == 0.0 else None


def integer(values: Values, value: Any) -> Any:
    """The rule for a signed integer."""
    return value if type(value) is int and abs(value) <= _INT64_MAX else None


def mapping(max_bytes: int, max_depth: int) -> Rule:
    """Return the rule for an object with members of any kind."""

    def rule(values: Values, value: Any) -> Any:
        return values.data(value, max_bytes, max_depth) if is_a(value, dict) else None

    return rule


def texts(max_chars: int, max_count: int = 1000) -> Rule:
    """Return the rule for a list of texts; the lines of a single text are one."""
    return _list_of(text(max_chars), max_count)


def names(max_chars: int, max_count: int) -> Rule:
    """Return the rule for a list of names, as for one of texts."""
    return _list_of(name(max_chars), max_count)


def _list_of(member: Rule, max_count: int) -> Rule:
    def rule(values: Values, value: Any) -> Any:
        if is_a(value, str):
            value = text_of(value).splitlines()
        if not (is_a(value, list) or is_a(value, tuple)):
            return None
        return [member(values, "" if item is None else item) for item in list(value)[:max_count]]

    return rule


def thread_id(values: Values, value: Any) -> Any:
    """The rule for the id of a thread: a number or a text."""
    return values.text(value, 128) if is_a(value, str) else count(values, value)


def address(values: Values, value: Any) -> Any:
    """The rule for a native address: a number, or a text of one in hexadecimal digits."""
    if type(value) is int:
        return hex(value) if 0 <= value <= _UINT64_MAX else None
    if not is_a(value, str):
        return None
    given = text_of(value).lower()
    digits = given[2:] if given[:2] == "0x" else ""
    return given if 0 < len(digits) <= 16 and _HEX.issuperset(digits) else None


def hex_id(digits: int) -> Rule:
    """Return the rule for an id of so many hexadecimal digits, not all of them 0."""

    def rule(values: Values, value: Any) -> Any:
        if not is_a(value, str):
            return None
        given = text_of(value).replace("-", "").lower()
        return given if len(given) == digits and _HEX.issuperset(given) and given.strip("0") else None

    return rule


def one_of(names: frozenset[str]) -> Rule:
    """Return the rule for a word of a list."""

    def rule(values: Values, value: Any) -> Any:
        return text_of(value) if is_a(value, str) and text_of(value) in names else None

    return rule


def never(values: Values, value: Any) -> Any:
    """The rule for what only servers may say."""
    return None


def items_of(interface: Any) -> list[Any]:
    """Return the list in either of the two shapes that lists have in an event."""
    if is_a(interface, dict):
        interface = dict.get(interface, "values")
    return list(interface) if is_a(interface, list) or is_a(interface, tuple) else []


def closed(
    values: Values, given: object, rules: Mapping[str, Rule], path: str, notes: Notes, nulls: bool = False
) -> dict[str, Any]:
    """Return the members of an object that has no others than these; the rest, and what does not fit, is noted.

    With `nulls` a member that is None stays one: hooks look for it.
    """
    made: dict[str, Any] = {}
    for key, value in keyed(given, path).items():
        rule = rules.get(key)
        if value is None:
            if nulls and rule is not None:
                made[key] = None
            continue
        fitting = None if rule is None else rule(values, value)
        if fitting is None:
            notes.misfit(f"{path}.{key}", value)
        else:
            made[key] = fitting
    return made


def opened(values: Values, given: Mapping[str, Any], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Return the members of an object that may have others too: what does not fit goes under `<name>_given`."""
    made: dict[str, Any] = {}
    for key, value in given.items():
        rule = rules.get(key)
        if rule is None or value is None:
            made[key] = value
            continue
        fitting = rule(values, value)
        if fitting is None:
            made[f"{key}_given"] = value
        else:
            made[key] = fitting
    return made
