"""The rules for exceptions, their mechanisms, and threads."""

from __future__ import annotations

from tocsin import limits
from tocsin.normalize import fields
from tocsin.normalize.frames import mend_stacktrace
from tocsin.scope_values import is_a, keyed, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.normalize.notes import Notes
    from tocsin.normalize.values import Values

_NAME = fields.text(limits.NAME_CHARS)
_SHORT_CHARS = 128
_STACKS = ("stacktrace", "raw_stacktrace")
_EXCEPTION: dict[str, fields.Rule] = {
    "type": fields.name(limits.NAME_CHARS),
    "value": fields.text(limits.TEXT_CHARS),
    "module": fields.name(limits.NAME_CHARS),
    "thread_id": fields.thread_id,
}
_THREAD: dict[str, fields.Rule] = {
    "id": fields.thread_id,
    "name": fields.text(limits.THREAD_NAME_CHARS),
    "state": fields.text(_SHORT_CHARS),
    "crashed": fields.flag,
    "current": fields.flag,
    "main": fields.flag,
}


def _link(values: Values, value: Any) -> Any:
    link = text_of(value) if is_a(value, str) else ""
    return values.text(link, limits.TEXT_CHARS) if link.startswith(("http://", "https://")) else None


def _source(values: Values, value: Any) -> Any:
    name = values.text(value, _SHORT_CHARS) if is_a(value, str) else ""
    return name if name and name.isprintable() and " " not in name else None


def _errors_of_systems(values: Values, value: Any) -> Any:
    """`meta`: numbers and names of errors below Python, if there is nothing else in it."""
    if not is_a(value, dict):
        return None
    made: dict[str, dict[str, Any]] = {}
    for key, given in keyed(value, "meta").items():
        rules = _META.get(key)
        if rules is None or not is_a(given, dict):
            return None
        made[key] = {}
        for name, member in keyed(given, key).items():
            fitting = None if name not in rules or member is None else rules[name](values, member)
            if fitting is None:
                return None
            made[key][name] = fitting
        if "number" in rules and "number" not in made[key]:
            return None
    return made


_META: dict[str, dict[str, fields.Rule]] = {
    "errno": {"number": fields.integer, "name": _NAME},
    "signal": {"number": fields.integer, "code": fields.integer, "name": _NAME, "code_name": _NAME},
}
_MECHANISM: dict[str, fields.Rule] = {
    "type": fields.text(_SHORT_CHARS),
    "handled": fields.flag,
    "synthetic": fields.flag,
    "is_exception_group": fields.flag,
    "exception_id": fields.count,
    "parent_id": fields.count,
    "source": _source,
    "description": fields.text(limits.TEXT_CHARS),
    "help_link": _link,
    "meta": _errors_of_systems,
}


def mend_exception(values: Values, exception: object, notes: Notes) -> dict[str, Any] | None:
    """Exceptions, in any of the three shapes: an object with `values`, a list, or a single one."""
    if is_a(exception, list) or is_a(exception, tuple) or (is_a(exception, dict) and _has_values(exception)):
        given = fields.items_of(exception)
    else:
        given = [exception]
    made: list[dict[str, Any]] = []
    for value in given:
        # A place that says nothing is left out: servers would keep it as an error.
        if not value and type(value) is not int:
            continue
        named = value if is_a(value, dict) else {"value": value}
        made.append(_exception(values, named, f"exception.values.{len(made)}", notes))
    return {"values": made} if made else None


def _has_values(interface: Any) -> bool:
    return dict.__contains__(interface, "values")


def _exception(values: Values, exception: dict[Any, Any], path: str, notes: Notes) -> dict[str, Any]:
    given = keyed(exception, "exception")
    stacks = {key: given.pop(key) for key in _STACKS if key in given}
    mechanism = given.pop("mechanism", None)
    others = {key: given.pop(key) for key in list(given) if key not in _EXCEPTION}
    if others:
        # The mechanism has room for data of any kind, the exception has not.
        mechanism = _as_mechanism(mechanism)
        mechanism["data"] = {**_as_data(mechanism.get("data")), **others}
    made = fields.closed(values, given, _EXCEPTION, path, notes, nulls=True)
    if not (made.get("type") or made.get("value")):
        made["type"] = "Exception"
    if mechanism is not None:
        made["mechanism"] = _mechanism(values, mechanism)
    _add_stacks(values, made, stacks, path, notes)
    return made


def _as_mechanism(mechanism: Any) -> dict[str, Any]:
    if is_a(mechanism, dict):
        return keyed(mechanism, "mechanism")
    return {} if mechanism is None else {"type": mechanism}


def _as_data(data: Any) -> dict[str, Any]:
    if is_a(data, dict):
        return keyed(data, "data")
    return {} if data is None else {"value": data}


def _mechanism(values: Values, mechanism: object) -> dict[str, Any]:
    """How it was captured; a kind is wanted, and what else servers do not know goes into its data."""
    given = _as_mechanism(mechanism)
    made: dict[str, Any] = {"type": "generic"}
    others = _as_data(given.pop("data", None))
    for key, value in given.items():
        if value is None:
            continue
        rule = _MECHANISM.get(key)
        fitting = None if rule is None else rule(values, value)
        if fitting is None:
            others[key] = value
        else:
            made[key] = fitting
    if others:
        made["data"] = values.data(others, limits.BREADCRUMB_DATA_BYTES, limits.BREADCRUMB_DATA_DEPTH)
    return made


def mend_threads(values: Values, threads: object, notes: Notes) -> dict[str, Any] | None:
    """Threads, in either of the two shapes of a list."""
    made: list[dict[str, Any]] = []
    for index, thread in enumerate(fields.items_of(threads)):
        path = f"threads.values.{len(made)}"
        if is_a(thread, dict):
            given = keyed(thread, "thread")
            stacks = {key: given.pop(key) for key in _STACKS if key in given}
            locks = given.pop("held_locks", None)
            one = fields.closed(values, given, _THREAD, path, notes, nulls=True)
            if locks is not None:
                notes.misfit(f"{path}.held_locks", locks)
            _add_stacks(values, one, stacks, path, notes)
            made.append(one)
        elif thread is not None:
            notes.misfit(f"threads.{index}", thread)
    if threads and not (is_a(threads, dict) or is_a(threads, list) or is_a(threads, tuple)):
        notes.misfit("threads", threads)
    return {"values": made} if made else None


def _add_stacks(values: Values, made: dict[str, Any], stacks: dict[str, Any], path: str, notes: Notes) -> None:
    for key, stack in stacks.items():
        mended = mend_stacktrace(values, stack, f"{path}.{key}", notes)
        if mended is not None:
            made[key] = mended
