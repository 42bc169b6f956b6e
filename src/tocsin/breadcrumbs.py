"""From what `add_breadcrumb` is given to what the ring keeps. Runs on the application's threads.

The value of a breadcrumb is in its being cheap: without a `before_breadcrumb` hook nothing is copied but the fields.
"""

from __future__ import annotations

import sys
from time import time

from tocsin import diagnostics
from tocsin._backend import fence
from tocsin.scope_values import is_a, level_of, mapping_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin._backend import BreadcrumbRing

_FIELDS = frozenset(("timestamp", "type", "category", "level", "message", "data"))
# The first second of the year 10000, from which on no date can be written.
_TIME_LIMIT_S = 253_402_300_800.0


def combined(crumb: object, fields: dict[str, Any]) -> dict[str, Any]:
    """Return one dict of the breadcrumb given as mapping and of the one given as keyword arguments."""
    if crumb is None:
        return fields
    mapping = mapping_of(crumb, "add_breadcrumb") or {}
    return {**mapping, **fields} if fields else mapping


def hooked(crumb: dict[str, Any], hint: object, before_breadcrumb: Any) -> dict[str, Any] | None:
    """Return what the hook makes of a copy of the breadcrumb; None drops it.

    A hook that raises drops it too (https://develop.sentry.dev/sdk/expected-features/#before-breadcrumb): it may be
    there to remove what must not leave the process.
    """
    # Loaded when the option was resolved.
    from datetime import datetime, timezone

    crumb = dict(crumb)
    if crumb.get("timestamp") is None:
        crumb["timestamp"] = datetime.now(timezone.utc)
    if crumb.get("type") is None:
        crumb["type"] = "default"
    hints = {} if hint is None else dict(mapping_of(hint, "hint") or {})
    made = fence.call_fenced(_call_hook, before_breadcrumb, crumb, hints)
    if made is None:
        return None
    return mapping_of(made, "before_breadcrumb")


def _call_hook(before_breadcrumb: Any, crumb: dict[str, Any], hint: dict[str, Any]) -> Any:
    try:
        return before_breadcrumb(crumb, hint)
    except Exception as error:
        if fence.came_from_signal(error):
            raise
        diagnostics.warn_once("before_breadcrumb", f"before_breadcrumb raised {type(error).__name__}: crumb dropped")
        diagnostics.internal_error("before_breadcrumb", error)
        return None


def record(ring: BreadcrumbRing, crumb: dict[str, Any]) -> None:
    """Add the breadcrumb to the ring; what the protocol has no field for goes into its data."""
    get = crumb.get
    stamp = get("timestamp")
    type_ = get("type")
    level = get("level")
    data = get("data")
    if not crumb.keys() <= _FIELDS:
        data = _with_other_fields(crumb, data)
    ring.add(
        time() if stamp is None else timestamp_of(stamp),
        "default" if type_ is None else type_,
        get("category"),
        None if level is None else level_of(level),
        get("message"),
        data,
    )


def _with_other_fields(crumb: dict[str, Any], data: object) -> dict[str, Any]:
    others = {key: value for key, value in crumb.items() if key not in _FIELDS}
    if data is None:
        return others
    if is_a(data, dict):
        return {**data, **others}  # type: ignore[dict-item]
    return {"value": data, **others}


def timestamp_of(value: object) -> float:
    """Return the Unix time, in seconds, of a number, a datetime (naive: local time) or an ISO 8601 text (naive: UTC).

    What cannot be read is taken to be now.
    """
    seconds: float | None = None
    if type(value) is float or type(value) is int:
        seconds = float(value) if 0 <= value < _TIME_LIMIT_S else None
    elif is_a(value, str):
        seconds = parse_iso(str.__str__(value))
    else:
        # Whoever holds a datetime has imported the module already.
        datetime = getattr(sys.modules.get("datetime"), "datetime", None)
        if datetime is not None and is_a(value, datetime):
            try:
                seconds = datetime.timestamp(value)
            except Exception as error:
                diagnostics.internal_error("timestamp", error)
    return time() if seconds is None else seconds


def parse_iso(text: str) -> float | None:
    """Return the Unix time in seconds of `YYYY-MM-DDTHH:MM:SS[.f][Z|±HH[:]MM]`, UTC without a zone; None if it is not.

    Written by hand because `datetime.fromisoformat` reads neither `Z` nor `+0000` before Python 3.11.
    """
    if not (19 <= len(text) <= 40 and text.isascii()):
        return None
    clock, fraction_s, offset_s = text[:19], 0.0, 0
    if clock[4] + clock[7] + clock[13] + clock[16] != "--::" or clock[10] not in "Tt ":
        return None
    rest = text[19:]
    zone = ""
    if rest[-1:] in ("Z", "z"):
        rest = rest[:-1]
    else:
        at = max(rest.find("+"), rest.find("-"))
        if at >= 0:
            zone, rest = rest[at:].replace(":", ""), rest[:at]
    try:
        year, month, day = _digits(clock[:4]), _digits(clock[5:7]), _digits(clock[8:10])
        hour, minute, second = _digits(clock[11:13]), _digits(clock[14:16]), _digits(clock[17:19])
        if rest:
            if rest[0] not in ".,":
                return None
            fraction_s = _digits(rest[1:]) / 10 ** (len(rest) - 1)
        if zone:
            if len(zone) not in (3, 5):
                return None
            offset_s = _digits(zone[1:3]) * 3600 + (_digits(zone[3:5]) * 60 if len(zone) == 5 else 0)
            offset_s = -offset_s if zone[0] == "-" else offset_s
    except ValueError:
        return None
    if not (year >= 1970 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return None
    seconds = ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second + fraction_s - offset_s
    return seconds if seconds >= 0 else None


def _digits(text: str) -> int:
    if not text.isdigit():
        raise ValueError(text)
    return int(text)


def _days(year: int, month: int, day: int) -> int:
    """Return the days since 1970-01-01 in the Gregorian calendar."""
    # Years are counted from March on, so that the leap day comes last.
    if month <= 2:
        year -= 1
    month = (month + 9) % 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719_468
