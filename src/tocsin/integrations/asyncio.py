"""Reports what nobody awaits: exceptions that reach the exception handler of an event loop."""

from __future__ import annotations

import sys

from tocsin import diagnostics
from tocsin.integrations.base import Integration
from tocsin.integrations.guard import absorb
from tocsin.integrations.patch import Patch, resemble
from tocsin.integrations.uncaught import report
from tocsin.scope_values import is_a

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tocsin.client import Client
    from tocsin.integrations.patch import Wanted


class AsyncioIntegration(Integration):
    """Captures the exceptions that asyncio's event loops are told of, then lets the loop handle them as ever.

    They are those of tasks and futures that are thrown away without having been asked for their result, and of
    callbacks. Loops that are no `BaseEventLoop` (uvloop's) log them, for `LoggingIntegration` to see.

    Args:
        task_spans: accepted, without effect.
    """

    identifier = "asyncio"

    def __init__(self, task_spans: bool = True) -> None:
        self.task_spans = task_spans

    def install(self, client: Client) -> None:
        _PATCH.add(client)

    def remove(self, client: Client) -> None:
        _PATCH.discard(client)


def _report(context: dict[str, Any], is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
    if is_finalizing():
        return
    try:
        error: Any = context.get("exception")
        # An interrupt goes through to whoever runs the loop besides, and is reported from there.
        if not is_a(error, BaseException) or is_a(error, KeyboardInterrupt):
            return
        run = getattr(_context_of(context), "run", None)
    except Exception as failure:
        absorb("asyncio", failure)
        return
    reported = False

    def report_once() -> None:
        nonlocal reported
        reported = True
        report((type(error), error, error.__traceback__), "asyncio")

    try:
        if run is not None:
            run(report_once)
    except Exception as failure:
        # The context is in force already, here or on another thread.
        if reported:
            raise
        diagnostics.debug(f"asyncio: {failure}")
    if not reported:
        report_once()


def _context_of(context: dict[str, Any]) -> Any:
    """Return the contextvars' context of the task or callback that failed, for the scopes it ran in, if it tells."""
    for key in ("task", "future", "handle"):
        failed = context.get(key)
        if failed is not None:
            get_context = getattr(failed, "get_context", None)
            return getattr(failed, "_context", None) if get_context is None else get_context()
    return None


def _wrap(original: Any, wanted: Wanted, report: Any = _report) -> Any:
    def call_exception_handler(self: Any, context: dict[str, Any]) -> None:
        try:
            # First, as the loop logs the exception unless it has a handler: the one event is to be ours.
            if wanted.is_on:
                report(context)
        finally:
            original(self, context)

    return resemble(call_exception_handler, original)


_PATCH = Patch("asyncio.base_events", "BaseEventLoop.call_exception_handler", _wrap)
