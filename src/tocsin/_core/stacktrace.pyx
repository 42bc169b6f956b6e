"""From an exception, or a running frame, to what an event says of it; see the pure twin.

Called on the capturing thread with the GIL held. A walk holds the frames it has kept until it returns, and nothing of
the application's afterwards.
"""

import sys
from weakref import ref

from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Clear, PyDict_Next
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_REFCNT
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport uint32_t, uintptr_t

from tocsin import limits as _limits
from tocsin._core.chain import captured_as, errno_of, exception_text, exception_type, is_alone, links
from tocsin._core.describe import type_module
from tocsin._core.site import make_site
from tocsin._core.tcn_json cimport (
    tcn_json,
    tcn_json_byte,
    tcn_json_clear,
    tcn_json_free,
    tcn_json_init,
    tcn_json_int64,
    tcn_json_put,
)
from tocsin._core.tcn_site_table cimport (
    TCN_OK,
    tcn_site_table,
    tcn_site_table_find,
    tcn_site_table_free,
    tcn_site_table_insert,
    tcn_site_table_len,
    tcn_site_table_new,
    tcn_site_table_remove_code,
)
from tocsin._core.json_text cimport as_bytes, write_string
from tocsin._core.values cimport Renderer
from tocsin._core.walk cimport FRAMES_MAX, PyFrameObject, PyTracebackObject, Walk, collect, release

cdef extern from "tcn_pycompat.h":
    ctypedef struct PyCodeObject:
        pass
    PyCodeObject *PyFrame_GetCode(PyFrameObject *frame)
    int PyFrame_GetLineNumber(PyFrameObject *frame)
    object tcn_frame_locals(PyFrameObject *frame)
    object tcn_frame_globals(PyFrameObject *frame)
    void Py_DECREF(void *)
    ctypedef struct PyThreadState:
        int tracing
    PyThreadState *PyThreadState_Get()
    int PyDict_Check(object)
    int PyExceptionInstance_Check(object)
    PyObject *PyException_GetTraceback(object)

cdef enum:
    STORAGE_BYTES = 8192
    FREED_AT_ONCE = 64

cdef Py_ssize_t DETAILED_OUTER = _limits.DETAILED_OUTER
cdef Py_ssize_t DETAILED_INNER = _limits.DETAILED_INNER
cdef Py_ssize_t TEXT_CHARS = _limits.TEXT_CHARS

# Up to 3.12 a frame keeps the dict that reading its locals makes; later ones hand out a view.
cdef bint FRAMES_KEEP_LOCALS = sys.version_info < (3, 13)
# What a function's frame hands out: asked of an interpreted one, as compiled functions have no frame.
cdef object FRAME_LOCALS = eval("(lambda: type(__import__('sys')._getframe().f_locals))()")


cdef class Stack:
    """What one walk found; see the pure twin."""

    def __init__(self, list heads, list frames, list totals):
        self.heads = heads
        self.frames = frames
        self.totals = totals

    def sites(self):
        """Return the sites of all frames."""
        return [site for frames in self.frames for site in frames[::2]]

    @property
    def size_bytes(self):
        """About how much memory the stack holds, its sites not counted."""
        return self.size()

    cdef Py_ssize_t size(self) except -1:
        cdef Py_ssize_t size = 0
        cdef Py_ssize_t index
        cdef list frames
        for head in self.heads:
            size += PyBytes_GET_SIZE(head)
        for frames in self.frames:
            for index in range(1, PyList_GET_SIZE(frames), 2):
                variables = <object>PyList_GET_ITEM(frames, index)
                if variables is not None:
                    size += PyBytes_GET_SIZE(variables)
            size += 16 * PyList_GET_SIZE(frames)
        return size


