"""Reports what ends the program: an exception that reaches `sys.excepthook`."""

from __future__ import annotations

import sys

from tocsin.integrations.base import Integration
from tocsin.integrations.patch import Patch
from tocsin.integrations.uncaught import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from tocsin.client import Client
    from tocsin.integrations.patch import Wanted


class ExcepthookIntegration(Integration):
    """Captures what reaches `sys.excepthook`, then calls the hook that was there.

    A KeyboardInterrupt is among it: a server that is interrupted has not ended by itself, and the stack tells what it
    was busy with. Who does not want it says `ignore_errors=[KeyboardInterrupt]`.

    Args:
        always_run: also in an interactive interpreter, where errors are typed by the dozen.

    Raises:
        ValueError: `always_run` is not a bool.
    """

    identifier = "excepthook"

    def __init__(self, always_run: bool = False) -> None:
        if not isinstance(always_run, bool):
            raise ValueError(f"always_run is {always_run!r}; it has to be True or False")
        self.always_run = always_run

    def install(self, client: Client) -> None:
        _PATCH.add(client)

    def remove(self, client: Client) -> None:
        _PATCH.discard(client)


def _is_asked(integration: Any) -> bool:
    return not hasattr(sys, "ps1") or bool(getattr(integration, "always_run", False))


def _wrap(previous: Any, wanted: Wanted, report: Any = report) -> Any:
    def excepthook(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None, /) -> None:
        try:
            if wanted.is_on:
                report((kind, error, traceback), "excepthook", _is_asked)
        finally:
            previous(kind, error, traceback)

    return excepthook


_PATCH = Patch("sys", "excepthook", _wrap)
