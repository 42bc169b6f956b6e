"""What the other rooms of the core use of the scopes in force: looking them up without a Python call."""

from tocsin._core.scope_state cimport ScopeState

cdef ScopeState isolation_in_force()
cdef ScopeState current_in_force()
cdef object lane_in_force()
