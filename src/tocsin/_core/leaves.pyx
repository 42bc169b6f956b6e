"""Values that are written whole: texts, numbers, and objects as what they are; see the pure twin.

Called on the capturing thread with the GIL held. No object is made for what is plain.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError, PyDict_Next
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.mem cimport PyMem_Free
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_GET_LENGTH
from libc.string cimport strlen

from types import GetSetDescriptorType

from tocsin import limits as _limits
from tocsin._core.describe import DESCRIBED_MODULES, cut

from tocsin._core.json_text cimport as_bytes
from tocsin._core.keys cimport find_known
from tocsin._core.tcn_json cimport (
    tcn_json,
    tcn_json_bounded,
    tcn_json_byte,
    tcn_json_free,
    tcn_json_init,
    tcn_json_int64,
    tcn_json_is_plain,
    tcn_json_put,
    tcn_json_raw,
    tcn_json_short_double,
)

cdef extern from "Python.h":
    int PyUnicode_IS_COMPACT_ASCII(object)
    int PyUnicode_KIND(object)
    void *PyUnicode_DATA(object)
    char *PyOS_double_to_string(double value, char format, int precision, int flags, int *kind) except NULL
    int Py_DTSF_ADD_DOT_0
    ctypedef struct PyTypeObject:
        pass
    PyTypeObject *Py_TYPE(object)
    void Py_INCREF(PyObject *)
    void Py_DECREF(PyObject *)
    PyObject *_PyType_Lookup(PyTypeObject *kind, object name)

cdef extern from "tcn_pycompat.h":
    int tcn_type_is_ordinary(PyTypeObject *kind)
    object tcn_described(PyObject *descriptor, object value)
    PyObject *tcn_type_qualname(PyTypeObject *kind)
    PyObject *tcn_type_module(PyTypeObject *kind, object key) except? NULL
    const char *tcn_type_builtin_name(PyTypeObject *kind)

cdef enum:
    ATTRIBUTES_MAX = 8

cdef int INTEGER_BITS = _limits.INTEGER_BITS
cdef Py_ssize_t NAME_CHARS = _limits.NAME_CHARS
cdef Py_ssize_t ATTRIBUTES = _limits.ATTRIBUTES
cdef Py_ssize_t OWN_ATTRIBUTES = 4 * ATTRIBUTES
cdef Py_ssize_t ATTRIBUTE_CHARS = _limits.ATTRIBUTE_CHARS
cdef str REPRESENTATION = "__sentry_repr__"
cdef str SLOTS = "__slots__"
cdef str DICT = "__dict__"
cdef str MODULE = "__module__"
cdef str ENUM_NAME = "_name_"
if ATTRIBUTES > ATTRIBUTES_MAX:
    raise ImportError("limits.py allows more attributes than the core was compiled for")


def json_integer(value, native):
    """Return an integer as JSON; see the pure twin."""
    cdef tcn_json out
    cdef char storage[256]
    tcn_json_init(&out, storage, sizeof(storage))
    try:
        write_integer(&out, value, native)
        return as_bytes(&out)
    finally:
        tcn_json_free(&out)


def json_float(value, native):
    """Return a float as JSON; see the pure twin."""
    cdef tcn_json out
    cdef char storage[64]
    tcn_json_init(&out, storage, sizeof(storage))
    try:
        write_floating(&out, value, native)
        return as_bytes(&out)
    finally:
        tcn_json_free(&out)


cdef int write_text(tcn_json *out, str text, bint native, size_t end, Py_ssize_t max_chars) except -1:
    """A text as itself (`native`) or as its repr, cut to the bytes that are left before `end`."""
    cdef Py_ssize_t length
    cdef Py_ssize_t room = <Py_ssize_t>end - <Py_ssize_t>out.size - 2
    cdef Py_ssize_t shown
    if room < LEAST_TEXT_BYTES:
        room = LEAST_TEXT_BYTES
    if native:
        if max_chars <= room and PyUnicode_GET_LENGTH(text) > max_chars:
            text = cut(text[:max_chars + 1], max_chars)
    else:
        length = PyUnicode_GET_LENGTH(text)
        shown = length if length <= room else room + 1
        if PyUnicode_IS_COMPACT_ASCII(text) and tcn_json_is_plain(<const char *>PyUnicode_DATA(text), shown):
            # Most text is its own repr in quotes: no object is made for it.
            tcn_json_put(out, b"\"'")
            if length + 2 <= room:
                tcn_json_raw(out, <const char *>PyUnicode_DATA(text), length)
                tcn_json_put(out, b"'\"")
            else:
                tcn_json_raw(out, <const char *>PyUnicode_DATA(text), room - 4)
                tcn_json_put(out, b'..."')
            return 0
        text = repr(text[:shown])
    length = PyUnicode_GET_LENGTH(text)
    tcn_json_bounded(out, PyUnicode_KIND(text), PyUnicode_DATA(text), length, room)
    return 0


cdef int write_integer(tcn_json *out, object value, bint native) except -1:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    cdef bytes text
    if overflow == 0:
        if native:
            tcn_json_int64(out, number)
        else:
            tcn_json_byte(out, b'"')
            tcn_json_int64(out, number)
            tcn_json_byte(out, b'"')
        return 0
    value = int.__int__(value)
    if native and 0 < value <= 0xFFFFFFFFFFFFFFFF:
        text = b"%d" % value
    elif value.bit_length() > INTEGER_BITS:
        text = b'"<int of %d bits>"' % value.bit_length()
    else:
        text = b'"%d"' % value
    tcn_json_raw(out, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    return 0


cdef int write_floating(tcn_json *out, double value, bint native) except -1:
    # JSON has no NaN and no infinity: they stay readable as text.
    cdef bint quoted = not (native and value - value == 0.0)
    if quoted:
        tcn_json_byte(out, b'"')
    write_double(out, value)
    if quoted:
        tcn_json_byte(out, b'"')
    return 0


cdef int write_double(tcn_json *out, double value) except -1:
    """Write what repr() says."""
    cdef char *text
    if not tcn_json_short_double(out, value):
        text = PyOS_double_to_string(value, b'r', 0, Py_DTSF_ADD_DOT_0, NULL)
        tcn_json_raw(out, text, strlen(text))
        PyMem_Free(text)
    return 0


cdef bint write_object(tcn_json *out, object value, dict known_keys, Py_ssize_t room) except -1:
    """Write what describe() says of an object with plain attributes; False, with nothing written, of another.

    Most objects in locals are such: this takes a tenth of the time of a text that is made and then written. With
    `known_keys` (see Renderer.learn) only names that are known there are plain.
    """
    cdef size_t start = out.size
    cdef PyTypeObject *kind = Py_TYPE(value)
    cdef PyObject *descriptor
    cdef PyObject *names[ATTRIBUTES_MAX]
    cdef PyObject *values[ATTRIBUTES_MAX]
    cdef PyObject *name
    cdef PyObject *item
    cdef Py_ssize_t position = 0, seen = 0, count = 0, held = 0, index, length
    cdef bint is_written = True
    cdef object own
    if (not tcn_type_is_ordinary(kind) or _PyType_Lookup(kind, REPRESENTATION) != NULL
            or _PyType_Lookup(kind, SLOTS) != NULL):
        return False
    tcn_json_put(out, b'"<')
    if not write_type_name(out, kind, DESCRIBED_MODULES):
        out.size = start
        return False
    descriptor = _PyType_Lookup(kind, DICT)
    try:
        if descriptor != NULL:
            own = tcn_described(descriptor, value) if type(<object>descriptor) is GetSetDescriptorType else None
            is_written = type(own) is dict and PyDict_GetItemWithError(own, ENUM_NAME) == NULL
            while is_written and seen < OWN_ATTRIBUTES and PyDict_Next(own, &position, &name, &item):
                seen += 1
                if not PyUnicode_CheckExact(<object>name):
                    continue
                count += 1
                if count > ATTRIBUTES:
                    break
                # Held: the keys of a type's dict may be objects with an opinion on equality.
                Py_INCREF(name)
                Py_INCREF(item)
                names[held] = name
                values[held] = item
                held += 1
        for index in range(held):
            is_written = is_written and write_attribute(out, <str>names[index], <object>values[index], known_keys)
    except Exception:
        is_written = False
    finally:
        for index in range(held):
            Py_DECREF(names[index])
            Py_DECREF(values[index])
    if not is_written:
        out.size = start
        return False
    if count > ATTRIBUTES:
        tcn_json_put(out, b" ...")
    tcn_json_byte(out, b">")
    length = <Py_ssize_t>(out.size - start) - 1
    if length > room:
        out.size = start + 1 + room - 3
        tcn_json_put(out, b"...")
    tcn_json_byte(out, b'"')
    return True


cdef bint write_attribute(tcn_json *out, str name, object value, dict known_keys) except -1:
    """Write ` name=value`; False if either is not plain, or it is not known whether it is a secret."""
    cdef PyObject *known
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(name)
    if (length > ATTRIBUTE_CHARS or not PyUnicode_IS_COMPACT_ASCII(name)
            or not tcn_json_is_plain(<const char *>PyUnicode_DATA(name), length)):
        return False
    tcn_json_byte(out, b" ")
    tcn_json_raw(out, <const char *>PyUnicode_DATA(name), length)
    tcn_json_byte(out, b"=")
    if known_keys is not None:
        known = find_known(known_keys, name)
        if known == NULL:
            return False
        if PyBytes_AS_STRING(<object>known)[PyBytes_GET_SIZE(<object>known) - 1] != c":":
            tcn_json_put(out, b"'[Filtered]'")
            return True
    return write_leaf(out, value)


cdef bint write_type_name(tcn_json *out, PyTypeObject *kind, object but) except -1:
    """Write a type's dotted name; False if it is of a module among `but` or, as few are, not plain."""
    cdef PyObject *module
    cdef PyObject *name = tcn_type_qualname(kind)
    cdef const char *builtin
    if name == NULL:
        builtin = tcn_type_builtin_name(kind)
        if builtin == NULL or strlen(builtin) > NAME_CHARS or not tcn_json_is_plain(builtin, strlen(builtin)):
            return False
        tcn_json_raw(out, builtin, strlen(builtin))
        return True
    module = tcn_type_module(kind, MODULE)
    if module == NULL or not is_plain_name(<object>module) or not is_plain_name(<object>name):
        return False
    if but is not None and <object>module in <frozenset>but:
        return False
    if not <str>module == "builtins":
        tcn_json_raw(out, <const char *>PyUnicode_DATA(<object>module), PyUnicode_GET_LENGTH(<object>module))
        tcn_json_byte(out, b".")
    tcn_json_raw(out, <const char *>PyUnicode_DATA(<object>name), PyUnicode_GET_LENGTH(<object>name))
    return True


