"""What a capture is told of scopes, laid over those in force. On the application's threads; see the room `snapshot`."""

from __future__ import annotations

from tocsin import diagnostics
from tocsin._backend import ScopeSnapshot, fence, global_event_processors, merged
from tocsin.scope_stack import get_current_scope, get_global_scope, get_isolation_scope
from tocsin.scope_values import is_a, keyed, mapping_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.scope import Scope

__all__ = ["ScopeArgument", "ScopeSnapshot", "global_event_processors", "merge", "snapshot_of"]


class ScopeArgument:
    """What a capture was told about scopes: the one it was called on, if not in force, `scope=`, and the rest."""

    __slots__ = ("calling", "kwargs", "scope")

    def __init__(self, calling: Scope | None, scope: Any = None, kwargs: dict[str, Any] | None = None) -> None:
        self.calling = calling
        self.scope = scope
        self.kwargs = kwargs


def snapshot_of(argument: Any = None) -> ScopeSnapshot:
    """Return what the scopes in force say, and on top of it what a capture was given as scope.

    Args:
        argument: a `ScopeArgument`, a Scope, a callable that takes one, a dict of `update_from_kwargs` arguments,
            a snapshot (returned as it is), or None.
    """
    if type(argument) is ScopeSnapshot:
        return argument
    if argument is None:
        return merged(get_global_scope(), get_isolation_scope(), get_current_scope())
    calling, extra, kwargs = None, argument, None
    if type(argument) is ScopeArgument:
        calling, extra, kwargs = argument.calling, argument.scope, argument.kwargs
    return merge(get_global_scope(), get_isolation_scope(), get_current_scope(), calling, extra, kwargs)


def merge(
    global_scope: Scope,
    isolation_scope: Scope,
    current_scope: Scope,
    calling: Scope | None = None,
    extra: Any = None,
    kwargs: dict[str, Any] | None = None,
) -> ScopeSnapshot:
    """Return the view of the scopes that `merged` gives, and of what is laid over it.

    Args:
        calling: the scope whose method was called, when it is none of the first three.
        extra: a Scope, a callable that is given a scope holding the merged data to change, or a dict like `kwargs`.
        kwargs: arguments of `Scope.update_from_kwargs`.
    """
    snapshot = merged(global_scope, isolation_scope, current_scope)
    if calling is not None:
        snapshot.absorb(calling)
        snapshot.trace = calling._trace or snapshot.trace
    if extra is not None:
        snapshot = _with_extra(snapshot, extra, current_scope)
    if kwargs:
        over = type(current_scope).of_snapshot(snapshot)
        over.update_from_kwargs(**kwargs)
        snapshot = _of_merged(over)
    return snapshot


def _with_extra(snapshot: ScopeSnapshot, extra: Any, current_scope: Scope) -> ScopeSnapshot:
    scope_class = type(current_scope)
    if is_a(extra, scope_class):
        snapshot.absorb(extra)
        snapshot.trace = extra._trace or snapshot.trace
        return snapshot
    over = scope_class.of_snapshot(snapshot)
    if is_a(extra, dict):
        over.update_from_kwargs(**keyed(extra, "scope"))
    elif callable(extra):
        fence.call_fenced(_call_with, extra, over)
    else:
        mapping_of(extra, "scope")
        return snapshot
    return _of_merged(over)


def _of_merged(scope: Scope) -> ScopeSnapshot:
    snapshot = ScopeSnapshot()
    snapshot.absorb(scope)
    snapshot.trace = scope.get_trace_context()
    return snapshot


def _call_with(function: Any, scope: Scope) -> None:
    try:
        function(scope)
    except Exception as error:
        if fence.came_from_signal(error):
            raise
        # The event is worth more than what the function would have added.
        diagnostics.internal_error("scope callback", error)
