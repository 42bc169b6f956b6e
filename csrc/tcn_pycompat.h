/* The one header of csrc that sees Python: what the supported versions spell differently. */
#ifndef TCN_PYCOMPAT_H
#define TCN_PYCOMPAT_H

#include <Python.h>
#include <frameobject.h>

/* 1 where the slots of a function's frame are read as they lie in memory: versions whose layout is known. Elsewhere a
 * frame's variables are asked for through `f_locals`. */
#if defined(PYPY_VERSION) || defined(Py_GIL_DISABLED) || PY_VERSION_HEX >= 0x030E0000
#define TCN_READS_FRAMES 0
#else
#define TCN_READS_FRAMES 1
#if PY_VERSION_HEX >= 0x030B0000
#define Py_BUILD_CORE 1
#include <internal/pycore_code.h>
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#endif
#endif

/* Each returns a new reference, or NULL with an exception set. Remove the first branch with Python 3.10. */
#if PY_VERSION_HEX < 0x030B0000

static inline PyObject *tcn_frame_locals(PyFrameObject *frame) {
    return PyObject_GetAttrString((PyObject *)frame, "f_locals");
}

static inline PyObject *tcn_frame_globals(PyFrameObject *frame) {
    return PyObject_GetAttrString((PyObject *)frame, "f_globals");
}

/* In bytes, as a traceback has it; -1 if the frame has not started, -2 with an exception set. */
static inline int tcn_frame_lasti(PyFrameObject *frame) {
    PyObject *number = PyObject_GetAttrString((PyObject *)frame, "f_lasti");
    long lasti;

    if (number == NULL)
        return -2;
    lasti = PyLong_AsLong(number);
    Py_DECREF(number);
    return lasti == -1 && PyErr_Occurred() ? -2 : (int)lasti;
}

#else

static inline PyObject *tcn_frame_locals(PyFrameObject *frame) {
    return PyFrame_GetLocals(frame);
}

static inline PyObject *tcn_frame_globals(PyFrameObject *frame) {
    return PyFrame_GetGlobals(frame);
}

static inline int tcn_frame_lasti(PyFrameObject *frame) {
    return PyFrame_GetLasti(frame);
}

#endif

/* What an exception says, read where its struct keeps it: a descriptor's call for each would take 40 ns, and the one of
 * `__dict__` makes a dict. All references are borrowed from the exception, NULL for none. They raise nothing. */
static inline PyObject *tcn_exception_dict(PyObject *error) {
    return ((PyBaseExceptionObject *)error)->dict;
}

static inline PyObject *tcn_exception_args(PyObject *error) {
    return ((PyBaseExceptionObject *)error)->args;
}

/* Whether it has neither a cause nor a context and is, on versions that know such, no group. */
static inline int tcn_exception_is_single(PyObject *error) {
    PyBaseExceptionObject *base = (PyBaseExceptionObject *)error;

    if (base->cause != NULL || base->context != NULL)
        return 0;
#if PY_VERSION_HEX >= 0x030B0000
    if (PyType_IsSubtype(Py_TYPE(error), (PyTypeObject *)PyExc_BaseExceptionGroup))
        return 0;
#endif
    return 1;
}

/* What type.__qualname__ and type.__module__ read: of a type made in Python a str, of one made in C its name, with the
 * module and a dot before it unless it is a builtin. Borrowed from the type, NULL for what is of the other kind or
 * missing. */
static inline PyObject *tcn_type_qualname(PyTypeObject *type) {
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? ((PyHeapTypeObject *)type)->ht_qualname : NULL;
}

static inline PyObject *tcn_type_module(PyTypeObject *type, PyObject *key) {
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? PyDict_GetItemWithError(type->tp_dict, key) : NULL;
}

/* Whether it was made in Python, of none of the kinds that are said otherwise than by their attributes. */
static inline int tcn_type_is_ordinary(PyTypeObject *type) {
    return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) &&
           !(type->tp_flags & (Py_TPFLAGS_TYPE_SUBCLASS | Py_TPFLAGS_BASE_EXC_SUBCLASS | Py_TPFLAGS_BYTES_SUBCLASS));
}

