"""The fields of the set in C, for the compiled rooms; what they mean is said in the shared source."""

cimport cython


cdef class IgnoredLoggers:
    cdef frozenset _names
    cdef dict _matchers
    cdef dict _answers

    @cython.locals(answers=dict)
    cpdef holds(self, name)
