"""From a log record to a breadcrumb or an event. On the application's threads."""

from __future__ import annotations

import sys

from tocsin import _json, api, limits
from tocsin._backend import Capture, fence
from tocsin.scope_stack import get_isolation_scope
from tocsin.scope_values import is_a, level_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import LogRecord
    from types import FrameType, TracebackType
    from typing import Any

    from tocsin._backend import Stack
    from tocsin.client import Client

# What every record has; anything else was given as `extra` or by a filter.
# https://docs.python.org/3/library/logging.html#logrecord-attributes
_STANDARD = frozenset(
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
_PLAIN = frozenset((int, float, bool, type(None)))


def add_breadcrumb(client: Client, record: LogRecord) -> None:
    """Record a breadcrumb of a log record. No code of its arguments' types is run, but for an exception's text."""
    options = client.options
    message = formatted(record)
    if message is None:
        message = _described(record, client)
    level = level_of(record.levelno)
    extra = _extra(record)
    if options["before_breadcrumb"] is not None:
        crumb = {
            "type": "log",
            "level": level,
            "category": record.name,
            "message": message,
            "timestamp": record.created,
            "data": extra,
        }
        get_isolation_scope().add_breadcrumb(crumb, {"log_record": record})
    elif options["max_breadcrumbs"] > 0:
        ring = get_isolation_scope()._own_ring(options["max_breadcrumbs"], client)
        ring.add(record.created, "log", record.name, level, message, extra)


def capture_event(client: Client, record: LogRecord) -> None:
    """Capture an event of a log record, with the exception it was logged with."""
    message = formatted(record)
    if message is None:
        message = fence.call_fenced(_message_of, record)  # type: ignore[assignment]
    template = record.msg if type(record.msg) is str else message
    entry: dict[str, Any] = {"message": template, "formatted": template if message is None else message}
    if record.args:
        entry["params"] = record.args
    event: dict[str, Any] = {
        "level": level_of(record.levelno),
        "logger": record.name,
        "logentry": entry,
        "timestamp": record.created,
        "extra": _extra(record),
    }
    hint: dict[str, Any] = {"log_record": record}
    error, traceback = _error_of(record)
    if error is not None:
        hint["exc_info"] = (type(error), error, traceback)
        stack = client.extractor.exception(error, traceback, "logging", True, _caller())
        event["exception"] = _rendered(client, stack, "exception")
    elif record.stack_info or record.exc_info or client.options["attach_stacktrace"]:
        stack = client.extractor.current(_caller(), b'"crashed":false,"current":true')
        event["threads"] = _rendered(client, stack, "threads")
    api.capture_event(event, hint)


def formatted(record: LogRecord) -> str | None:
    """Return the text of a record if it is there, or can be made without running code of its arguments' types."""
    message = record.__dict__.get("message")
    if type(message) is str:
        # A handler has just formatted it.
        return message
    text = record.msg
    if type(text) is not str:
        return None
    args = record.args
    if not args:
        return text
    if type(args) is not tuple or not all(map(_is_plain, args)):
        return None
    try:
        return record.getMessage()
    except Exception:
        # The arguments do not fit the text; a handler would say so on stderr.
        return text


def _is_plain(value: object) -> bool:
    kind = type(value)
    return kind in _PLAIN or (kind is str and len(value) <= limits.TEXT_CHARS)  # type: ignore[arg-type]


def _message_of(record: LogRecord) -> str:
    try:
        return str.__str__(record.getMessage())
    except Exception:
        return f"{record.msg}"


def _described(record: LogRecord, client: Client) -> str:
    """Return the text of a record with descriptions of the arguments in their places."""
    renderer = client.renderer

    def described(value: object) -> object:
        if _is_plain(value):
            return value
        if is_a(value, BaseException):
            text = fence.call_fenced(str, value)
            if type(text) is str:
                return text
        return renderer.text(value, limits.TEXT_CHARS)

    text, args = record.msg, record.args
    if type(text) is not str:
        text = str(described(text))
    if not args:
        return text
    safe: Any = args
    if type(args) is tuple:
        safe = tuple(map(described, args))
    elif is_a(args, dict):
        safe = {key: described(value) for key, value in dict.items(args)}  # type: ignore[arg-type]
    else:
        safe = described(args)
    try:
        return text % safe
    except Exception:
        return text


def _extra(record: LogRecord) -> dict[str, Any] | None:
    members = record.__dict__
    if members.keys() <= _STANDARD:
        return None
    return {key: value for key, value in members.items() if key not in _STANDARD and not _is_private(key)} or None


def _is_private(key: object) -> bool:
    return type(key) is str and key.startswith("_")


def _error_of(record: LogRecord) -> tuple[BaseException | None, TracebackType | None]:
    exc_info = record.exc_info
    if type(exc_info) is tuple and len(exc_info) == 3:
        _, error, traceback = exc_info
        if is_a(error, BaseException):
            return error, traceback
    return None, None


def _caller() -> FrameType | None:
    """Return the frame that logged: the innermost outside of `logging` and of tocsin."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if module != "logging" and not (type(module) is str and module.startswith("tocsin.")):
            return frame
        frame = frame.f_back
    return None


def _rendered(client: Client, stack: Stack, key: str) -> Any:
    payload = client.assembler.payload(Capture("", 0.0, "error", b"", stack, key, b"", b"", None, 0, ()))
    return _json.loads(payload)[key]
