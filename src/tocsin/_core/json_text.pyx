"""JSON strings, and the buffers that they are written into; see the pure twin. Called on any thread, with the GIL."""

from cpython.bytes cimport PyBytes_FromStringAndSize

from tocsin._core.tcn_json cimport tcn_json, tcn_json_bounded, tcn_json_free, tcn_json_init, tcn_json_string

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object)
    int PyUnicode_KIND(object)
    void *PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)


class Fragment(bytes):
    """Bytes that are JSON already: a writer passes them on as they are."""

    __slots__ = ()


def json_string(text):
    """Return `text` as a JSON string in UTF-8, quotes included; see the pure twin."""
    cdef tcn_json out
    cdef char storage[1024]
    if not PyUnicode_CheckExact(text):
        text = str.__str__(text)
    tcn_json_init(&out, storage, sizeof(storage))
    try:
        write_string(&out, text)
        return as_bytes(&out)
    finally:
        tcn_json_free(&out)


def bounded_string(text, room):
    """Return `text` as a JSON string with at most `room` bytes between its quotes; see the pure twin."""
    cdef tcn_json out
    cdef char storage[1024]
    tcn_json_init(&out, storage, sizeof(storage))
    try:
        tcn_json_bounded(&out, PyUnicode_KIND(text), PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text), room)
        return as_bytes(&out)
    finally:
        tcn_json_free(&out)


cdef bytes as_bytes(tcn_json *out):
    """The content of a buffer as a bytes object of exactly its size; MemoryError if a write to it failed."""
    if out.has_failed:
        raise MemoryError
    return PyBytes_FromStringAndSize(out.bytes, out.size)


cdef int write_string(tcn_json *out, str text) except -1:
    tcn_json_string(out, PyUnicode_KIND(text), PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))
    return 0
