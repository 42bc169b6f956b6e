"""The fields of a snapshot in C, for the compiled rooms; what they mean is said in the shared source."""

cimport cython

from tocsin._core.scope_state cimport ScopeState as State


cdef class ScopeSnapshot:
    cdef public str level
    cdef public object user
    cdef public dict tags
    cdef public dict extra
    cdef public dict contexts
    cdef public list fingerprint
    cdef public str transaction
    cdef public dict transaction_info
    cdef public list flags
    cdef public tuple attachments
    cdef public tuple rings
    cdef public tuple event_processors
    cdef public tuple error_processors
    cdef public dict trace

    cpdef absorb(self, State scope)
    cpdef bint says_little(self)


@cython.locals(snapshot=ScopeSnapshot)
cpdef ScopeSnapshot merged(State global_scope, State isolation_scope, State current_scope)
cpdef dict joined(dict base, dict over)
cpdef tuple extended(tuple base, tuple more)
