"""From a log record to a breadcrumb or an event. On the application's threads."""

from __future__ import annotations

import sys

from tocsin import limits
from tocsin._backend import LOG_LEVELS, LOG_RECORD_FIELDS, dumps, fence, json_string, mark
from tocsin.breadcrumbs import timestamp_of
from tocsin.integrations.guard import absorb
from tocsin.scope_snapshot import snapshot_of
from tocsin.scope_stack import get_isolation_scope
from tocsin.scope_values import is_a, level_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import LogRecord
    from types import FrameType, TracebackType
    from typing import Any

    from tocsin.client import Client


def add_breadcrumb(client: Client, record: LogRecord) -> None:
    """Record a breadcrumb of a log record. No code of its arguments' types is run, but for an exception's text."""
    try:
        message = formatted(record)
        _add(client, record, _described(record, client) if message is None else message)
    except Exception as failure:
        absorb("logging", failure)


def _add(client: Client, record: LogRecord, message: str) -> None:
    options = client.options
    level = LOG_LEVELS.get(record.levelno) or level_of(record.levelno)
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
        return
    capacity = options["max_breadcrumbs"]
    if capacity > 0:
        ring = get_isolation_scope()._own_ring(capacity, client.renderer)
        ring.add(timestamp_of(record.created), "log", record.name, level, message, extra)


def capture_event(client: Client, record: LogRecord) -> None:
    """Capture an event of a log record, with the exception it was logged with."""
    if client.transport is None:
        return
    client.stats.record_captured()
    try:
        error, traceback = _error_of(record)
        if client.fast_lane.refuses(client.gate.refuses() if error is None else client.gate.refuses_error(error)):
            return
        snapshot = snapshot_of()
        extra = _extra(record)
        if extra is not None:
            snapshot.extra = {**extra, **snapshot.extra}
        stack, key, exc_info = None, "threads", None
        if error is not None:
            key, exc_info = "exception", (type(error), error, traceback)
            full = client.options["add_full_stack"]
            stack = client.extractor.exception(error, traceback, "logging", True, _caller(), full)
        elif record.stack_info or record.exc_info or client.options["attach_stacktrace"]:
            stack = client.extractor.current(_caller(), b'"crashed":false,"current":true')
        hint = {"log_record": record} if client.hook_lane.hooks.wanted(snapshot) else None
        level = level_of(record.levelno) or "error"
        event_id = client.fast_lane.send(snapshot, level, _head(client, record), stack, key, hint, exc_info)
    except BaseException as failure:
        client.hook_lane.failed("logging", failure)
        return
    if event_id is not None:
        get_isolation_scope()._last_event_id = event_id
        if error is not None:
            mark(error, event_id)


def _head(client: Client, record: LogRecord) -> bytes:
    """Return what an event says of the record besides the exception, as members in JSON."""
    message: object = formatted(record)
    if message is None:
        message = fence.call_fenced(_message_of, record)
    template = record.msg if type(record.msg) is str else message
    entry = {
        "message": template,
        "formatted": template if message is None else message,
        "params": record.args if _are_any(record.args) else None,
    }
    normalizer = client._normalizer
    logger = normalizer.line(record.name, limits.LOGGER_CHARS)
    return b'"logger":%s,"logentry":%s' % (json_string(logger), dumps(normalizer.message(entry)))


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
    if not _are_any(args):
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
    if kind is str:
        return len(value) <= limits.TEXT_CHARS  # type: ignore[arg-type]
    # By identity: a metaclass may have an opinion on equality.
    return value is None or kind is int or kind is float or kind is bool


def _are_any(args: object) -> bool:
    """Whether there are arguments to format, as `logging` sees it, without asking those of another's type."""
    kind = type(args)
    if issubclass(kind, tuple):
        return tuple.__len__(args) > 0  # type: ignore[arg-type]
    if issubclass(kind, dict):
        return dict.__len__(args) > 0  # type: ignore[arg-type]
    return bool(args) if _is_plain(args) else True


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

    template = record.msg
    text: str = template if type(template) is str else str(described(template))
    args: Any = record.args
    if not _are_any(args):
        return text
    if type(args) is tuple:
        args = tuple(map(described, args))
    elif is_a(args, dict):
        args = {key: described(value) for key, value in dict.items(args)}
    else:
        args = described(args)
    try:
        return str(text % args)
    except Exception:
        return text


def _extra(record: LogRecord) -> dict[str, Any] | None:
    members = record.__dict__
    if members.keys() <= LOG_RECORD_FIELDS:
        return None
    return {
        key: value for key, value in members.items() if key not in LOG_RECORD_FIELDS and not _is_private(key)
    } or None


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
