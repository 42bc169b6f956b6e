"""Reports errors that nobody could have caught: in destructors, callbacks of the collector, threads of `_thread`."""

from __future__ import annotations

from tocsin.integrations.base import Integration
from tocsin.integrations.patch import Patch
from tocsin.integrations.uncaught import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.client import Client
    from tocsin.integrations.patch import Wanted


class UnraisablehookIntegration(Integration):
    """Captures what reaches `sys.unraisablehook`, then calls the hook that was there.

    The object that the hook is told of may be half destroyed: it is not looked at, and not kept.
    """

    identifier = "unraisablehook"

    def install(self, client: Client) -> None:
        _PATCH.add(client)

    def remove(self, client: Client) -> None:
        _PATCH.discard(client)


def _wrap(previous: Any, wanted: Wanted, report: Any = report) -> Any:
    def unraisablehook(unraisable: Any, /) -> None:
        try:
            if wanted.is_on:
                report((unraisable.exc_type, unraisable.exc_value, unraisable.exc_traceback), "unraisablehook")
        finally:
            previous(unraisable)

    return unraisablehook


_PATCH = Patch("sys", "unraisablehook", _wrap)
