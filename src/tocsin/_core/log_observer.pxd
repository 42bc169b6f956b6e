"""The types of the log observer's variables in C; what they mean is said in the shared source."""

cimport cython

from tocsin._core.breadcrumbs cimport BreadcrumbRing
from tocsin._core.fast_lane cimport FastLane as Lane
from tocsin._core.ignored_loggers cimport IgnoredLoggers as Ignored
from tocsin._core.scope_state cimport ScopeState


cdef Py_ssize_t _OWN
cdef Py_ssize_t _ARGUMENTS
cdef Py_ssize_t _TEXT_CHARS
cdef dict _levels


cdef class LogObserver:
    cdef object _absorb
    cdef object _busy
    cdef Ignored _ignored
    cdef object _make_breadcrumb
    cdef object _make_event

    @cython.locals(lane=Lane, makes_event=bint, makes_breadcrumb=bint)
    cpdef observe(self, record)
    @cython.locals(members=dict, ring=BreadcrumbRing, scope=ScopeState)
    cdef bint _add(self, Lane lane, record, levelno) except -1


cdef bint _are_plain(tuple values) except -1
