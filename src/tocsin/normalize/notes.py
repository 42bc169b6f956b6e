"""What is to be said of an event besides its members: what none of them could hold, and what was cut of them."""

from __future__ import annotations

from tocsin import diagnostics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# More than so many misfits of one event help nobody.
_MISFITS = 100


class Notes:
    """Collects both while one event is mended."""

    __slots__ = ("marks", "misfits")

    def __init__(self) -> None:
        self.misfits: dict[str, Any] = {}
        self.marks: dict[str, Any] = {}

    def misfit(self, path: str, value: object) -> None:
        """Keep what a server would drop at this place of the event; it is sent in `extra`, under its place."""
        if len(self.misfits) < _MISFITS:
            self.misfits[path] = value
        else:
            diagnostics.debug(f"{path}: the protocol has no such field; left out")

    def mark(self, path: str, note: dict[str, Any]) -> None:
        """Say in `_meta` what was done at this place (https://develop.sentry.dev/sdk/data-model/event-payloads/)."""
        node = self.marks
        for step in path.split("."):
            node = node.setdefault(step, {})
        node.setdefault("", note)


def cut_mark(kept_chars: int, given_chars: int) -> dict[str, Any]:
    """Return the note for a text of which the end was replaced by an ellipsis."""
    return {"len": given_chars, "rem": [["!limit", "s", kept_chars - 3, kept_chars]]}


_STEPS = 20
_REMARK_TYPES = frozenset("xsmpea")


def given_marks(meta: Any, depth: int = _STEPS) -> dict[str, Any]:
    """Return what is valid of an event's own `_meta`; a server drops all of it for one fault."""
    made: dict[str, Any] = {}
    if type(meta) is not dict or depth == 0:
        return made
    for key, value in meta.items():
        if type(key) is not str or type(value) is not dict:
            continue
        inner = _mark(value) if key == "" else given_marks(value, depth - 1)
        if inner:
            made[key] = inner
    return made


def _mark(note: dict[Any, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    length, remarks = note.get("len"), note.get("rem")
    if type(length) is int and 0 <= length < 1 << 63:
        made["len"] = length
    if type(remarks) is list:
        made["rem"] = [remark for remark in remarks if _is_remark(remark)]
    return made


def _is_remark(remark: Any) -> bool:
    return (
        type(remark) in (list, tuple)
        and len(remark) in (2, 4)
        and type(remark[0]) is str
        and type(remark[1]) is str
        and remark[1] in _REMARK_TYPES
        and all(type(at) is int and 0 <= at < 1 << 32 for at in remark[2:])
    )


def merged(over: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Return both trees of marks as one; where both say something, `over` does."""
    made = {**base, **over}
    for key in over.keys() & base.keys():
        if key != "":
            made[key] = merged(over[key], base[key])
    return made
