"""Which scopes are in force; see the pure twin. Runs on the application's threads, with the GIL held."""

cimport cython
from cpython.contextvars cimport PyContextVar_Get, PyContextVar_Set
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from cpython.tuple cimport PyTuple_GET_ITEM

from _contextvars import ContextVar

from tocsin._core.scope_state cimport ScopeState

from tocsin._core.scope_state import ScopeState as _ScopeState

cdef object pair_var = ContextVar("tocsin_scopes", default=(None, None))
cdef object left_var = ContextVar("tocsin_left_scopes", default=())

# The isolation and the current scope, in one variable: setting a variable costs more than all else in entering a block.
scopes_var = pair_var
# Scopes left in this context while another one, entered later, was still in force; each with what it had replaced.
left_scopes_var = left_var

cdef Py_ssize_t LEFT_KEPT = 16
# Whether a scope was ever left out of order: to ask a variable that is not set costs more than all else in leaving.
cdef bint any_left = False

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


def set_isolation_scope(ScopeState scope):
    """Put `scope` in force as isolation scope until the surrounding `with` is left; None stands for a fresh one."""
    PyContextVar_Set(pair_var, (scope, current_of(in_force())))


def set_current_scope(ScopeState scope):
    """Put `scope` in force as current scope until the surrounding `with` is left; None stands for a fresh one."""
    PyContextVar_Set(pair_var, (isolation_of(in_force()), scope))


def get_client():
    """Return the first active client of current, isolation and global scope; else one that does nothing."""
    cdef tuple pair = in_force()
    if has_client(current_of(pair)):
        return current_of(pair)._client
    if has_client(isolation_of(pair)):
        return isolation_of(pair)._client
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
    # What was put in force, what it replaced, and the token of that; None while nothing is entered.
    cdef tuple _entered
    cdef tuple _before
    cdef object _token

    def __init__(self, ScopeState current, ScopeState isolation, bint isolates):
        self._current = current
        self._isolation = isolation
        self._isolates = isolates

    def __enter__(self):
        cdef tuple before = in_force()
        cdef ScopeState isolation = isolation_of(before)
        cdef ScopeState current = current_of(before)
        cdef tuple entered
        # Both scopes are made before either is in force: a handler of a signal may raise in what a scope is made by.
        if self._isolates:
            if self._isolation is not None:
                isolation = self._isolation
            else:
                isolation = ScopeState.fork(blank_isolation if isolation is None else isolation)
        if self._current is not None:
            current = self._current
        else:
            current = ScopeState.fork(blank_current if current is None else current)
        entered = (isolation, current)
        self._token = PyContextVar_Set(pair_var, entered)
        self._entered = entered
        self._before = before
        return isolation if self._isolates else current

    def __exit__(self, kind=None, error=None, traceback=None):
        cdef tuple entered = self._entered
        if entered is not None:
            self._entered = None
            leave(self._isolates, entered, self._before, self._token)
            self._before = None
            self._token = None

    def __call__(self, function):
        """Run every call of `function` in scopes of its own."""
        from functools import wraps

        current, isolation, isolates = self._current, self._isolation, self._isolates

        # It takes the function's place, perhaps as a method.
        @cython.binding(True)
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


cdef tuple in_force():
    """The two scopes in force; the interpreter keeps the answer at hand, so this costs a few ns."""
    cdef PyObject *found = NULL
    cdef object pair
    PyContextVar_Get(pair_var, NULL, &found)
    pair = <object>found
    Py_DECREF(pair)  # that of the interpreter's answer; `pair` has its own
    return <tuple>pair


cdef ScopeState isolation_of(tuple pair):
    # Nothing but scopes and None is ever put there.
    return <ScopeState>PyTuple_GET_ITEM(pair, 0)


cdef ScopeState current_of(tuple pair):
    return <ScopeState>PyTuple_GET_ITEM(pair, 1)


cdef ScopeState isolation_in_force():
    cdef tuple pair = in_force()
    cdef ScopeState scope = isolation_of(pair)
    if scope is None:
        scope = ScopeState.fork(blank_isolation)
        PyContextVar_Set(pair_var, (scope, current_of(pair)))
    return scope


cdef ScopeState current_in_force():
    cdef tuple pair = in_force()
    cdef ScopeState scope = current_of(pair)
    if scope is None:
        scope = ScopeState.fork(blank_current)
        PyContextVar_Set(pair_var, (isolation_of(pair), scope))
    return scope


cdef bint has_client(ScopeState scope) except -1:
    """Whether a scope has a client that is active, as all of our own are."""
    if scope is None or scope._client is None:
        return False
    return scope._lane is not None or scope._client.is_active()


cdef object lane_in_force():
    cdef tuple pair = in_force()
    if has_client(current_of(pair)):
        return current_of(pair)._lane
    if has_client(isolation_of(pair)):
        return isolation_of(pair)._lane
    return global_scope._lane if has_client(global_scope) else None


cdef int leave(bint isolates, tuple entered, tuple before, object token) except -1:
    cdef tuple present = in_force()
    cdef ScopeState isolation = isolation_of(present)
    cdef ScopeState current = current_of(present)
    cdef bint is_here = True
    if current is not current_of(entered) or (isolates and isolation is not isolation_of(entered)):
        # Left out of order, or in another context than the one that was entered: the token can tell.
        try:
            pair_var.reset(token)
        except (ValueError, RuntimeError):
            is_here = False
    current = left(current, current_of(entered), current_of(before), is_here)
    if isolates:
        isolation = left(isolation, isolation_of(entered), isolation_of(before), is_here)
    PyContextVar_Set(pair_var, (isolation, current))
    return 0


cdef ScopeState left(ScopeState present, ScopeState scope, ScopeState before, bint is_here):
    """What is to be in force where `present` is, once `scope`, which had replaced `before`, is left."""
    global any_left
    if present is scope:
        return skip_left(before) if any_left else before
    if not is_here:
        # In this context the scope was never in force.
        return present
    if present is None or present._set_by_hand or scope is None:
        return before
    # The scope entered later stays in force, and must not give way to this one.
    any_left = True
    left_var.set((*left_var.get(), (scope, before))[-LEFT_KEPT:])
    return present


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
