"""Which scopes are in force; see the pure twin. Runs on the application's threads, with the GIL held."""

cimport cython
from cpython.contextvars cimport PyContextVar_Get, PyContextVar_Set
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF

from contextvars import ContextVar

from tocsin._core.scope_state cimport ScopeState

from tocsin._core.scope_state import ScopeState as _ScopeState

cdef object current_var = ContextVar("tocsin_current_scope", default=None)
cdef object isolation_var = ContextVar("tocsin_isolation_scope", default=None)
cdef object left_var = ContextVar("tocsin_left_scopes", default=())
cdef Py_ssize_t LEFT_KEPT = 16
# Whether a scope was ever left out of order: to ask a variable that is not set costs more than all else in leaving.
cdef bint any_left = False

current_scope_var = current_var
isolation_scope_var = isolation_var
# Scopes left in this context while another one, entered later, was still in force; each with what it had replaced.
left_scopes_var = left_var

# Scopes that nobody ever writes to: a fork of one is a fresh scope at a quarter of what making it costs.
cdef ScopeState blank_isolation = None
cdef ScopeState blank_current = None
cdef ScopeState global_scope = None
cdef object inactive_client = None


def install(make_scope, inactive):
    """Say how a fresh scope of a kind is made, and what stands in for a client where there is none."""
    global blank_isolation, blank_current, global_scope, inactive_client
    inactive_client = inactive
    blank_isolation = make_scope("isolation")
    blank_current = make_scope("current")
    global_scope = make_scope("global")


def get_global_scope():
    """Return the scope of the whole process."""
    return global_scope


def get_isolation_scope():
    """Return the isolation scope of this context (a request, a task, a thread), made when there is none."""
    return isolation_in_force()


def get_current_scope():
    """Return the innermost scope of this context, made when there is none."""
    return current_in_force()


def get_client():
    """Return the first active client of current, isolation and global scope; else one that does nothing."""
    cdef ScopeState scope = value_of(current_var)
    if has_client(scope):
        return scope._client
    scope = value_of(isolation_var)
    if has_client(scope):
        return scope._client
    if has_client(global_scope):
        return global_scope._client
    return inactive_client


def get_lane():
    """Return the fast lane of the client that `get_client` would return; None if it has none."""
    return lane_in_force()


@cython.final
@cython.freelist(64)
cdef class ScopeSwitch:
    """Puts scopes in force for the length of a `with` block; works as a decorator too. See the pure twin."""

    cdef ScopeState _current
    cdef ScopeState _isolation
    cdef bint _isolates
    # What was entered, what it replaced, and the token of that; None while nothing is entered.
    cdef ScopeState _inner
    cdef ScopeState _inner_before
    cdef object _inner_token
    cdef ScopeState _outer
    cdef ScopeState _outer_before
    cdef object _outer_token

    def __init__(self, ScopeState current, ScopeState isolation, bint isolates):
        self._current = current
        self._isolation = isolation
        self._isolates = isolates

    def __enter__(self):
        cdef ScopeState before, current
        cdef ScopeState isolation = None, isolation_before = None
        # Both scopes are made before either is in force: a handler of a signal may raise in what a scope is made by.
        if self._isolates:
            isolation = self._isolation
            isolation_before = value_of(isolation_var)
            if isolation is None:
                isolation = ScopeState.fork(blank_isolation if isolation_before is None else isolation_before)
        current = self._current
        before = value_of(current_var)
        if current is None:
            current = ScopeState.fork(blank_current if before is None else before)
        if isolation is not None:
            self._outer_token = PyContextVar_Set(isolation_var, isolation)
            self._outer = isolation
            self._outer_before = isolation_before
        self._inner_token = PyContextVar_Set(current_var, current)
        self._inner = current
        self._inner_before = before
        return self._outer if self._isolates else current

    def __exit__(self, kind=None, error=None, traceback=None):
        cdef ScopeState inner = self._inner
        cdef ScopeState outer = self._outer
        if inner is not None:
            self._inner = None
            leave(current_var, inner, self._inner_before, self._inner_token)
            self._inner_before = None
            self._inner_token = None
        if outer is not None:
            self._outer = None
            leave(isolation_var, outer, self._outer_before, self._outer_token)
            self._outer_before = None
            self._outer_token = None

    def __call__(self, function):
        """Run every call of `function` in scopes of its own."""
        from functools import wraps

        current, isolation, isolates = self._current, self._isolation, self._isolates

        @wraps(function)
        def scoped(*args, **kwargs):
            with ScopeSwitch(current, isolation, isolates):
                return function(*args, **kwargs)

        return scoped


def new_scope():
    """Fork the current scope for a `with` block, which yields the fork."""
    return ScopeSwitch.__new__(ScopeSwitch)


def isolation_scope():
    """Fork isolation and current scope for a `with` block, which yields the isolation scope's fork."""
    cdef ScopeSwitch switch = ScopeSwitch.__new__(ScopeSwitch)
    switch._isolates = True
    return switch


cdef ScopeState value_of(object variable):
    """What the variable holds in this context; the interpreter keeps the answer at hand, so this costs a few ns."""
    cdef PyObject *found = NULL
    cdef object value
    PyContextVar_Get(variable, NULL, &found)
    value = <object>found
    Py_DECREF(value)  # that of the interpreter's answer; `value` has its own
    return value


cdef ScopeState isolation_in_force():
    cdef ScopeState scope = value_of(isolation_var)
    if scope is None:
        scope = ScopeState.fork(blank_isolation)
        PyContextVar_Set(isolation_var, scope)
    return scope


cdef ScopeState current_in_force():
    cdef ScopeState scope = value_of(current_var)
    if scope is None:
        scope = ScopeState.fork(blank_current)
        PyContextVar_Set(current_var, scope)
    return scope


cdef bint has_client(ScopeState scope) except -1:
    """Whether a scope has a client that is active, as all of our own are."""
    if scope is None or scope._client is None:
        return False
    return scope._lane is not None or scope._client.is_active()


cdef object lane_in_force():
    cdef ScopeState scope = value_of(current_var)
    if has_client(scope):
        return scope._lane
    scope = value_of(isolation_var)
    if has_client(scope):
        return scope._lane
    return global_scope._lane if has_client(global_scope) else None


cdef int leave(object variable, ScopeState scope, ScopeState before, object token) except -1:
    global any_left
    cdef ScopeState present = value_of(variable)
    if present is scope:
        if any_left:
            before = skip_left(before)
        PyContextVar_Set(variable, before)
        return 0
    try:
        variable.reset(token)
    except (ValueError, RuntimeError):
        # Another context than the one that was entered: the scope was never in force here.
        return 0
    if present is not None and not present._set_by_hand:
        # Left out of order: the scope entered later stays in force, and must not give way to this one.
        PyContextVar_Set(variable, present)
        any_left = True
        left_var.set((*left_var.get(), (scope, before))[-LEFT_KEPT:])
    return 0


cdef ScopeState skip_left(ScopeState before):
    """Return the scope to go back to, passing over those that have been left already."""
    cdef list pending = list(left_var.get())
    cdef Py_ssize_t index = 0
    while index < len(pending):
        scope, replaced = pending[index]
        if scope is before:
            before = replaced
            del pending[index]
            index = 0
        else:
            index += 1
    left_var.set(tuple(pending))
    return before
