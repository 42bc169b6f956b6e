"""What other rooms of the core use of stacks: what the serializer reads of one, and the calls that make one."""

from tocsin._core.tcn_site_table cimport tcn_site_table
from tocsin._core.values cimport Renderer


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
    cdef dict _codes  # id of a code object: the weak reference that tells of its death
    cdef object __weakref__

    cpdef Stack exception(self, object error, object traceback, str mechanism, bint handled, object caller=*,
                          bint full=*)
    cpdef Stack current(self, object caller, bytes head=*)
    cpdef Stack traceback(self, object traceback, bytes head=*)
