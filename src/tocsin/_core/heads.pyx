"""What an event says of one exception, its stacktrace aside; see the pure twin.

Called on the capturing thread with the GIL held. The usual exception (one text, no notes, no cause) is read where it
lies, without a call of a descriptor or of a shared source; all others are asked of those.
"""

from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_GET_LENGTH
from libc.string cimport strlen

from tocsin import limits as _limits
from tocsin._core.chain import captured_as, errno_of, exception_text, is_alone
from tocsin._core.describe import type_module, type_qualname

from tocsin._core.json_text cimport as_bytes, write_string
from tocsin._core.tcn_json cimport (
    tcn_json,
    tcn_json_byte,
    tcn_json_free,
    tcn_json_init,
    tcn_json_int64,
    tcn_json_is_plain,
    tcn_json_put,
    tcn_json_string,
)

cdef extern from "tcn_pycompat.h":
    PyObject *PyImport_GetModuleDict()
    ctypedef struct PyTypeObject:
        pass
    PyObject *PyExc_OSError
    int PyType_IsSubtype(PyTypeObject *kind, PyTypeObject *base)
    PyTypeObject *Py_TYPE(object)
    PyObject *_PyType_Lookup(PyTypeObject *kind, object name)
    PyObject *tcn_exception_dict(object error)
    PyObject *tcn_exception_args(object error)
    int tcn_exception_is_single(object error)
    PyObject *tcn_type_qualname(PyTypeObject *kind)
    PyObject *tcn_type_module(PyTypeObject *kind, object key) except? NULL
    const char *tcn_type_builtin_name(PyTypeObject *kind)

cdef Py_ssize_t TEXT_CHARS = _limits.TEXT_CHARS
cdef Py_ssize_t NAME_CHARS = _limits.NAME_CHARS
cdef str BACKPORT = "exceptiongroup"
cdef str MODULE = "__module__"
cdef str NOTES = "__notes__"
cdef str ERRNO = "errno"
cdef str STR = "__str__"
cdef object BASE_STR = BaseException.__dict__["__str__"]


cdef bint is_single(object error) except -1:
    """is_alone() for what an exception nearly always is, at a fiftieth of its time."""
    if tcn_exception_is_single(error) and PyDict_GetItemWithError(<dict>PyImport_GetModuleDict(), BACKPORT) == NULL:
        return True
    return is_alone(error)


cdef int write_type(tcn_json *out, object kind) except -1:
    """The name of the exception's type; as it stands where that is short, plain and of the usual kind."""
    cdef PyObject *name = tcn_type_qualname(<PyTypeObject *><PyObject *>kind)
    cdef const char *builtin
    if name != NULL:
        if PyUnicode_CheckExact(<object>name) and PyUnicode_GET_LENGTH(<object>name) <= NAME_CHARS:
            return write_string(out, <str>name)
    else:
        builtin = tcn_type_builtin_name(<PyTypeObject *><PyObject *>kind)
        if builtin != NULL and strlen(builtin) <= NAME_CHARS and tcn_json_is_plain(builtin, strlen(builtin)):
            tcn_json_string(out, 1, builtin, strlen(builtin))
            return 0
    return write_string(out, type_qualname(kind))


cdef int write_module(tcn_json *out, object kind) except -1:
    """The module of the exception's type; null for the interpreter's own."""
    cdef PyObject *found = tcn_type_module(<PyTypeObject *><PyObject *>kind, MODULE)
    cdef object module
    if found != NULL and PyUnicode_CheckExact(<object>found) and PyUnicode_GET_LENGTH(<object>found) <= NAME_CHARS:
        module = <object>found
    elif tcn_type_builtin_name(<PyTypeObject *><PyObject *>kind) != NULL:
        module = None
    else:
        module = type_module(kind)
    if module is None or module == "builtins":
        tcn_json_put(out, b"null")
        return 0
    return write_string(out, module)


cdef str text_of(object error, PyObject *own):
    """exception_text(), without a call where it is the only argument, a text, and there are no notes."""
    cdef object args = <object>tcn_exception_args(error)
    if PyTuple_GET_SIZE(args) == 1 and PyUnicode_CheckExact(<object>PyTuple_GET_ITEM(args, 0)):
        if _PyType_Lookup(Py_TYPE(error), STR) == <PyObject *>BASE_STR:
            if own == NULL or PyDict_GetItemWithError(<dict>own, NOTES) == NULL:
                return (<str>PyTuple_GET_ITEM(args, 0))[:TEXT_CHARS + 1]
    return exception_text(error)


cpdef bytes exception_head(object error, str mechanism, bint handled, bint synthetic, Py_ssize_t index, bint in_tree,
                           Py_ssize_t parent, object source, bint is_group, Py_ssize_t max_chars):
    """Return the members of one exception but its stacktrace, in JSON; see the pure twin."""
    cdef tcn_json out
    cdef char storage[1024]
    cdef PyObject *own = tcn_exception_dict(error)
    cdef str text = text_of(error, own)
    if PyUnicode_GET_LENGTH(text) > max_chars:
        text = text[:max(max_chars - 3, 0)] + "..."
    tcn_json_init(&out, storage, sizeof(storage))
    try:
        tcn_json_put(&out, b'"type":')
        write_type(&out, type(error))
        tcn_json_put(&out, b',"value":')
        write_string(&out, text)
        tcn_json_put(&out, b',"module":')
        write_module(&out, type(error))
        tcn_json_put(&out, b',"mechanism":{"type":')
        write_string(&out, mechanism)
        if handled:
            tcn_json_put(&out, b',"handled":true')
        else:
            tcn_json_put(&out, b',"handled":false')
        if synthetic:
            tcn_json_put(&out, b',"synthetic":true')
        if in_tree:
            tcn_json_put(&out, b',"exception_id":')
            tcn_json_int64(&out, index)
        if source is not None:
            tcn_json_put(&out, b',"parent_id":')
            tcn_json_int64(&out, parent)
            tcn_json_put(&out, b',"source":')
            write_string(&out, source)
        if is_group:
            tcn_json_put(&out, b',"is_exception_group":true')
        # Both look into the exception's dict, and would make one.
        own = tcn_exception_dict(error)
        event_id = captured_as(error) if index and own != NULL else None
        if event_id is not None:
            tcn_json_put(&out, b',"data":{"captured_as":')
            write_string(&out, event_id)
            tcn_json_byte(&out, b"}")
        number = None
        if (PyType_IsSubtype(Py_TYPE(error), <PyTypeObject *>PyExc_OSError)
                or own != NULL and PyDict_GetItemWithError(<dict>own, ERRNO) != NULL):
            number = errno_of(error)
        if number is not None:
            tcn_json_put(&out, b',"meta":{"errno":{"number":')
            tcn_json_int64(&out, number)
            tcn_json_put(&out, b"}}")
        tcn_json_byte(&out, b"}")
        return as_bytes(&out)
    finally:
        tcn_json_free(&out)
