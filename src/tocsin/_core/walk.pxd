"""What the stacktrace room uses of walks: the frames, held in plain memory while they are rendered."""

from cpython.object cimport PyObject

cdef enum:
    FRAMES_MAX = 250


cdef extern from "tcn_pycompat.h":
    ctypedef struct PyFrameObject:
        pass
    ctypedef struct PyTracebackObject:
        PyTracebackObject *tb_next
        PyFrameObject *tb_frame
        int tb_lasti


# The frames of one walk, outermost first once it is done. Every pointer is owned.
cdef struct Walk:
    PyFrameObject *frames[FRAMES_MAX]
    PyTracebackObject *traces[FRAMES_MAX]  # NULL for a running frame
    int lastis[FRAMES_MAX]
    Py_ssize_t count
    Py_ssize_t total


cdef int collect(Walk *walk, object traceback, object caller, Py_ssize_t max_frames) except -1
cdef int release(Walk *walk) except -1
