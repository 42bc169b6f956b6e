"""One merged view of all scopes, taken at capture. Runs on the application's threads, once per event that is kept.

Where only one scope has something to say its very dict is referenced: scopes replace their dicts and never change them.
"""

from __future__ import annotations

from tocsin import diagnostics
from tocsin._backend import fence
from tocsin.scope_stack import get_current_scope, get_global_scope, get_isolation_scope
from tocsin.scope_values import is_a, keyed, mapping_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from tocsin._backend import BreadcrumbRing
    from tocsin.attachments import Attachment
    from tocsin.scope import Scope

    T = TypeVar("T")

# Processors of the process, which come before those of the scopes.
global_event_processors: list[Any] = []

_NOTHING: dict[str, Any] = {}


class ScopeArgument:
    """What a capture was told about scopes: the one it was called on, if not in force, `scope=`, and the rest."""

    __slots__ = ("calling", "kwargs", "scope")

    def __init__(self, calling: Scope | None, scope: Any = None, kwargs: dict[str, Any] | None = None) -> None:
        self.calling = calling
        self.scope = scope
        self.kwargs = kwargs


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
        self.tags: dict[str, Any] = _NOTHING
        self.extra: dict[str, Any] = _NOTHING
        self.contexts: dict[str, dict[Any, Any]] = _NOTHING
        self.fingerprint: list[Any] | None = None
        self.transaction: str | None = None
        self.transaction_info: dict[str, Any] | None = None
        self.flags: list[dict[str, Any]] = []
        self.attachments: tuple[Attachment, ...] = ()
        self.rings: tuple[BreadcrumbRing, ...] = ()
        self.event_processors: tuple[Any, ...] = ()
        self.error_processors: tuple[Any, ...] = ()
        self.trace: dict[str, str] = _NOTHING

    @classmethod
    def of(cls, argument: Any = None) -> ScopeSnapshot:
        """Return what the scopes in force say, and on top of it what a capture was given as scope.

        Args:
            argument: a `ScopeArgument`, a Scope, a callable that takes one, a dict of `update_from_kwargs` arguments,
                a snapshot (returned as it is), or None.
        """
        if type(argument) is ScopeSnapshot:
            return argument
        calling, extra, kwargs = None, argument, None
        if type(argument) is ScopeArgument:
            calling, extra, kwargs = argument.calling, argument.scope, argument.kwargs
        return cls.merge(get_global_scope(), get_isolation_scope(), get_current_scope(), calling, extra, kwargs)

    @classmethod
    def merge(
        cls,
        global_scope: Scope,
        isolation_scope: Scope,
        current_scope: Scope,
        calling: Scope | None = None,
        extra: Any = None,
        kwargs: dict[str, Any] | None = None,
    ) -> ScopeSnapshot:
        """Return the view of the scopes, each winning over those before it.

        Of level, user, fingerprint and transaction the last that is set counts, so that `set_user(None)` on an inner
        scope does not clear an outer user. Tags, extra and contexts are joined by key; breadcrumbs, attachments,
        flags and processors are joined. What two of the scopes share, because one is a fork of the other, counts once.

        Args:
            calling: the scope whose method was called, when it is none of the first three.
            extra: a Scope, a callable that is given a scope holding the merged data to change, or a dict like `kwargs`.
            kwargs: arguments of `Scope.update_from_kwargs`.
        """
        snapshot = cls()
        if global_event_processors:
            snapshot.event_processors = tuple(global_event_processors)
        for scope in (global_scope, isolation_scope, current_scope):
            if scope._touched:
                snapshot.absorb(scope)
        snapshot.trace = current_scope._trace or isolation_scope.get_trace_context()
        if calling is not None:
            snapshot.absorb(calling)
            snapshot.trace = calling._trace or snapshot.trace
        if extra is not None:
            snapshot = snapshot._with_extra(extra, current_scope)
        if kwargs:
            merged = type(current_scope).of_snapshot(snapshot)
            merged.update_from_kwargs(**kwargs)
            snapshot = cls._of_merged(merged)
        return snapshot

    def absorb(self, scope: Scope) -> None:
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
            self.transaction_info = joined(self.transaction_info or _NOTHING, scope._transaction_info)
        self.tags = joined(self.tags, scope._tags)
        self.extra = joined(self.extra, scope._extras)
        self.contexts = joined(self.contexts, scope._contexts)
        if scope._flags is not None:
            flags = scope._flags.get()
            names = {flag["flag"] for flag in flags}
            self.flags = [flag for flag in self.flags if flag["flag"] not in names] + flags
        self.attachments = extended(self.attachments, scope._attachments)
        self.event_processors = extended(self.event_processors, scope._event_processors)
        self.error_processors = extended(self.error_processors, scope._error_processors)
        self.rings = extended(self.rings, scope._base_rings)
        if scope._ring is not None:
            self.rings = extended(self.rings, (scope._ring,))

    def _with_extra(self, extra: Any, current_scope: Scope) -> ScopeSnapshot:
        scope_class = type(current_scope)
        if is_a(extra, scope_class):
            self.absorb(extra)
            self.trace = extra._trace or self.trace
            return self
        merged = scope_class.of_snapshot(self)
        if is_a(extra, dict):
            merged.update_from_kwargs(**keyed(extra, "scope"))
        elif callable(extra):
            fence.call_fenced(_call_with, extra, merged)
        else:
            mapping_of(extra, "scope")
            return self
        return self._of_merged(merged)

    @classmethod
    def _of_merged(cls, merged: Scope) -> ScopeSnapshot:
        snapshot = cls()
        snapshot.absorb(merged)
        snapshot.trace = merged.get_trace_context()
        return snapshot


def _call_with(function: Any, scope: Scope) -> None:
    try:
        function(scope)
    except Exception as error:
        if fence.came_from_signal(error):
            raise
        # The event is worth more than what the function would have added.
        diagnostics.internal_error("scope callback", error)


def joined(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return both dicts as one, itself one of them where the other is empty."""
    if not over:
        return base
    return {**base, **over} if base else over


def extended(base: tuple[T, ...], more: tuple[T, ...]) -> tuple[T, ...]:
    """Return `base` and those of `more` that are not the very objects in it."""
    if not more:
        return base
    if not base:
        return more
    there = {id(item) for item in base}
    return (*base, *(item for item in more if id(item) not in there))
