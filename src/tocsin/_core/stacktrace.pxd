"""What the serializer reads of a stack."""

cdef class Stack:
    cdef public list heads
    cdef public list frames
    cdef public list totals
