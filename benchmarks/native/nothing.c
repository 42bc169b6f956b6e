/* The least that any function written in C can cost: a call that does nothing, and one that only walks a traceback. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>

static PyObject *nothing(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    (void)module;
    (void)arguments;
    (void)count;
    (void)names;
    Py_RETURN_NONE;
}

/* `traceback` is borrowed. Returns a number made of what it read, so that no compiler leaves the reading out. */
static PyObject *walk(PyObject *module, PyObject *traceback) {
    (void)module;
    long sum = 0;
    if (!PyTraceBack_Check(traceback)) {
        PyErr_SetString(PyExc_TypeError, "a traceback is needed");
        return NULL;
    }
    for (PyTracebackObject *step = (PyTracebackObject *)traceback; step != NULL; step = step->tb_next) {
        PyCodeObject *code = PyFrame_GetCode(step->tb_frame);
        sum += step->tb_lasti + code->co_firstlineno;
        Py_DECREF(code);
    }
    return PyLong_FromLong(sum);
}

static PyMethodDef methods[] = {
    {"nothing", (PyCFunction)(void (*)(void))nothing, METH_FASTCALL | METH_KEYWORDS, "Takes anything, does nothing."},
    {"walk", walk, METH_O, "Reads the code object and the instruction of each frame of a traceback."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "nothing", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_nothing(void);

PyMODINIT_FUNC PyInit_nothing(void) {
    return PyModule_Create(&definition);
}
