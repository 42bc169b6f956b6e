/* The one header of csrc that sees Python: what the supported versions spell differently. */
#ifndef TCN_PYCOMPAT_H
#define TCN_PYCOMPAT_H

#include <Python.h>
#include <frameobject.h>

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

#endif
