"""What tests of scopes share: a client that notes, hostile objects, and looks into a scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin import scope_stack
from tocsin.inactive import InactiveClient
from tocsin.scope import Scope
from tocsin.scope_snapshot import ScopeSnapshot


class NotingClient(InactiveClient):
    """An active client that notes what it was given to capture."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = {"max_breadcrumbs": 100, **options}
        self.transport = "somewhere"
        self.captured: list[tuple[Any, ...]] = []

    def is_active(self) -> bool:
        return True

    def should_send_default_pii(self) -> bool:
        return True

    def capture_event(self, *args: Any) -> str | None:
        self.captured.append(("event", *args))
        return "1" * 32

    def capture_exception(self, *args: Any) -> str | None:
        self.captured.append(("exception", *args))
        return "2" * 32

    def capture_message(self, *args: Any) -> str | None:
        self.captured.append(("message", *args))
        return None


def use_client(client: NotingClient) -> NotingClient:
    scope_stack.get_global_scope().set_client(client)
    return client


def breadcrumbs_of(scope: Scope) -> list[dict[str, Any]]:
    return [crumb for ring in snapshot_of(scope).rings for crumb in ring.to_list()]


def snapshot_of(scope: Scope) -> ScopeSnapshot:
    snapshot = ScopeSnapshot()
    snapshot.absorb(scope)
    return snapshot


class Hostile:
    """Every way of looking at it raises."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __hash__(self) -> int:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError


class HostileMapping(Mapping[Any, Any]):
    def __getitem__(self, key: Any) -> Any:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError
