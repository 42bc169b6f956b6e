"""What the hooks for uncaught errors have in common: capture, whatever state the interpreter is in, and never raise."""

from __future__ import annotations

import sys

from tocsin.api import capture_uncaught
from tocsin.integrations.guard import Nesting, absorb
from tocsin.scope_stack import get_client
from tocsin.scope_values import is_a

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

# Errors of destructors that run while an error is captured are captured too, but not without end.
_reporting = Nesting(4)
# Set once the interpreter is exiting: waits, within what is left of the time for that, until an event is delivered.
deliver_now: Callable[[], None] | None = None


def report(
    exc_info: ExcInfo,
    identifier: str,
    asked: Callable[[Any], bool] | None = None,
    is_finalizing: Callable[[], bool] = sys.is_finalizing,
) -> None:
    """Capture an uncaught error if the client in force has the integration of that name.

    A SystemExit is no error. `asked` may look at the integration and say no. Nothing is raised but what a capture
    lets through as meant for the application. Whoever calls this from a hook holds it in the hook's closure: the
    interpreter may empty modules before it calls a hook for the last time.
    """
    if is_finalizing():
        # Other threads do not run any more: nothing could be delivered.
        return
    error = exc_info[1]
    if error is None or is_a(error, SystemExit) or not _is_wanted(identifier, asked) or not _reporting.enter():
        return
    try:
        event_id = capture_uncaught(exc_info, identifier)
    finally:
        _reporting.leave()
    if event_id is not None and deliver_now is not None:
        deliver_now()


def _is_wanted(identifier: str, asked: Callable[[Any], bool] | None) -> bool:
    try:
        integration = get_client().get_integration(identifier)
        return integration is not None and (asked is None or asked(integration))
    except Exception as failure:
        absorb(identifier, failure)
        return False
