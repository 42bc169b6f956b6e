"""The rules for stacktraces and their frames, made by hand or left by hooks."""

from __future__ import annotations

from tocsin import limits
from tocsin.normalize import fields
from tocsin.scope_values import is_a, keyed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.normalize.notes import Notes
    from tocsin.normalize.values import Values

_PATH = fields.name(limits.CONTEXT_LINE_CHARS * 2)
_FUNCTION = fields.name(limits.FUNCTION_CHARS)
_NAME = fields.name(limits.NAME_CHARS)
_LINES = fields.names(limits.CONTEXT_LINE_CHARS, max_count=50)
_LINE = fields.name(limits.CONTEXT_LINE_CHARS)
# One of these a frame must have; most have the first two.
_NAMES = ("function", "filename", "module", "instruction_addr")
_DETAILS = ("vars", "pre_context", "post_context")
# The extractor's bound is a soft one, and what it has made is not cut again.
_VARS_SLACK_BYTES = 512
_FRAMES = limits.FRAMES_OUTER + limits.FRAMES_INNER


def _variables(values: Values, variables: Any) -> Any:
    named = variables if is_a(variables, dict) else {"value": variables}
    # The extractor counts levels within each variable.
    return values.variables(named, limits.VARS_BYTES, limits.VARS_DEPTH + 1, _VARS_SLACK_BYTES)


def _lock(values: Values, lock: Any) -> Any:
    given = keyed(lock, "lock") if is_a(lock, dict) else {}
    if type(given.get("type")) is not int or given["type"] not in (1, 2, 4, 8):
        return None
    if any(type(value) is not str for key, value in given.items() if key != "type"):
        return None
    return given if given.keys() <= {"type", "address", "package_name", "class_name"} else None


_FRAME: dict[str, fields.Rule] = {
    "filename": _PATH,
    "abs_path": _PATH,
    "module": _PATH,
    "package": _PATH,
    "function": _FUNCTION,
    "raw_function": _FUNCTION,
    "symbol": _FUNCTION,
    "platform": _NAME,
    "addr_mode": _NAME,
    "trust": _NAME,
    "lang": _NAME,
    "lineno": fields.count,
    "colno": fields.count,
    "context_line": _LINE,
    "pre_context": _LINES,
    "post_context": _LINES,
    "in_app": fields.flag,
    "stack_start": fields.flag,
    "instruction_addr": fields.address,
    "image_addr": fields.address,
    "symbol_addr": fields.address,
    "function_id": fields.address,
    "lock": _lock,
    "vars": _variables,
}
_STACKTRACE: dict[str, fields.Rule] = {
    "lang": _NAME,
    "instruction_addr_adjustment": fields.one_of(frozenset(("auto", "all", "all_but_first", "none"))),
    "snapshot": fields.flag,
}


def mend_stacktrace(values: Values, stacktrace: object, path: str, notes: Notes) -> dict[str, Any] | None:
    """A stacktrace: a server keeps some frames of either end, and of the fewer at either end their details.

    None if there is no frame in it.
    """
    if not is_a(stacktrace, dict):
        if not is_a(stacktrace, list):
            if stacktrace is not None:
                notes.misfit(path, stacktrace)
            return None
        stacktrace = {"frames": stacktrace}
    given = keyed(stacktrace, "stacktrace")
    frames = given.pop("frames", None)
    registers = given.pop("registers", None)
    kept = _frames(values, frames, f"{path}.frames", notes)
    made = fields.closed(values, given, _STACKTRACE, path, notes)
    if is_a(registers, dict):
        found = {key: fields.address(values, value) for key, value in keyed(registers, "registers").items()}
        made["registers"] = {key: value for key, value in found.items() if value is not None}
    return {**made, "frames": kept} if kept else None


def _frames(values: Values, frames: Any, path: str, notes: Notes) -> list[dict[str, Any]]:
    if not (is_a(frames, list) or is_a(frames, tuple)):
        if frames is not None:
            notes.misfit(path, frames)
        return []
    given = []
    for frame in frames:
        if is_a(frame, dict):
            given.append(frame)
        elif frame is not None:
            notes.misfit(f"{path}.{len(given)}", frame)
    if len(given) > _FRAMES:
        notes.mark(path, {"len": len(given)})
        given = given[: limits.FRAMES_OUTER] + given[-limits.FRAMES_INNER :]
    inner = len(given) - limits.DETAILED_INNER
    return [
        _frame(values, frame, limits.DETAILED_OUTER <= index < inner, f"{path}.{index}", notes)
        for index, frame in enumerate(given)
    ]


def _frame(values: Values, frame: dict[Any, Any], bare: bool, path: str, notes: Notes) -> dict[str, Any]:
    given = keyed(frame, "frame")
    if bare:
        for key in _DETAILS:
            if given.pop(key, None) is not None:
                notes.mark(f"{path}.{key}", {"rem": [["!limit", "x"]]})
    made = fields.closed(values, given, _FRAME, path, notes, nulls=True)
    if not any(map(made.get, _NAMES)):
        made["function"] = "<unknown>"
    return made
