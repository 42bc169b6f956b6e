"""The verbs that a service calls most, from the application's call to the fast lane. On the application's threads."""

from __future__ import annotations

from time import time

from tocsin._pure.scope_stack import get_current_scope, get_isolation_scope, get_lane
from tocsin.reasons import LEVELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any

    from tocsin.scope import Scope
    from tocsin.types import Hint, Level

    ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

# A parameter has the name of the builtin.
_type_of = type


def capture_exception(
    error: BaseException | ExcInfo | object | None = None,
    scope: Scope | Callable[[Scope], object] | None = None,
    **scope_kwargs: Any,
) -> str | None:
    """Report an exception.

    Args:
        error: an exception, an exc_info tuple, or None for the exception being handled. Anything else is reported as
            what it is, marked synthetic, with the stack of the caller.
        scope: a scope whose data is laid over those in force, or a function that is given one to change.
        scope_kwargs: `user`, `level`, `extras`, `contexts`, `tags`, `fingerprint`, for this event alone.

    Returns:
        The event's id; None if nothing was being handled or the event was dropped.
    """
    lane = get_lane()
    if lane is None or scope is not None or scope_kwargs or not lane.is_direct:
        return get_current_scope().capture_exception(error, scope=scope, **scope_kwargs)  # type: ignore[no-any-return]
    event_id: str | None = lane.capture_exception(error)
    if event_id is not None:
        get_isolation_scope()._last_event_id = event_id
    return event_id


def capture_message(
    message: str,
    level: Level | None = None,
    scope: Scope | Callable[[Scope], object] | None = None,
    **scope_kwargs: Any,
) -> str | None:
    """Report a text, at level `"info"` unless told otherwise; arguments and result as of `capture_exception`."""
    lane = get_lane()
    if lane is None or scope is not None or scope_kwargs or not lane.is_direct:
        return get_current_scope().capture_message(  # type: ignore[no-any-return]
            message, level=level, scope=scope, **scope_kwargs
        )
    event_id: str | None = lane.capture_message(message, "info" if level is None else level)
    if event_id is not None:
        get_isolation_scope()._last_event_id = event_id
    return event_id


def add_breadcrumb(
    crumb: Mapping[str, Any] | None = None,
    hint: Hint | None = None,
    *,
    message: Any = None,
    category: Any = None,
    level: Any = None,
    type: Any = None,
    data: Any = None,
    timestamp: Any = None,
    **others: Any,
) -> None:
    """Record what happened, to travel with the next event; it makes no event of its own.

    Args:
        crumb: the fields below, as one dict instead of as keyword arguments.
        hint: what `before_breadcrumb` is to see besides.
        message: what happened.
        category: where it belongs: `http`, `query`, the name of a logger.
        level: fatal, error, warning, info or debug.
        type: how it is shown: `default`, `http`, `navigation`, ...
        data: a dict of whatever else there is to say.
        timestamp: when it was, as Unix seconds, a datetime or ISO 8601; now by default.
        others: what the protocol has no field for; it goes into the data.
    """
    lane = get_lane()
    if (
        lane is None
        or lane.before_breadcrumb is not None
        or crumb is not None
        or others
        or timestamp is not None
        or not (level is None or (_type_of(level) is str and level in LEVELS))
    ):
        for name, value in (
            ("message", message),
            ("category", category),
            ("level", level),
            ("type", type),
            ("data", data),
            ("timestamp", timestamp),
        ):
            if value is not None:
                others[name] = value
        get_isolation_scope().add_breadcrumb(crumb, hint, **others)
        return
    if lane.transport is None or lane.max_breadcrumbs < 1:
        return  # there is nowhere to send to
    if message is None and category is None and level is None and type is None and data is None:
        return
    ring = get_isolation_scope()._own_ring(lane.max_breadcrumbs, lane.renderer)
    ring.add(time(), "default" if type is None else type, category, level, message, data)
