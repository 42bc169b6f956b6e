"""Makes breadcrumbs and events of log records.

Runs on the application's threads, once per record that a logger takes, after the logger's handlers: their filters may
have taken out what is secret, and have formatted the text, which is then not done again.
"""

from __future__ import annotations

from tocsin._backend import NO_LEVEL, IgnoredLoggers, LogObserver
from tocsin.importing import Late
from tocsin.integrations.base import Integration
from tocsin.integrations.guard import Nesting, absorb
from tocsin.integrations.patch import Patch, resemble
from tocsin.scope_stack import get_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Handler, LogRecord
    from typing import Any

    from tocsin.client import Client
    from tocsin.integrations import log_record
    from tocsin.integrations.patch import Wanted

    BreadcrumbHandler: type[Handler]
    EventHandler: type[Handler]
    SentryHandler: type[Handler]
else:
    log_record = Late("tocsin.integrations.log_record")

# As `logging` has them; it is not imported for their sake.
DEFAULT_LEVEL = 20
DEFAULT_EVENT_LEVEL = 40
_LEVELS = {"NOTSET": 0, "DEBUG": 10, "INFO": 20, "WARN": 30, "WARNING": 30, "ERROR": 40, "FATAL": 50, "CRITICAL": 50}

# What our own delivery says, and the libraries it may use, would be captured and delivered for ever.
_ignored = IgnoredLoggers("tocsin", "tocsin.*", "urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry")
# Inside are the threads on which a record is being made something of: what is logged on the way is left alone.
_busy = Nesting(1)


class LoggingIntegration(Integration):
    """Makes a breadcrumb of every log record from one level on, and an event from another.

    Args:
        level: the least level of breadcrumbs, as a number or a name; None for none at all.
        event_level: the least level of events; None for none at all.
        sentry_logs_level: accepted, without effect.

    Raises:
        ValueError: there is no such level.
    """

    identifier = "logging"

    def __init__(
        self,
        level: int | str | None = DEFAULT_LEVEL,
        event_level: int | str | None = DEFAULT_EVENT_LEVEL,
        sentry_logs_level: int | str | None = DEFAULT_LEVEL,
    ) -> None:
        self.level = _level(level)
        self.event_level = _level(event_level)

    def install(self, client: Client) -> None:
        lane = client.fast_lane
        lane.log_level = NO_LEVEL if self.level is None else self.level
        lane.log_event_level = NO_LEVEL if self.event_level is None else self.event_level
        _PATCH.add(client)

    def remove(self, client: Client) -> None:
        client.fast_lane.log_level = client.fast_lane.log_event_level = NO_LEVEL
        _PATCH.discard(client)


def ignore_logger(name: str) -> None:
    """Make neither events nor breadcrumbs of what this logger logs; `name` may hold `*`, `?` and `[…]`.

    The loggers below it are not meant: `ignore_logger("a.*")` is for those.
    """
    _ignored.add(name)


def unignore_logger(name: str) -> None:
    """Take back an `ignore_logger` of the very same name."""
    _ignored.discard(name)


def is_ignored(name: str) -> bool:
    """Whether nothing is made of what the logger of that name logs."""
    is_held: bool = _ignored.holds(name)
    return is_held


def _level(value: int | str | None) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str):
        known = _LEVELS.get(value.upper())
        if known is not None:
            return known
        from logging import getLevelName

        named = getLevelName(value)
        if isinstance(named, int):
            return named
    raise ValueError(f"{value!r} is no level of logging: give a number or a name")


def once(make: Callable[[Any, LogRecord], None], client: Any, record: LogRecord) -> None:
    """Call `make(client, record)`, unless this is logged by such a call on this thread."""
    if not _busy.enter():
        return
    try:
        make(client, record)
    finally:
        _busy.leave()


def _make_event(record: LogRecord) -> None:
    once(log_record.capture_event, get_client(), record)


def _make_breadcrumb(record: LogRecord) -> None:
    once(log_record.add_breadcrumb, get_client(), record)


def _absorb(failure: Exception) -> None:
    absorb("logging", failure)


_observer = LogObserver(_ignored, _busy, _make_event, _make_breadcrumb, _absorb)


def _wrap(original: Any, wanted: Wanted, observe: Any = _observer.observe) -> Any:
    def callHandlers(self: Any, record: LogRecord) -> None:
        try:
            original(self, record)
        finally:
            if wanted.is_on:
                observe(record)

    return resemble(callHandlers, original)


def __getattr__(name: str) -> Any:
    # They derive from a class of `logging`, which is not to be imported before the application does.
    if name in ("BreadcrumbHandler", "EventHandler", "SentryHandler"):
        from tocsin.integrations import log_handlers

        return getattr(log_handlers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_PATCH = Patch("logging", "Logger.callHandlers", _wrap, log_record)
