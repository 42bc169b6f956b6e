"""The verbs of the package: `init`, `capture_*`, `add_breadcrumb`, `set_*`, scopes, `flush`. On any thread.

Nothing here raises but `init`, which tells of options that cannot be.
"""

from __future__ import annotations

import sys
from types import TracebackType

from tocsin import diagnostics
from tocsin._backend import (
    Capture,
    Renderer,
    StackExtractor,
    add_breadcrumb,
    capture_exception,
    capture_message,
)
from tocsin.account import Account
from tocsin.assembly import Assembler
from tocsin.client import Client
from tocsin.importing import Late
from tocsin.scope import Scope
from tocsin.scope_stack import (
    get_client,
    get_current_scope,
    get_global_scope,
    get_isolation_scope,
    isolation_scope,
    new_scope,
)
from tocsin.scope_values import is_a

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tocsin import _json
    from tocsin.types import Event, Hint, Level

    ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

else:
    _json = Late("tocsin._json")

__all__ = [
    "add_attachment",
    "add_breadcrumb",
    "capture_event",
    "capture_exception",
    "capture_last_error",
    "capture_message",
    "capture_uncaught",
    "close",
    "exception_values",
    "flush",
    "flush_async",
    "get_client",
    "get_current_scope",
    "get_global_scope",
    "get_isolation_scope",
    "init",
    "is_initialized",
    "isolation_scope",
    "last_event_id",
    "new_scope",
    "set_context",
    "set_extra",
    "set_level",
    "set_tag",
    "set_tags",
    "set_transaction_name",
    "set_user",
    "stacktrace",
    "stats",
]


def init(dsn: str | None = None, **options: Any) -> Client:
    """Start capturing: make a client and put it in force for the whole process.

    Args:
        dsn: where events go; None takes it from `SENTRY_DSN`; without either, nothing is sent.
        options: see the README's table, or `tocsin.options.OPTIONS`.

    Returns:
        The client; as a context manager it closes itself at the end of the block.

    Raises:
        TypeError: an option is unknown or of the wrong type.
        ValueError: an option is malformed (a `BadDsn` for the DSN).
    """
    from tocsin.integrations import setup_integrations

    client = Client(dsn, **options)
    setup_integrations(client)
    get_global_scope().set_client(client)
    return client


def is_initialized() -> bool:
    """Whether there is a client in force."""
    return bool(get_client().is_active())


def capture_last_error() -> str | None:
    """Report the exception that ended the last interactive statement, or the last that nobody caught.

    It is `sys.last_exc` (`sys.last_value` before Python 3.12). Returns None if there is none.
    """
    error = getattr(sys, "last_exc", None)
    if error is None:
        error = getattr(sys, "last_value", None)
    return capture_exception(error) if is_a(error, BaseException) else None


def capture_uncaught(error: BaseException | ExcInfo, mechanism: str) -> str | None:
    """Report an exception that nobody handles; for hooks, whose name is the `mechanism`."""
    event_id: str | None = get_client().capture_exception(error, mechanism=mechanism, handled=False)
    if event_id is not None:
        get_isolation_scope()._last_event_id = event_id
    return event_id


def capture_event(
    event: Event | Mapping[str, Any],
    hint: Hint | None = None,
    scope: Scope | Callable[[Scope], object] | None = None,
    **scope_kwargs: Any,
) -> str | None:
    """Send an event made by hand, in the protocol's shape; the dict is not changed.

    Args:
        event: for example `{"exception": {"type": "Exception", "value": "Error message."}}`; `stacktrace()` and
            `exception_values()` make its parts.
        hint: what the hooks are to see besides: `exc_info`, `log_record`, `attachments`, anything.
        scope: as of `capture_exception`.
        scope_kwargs: as of `capture_exception`.

    Returns:
        The event's id, or None if it was dropped.
    """
    event_id: str | None = get_current_scope().capture_event(event, hint, scope=scope, **scope_kwargs)
    return event_id


