"""Values that the fields of a scope can have."""

from __future__ import annotations

from typing import Any


class Flags:
    """Stands for the facade's buffer of flags: all that is asked of it is a copy."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.names = names

    def copy(self) -> Flags:
        return Flags(self.names)


# Two values that each field can have.
VALUED: dict[str, tuple[Any, Any]] = {
    "_type": ("current", "isolation"),
    "_level": ("info", "fatal"),
    "_user": ({"id": 1}, {"id": 2}),
    "_tags": ({"a": 1}, {"b": 2}),
    "_extras": ({"a": 1}, {"b": 2}),
    "_contexts": ({"a": {}}, {"b": {}}),
    "_fingerprint": (["a"], ["b"]),
    "_transaction": ("a", "b"),
    "_transaction_info": ({"source": "a"}, {"source": "b"}),
    "_attachments": ((1,), (2,)),
    "_event_processors": ((1,), (2,)),
    "_error_processors": ((1,), (2,)),
    "_trace": ({"trace_id": "a"}, {"trace_id": "b"}),
    "_last_event_id": ("a", "b"),
    "_client": ("a client", "another"),
    "_base_rings": ((1,), (2,)),
    "_touched": (True, False),
}
