"""What a scope's setters make of what they are given, so that junk neither raises nor reaches the server.

Runs on the application's threads. No code of the given values is run, but for a mapping that is no dict.
"""

from __future__ import annotations

from tocsin import diagnostics
from tocsin._backend import fence
from tocsin.reasons import LEVELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LEVEL_NAMES = {"warn": "warning", "critical": "fatal", "exception": "error", "log": "info", "notice": "info"}

# Read past any metaclass, and past a `__class__` that lies: neither is to run.
_type_name = type.__dict__["__name__"].__get__
_type_dict = type.__dict__["__dict__"].__get__
_type_mro = type.__dict__["__mro__"].__get__


def is_a(value: object, kind: type) -> bool:
    """Whether the real type of `value` derives from `kind`."""
    return issubclass(type(value), kind)


def _is_mapping(value: object) -> bool:
    found: set[str] = set()
    for base in _type_mro(type(value)):
        found.update(name for name in ("keys", "__getitem__") if name in _type_dict(base))
    return len(found) == 2


def level_of(value: object) -> str | None:
    """Return the protocol's name of a level: a name in any case, or a number as `logging` has them; else None."""
    if type(value) is str and value in LEVELS:
        return value
    if is_a(value, str):
        name = _plain(value).strip().lower()
        return name if name in LEVELS else _LEVEL_NAMES.get(name)
    if type(value) is int and value > 0:
        return ("debug", "debug", "info", "warning", "error", "fatal")[min(value // 10, 5)]
    return None


def _plain(value: Any) -> str:
    """Return the text of a str subclass (a str-Enum, say) as a plain str."""
    return str.__str__(value)


def text_of(value: object) -> str:
    """Return a text for `value` without running any code of its type."""
    if type(value) is str:
        return value
    if is_a(value, str):
        return _plain(value)
    kind = type(value)
    # By identity: a metaclass may have an opinion on equality.
    if value is None or kind is bool or kind is int or kind is float:
        try:
            return str(value)
        except ValueError:
            return "<int>"
    if type(value) is bytes:
        return value.decode("utf-8", "replace")
    return f"<{_type_name(type(value))}>"


def mapping_of(value: object, what: str) -> dict[Any, Any] | None:
    """Return `value` as a plain dict, itself if it is one; None, and a word to those who debug, if it is no mapping."""
    if type(value) is dict:
        return value
    if is_a(value, dict):
        # Past whatever a subclass makes of reading.
        return _read(dict.items(value), what)  # type: ignore[arg-type]
    if _is_mapping(value):
        return _read(value, what)
    diagnostics.debug(f"{what}: a mapping is wanted, not {_type_name(type(value))}; ignored")
    return None


def _read(items: Any, what: str) -> dict[Any, Any] | None:
    """A dict of what may run code of the application's: a mapping's methods, the hashes of its keys."""
    try:
        return dict(items)
    except Exception as error:
        if fence.came_from_signal(error):
            raise
        diagnostics.internal_error(what, error)
        return None


def keyed(value: object, what: str) -> dict[str, Any]:
    """Return the items of a mapping with text keys; empty if it is none."""
    mapping = mapping_of(value, what)
    if not mapping:
        return {}
    return {key if type(key) is str else text_of(key): item for key, item in mapping.items()}


def context_of(value: object) -> dict[Any, Any]:
    """Return what a context is made of: contexts are objects, so anything else goes under `value`."""
    if is_a(value, dict) or _is_mapping(value):
        return mapping_of(value, "set_context") or {}
    return {"value": value}


def user_of(value: object) -> dict[Any, Any] | None:
    """Return the user as a dict; a bare text or number is an id."""
    if type(value) is str or type(value) is int:
        return {"id": value}
    return mapping_of(value, "set_user")


def fingerprint_of(value: object) -> list[Any] | None:
    """Return the fingerprint as a list, which is the one shape that the server takes."""
    if type(value) is list:
        return value
    if type(value) is tuple:
        return list(value)
    if is_a(value, str):
        return [_plain(value)]
    diagnostics.debug(f"fingerprint: a list is wanted, not {_type_name(type(value))}; ignored")
    return None
