"""What every member of every dict goes through: the test of its key, and what is remembered of it."""

from cpython.object cimport PyObject

cdef bint plain_key(object key) except -1
cdef PyObject *find_known(dict known_keys, object key) except? NULL
