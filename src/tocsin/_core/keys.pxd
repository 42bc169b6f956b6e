"""The test of a key, which every member of every dict goes through."""

cdef bint plain_key(object key) except -1
