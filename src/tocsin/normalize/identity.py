"""Ids of events, and what a server takes for an address."""

from __future__ import annotations

from tocsin._backend import new_event_id
from tocsin.scope_values import is_a, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HEX = frozenset("0123456789abcdef")
_DECIMAL = frozenset("0123456789")
_AUTO_ADDRESS = "{{auto}}"


def event_id_of(value: object) -> str:
    """Return an event id as 32 hexadecimal digits; a new one for what is none."""
    text = text_of(value) if not hasattr(type(value), "hex") or is_a(value, str) else _uuid_hex(value)
    text = text.replace("-", "").lower()
    if len(text) == 32 and _HEX.issuperset(text):
        return text
    return new_event_id()


def _uuid_hex(value: Any) -> str:
    import uuid

    return value.hex if type(value) is uuid.UUID else ""


def is_address(text: str) -> bool:
    """Whether a server takes this for an IP address (or for the word that stands for the sender's)."""
    if text == _AUTO_ADDRESS:
        return True
    if ":" in text:
        return _is_ipv6(text)
    parts = text.split(".")
    return len(parts) == 4 and all(
        part and len(part) <= 3 and _DECIMAL.issuperset(part) and int(part) < 256 and (part == "0" or part[0] != "0")
        for part in parts
    )


def _is_ipv6(text: str) -> bool:
    head, compressed, tail = text.partition("::")
    groups = [part for half in (head, tail) if half for part in half.split(":")]
    if groups and "." in groups[-1]:
        if not is_address(groups.pop()):
            return False
        groups += ["0", "0"]
    if not all(0 < len(group) <= 4 and _HEX.issuperset(group.lower()) for group in groups):
        return False
    return len(groups) < 8 if compressed else len(groups) == 8
