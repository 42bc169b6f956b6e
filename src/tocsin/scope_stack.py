"""Which scopes are in force: one for the process, and an isolation and a current one in each context.

Runs on the application's threads, a few times per request. Leaving a scope never raises: a generator may be closed in
another context than it was entered in, and two generators may leave in the order they entered.
"""

from __future__ import annotations

from contextvars import ContextVar

from tocsin import diagnostics
from tocsin.inactive import INACTIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from typing import Any, TypeVar

    from tocsin.scope import Scope

    Function = TypeVar("Function", bound=Callable[..., Any])
    ScopeVar = ContextVar[Scope | None]

_current_scope: ScopeVar = ContextVar("tocsin_current_scope", default=None)
_isolation_scope: ScopeVar = ContextVar("tocsin_isolation_scope", default=None)
# Scopes left in this context while another one, entered later, was still in force; each with what it had replaced.
_left: ContextVar[tuple[tuple[Scope, Scope | None], ...]] = ContextVar("tocsin_left_scopes", default=())
_LEFT_KEPT = 16

_make_scope: Callable[[str], Scope]
_global_scope: Scope


class ScopeType:
    """The kinds of scope."""

    GLOBAL = "global"
    ISOLATION = "isolation"
    CURRENT = "current"
    MERGED = "merged"


def install_scope_class(make_scope: Callable[[str], Scope]) -> None:
    """Say how a fresh scope of a kind is made; `tocsin.scope` does, as the two cannot import each other."""
    global _make_scope, _global_scope
    _make_scope = make_scope
    _global_scope = make_scope(ScopeType.GLOBAL)


def get_global_scope() -> Scope:
    """Return the scope of the whole process."""
    return _global_scope


def get_isolation_scope() -> Scope:
    """Return the isolation scope of this context (a request, a task, a thread), made when there is none."""
    scope = _isolation_scope.get()
    if scope is None:
        scope = _make_scope(ScopeType.ISOLATION)
        _isolation_scope.set(scope)
    return scope


def get_current_scope() -> Scope:
    """Return the innermost scope of this context, made when there is none."""
    scope = _current_scope.get()
    if scope is None:
        scope = _make_scope(ScopeType.CURRENT)
        _current_scope.set(scope)
    return scope


def _usable(scope: Scope | None) -> bool:
    if scope is None:
        return True
    if not issubclass(type(scope), type(_global_scope)):
        diagnostics.debug("a scope is needed; ignored")
        return False
    scope._set_by_hand = True
    return True


def set_isolation_scope(scope: Scope | None) -> None:
    """Put `scope` in force as isolation scope until the surrounding `with` is left; None stands for a fresh one."""
    if _usable(scope):
        _isolation_scope.set(scope)


def set_current_scope(scope: Scope | None) -> None:
    """Put `scope` in force as current scope until the surrounding `with` is left; None stands for a fresh one."""
    if _usable(scope):
        _current_scope.set(scope)


def get_client() -> Any:
    """Return the first active client of current, isolation and global scope; else one that does nothing."""
    scope = _current_scope.get()
    if scope is not None:
        client = scope._client
        if client is not None and client.is_active():
            return client
    scope = _isolation_scope.get()
    if scope is not None:
        client = scope._client
        if client is not None and client.is_active():
            return client
    client = _global_scope._client
    if client is not None and client.is_active():
        return client
    return INACTIVE


class ScopeSwitch:
    """Puts scopes in force for the length of a `with` block; works as a decorator too."""

    __slots__ = ("_current", "_entered", "_isolates", "_isolation")

    def __init__(self, current: Scope | None, isolation: Scope | None, isolates: bool) -> None:
        self._current = current
        self._isolation = isolation
        self._isolates = isolates
        self._entered: tuple[_Entry, _Entry | None] | None = None

    def __enter__(self) -> Scope:
        outer = None
        if self._isolates:
            before = _isolation_scope.get()
            isolation = self._isolation
            if isolation is None:
                isolation = _make_scope(ScopeType.ISOLATION) if before is None else before.fork()
            outer = (isolation, before, _isolation_scope.set(isolation))
        before = _current_scope.get()
        current = self._current
        if current is None:
            current = _make_scope(ScopeType.CURRENT) if before is None else before.fork()
        self._entered = ((current, before, _current_scope.set(current)), outer)
        return current if outer is None else outer[0]

    def __exit__(self, *exc_info: object) -> None:
        entered = self._entered
        if entered is None:
            return
        self._entered = None
        inner, outer = entered
        _leave(_current_scope, inner)
        if outer is not None:
            _leave(_isolation_scope, outer)

    def __call__(self, function: Function) -> Function:
        """Run every call of `function` in scopes of its own."""
        from functools import wraps

        current, isolation, isolates = self._current, self._isolation, self._isolates

        @wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            with ScopeSwitch(current, isolation, isolates):
                return function(*args, **kwargs)

        return scoped  # type: ignore[return-value]


if TYPE_CHECKING:
    _Entry = tuple[Scope, Scope | None, Token[Scope | None]]


def _leave(variable: ScopeVar, entry: _Entry) -> None:
    scope, before, token = entry
    present = variable.get()
    if present is scope:
        if _left.get():
            before = _skip_left(before)
        variable.set(before)
        return
    try:
        variable.reset(token)
    except (ValueError, RuntimeError):
        # Another context than the one that was entered: the scope was never in force here.
        return
    if present is not None and not present._set_by_hand:
        # Left out of order: the scope entered later stays in force, and must not give way to this one.
        variable.set(present)
        _left.set((*_left.get(), (scope, before))[-_LEFT_KEPT:])


def _skip_left(before: Scope | None) -> Scope | None:
    """Return the scope to go back to, passing over those that have been left already."""
    pending = list(_left.get())
    index = 0
    while index < len(pending):
        scope, replaced = pending[index]
        if scope is before:
            before = replaced
            del pending[index]
            index = 0
        else:
            index += 1
    _left.set(tuple(pending))
    return before


def new_scope() -> ScopeSwitch:
    """Fork the current scope for a `with` block, which yields the fork."""
    return ScopeSwitch(None, None, False)


def isolation_scope() -> ScopeSwitch:
    """Fork isolation and current scope for a `with` block, which yields the isolation scope's fork."""
    return ScopeSwitch(None, None, True)


def use_scope(scope: Scope) -> ScopeSwitch:
    """Make `scope` the current scope for a `with` block, which yields it."""
    return ScopeSwitch(scope, None, False)


def use_isolation_scope(isolation_scope: Scope) -> ScopeSwitch:
    """Make `isolation_scope` the isolation scope for a `with` block, which yields it; the current scope is forked."""
    return ScopeSwitch(None, isolation_scope, True)


def reset() -> None:
    """Forget the scopes of this context and of the process, the client included; for tests."""
    global _global_scope
    _global_scope = _make_scope(ScopeType.GLOBAL)
    _isolation_scope.set(None)
    _current_scope.set(None)
    _left.set(())
