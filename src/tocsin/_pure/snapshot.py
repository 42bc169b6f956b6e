"""One merged view of the scopes in force. Runs on the application's threads, once per event that is kept.

Where only one scope has something to say its very dict is referenced: scopes replace their dicts and never change them.
One source for both twins: the core is this file, compiled, with its fields in C.
"""

from __future__ import annotations

from .scope_state import NOTHING, ScopeState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin._pure.breadcrumbs import BreadcrumbRing

# Processors of the process, which come before those of the scopes.
global_event_processors: list[Any] = []


class ScopeSnapshot:
    """What the scopes say about one event. Its dicts may be shared with scopes: they are read, never changed."""

    __slots__ = (
        "attachments",
        "contexts",
        "error_processors",
        "event_processors",
        "extra",
        "fingerprint",
        "flags",
        "level",
        "rings",
        "tags",
        "trace",
        "transaction",
        "transaction_info",
        "user",
    )

    def __init__(self) -> None:
        self.level: str | None = None
        self.user: dict[Any, Any] | None = None
        self.tags: dict[str, Any] = NOTHING
        self.extra: dict[str, Any] = NOTHING
        self.contexts: dict[str, dict[Any, Any]] = NOTHING
        self.fingerprint: list[Any] | None = None
        self.transaction: str | None = None
        self.transaction_info: dict[str, Any] | None = None
        self.flags: list[dict[str, Any]] = []
        self.attachments: tuple[Any, ...] = ()
        self.rings: tuple[BreadcrumbRing, ...] = ()
        self.event_processors: tuple[Any, ...] = ()
        self.error_processors: tuple[Any, ...] = ()
        self.trace: dict[str, str] = NOTHING

    def absorb(self, scope: ScopeState) -> None:
        """Lay what `scope` says over what is there."""
        if scope._level is not None:
            self.level = scope._level
        if scope._user is not None:
            self.user = scope._user
        if scope._fingerprint is not None:
            self.fingerprint = scope._fingerprint
        if scope._transaction is not None:
            self.transaction = scope._transaction
        if scope._transaction_info is not None:
            self.transaction_info = joined(self.transaction_info or NOTHING, scope._transaction_info)
        if scope._tags:
            self.tags = joined(self.tags, scope._tags)
        if scope._extras:
            self.extra = joined(self.extra, scope._extras)
        if scope._contexts:
            self.contexts = joined(self.contexts, scope._contexts)
        if scope._flags is not None:
            flags = scope._flags.get()
            names = {flag["flag"] for flag in flags}
            self.flags = [flag for flag in self.flags if flag["flag"] not in names] + flags
        if scope._attachments:
            self.attachments = extended(self.attachments, scope._attachments)
        if scope._event_processors:
            self.event_processors = extended(self.event_processors, scope._event_processors)
        if scope._error_processors:
            self.error_processors = extended(self.error_processors, scope._error_processors)
        if scope._base_rings:
            self.rings = extended(self.rings, scope._base_rings)
        if scope._ring is not None:
            self.rings = extended(self.rings, (scope._ring,))

    def says_little(self) -> bool:
        """Whether nothing is said but what the very objects `tags` and `trace` hold: as in most events."""
        return (
            self.user is None
            and self.fingerprint is None
            and self.transaction is None
            and self.transaction_info is None
            and not self.extra
            and not self.contexts
            and not self.flags
        )


def merged(global_scope: ScopeState, isolation_scope: ScopeState, current_scope: ScopeState) -> ScopeSnapshot:
    """Return the view of the three scopes in force, each winning over those before it.

    Of level, user, fingerprint and transaction the last that is set counts, so that `set_user(None)` on an inner
    scope does not clear an outer user. Tags, extra and contexts are joined by key; breadcrumbs, attachments,
    flags and processors are joined. What two of the scopes share, because one is a fork of the other, counts once.
    """
    snapshot = ScopeSnapshot()
    if global_event_processors:
        snapshot.event_processors = tuple(global_event_processors)
    if global_scope._touched:
        snapshot.absorb(global_scope)
    if isolation_scope._touched:
        snapshot.absorb(isolation_scope)
    if current_scope._touched:
        snapshot.absorb(current_scope)
    snapshot.trace = current_scope._trace or isolation_scope.get_trace_context()
    return snapshot


def joined(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return both dicts as one, itself one of them where the other is empty."""
    if not over:
        return base
    return {**base, **over} if base else over


def extended(base: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `base` and those of `more` that are not the very objects in it."""
    if not more:
        return base
    if not base:
        return more
    there = {id(item) for item in base}
    return (*base, *[item for item in more if id(item) not in there])