cdef class StackExtractor:
    """Walks tracebacks and frames for one client, and remembers the sites it has seen; see the pure twin."""

    def __cinit__(self, *args, **kwargs):
        self._table = NULL
        self._is_function = NULL

    def __init__(self, renderer, classify, max_frames=_limits.FRAMES_OUTER + _limits.FRAMES_INNER,
                 max_sites=_limits.SITES, max_chars=_limits.TEXT_CHARS):
        self._renderer = renderer
        self._classify = classify
        self._max_frames = max_frames
        self._max_chars = min(max_chars, TEXT_CHARS)
        if max_sites < 1:
            raise ValueError(f"max_sites must be at least 1, not {max_sites}")
        self._sites = [None] * max_sites
        self._variables = [()] * max_sites
        self._codes = {}
        tcn_site_table_free(self._table)
        self._table = NULL
        PyMem_Free(self._is_function)
        self._is_function = <unsigned char *>PyMem_Malloc(max_sites)
        if self._is_function == NULL or tcn_site_table_new(max_sites, &self._table) != TCN_OK:
            raise MemoryError

    def __dealloc__(self):
        tcn_site_table_free(self._table)
        PyMem_Free(self._is_function)

    @property
    def site_count(self):
        """How many sites are remembered."""
        return tcn_site_table_len(self._table)

    cpdef Stack exception(self, object error, object traceback, str mechanism, bint handled, object caller=None,
                          bint full=False):
        """Return the tree of `error` with the frames of each exception; see the pure twin."""
        cdef Stack stack = Stack([], [], [])
        cdef bint synthetic
        cdef Py_ssize_t index
        if not PyExceptionInstance_Check(error):
            raise TypeError(f"an exception is needed, not {type(error).__name__}")
        if traceback is None:
            traceback = take(PyException_GetTraceback(error))
        synthetic = traceback is None and caller is not None
        if is_alone(error):
            stack.heads.append(head(error, mechanism, handled, synthetic, 0, False, -1, None, False,
                                    self._max_chars))
            self.add_root(stack, traceback, caller, synthetic, full)
            return stack
        tree = links(error, traceback)
        for index in range(len(tree) - 1, -1, -1):
            link = tree[index]
            stack.heads.append(
                head(link.error, mechanism if index == 0 else "chained", handled, synthetic and index == 0, index,
                     len(tree) > 1, link.parent, link.source, link.is_group, self._max_chars)
            )
            if index == 0:
                self.add_root(stack, traceback, caller, synthetic, full)
            else:
                self.add_frames(stack, link.traceback, None, False)
        return stack

    cpdef Stack current(self, object caller, bytes head=b""):
        """Return the stack of the running thread, from `caller` outwards; see the pure twin."""
        cdef Stack stack = Stack([head], [], [])
        self.add_frames(stack, None, caller, False)
        return stack

    cpdef Stack traceback(self, object traceback, bytes head=b""):
        """Return the frames of a traceback; see the pure twin."""
        cdef Stack stack = Stack([head], [], [])
        self.add_frames(stack, traceback, None, False)
        return stack

    cdef int add_root(self, Stack stack, object traceback, object caller, bint synthetic, bint full) except -1:
        if synthetic:
            return self.add_frames(stack, None, caller, False)
        return self.add_frames(stack, traceback, None, full)

    cdef int add_frames(self, Stack stack, object traceback, object caller, bint full) except -1:
        """Walk a traceback or, from `caller`, the running stack; with `full` the one and what lies below it."""
        cdef Walk walk
        walk.count = 0
        walk.total = 0
        try:
            collect(&walk, traceback, caller, self._max_frames if full else 0)
            self.render_frames(stack, &walk)
        finally:
            release(&walk)
        return 0

    cdef int render_frames(self, Stack stack, Walk *walk) except -1:
        cdef list frames = []
        cdef Py_ssize_t shown[FRAMES_MAX]
        cdef uint32_t indices[FRAMES_MAX]
        cdef Py_ssize_t count = 0, index, at
        cdef Py_ssize_t total = walk.total
        cdef uint32_t site_index
        cdef object site
        cdef bint clears
        cdef tcn_json out
        cdef char storage[STORAGE_BYTES]
        for index in range(walk.count):
            site = self.find_site(walk.frames[index], walk.traces[index], walk.lastis[index], &site_index)
            if site is None:
                total -= 1
                continue
            frames.append(site)
            frames.append(None)
            shown[count] = index
            indices[count] = site_index
            count += 1
        if self._renderer is not None and count:
            # While a debugger looks at a frame, the interpreter writes the dict back into it.
            clears = FRAMES_KEEP_LOCALS and PyThreadState_Get().tracing == 0
            tcn_json_init(&out, storage, sizeof(storage))
            try:
                for at in range(count):
                    if DETAILED_OUTER <= at < count - DETAILED_INNER:
                        continue
                    tcn_json_clear(&out)
                    if self.write_variables(&out, walk.frames[shown[at]], indices[at], clears):
                        frames[2 * at + 1] = as_bytes(&out)
            finally:
                tcn_json_free(&out)
        stack.frames.append(frames)
        stack.totals.append(total)
        return 0

    cdef int write_variables(self, tcn_json *out, PyFrameObject *frame, uint32_t site, bint clears) except -1:
        """Write a frame's locals; False if there are none to show."""
        cdef bint is_function = self._is_function[site]
        cdef object names = tcn_frame_locals(frame)
        if type(names) is not dict:
            if PyDict_Check(names):
                names = dict(list(dict.items(names)))
            elif not FRAMES_KEEP_LOCALS and type(names) is FRAME_LOCALS:
                names = dict(names)
            else:
                return False
            clears = False
        if not <dict>names:
            return False
        try:
            self._renderer.write_variables(out, <dict>names, not is_function)
        finally:
            if clears and is_function and Py_REFCNT(names) == 2:
                let_go(<dict>names, <tuple>PyList_GET_ITEM(self._variables, site))
        return out.size > 2

    cdef object find_site(self, PyFrameObject *frame, PyTracebackObject *trace, int lasti, uint32_t *index):
        cdef PyCodeObject *code = PyFrame_GetCode(frame)
        cdef object site
        try:
            if tcn_site_table_find(self._table, <uintptr_t>code, lasti, index) == TCN_OK:
                return <object>PyList_GET_ITEM(self._sites, index[0])
            return self.add_site(<object><PyObject *>code, frame, trace, lasti, index)
        finally:
            Py_DECREF(code)

    cdef object add_site(self, object code, PyFrameObject *frame, PyTracebackObject *trace, int lasti,
                         uint32_t *index):
        cdef object lineno = PyFrame_GetLineNumber(frame) if trace == NULL else (<object>trace).tb_lineno
        cdef object site = make_site(code, lineno, tcn_frame_globals(frame), self._classify)
        cdef object code_id = id(code)
        if code_id not in self._codes:
            self._codes[code_id] = ref(code, _Forget(self, code_id))
        tcn_site_table_insert(self._table, <uintptr_t><PyObject *>code, lasti, index)
        self._sites[index[0]] = site
        self._is_function[index[0]] = site is not None and site.is_function
        self._variables[index[0]] = () if site is None else site.variables
        return site

    def _forget(self, code_id):
        """Drop the sites of a code object that is no more."""
        cdef uint32_t freed[FREED_AT_ONCE]
        cdef size_t count = FREED_AT_ONCE
        cdef size_t at
        self._codes.pop(code_id, None)
        while count == FREED_AT_ONCE:
            count = tcn_site_table_remove_code(self._table, <uintptr_t>code_id, freed, FREED_AT_ONCE)
            for at in range(count):
                self._sites[freed[at]] = None
                self._variables[freed[at]] = ()


