"""What the stacktrace room uses of heads."""

cdef bint is_single(object error) except -1
cpdef bytes exception_head(object error, str mechanism, bint handled, bint synthetic, Py_ssize_t index, bint in_tree,
                           Py_ssize_t parent, object source, bint is_group, Py_ssize_t max_chars)