def add_attachment(
    bytes: bytes | Callable[[], bytes] | None = None,
    filename: str | None = None,
    path: str | None = None,
    content_type: str | None = None,
    add_to_transactions: bool = False,
) -> None:
    """Attach a file, given by content or by path, to the events of this isolation scope."""
    get_isolation_scope().add_attachment(bytes, filename, path, content_type, add_to_transactions)


def set_tag(key: str, value: Any) -> None:
    """Set a tag on the isolation scope."""
    get_isolation_scope().set_tag(key, value)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Set several tags on the isolation scope."""
    get_isolation_scope().set_tags(tags)


def set_extra(key: str, value: Any) -> None:
    """Set a value of any kind, to be shown with the events of the isolation scope."""
    get_isolation_scope().set_extra(key, value)


def set_context(key: str, value: Mapping[str, Any]) -> None:
    """Set a context, a dict of values that belong together, on the isolation scope."""
    get_isolation_scope().set_context(key, value)


def set_user(value: Mapping[str, Any] | None) -> None:
    """Say on the isolation scope for whom the work is done."""
    get_isolation_scope().set_user(value)


def set_level(value: Level) -> None:
    """Set the level of the isolation scope's events."""
    get_isolation_scope().set_level(value)


def set_transaction_name(name: str, source: str | None = None) -> None:
    """Name what the work of the current scope is: a route, a task."""
    get_current_scope().set_transaction_name(name, source)


def last_event_id() -> str | None:
    """Return the id of the last event of this isolation scope."""
    event_id: str | None = get_isolation_scope().last_event_id()
    return event_id


def flush(timeout: float | None = None, callback: Callable[[int, float], object] | None = None) -> bool:
    """Wait until everything captured before is delivered or counted, at most `timeout` seconds; return whether it is.

    `callback` is called with the number of pending events and the timeout if the wait takes a noticeable time.
    """
    return bool(get_client().flush(timeout, callback))


async def flush_async(timeout: float | None = None, callback: Callable[[int, float], object] | None = None) -> bool:
    """Wait as `flush` does, without holding up the event loop."""
    import asyncio

    return await asyncio.get_running_loop().run_in_executor(None, get_client().flush, timeout, callback)


def close(timeout: float | None = None) -> None:
    """Flush, and stop capturing: the client's thread, connection and hooks are let go."""
    get_client().close(timeout)


def stats() -> Account:
    """Return what became of the events captured by the client in force; all zero without one."""
    client = get_client()
    counts = client.stats.snapshot() if isinstance(client, Client) else (0, 0, 0, {})
    return Account(*counts)


def stacktrace(traceback: TracebackType | None = None) -> dict[str, Any]:
    """Return a stacktrace for an event made by hand: of a traceback, or of the caller's running stack."""
    extractor, assembler = _tools()
    if traceback is not None and not is_a(traceback, TracebackType):
        diagnostics.debug("stacktrace: a traceback is needed")
        return {"frames": []}
    stack = extractor.traceback(traceback) if traceback is not None else extractor.current(sys._getframe())
    value = _rendered(assembler, stack)[0]
    return value.get("stacktrace", {"frames": []})  # type: ignore[no-any-return]


def exception_values(error: BaseException) -> list[dict[str, Any]]:
    """Return what an event says of an exception and of those it hangs on: the list at `exception.values`."""
    extractor, assembler = _tools()
    if not is_a(error, BaseException):
        diagnostics.debug("exception_values: an exception is needed")
        return []
    return _rendered(assembler, extractor.exception(error, None, "generic", True))


def _tools() -> tuple[StackExtractor, Assembler]:
    client = get_client()
    if isinstance(client, Client):
        return client.extractor, client.assembler
    return StackExtractor(Renderer(), None), Assembler(5)


def _rendered(assembler: Assembler, stack: Any) -> list[dict[str, Any]]:
    payload = assembler.payload(Capture("", 0.0, "error", b"", stack, "exception", b"", b"", None, 0, ()))
    values: list[dict[str, Any]] = _json.loads(payload)["exception"]["values"]
    return values
