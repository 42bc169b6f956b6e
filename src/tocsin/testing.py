"""For testing applications: what they capture, without a server."""

from __future__ import annotations

from tocsin import scope_snapshot, scope_stack
from tocsin.client import Client
from tocsin.scope_stack import get_client, get_global_scope
from tocsin.transport.memory import MemoryTransport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MemoryTransport", "capture_events", "reset"]


class capture_events:
    """A context manager that yields the list of events captured in its block; nothing leaves the process.

    Args:
        options: those of `init()`, for the client that is in force in the block.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("dsn", "")
        self._transport = MemoryTransport()
        self._options = {"default_integrations": False, **options, "transport": self._transport}
        self._before: Any = None

    def __enter__(self) -> list[dict[str, Any]]:
        self._before = get_global_scope()._client
        get_global_scope().set_client(Client(**self._options))
        return self._transport.events

    def __exit__(self, *exc_info: object) -> None:
        scope = get_global_scope()
        if scope._client is not None:
            scope._client.close()
        scope.set_client(self._before)


def reset() -> None:
    """Forget scopes, clients and what they have hooked, as in a fresh process; for use between tests."""
    client = get_client()
    if isinstance(client, Client):
        client.close(0.0)
    scope_snapshot.global_event_processors.clear()
    scope_stack.reset()
