"""The verbs that a service calls most; see the pure twin. Runs on the application's threads, with the GIL held."""

from cpython.unicode cimport PyUnicode_CheckExact

from tocsin._core.breadcrumbs cimport BreadcrumbRing
from tocsin._core.fast_lane cimport FastLane
from tocsin._core.scope_state cimport ScopeState
from tocsin._core.scope_stack cimport current_in_force, isolation_in_force, lane_in_force
from tocsin._core.tcn_clock cimport tcn_clock_now

from tocsin import reasons as _reasons

cdef frozenset LEVELS = _reasons.LEVELS


def capture_exception(error=None, scope=None, **scope_kwargs):
    """Report an exception; see the pure twin."""
    cdef object lane = lane_in_force()
    cdef object event_id
    if lane is None or scope is not None or scope_kwargs or not (<FastLane>lane).is_direct:
        return current_in_force().capture_exception(error, scope=scope, **scope_kwargs)
    event_id = (<FastLane>lane).capture_exception(error)
    if event_id is not None:
        isolation_in_force()._last_event_id = event_id
    return event_id


def capture_message(message, level=None, scope=None, **scope_kwargs):
    """Report a text; see the pure twin."""
    cdef object lane = lane_in_force()
    cdef object event_id
    if lane is None or scope is not None or scope_kwargs or not (<FastLane>lane).is_direct:
        return current_in_force().capture_message(message, level=level, scope=scope, **scope_kwargs)
    event_id = (<FastLane>lane).capture_message(message, "info" if level is None else level)
    if event_id is not None:
        isolation_in_force()._last_event_id = event_id
    return event_id


def add_breadcrumb(crumb=None, hint=None, *, message=None, category=None, level=None, type=None, data=None,
                   timestamp=None, **others):
    """Record what happened, to travel with the next event; see the pure twin."""
    cdef FastLane lane = lane_in_force()
    cdef ScopeState scope
    cdef BreadcrumbRing ring
    if (
        lane is None
        or lane.before_breadcrumb is not None
        or crumb is not None
        or others
        or timestamp is not None
        or not (level is None or (PyUnicode_CheckExact(level) and level in LEVELS))
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
        isolation_in_force().add_breadcrumb(crumb, hint, **others)
        return
    if lane._transport is None or lane.max_breadcrumbs < 1:
        return  # there is nowhere to send to
    if message is None and category is None and level is None and type is None and data is None:
        return
    scope = isolation_in_force()
    ring = scope._ring
    if (
        ring is None
        or scope._ring_shared
        or ring._capacity != lane.max_breadcrumbs
        or ring._renderer is not lane.renderer
    ):
        ring = scope._own_ring(lane.max_breadcrumbs, lane.renderer)
    ring.put(tcn_clock_now(), "default" if type is None else type, category, level, message, None, data)
