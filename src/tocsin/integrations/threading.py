"""Reports what ends a thread: an exception that reaches `threading.excepthook`."""

from __future__ import annotations

from tocsin.integrations.base import Integration
from tocsin.integrations.patch import Patch
from tocsin.integrations.uncaught import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.client import Client
    from tocsin.integrations.patch import Wanted


class ThreadingIntegration(Integration):
    """Captures what reaches `threading.excepthook`, then calls the hook that was there.

    The scopes of a thread are its own: it starts with empty ones below the global scope.

    Args:
        propagate_hub: accepted, without effect.
        propagate_scope: accepted, without effect.
    """

    identifier = "threading"

    def __init__(self, propagate_hub: bool | None = None, propagate_scope: bool = True) -> None:
        self.propagate_scope = propagate_scope if propagate_hub is None else propagate_hub

    def install(self, client: Client) -> None:
        _PATCH.add(client)

    def remove(self, client: Client) -> None:
        _PATCH.discard(client)


def _wrap(previous: Any, wanted: Wanted, report: Any = report) -> Any:
    def excepthook(args: Any, /) -> None:
        try:
            if wanted.is_on:
                report((args.exc_type, args.exc_value, args.exc_traceback), "threading")
        finally:
            previous(args)

    return excepthook


_PATCH = Patch("threading", "excepthook", _wrap)
