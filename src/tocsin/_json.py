"""JSON to and from bytes for data that tocsin itself has made; any thread may call it.

orjson does the work where it is installed and cannot harm: on a free-threaded build its import would switch the GIL
back on for the whole application, so there the standard library does. Either is imported at the first call.
"""

from __future__ import annotations

import sys

from tocsin.importing import Importing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Deeper values are replaced: orjson stops at 254 levels, and servers refuse an event from 128 levels on.
_DEPTH = 100
_TOO_DEEP = "<too deep>"
# orjson writes no other integers; beyond a double, servers refuse the number.
_INTEGER_MIN = -(2**63)
_INTEGER_MAX = 2**64 - 1
_DOUBLE_BITS = 1024

_encode: Callable[[Any], bytes] | None = None
_decode: Callable[[bytes | str], Any] | None = None


def dumps(value: Any) -> bytes:
    """Return compact UTF-8 JSON, on one line.

    Meant for plain data. What JSON cannot hold is mended rather than refused: lone surrogates become U+FFFD, NaN and
    infinities null, keys strings, other objects the name of their type in angle brackets.
    """
    encode = _encode or _choose()[0]
    try:
        return encode(value)
    except (TypeError, ValueError):
        return encode(_mended(value, _DEPTH))


def loads(data: bytes | str) -> Any:
    """Return the value that JSON text stands for.

    Raises:
        ValueError: `data` is no JSON, or no UTF-8.
    """
    decode = _decode or _choose()[1]
    try:
        return decode(data)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def prepare() -> None:
    """Load what `dumps` and `loads` need, before a thread that must not import calls them."""
    if _decode is None:
        _choose()


def _choose() -> tuple[Callable[[Any], bytes], Callable[[bytes | str], Any]]:
    global _encode, _decode
    with Importing():
        pair = (_orjson_pair() if _has_gil() else None) or _stdlib_pair()
    # Both are set to the same pair by whoever comes first or second, so that a race does no harm.
    _encode, _decode = pair
    return pair


def _has_gil() -> bool:
    is_enabled: Callable[[], bool] | None = getattr(sys, "_is_gil_enabled", None)
    return is_enabled is None or is_enabled()


def _orjson_pair() -> tuple[Callable[[Any], bytes], Callable[[bytes | str], Any]] | None:
    try:
        import orjson
    except Exception:
        # Absent, or broken: it also refuses to load in a subinterpreter.
        return None
    # The standard library has no rules for these, and both shall write the same.
    strict = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME

    def encode(value: Any) -> bytes:
        return orjson.dumps(value, option=strict)

    return encode, orjson.loads


def _stdlib_pair() -> tuple[Callable[[Any], bytes], Callable[[bytes | str], Any]]:
    import json

    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def encode(value: Any) -> bytes:
        # Mended first, as it would write integers of any length, and be stopped by deep nesting alone.
        return encoder.encode(_mended(value, _DEPTH)).encode("utf-8")

    return encode, json.loads


def _mended(value: Any, depth: int) -> Any:
    # The type decides, not isinstance(): that would ask an unknown object for its `__class__`.
    kind = type(value)
    if value is None or kind is bool:
        return value
    if issubclass(kind, str):
        return mended_text(value)
    if issubclass(kind, int):
        return _mended_integer(int.__index__(value))
    if issubclass(kind, float):
        number = float.__add__(value, 0.0)
        return number if number - number == 0.0 else None
    if issubclass(kind, (dict, list, tuple)) and depth <= 0:
        return _TOO_DEEP
    if issubclass(kind, dict):
        return {_mended_key(key): _mended(inner, depth - 1) for key, inner in list(dict.items(value))}
    if issubclass(kind, list):
        return [_mended(inner, depth - 1) for inner in list.__iter__(value)]
    if issubclass(kind, tuple):
        return [_mended(inner, depth - 1) for inner in tuple.__iter__(value)]
    return f"<{mended_text(kind.__name__)}>"


def _mended_integer(number: int) -> Any:
    if _INTEGER_MIN <= number <= _INTEGER_MAX:
        return number
    return float(number) if number.bit_length() < _DOUBLE_BITS else None


def _mended_key(key: Any) -> str:
    mended = _mended(key, 0)
    return mended if isinstance(mended, str) else dumps(mended).decode("utf-8")


def mended_text(text: str) -> str:
    """Return an exact `str` of the same characters, with U+FFFD for every lone surrogate."""
    try:
        return str.encode(text, "utf-8").decode("utf-8")
    except UnicodeEncodeError:
        # In UTF-16 a pair of surrogates is one character again, and a single one is an error.
        return str.encode(text, "utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
