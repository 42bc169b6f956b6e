"""The fields of the gate in C, for the compiled rooms; what they mean is said in the shared source."""


cdef class Gate:
    cdef tuple _ignored_classes
    cdef frozenset _ignored_names
    cdef object _module
    cdef public bint dedupes
    cdef public double sample_rate
    cdef public bint samples

    cpdef str refuses_error(self, object error)
    cpdef str refuses(self)
    cpdef bint draws(self, double rate) except -1
    cdef bint _is_named(self, object kind) except -1


cpdef mark(object error, str event_id)
