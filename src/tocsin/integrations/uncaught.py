"""What the hooks for uncaught errors have in common: capture, whatever state the interpreter is in, and never raise."""

from __future__ import annotations

import sys

from tocsin import diagnostics
from tocsin.api import capture_uncaught
from tocsin.integrations.nesting import Nesting
from tocsin.scope_stack import get_client

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
    """Capture an uncaught error if the client in force has the integration of that name; absorb what goes wrong.

    A SystemExit is no error. `asked` may look at the integration and say no. Whoever calls this from a hook holds it
    in the hook's closure: the interpreter may empty modules before it calls a hook for the last time.
    """
    if is_finalizing():
        # Other threads do not run any more: nothing could be delivered.
        return
    try:
        error = exc_info[1]
        if error is None or isinstance(error, SystemExit):
            return
        integration = get_client().get_integration(identifier)
        if integration is None or (asked is not None and not asked(integration)):
            return
        if not _reporting.enter():
            return
        try:
            captured = capture_uncaught(exc_info, identifier) is not None
        finally:
            _reporting.leave()
        if captured and deliver_now is not None:
            deliver_now()
    except Exception as failure:
        diagnostics.internal_error(identifier, failure)
