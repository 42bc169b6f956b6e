"""What puts scopes in force and looks them up; see the room of the same name for how. On the application's threads."""

from __future__ import annotations

from tocsin import diagnostics
from tocsin._backend import (
    ScopeState,
    ScopeSwitch,
    get_client,
    get_current_scope,
    get_global_scope,
    get_isolation_scope,
    install,
    isolation_scope,
    left_scopes_var,
    new_scope,
    scopes_var,
)
from tocsin._backend import set_current_scope as put_current_scope
from tocsin._backend import set_isolation_scope as put_isolation_scope
from tocsin.inactive import INACTIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.scope import Scope

__all__ = [
    "ScopeSwitch",
    "ScopeType",
    "get_client",
    "get_current_scope",
    "get_global_scope",
    "get_isolation_scope",
    "install_scope_class",
    "isolation_scope",
    "new_scope",
    "reset",
    "set_current_scope",
    "set_isolation_scope",
    "use_isolation_scope",
    "use_scope",
]

_make_scope: Callable[[str], Scope]


class ScopeType:
    """The kinds of scope."""

    GLOBAL = "global"
    ISOLATION = "isolation"
    CURRENT = "current"
    MERGED = "merged"


def install_scope_class(make_scope: Callable[[str], Scope]) -> None:
    """Say how a fresh scope of a kind is made; `tocsin.scope` does, as the two cannot import each other."""
    global _make_scope
    _make_scope = make_scope
    install(make_scope, INACTIVE)


def _usable(scope: Scope | None) -> bool:
    if scope is None:
        return True
    if not _is_scope(scope):
        return False
    scope._set_by_hand = True
    return True


def _is_scope(scope: object) -> bool:
    if issubclass(type(scope), ScopeState):
        return True
    diagnostics.debug("a scope is needed; ignored")
    return False


def set_isolation_scope(scope: Scope | None) -> None:
    """Put `scope` in force as isolation scope until the surrounding `with` is left; None stands for a fresh one."""
    if _usable(scope):
        put_isolation_scope(scope)


def set_current_scope(scope: Scope | None) -> None:
    """Put `scope` in force as current scope until the surrounding `with` is left; None stands for a fresh one."""
    if _usable(scope):
        put_current_scope(scope)


def use_scope(scope: Scope) -> ScopeSwitch:
    """Make `scope` the current scope for a `with` block, which yields it."""
    return ScopeSwitch(scope if _is_scope(scope) else None, None, False)


def use_isolation_scope(isolation_scope: Scope) -> ScopeSwitch:
    """Make `isolation_scope` the isolation scope for a `with` block, which yields it; the current scope is forked."""
    return ScopeSwitch(None, isolation_scope if _is_scope(isolation_scope) else None, True)


def reset() -> None:
    """Forget the scopes of this context and of the process, the client included; for tests."""
    install(_make_scope, INACTIVE)
    scopes_var.set((None, None))
    left_scopes_var.set(())