cdef inline bint is_plain_name(object name):
    return (PyUnicode_CheckExact(name) and PyUnicode_GET_LENGTH(name) <= NAME_CHARS
            and PyUnicode_IS_COMPACT_ASCII(name)
            and tcn_json_is_plain(<const char *>PyUnicode_DATA(name), PyUnicode_GET_LENGTH(name)))


cdef bint write_leaf(tcn_json *out, object value) except -1:
    """Write what describe.leaf() says, but for quotes and escapes, long numbers and bytes: False for those."""
    cdef Py_ssize_t length
    cdef long long number
    cdef int overflow = 0
    if PyUnicode_CheckExact(value):
        length = PyUnicode_GET_LENGTH(value)
        if (not PyUnicode_IS_COMPACT_ASCII(value)
                or not tcn_json_is_plain(<const char *>PyUnicode_DATA(value), min(length, ATTRIBUTE_CHARS))):
            return False
        tcn_json_byte(out, b"'")
        tcn_json_raw(out, <const char *>PyUnicode_DATA(value), min(length, ATTRIBUTE_CHARS))
        if length > ATTRIBUTE_CHARS:
            tcn_json_put(out, b"'...")
        else:
            tcn_json_byte(out, b"'")
    elif value is None:
        tcn_json_put(out, b"None")
    elif value is True:
        tcn_json_put(out, b"True")
    elif value is False:
        tcn_json_put(out, b"False")
    elif PyLong_CheckExact(value):
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow:
            return False
        tcn_json_int64(out, number)
    elif PyFloat_CheckExact(value):
        write_double(out, PyFloat_AS_DOUBLE(value))
    elif PyBytes_CheckExact(value):
        return False
    else:
        tcn_json_byte(out, b"<")
        if not write_type_name(out, Py_TYPE(value), None):
            return False
        tcn_json_byte(out, b">")
    return True
