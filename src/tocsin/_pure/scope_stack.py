"""Which scopes are in force: one for the process, and an isolation and a current one in each context.

Runs on the application's threads, a few times per request. Leaving a scope never raises: a generator may be closed in
another context than it was entered in, and two generators may leave in the order they entered.
"""

from __future__ import annotations

from contextvars import ContextVar

from tocsin._pure.scope_state import ScopeState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])
    ScopeVar = ContextVar[ScopeState | None]
    Entry = tuple[ScopeState, ScopeState | None, Token[ScopeState | None]]

current_scope_var: ScopeVar = ContextVar("tocsin_current_scope", default=None)
isolation_scope_var: ScopeVar = ContextVar("tocsin_isolation_scope", default=None)
# Scopes left in this context while another one, entered later, was still in force; each with what it had replaced.
left_scopes_var: ContextVar[tuple[tuple[ScopeState, ScopeState | None], ...]] = ContextVar(
    "tocsin_left_scopes", default=()
)
_LEFT_KEPT = 16

_make_scope: Callable[[str], Any]
_global_scope: Any
_inactive: Any


def install(make_scope: Callable[[str], ScopeState], inactive: Any) -> None:
    """Say how a fresh scope of a kind is made, and what stands in for a client where there is none."""
    global _make_scope, _global_scope, _inactive
    _make_scope = make_scope
    _inactive = inactive
    _global_scope = make_scope("global")


def get_global_scope() -> Any:
    """Return the scope of the whole process."""
    return _global_scope


def get_isolation_scope() -> Any:
    """Return the isolation scope of this context (a request, a task, a thread), made when there is none."""
    scope = isolation_scope_var.get()
    if scope is None:
        scope = _make_scope("isolation")
        isolation_scope_var.set(scope)
    return scope


def get_current_scope() -> Any:
    """Return the innermost scope of this context, made when there is none."""
    scope = current_scope_var.get()
    if scope is None:
        scope = _make_scope("current")
        current_scope_var.set(scope)
    return scope


def get_client() -> Any:
    """Return the first active client of current, isolation and global scope; else one that does nothing."""
    for scope in (current_scope_var.get(), isolation_scope_var.get(), _global_scope):
        if scope is not None:
            client = scope._client
            if client is not None and (scope._lane is not None or client.is_active()):
                return client
    return _inactive


def get_lane() -> Any:
    """Return the fast lane of the client that `get_client` would return; None if it has none."""
    for scope in (current_scope_var.get(), isolation_scope_var.get(), _global_scope):
        if scope is not None:
            if scope._lane is not None:
                return scope._lane
            if scope._client is not None and scope._client.is_active():
                return None
    return None


class ScopeSwitch:
    """Puts scopes in force for the length of a `with` block; works as a decorator too.

    Args:
        current: the scope to put in force as current one; None for a fork of the present one.
        isolation: the same for the isolation scope.
        isolates: whether the isolation scope is exchanged at all; the block is then given that one.
    """

    __slots__ = ("_current", "_entered", "_isolates", "_isolation")

    def __init__(self, current: ScopeState | None, isolation: ScopeState | None, isolates: bool) -> None:
        self._current = current
        self._isolation = isolation
        self._isolates = isolates
        self._entered: tuple[Entry, Entry | None] | None = None

    def __enter__(self) -> Any:
        # Both scopes are made before either is in force: a handler of a signal may raise on the way.
        isolation = isolation_before = None
        if self._isolates:
            isolation = self._isolation
            isolation_before = isolation_scope_var.get()
            if isolation is None:
                isolation = _make_scope("isolation") if isolation_before is None else isolation_before.fork()
        current = self._current
        before = current_scope_var.get()
        if current is None:
            current = _make_scope("current") if before is None else before.fork()
        try:
            outer = None
            if isolation is not None:
                outer = (isolation, isolation_before, isolation_scope_var.set(isolation))
            self._entered = ((current, before, current_scope_var.set(current)), outer)
        except BaseException:
            # The block is not begun, so its end will not put them back.
            current_scope_var.set(before)
            if isolation is not None:
                isolation_scope_var.set(isolation_before)
            raise
        return current if isolation is None else isolation

    def __exit__(self, *exc_info: object) -> None:
        entered = self._entered
        if entered is None:
            return
        self._entered = None
        inner, outer = entered
        _leave(current_scope_var, inner)
        if outer is not None:
            _leave(isolation_scope_var, outer)

    def __call__(self, function: Function) -> Function:
        """Run every call of `function` in scopes of its own."""
        from functools import wraps

        current, isolation, isolates = self._current, self._isolation, self._isolates

        @wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            with ScopeSwitch(current, isolation, isolates):
                return function(*args, **kwargs)

        return scoped  # type: ignore[return-value]


def _leave(variable: ScopeVar, entry: Entry) -> None:
    scope, before, token = entry
    present = variable.get()
    if present is scope:
        if left_scopes_var.get():
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
        left_scopes_var.set((*left_scopes_var.get(), (scope, before))[-_LEFT_KEPT:])


def _skip_left(before: ScopeState | None) -> ScopeState | None:
    """Return the scope to go back to, passing over those that have been left already."""
    pending = list(left_scopes_var.get())
    index = 0
    while index < len(pending):
        scope, replaced = pending[index]
        if scope is before:
            before = replaced
            del pending[index]
            index = 0
        else:
            index += 1
    left_scopes_var.set(tuple(pending))
    return before


def new_scope() -> ScopeSwitch:
    """Fork the current scope for a `with` block, which yields the fork."""
    return ScopeSwitch(None, None, False)


def isolation_scope() -> ScopeSwitch:
    """Fork isolation and current scope for a `with` block, which yields the isolation scope's fork."""
    return ScopeSwitch(None, None, True)
