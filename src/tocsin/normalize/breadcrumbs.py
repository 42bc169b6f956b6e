"""The rule for breadcrumbs in events that are dicts."""

from __future__ import annotations

from time import time

from tocsin import limits
from tocsin._backend import Fragment, iso_time
from tocsin.breadcrumbs import timestamp_of
from tocsin.normalize import fields
from tocsin.scope_values import is_a, keyed, level_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.normalize.notes import Notes
    from tocsin.normalize.values import Values

_RULES: dict[str, fields.Rule] = {
    "timestamp": lambda values, value: iso_time(timestamp_of(value)),
    "level": lambda values, value: level_of(value) or "info",
    "type": fields.text(limits.BREADCRUMB_NAME_CHARS),
    "category": fields.text(limits.BREADCRUMB_NAME_CHARS),
    "message": fields.text(limits.TEXT_CHARS),
    "event_id": fields.hex_id(32),
    "origin": fields.text(limits.BREADCRUMB_NAME_CHARS),
}


def mend_breadcrumbs(values: Values, breadcrumbs: object, notes: Notes) -> dict[str, Any] | None:
    """Breadcrumbs, in either of the two shapes of a list; what the protocol has no field for goes into their data."""
    made = []
    for index, crumb in enumerate(fields.items_of(breadcrumbs)):
        if is_a(crumb, dict):
            made.append(_breadcrumb(values, crumb))
        elif crumb is not None:
            notes.misfit(f"breadcrumbs.values.{index}", crumb)
    if breadcrumbs and not (is_a(breadcrumbs, dict) or is_a(breadcrumbs, list) or is_a(breadcrumbs, tuple)):
        notes.misfit("breadcrumbs", breadcrumbs)
    return {"values": made} if made else None


def _breadcrumb(values: Values, crumb: dict[Any, Any]) -> dict[str, Any]:
    given = keyed(crumb, "breadcrumb")
    data = given.pop("data", None)
    made: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, value in given.items():
        if value is None:
            continue
        rule = _RULES.get(key)
        fitting = None if rule is None else rule(values, value)
        if fitting is None:
            others[key] = value
        else:
            made[key] = fitting
    if "timestamp" not in made:
        made["timestamp"] = iso_time(time())
    if type(data) is Fragment and not others:
        made["data"] = data  # from a ring: rendered when it was added
    elif data is not None or others:
        data = data if is_a(data, dict) else {} if data is None else {"value": data}
        made["data"] = _data(values, {**data, **others} if others else data)
    return made


def _data(values: Values, data: dict[Any, Any]) -> Fragment:
    return values.data(data, limits.BREADCRUMB_DATA_BYTES, limits.BREADCRUMB_DATA_DEPTH)