class _Forget:
    """Called when a code object dies; it does not keep the extractor alive."""

    __slots__ = ("_code_id", "_extractor")

    def __init__(self, extractor, code_id):
        self._extractor = ref(extractor)
        self._code_id = code_id

    def __call__(self, _):
        extractor = self._extractor()
        if extractor is not None:
            extractor._forget(self._code_id)


cdef object take(PyObject *owned):
    """Turn an owned reference, or NULL, into an object or None."""
    cdef object found
    if owned == NULL:
        return None
    found = <object>owned
    Py_DECREF(owned)
    return found


cdef int let_go(dict names, tuple variables) except -1:
    """Empty the dict through which a frame would keep the exception alive, in a cycle; see the pure twin."""
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t position = 0
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t count = PyTuple_GET_SIZE(variables)
    # The interpreter has filled it in the order of the variables, with their very names: all else is somebody's own.
    while PyDict_Next(names, &position, &key, &value):
        while at < count and PyTuple_GET_ITEM(variables, at) != key:
            at += 1
        if at == count:
            for name in variables:
                names.pop(name, None)
            return 0
    PyDict_Clear(names)
    return 0


cdef bytes head(object error, str mechanism, bint handled, bint synthetic, Py_ssize_t index, bint in_tree,
                Py_ssize_t parent, object source, bint is_group, Py_ssize_t max_chars):
    """The members of one exception but its stacktrace; in a tree with its id."""
    cdef tcn_json out
    cdef char storage[1024]
    cdef object module = type_module(type(error))
    cdef str text = exception_text(error)
    if len(text) > max_chars:
        text = text[:max(max_chars - 3, 0)] + "..."
    tcn_json_init(&out, storage, sizeof(storage))
    try:
        tcn_json_put(&out, b'"type":')
        write_string(&out, exception_type(error))
        tcn_json_put(&out, b',"value":')
        write_string(&out, text)
        tcn_json_put(&out, b',"module":')
        if module is None or module == "builtins":
            tcn_json_put(&out, b"null")
        else:
            write_string(&out, module)
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
        event_id = captured_as(error) if index else None
        if event_id is not None:
            tcn_json_put(&out, b',"data":{"captured_as":')
            write_string(&out, event_id)
            tcn_json_byte(&out, b"}")
        number = errno_of(error)
        if number is not None:
            tcn_json_put(&out, b',"meta":{"errno":{"number":')
            tcn_json_int64(&out, number)
            tcn_json_put(&out, b"}}")
        tcn_json_byte(&out, b"}")
        return as_bytes(&out)
    finally:
        tcn_json_free(&out)
