"""The keys that a dict's members get in JSON; see the pure twin. Called on the capturing thread, with the GIL."""

from cpython.bytes cimport PyBytes_CheckExact
from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject

from itertools import islice

from tocsin import limits as _limits
from tocsin._core.tcn_json cimport tcn_json_is_plain

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object)
    int PyUnicode_IS_COMPACT_ASCII(object)
    void *PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)

cdef Py_ssize_t KEY_CHARS = _limits.KEY_CHARS


def is_plain_key(key):
    """Whether `key` stands in JSON as it is; see the pure twin."""
    return bool(plain_key(key))


def plain_keys(value, breadth):
    """Return the plain ones among the first keys of a dict, for `unique_text`."""
    return {key: 0 for key in members(iter(dict.keys(value)), breadth) if plain_key(key)}


def unique_text(text, texts):
    """Return `text`, numbered if it is in `texts` already, and note it there; see the pure twin."""
    if text not in texts:
        texts[text] = 0
        return text
    count = texts[text]
    while True:
        count += 1
        numbered = f"{text}~{count}"
        if numbered not in texts:
            texts[text] = count
            texts[numbered] = 0
            return numbered


def members(members, breadth):
    """The first members of a container, taken at once; none if it was changed while they were taken."""
    try:
        return list(islice(members, breadth))
    except RuntimeError:
        return []


cdef bint plain_key(object key) except -1:
    if not PyUnicode_CheckExact(key) or PyUnicode_GET_LENGTH(key) > KEY_CHARS:
        return False
    if PyUnicode_IS_COMPACT_ASCII(key) and tcn_json_is_plain(<const char *>PyUnicode_DATA(key),
                                                             PyUnicode_GET_LENGTH(key)):
        return True
    return (<str>key).isprintable()


cdef PyObject *find_known(dict known_keys, object key) except? NULL:
    """What is remembered of a plain key, borrowed; NULL for one that is unknown, or not plain."""
    cdef PyObject *known
    if not PyUnicode_CheckExact(key):
        return NULL
    known = PyDict_GetItemWithError(known_keys, key)
    return known if known != NULL and PyBytes_CheckExact(<object>known) else NULL