/* What a descriptor of the interpreter's says of an instance: a new reference, NULL with an exception set. */
static inline PyObject *tcn_described(PyObject *descriptor, PyObject *value) {
    return Py_TYPE(descriptor)->tp_descr_get(descriptor, value, (PyObject *)Py_TYPE(value));
}

static inline const char *tcn_type_builtin_name(PyTypeObject *type) {
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE || strchr(type->tp_name, '.') != NULL ? NULL : type->tp_name;
}

/* A function's variables, read from its frame without the dict that `f_locals` makes and, up to 3.12, keeps in the
 * frame: 0.3 us less for six of them, and no reference to them is left behind.
 *
 * tcn_code_has_slots: whether the slots of the code's frames are, in this order, the variables named (a tuple).
 * tcn_frame_slot: the value in a slot of a frame that has begun, borrowed from the frame or its cell until either runs
 * or is let go; NULL if it is unset. It raises nothing. */
#if !TCN_READS_FRAMES

static inline int tcn_code_has_slots(PyCodeObject *code, PyObject *variables) {
    (void)code;
    (void)variables;
    return 0;
}

static inline PyObject *tcn_frame_slot(PyFrameObject *frame, PyCodeObject *code, Py_ssize_t slot) {
    (void)frame;
    (void)code;
    (void)slot;
    return NULL;
}

#else

static inline PyObject *tcn_cell_content(PyObject *value) {
    return value != NULL && PyCell_Check(value) ? PyCell_GET(value) : value;
}

#if PY_VERSION_HEX < 0x030B0000

/* Here cells come after all locals; one that was made of an argument has a place there, while the argument's is unset
 * and its name stands for both. */
static inline int tcn_code_has_slots(PyCodeObject *code, PyObject *variables) {
    Py_ssize_t cells = PyTuple_GET_SIZE(code->co_cellvars);
    Py_ssize_t count = code->co_nlocals + cells + PyTuple_GET_SIZE(code->co_freevars);

    for (Py_ssize_t cell = 0; code->co_cell2arg != NULL && cell < cells; cell++)
        count -= code->co_cell2arg[cell] != CO_CELL_NOT_AN_ARG;
    return PyTuple_GET_SIZE(variables) == count && PyTuple_GET_SIZE(code->co_varnames) == code->co_nlocals;
}

static inline PyObject *tcn_frame_slot(PyFrameObject *frame, PyCodeObject *code, Py_ssize_t slot) {
    Py_ssize_t cells = PyTuple_GET_SIZE(code->co_cellvars);
    Py_ssize_t cell = slot - code->co_nlocals;

    if (cell < 0) {
        if (frame->f_localsplus[slot] != NULL || code->co_cell2arg == NULL)
            return frame->f_localsplus[slot];
        for (cell = 0; cell < cells && code->co_cell2arg[cell] != slot; cell++) {
        }
        if (cell == cells)
            return NULL;
    } else if (code->co_cell2arg != NULL) {
        for (Py_ssize_t at = 0; at <= cell && at < cells; at++)
            cell += code->co_cell2arg[at] != CO_CELL_NOT_AN_ARG;
    }
    return tcn_cell_content(frame->f_localsplus[code->co_nlocals + cell]);
}

#else

static inline int tcn_code_has_slots(PyCodeObject *code, PyObject *variables) {
    if (PyTuple_GET_SIZE(variables) != code->co_nlocalsplus)
        return 0;
    for (Py_ssize_t slot = 0; slot < code->co_nlocalsplus; slot++) {
#ifdef CO_FAST_HIDDEN
        if (PyBytes_AS_STRING(code->co_localspluskinds)[slot] & CO_FAST_HIDDEN)
            return 0;
#endif
        if (PyTuple_GET_ITEM(variables, slot) != PyTuple_GET_ITEM(code->co_localsplusnames, slot))
            return 0;
    }
    return 1;
}

static inline PyObject *tcn_frame_slot(PyFrameObject *frame, PyCodeObject *code, Py_ssize_t slot) {
    PyObject *value = frame->f_frame->localsplus[slot];

    if (PyBytes_AS_STRING(code->co_localspluskinds)[slot] & (CO_FAST_CELL | CO_FAST_FREE))
        return tcn_cell_content(value);
    return value;
}

#endif

#endif

#endif
