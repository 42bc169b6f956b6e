"""What is made of each log record. Runs on the application's threads, for every record that a logger takes.

A record of which a breadcrumb can be made without running code of its arguments' types takes the short way; whatever
else is wanted of it is the integration's. One source for both twins: the core is this file, compiled.
"""

from __future__ import annotations

import sys

from tocsin import limits

from .ignored_loggers import IgnoredLoggers
from .scope_stack import get_isolation_scope, get_lane

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import LogRecord
    from typing import Any

    from tocsin._pure.fast_lane import FastLane

# What every record has; anything else was given as `extra` or by a filter.
# https://docs.python.org/3/library/logging.html#logrecord-attributes
LOG_RECORD_FIELDS = frozenset(
    (
        "args",
        "asctime",
        "created",
        "exc_info",
        "exc_text",
        "filename",
        "funcName",
        "levelname",
        "levelno",
        "lineno",
        "message",
        "module",
        "msecs",
        "msg",
        "name",
        "pathname",
        "process",
        "processName",
        "relativeCreated",
        "stack_info",
        "taskName",
        "thread",
        "threadName",
    )
)
# How many of them a record has before it is formatted, so that having no more is seen without comparing names.
_OWN = len(LOG_RECORD_FIELDS) - len(("asctime", "message")) - (sys.version_info < (3, 12))
# More arguments than anybody writes: what a breadcrumb keeps of a record is bounded by this and by their lengths.
_ARGUMENTS = 16
LOG_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "fatal"}

_TEXT_CHARS = limits.TEXT_CHARS
_levels = LOG_LEVELS
_INTEGER = 1 << limits.INTEGER_BITS
_is_finalizing = sys.is_finalizing


class LogObserver:
    """Called with each record.

    Args:
        ignored: the loggers of whose records nothing is made.
        busy: counts the threads that are in one of the other two.
        make_event: makes an event of a record.
        make_breadcrumb: makes a breadcrumb of a record whose text is not plain, or that somebody wants to see.
        absorb: is told of a failure of our own; raises what is not.
    """

    __slots__ = ("_absorb", "_busy", "_ignored", "_make_breadcrumb", "_make_event")

    def __init__(
        self,
        ignored: IgnoredLoggers,
        busy: Any,
        make_event: Callable[[LogRecord], object],
        make_breadcrumb: Callable[[LogRecord], object],
        absorb: Callable[[Exception], object],
    ) -> None:
        self._ignored = ignored
        self._busy = busy
        self._make_event = make_event
        self._make_breadcrumb = make_breadcrumb
        self._absorb = absorb

    def observe(self, record: LogRecord) -> None:
        """Make of the record what the client in force wants of it."""
        if _is_finalizing():
            return
        try:
            lane = get_lane()
            if lane is None or lane._transport is None:
                return  # there is nowhere to send to
            levelno = record.levelno
            makes_event = levelno >= lane.log_event_level
            makes_breadcrumb = levelno >= lane.log_level
            if not (makes_event or makes_breadcrumb) or self._ignored.holds(record.name):
                return
        except Exception as failure:
            self._absorb(failure)
            return
        if makes_event:
            self._make_event(record)
        if makes_breadcrumb:
            try:
                if not self._busy.depths and self._add(lane, record, levelno):
                    return
            except Exception as failure:
                self._absorb(failure)
                return
            self._make_breadcrumb(record)

    def _add(self, lane: FastLane, record: LogRecord, levelno: int) -> bool:
        """Add a breadcrumb if the record is plain; False if it is not, or if a hook wants to see the breadcrumb."""
        if lane.before_breadcrumb is not None or lane.max_breadcrumbs < 1:
            return False
        # Read once: each of the record's attributes would cost twice as much as a member of its dict.
        its_dict = record.__dict__
        if type(its_dict) is not dict:
            return False
        members = its_dict
        given = None
        if len(members) == _OWN:
            template = members.get("msg")
            given = members.get("args")
        else:
            # A handler has just formatted it, or there is more to it than to others.
            template = members.get("message")
            if len(members) != _OWN + 1 + ("asctime" in members):
                return False
        level = _levels.get(levelno)
        name = members.get("name")
        created_s = members.get("created")
        if level is None or type(template) is not str or type(name) is not str or type(created_s) is not float:
            return False
        is_formatted = given is None or (type(given) is tuple and not given)
        if not is_formatted and not (
            type(given) is tuple and len(given) <= _ARGUMENTS and len(template) <= _TEXT_CHARS and _are_plain(given)
        ):
            return False
        scope = get_isolation_scope()
        ring = scope._ring
        if (
            ring is None
            or scope._ring_shared
            or ring._capacity != lane.max_breadcrumbs
            or ring._renderer is not lane.renderer
        ):
            ring = scope._own_ring(lane.max_breadcrumbs, lane.renderer)
        if is_formatted:
            ring.add(created_s, "log", name, level, template, None)
        else:
            ring.add_formatted(created_s, "log", name, level, template, given, None)
        return True


def _are_plain(values: tuple[Any, ...]) -> bool:
    """Whether formatting the values runs no code but the interpreter's, and keeping them costs little."""
    for value in values:
        kind = type(value)
        if kind is str:
            if len(value) > _TEXT_CHARS:
                return False
        elif kind is int:
            if not -_INTEGER <= value <= _INTEGER:
                return False
        elif value is not None and kind is not float and kind is not bool:
            return False
    return True
