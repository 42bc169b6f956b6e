"""What the other rooms of the core use of breadcrumbs: adding one without a Python call, and reading one."""

from tocsin._core.values cimport Renderer


cdef class Breadcrumb:
    cdef double timestamp_s
    cdef str type
    cdef str category
    cdef str level
    cdef str template  # the message, or with `args` what it is made of
    cdef tuple args  # plain values, or None
    cdef bytes rendered  # the data as JSON, or None
    cdef tuple plain  # the data's keys and values in turn, if they are plain; or None
    cdef Py_ssize_t max_chars  # what the message is cut to once it is made

    cdef tuple fields(self)
    cdef str message(self)
    cdef bytes data(self)


cdef class BreadcrumbRing:
    cdef Renderer _renderer
    cdef Py_ssize_t _capacity
    cdef Py_ssize_t _total  # added since the ring was made or cleared
    cdef Py_ssize_t _size
    cdef Py_ssize_t _next  # the slot that the next breadcrumb goes to
    cdef list _slots  # `_capacity` of them: a Breadcrumb or None

    cdef int put(self, double timestamp_s, object type, object category, object level, object message, tuple args,
                 object data) except -1
    cpdef add(self, double timestamp_s, object type=*, object category=*, object level=*, object message=*, object data=*)
    cpdef add_formatted(self, double timestamp_s, object type, object category, object level, object template, object args, object data=*)
    cdef list entries(self)
