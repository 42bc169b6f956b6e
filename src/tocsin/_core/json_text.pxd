"""Writing strings into a buffer, and making bytes of it."""

from tocsin._core.tcn_json cimport tcn_json


cdef int write_string(tcn_json *out, str text) except -1
cdef bytes as_bytes(tcn_json *out)
