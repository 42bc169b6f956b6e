"""What the values room uses of leaves: writing them into its buffer."""

from tocsin._core.tcn_json cimport tcn_json

cdef enum:
    LEAST_TEXT_BYTES = 8


cdef int write_text(tcn_json *out, str text, bint native, size_t end, Py_ssize_t max_chars) except -1
cdef int write_integer(tcn_json *out, object value, bint native) except -1
cdef int write_floating(tcn_json *out, double value, bint native) except -1
cdef bint write_object(tcn_json *out, object value, dict known_keys, Py_ssize_t room) except -1
