"""What other rooms of the core use of stacks: what the serializer reads of one, and the calls that make one."""

from libc.stdint cimport uint32_t

from tocsin._core.tcn_json cimport tcn_json
from tocsin._core.tcn_site_table cimport tcn_site_table
from tocsin._core.values cimport Renderer
from tocsin._core.walk cimport PyFrameObject, PyTracebackObject, Walk


cdef class Stack:
    cdef public list heads
    cdef public list frames
    cdef public list totals

    cdef Py_ssize_t size(self) except -1


cdef class StackExtractor:
    cdef Renderer _renderer
    cdef object _classify
    cdef Py_ssize_t _max_frames
    cdef Py_ssize_t _max_chars
    cdef tcn_site_table *_table  # owned
    cdef list _sites  # Site or None (hidden), by the table's index
    cdef list _variables  # the names of a function's locals, in the frame's order, by the table's index
    cdef unsigned char *_is_function  # owned; by the table's index
    cdef dict _codes  # id of a code object: the weak reference that tells of its death
    cdef object __weakref__

    cpdef Stack exception(self, object error, object traceback, str mechanism, bint handled, object caller=*,
                          bint full=*)
    cpdef Stack current(self, object caller, bytes head=*)
    cpdef Stack traceback(self, object traceback, bytes head=*)

    cdef int add_root(self, Stack stack, object traceback, object caller, bint synthetic, bint full) except -1
    cdef int add_frames(self, Stack stack, object traceback, object caller, bint full) except -1
    cdef int render_frames(self, Stack stack, Walk *walk) except -1
    cdef int write_variables(self, tcn_json *out, PyFrameObject *frame, uint32_t site, bint clears) except -1
    cdef object find_site(self, PyFrameObject *frame, PyTracebackObject *trace, int lasti, uint32_t *index)
    cdef object add_site(self, object code, PyFrameObject *frame, PyTracebackObject *trace, int lasti,
                         uint32_t *index)
