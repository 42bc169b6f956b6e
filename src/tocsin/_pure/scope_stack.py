"""Which scopes are in force: one for the process, and an isolation and a current one in each context.

Runs on the application's threads, a few times per request. Leaving a scope never raises: a generator may be closed in
another context than it was entered in, and two generators may leave in the order they entered.
"""

from __future__ import annotations

from _contextvars import ContextVar

from tocsin._pure.scope_state import ScopeState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])
    Pair = tuple[ScopeState | None, ScopeState | None]

# The isolation and the current scope, in one variable: setting a variable costs more than all else in entering a block.
scopes_var: ContextVar[Pair] = ContextVar("tocsin_scopes", default=(None, None))
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
    isolation = scopes_var.get()[0]
    if isolation is None:
        made = _make_scope("isolation")
        # Asked again: a signal handler may have run while it was made, and have said something on scopes of its own.
        isolation, current = scopes_var.get()
        if isolation is None:
            isolation = made
            scopes_var.set((made, current))
    return isolation


def get_current_scope() -> Any:
    """Return the innermost scope of this context, made when there is none."""
    current = scopes_var.get()[1]
    if current is None:
        made = _make_scope("current")
        isolation, current = scopes_var.get()
        if current is None:
            current = made
            scopes_var.set((isolation, made))
    return current


def set_isolation_scope(scope: ScopeState | None) -> None:
    """Put `scope` in force as isolation scope until the surrounding `with` is left; None stands for a fresh one."""
    scopes_var.set((scope, scopes_var.get()[1]))


def set_current_scope(scope: ScopeState | None) -> None:
    """Put `scope` in force as current scope until the surrounding `with` is left; None stands for a fresh one."""
    scopes_var.set((scopes_var.get()[0], scope))


def get_client() -> Any:
    """Return the first active client of current, isolation and global scope; else one that does nothing."""
    isolation, current = scopes_var.get()
    for scope in (current, isolation, _global_scope):
        if scope is not None:
            client = scope._client
            if client is not None and (scope._lane is not None or client.is_active()):
                return client
    return _inactive


def get_lane() -> Any:
    """Return the fast lane of the client that `get_client` would return; None if it has none."""
    isolation, current = scopes_var.get()
    for scope in (current, isolation, _global_scope):
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
        # What was put in force, what it replaced, and the token of that; None while nothing is entered.
        self._entered: tuple[Pair, Pair, Token[Pair]] | None = None

    def __enter__(self) -> Any:
        before = scopes_var.get()
        isolation, current = before
        # Both scopes are made before either is in force: a handler of a signal may raise on the way.
        if self._isolates:
            isolation = self._isolation
            if isolation is None:
                isolation = _make_scope("isolation") if before[0] is None else before[0].fork()
        if self._current is not None:
            current = self._current
        else:
            current = _make_scope("current") if current is None else current.fork()
        entered = (isolation, current)
        try:
            self._entered = (entered, before, scopes_var.set(entered))
        except BaseException:
            # The block is not begun, so its end will not put them back.
            scopes_var.set(before)
            raise
        return isolation if self._isolates else current

    def __exit__(self, *exc_info: object) -> None:
        entered = self._entered
        if entered is not None:
            self._entered = None
            _leave(self._isolates, *entered)

    def __call__(self, function: Function) -> Function:
        """Run every call of `function` in scopes of its own."""
        from functools import wraps

        current, isolation, isolates = self._current, self._isolation, self._isolates

        @wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            with ScopeSwitch(current, isolation, isolates):
                return function(*args, **kwargs)

        return scoped  # type: ignore[return-value]


def _leave(isolates: bool, entered: Pair, before: Pair, token: Token[Pair]) -> None:
    present = scopes_var.get()
    isolation, current = present
    is_here = True
    if current is not entered[1] or (isolates and isolation is not entered[0]):
        # Left out of order, or in another context than the one that was entered: the token can tell.
        try:
            scopes_var.reset(token)
        except (ValueError, RuntimeError):
            is_here = False
    current = _left(current, entered[1], before[1], is_here)
    if isolates:
        isolation = _left(isolation, entered[0], before[0], is_here)
    scopes_var.set((isolation, current))


def _left(
    present: ScopeState | None, scope: ScopeState | None, before: ScopeState | None, is_here: bool
) -> ScopeState | None:
    """Return what is to be in force where `present` is, once `scope`, which had replaced `before`, is left."""
    if present is scope:
        return _skip_left(before) if left_scopes_var.get() else before
    if not is_here:
        # In this context the scope was never in force.
        return present
    if present is None or present._set_by_hand or scope is None:
        return before
    # The scope entered later stays in force, and must not give way to this one.
    left_scopes_var.set((*left_scopes_var.get(), (scope, before))[-_LEFT_KEPT:])
    return present


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
