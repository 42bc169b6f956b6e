"""The fields of the fast lane in C, for the compiled rooms; what they mean is said in the shared source."""

cimport cython

from tocsin._core.gate cimport Gate as TheGate
from tocsin._core.snapshot cimport ScopeSnapshot as Snapshot


cdef class FastLane:
    cdef object __weakref__
    cdef readonly object stats
    cdef readonly TheGate gate
    cdef public object extractor
    cdef readonly object renderer
    cdef readonly object before_breadcrumb
    cdef readonly Py_ssize_t max_breadcrumbs
    cdef readonly bint has_hooks
    cdef public bint is_direct
    cdef public object log_level
    cdef public object log_event_level
    cdef object _fields
    cdef object _hook_lane
    cdef bint _attaches_stacktrace
    cdef bint _adds_full_stack
    cdef tuple _remembered
    cdef object _offer
    cdef object _is_limited
    cdef object _is_full
    cdef object _transport

    cpdef set_transport(self, transport)
    # Of no type in C: what is wrong with them is to be found where failures are counted.
    cpdef capture_exception(self, error=*, argument=*, mechanism=*, handled=*, hint=*, level=*)
    cdef _capture_thing(self, thing, argument, mechanism, handled, hint, level)
    cpdef capture_message(self, message, level=*, argument=*, hint=*)
    cdef Snapshot _snapshot(self, argument)
    @cython.locals(breadcrumbs=list, rings=tuple, attachments=tuple, event_id=str)
    cpdef send(self, Snapshot snapshot, str level, bytes head, stack, str stack_key, hint, exc_info)
    @cython.locals(tags=dict, trace=dict, made=bytes, remembered=tuple)
    cdef bytes _members(self, Snapshot snapshot)
    cpdef bint offer(self, item) except -1
    cpdef bint refuses(self, str reason) except -1


cdef bint _is_exc_info(tuple value) except -1
cdef bint _are_texts(dict tags) except -1
