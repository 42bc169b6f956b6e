"""What the other rooms of the core use of values: writing into their own buffer."""

from cpython.object cimport PyObject

from tocsin._core.tcn_json cimport tcn_json

cdef enum:
    PARENTS_MAX = 32
    SLOTS_MAX = 64


# One run of the writer: where it writes, and the containers it is inside of (borrowed: each is held by the one above
# it or by the caller).
cdef struct Writer:
    tcn_json *out
    int parent_count
    void *parents[PARENTS_MAX]


cdef class Renderer:
    cdef object _is_secret
    cdef object _represent
    cdef dict _known_keys
    cdef Py_ssize_t _breadth
    cdef Py_ssize_t _max_chars

    cpdef tuple keys(self, tuple names)
    cdef object learn(self, str key)
    cdef int write_entry(self, Writer *writer, PyObject *known, str key, object value, bint native, int depth,
                         size_t end) except -1
    cdef int write_value(self, Writer *writer, object value, bint native, int depth, size_t end) except -1
    cdef int write_sequence(self, Writer *writer, object value, bint native, int depth, size_t end) except -1
    cdef int write_set(self, Writer *writer, object value, bint native, int depth, size_t end) except -1
    cdef int write_mapping(self, Writer *writer, dict value, bint native, int depth, size_t end) except -1
    cdef int write_variables(self, tcn_json *out, dict names, bint is_module) except -1
    cdef int write_slots(self, tcn_json *out, PyObject **keys, PyObject **values, Py_ssize_t count,
                         Py_ssize_t total) except -1
