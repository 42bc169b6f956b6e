"""The fields of a scope in C, for the compiled rooms; what they mean is said in the shared source."""

cimport cython

from tocsin._core.breadcrumbs cimport BreadcrumbRing as Ring


cdef class ScopeState:
    cdef public object _type
    cdef public object _client
    cdef public object _lane
    cdef public bint _set_by_hand
    cdef public bint _touched
    cdef public str _level
    cdef public object _user
    cdef public dict _tags
    cdef public dict _extras
    cdef public dict _contexts
    cdef public list _fingerprint
    cdef public str _transaction
    cdef public dict _transaction_info
    cdef public tuple _attachments
    cdef public tuple _event_processors
    cdef public tuple _error_processors
    cdef public object _flags
    cdef public dict _trace
    cdef public object _last_event_id
    cdef public Ring _ring
    cdef public bint _ring_shared
    cdef public tuple _base_rings

    @cython.locals(copied=ScopeState)
    cpdef ScopeState fork(self)
    @cython.locals(tags=dict)
    cpdef set_tag(self, key, value)
    @cython.locals(ring=Ring)
    cpdef Ring _own_ring(self, Py_ssize_t capacity, object renderer)
    cpdef dict get_trace_context(self)
