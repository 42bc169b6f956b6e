"""Sites as the other rooms of the core see them: as C members, at no attribute lookup."""


cdef class Site:
    cdef public str function
    cdef public str module
    cdef public str abs_path
    cdef public object lineno
    cdef public object in_app
    cdef public bint is_function
    cdef public tuple variables
    cdef public tuple keys
    cdef public bytes head
    cdef public bytes line
    cdef public bytes around
    cdef bint is_direct  # the slots of its frames are `variables`: they are read there
