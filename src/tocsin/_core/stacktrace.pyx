"""From an exception, or a running frame, to what an event says of it; see the pure twin.

Called on the capturing thread with the GIL held. A walk holds the frames it has kept until it returns, and nothing of
the application's afterwards.
"""

from _weakref import ref

from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport uint32_t, uintptr_t

from tocsin import limits as _limits
from tocsin._core.chain import links
from tocsin._core.site import make_site

from tocsin._core.site cimport Site
from tocsin._core.tcn_json cimport (
    tcn_json,
    tcn_json_clear,
    tcn_json_free,
    tcn_json_init,
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
from tocsin._core.heads cimport exception_head, is_single
from tocsin._core.json_text cimport as_bytes
from tocsin._core.values cimport SLOTS_MAX, Renderer
from tocsin._core.walk cimport FRAMES_MAX, PyFrameObject, PyTracebackObject, Walk, collect, release

cdef extern from "tcn_pycompat.h":
    ctypedef struct PyCodeObject:
        pass
    PyCodeObject *PyFrame_GetCode(PyFrameObject *frame)
    int PyFrame_GetLineNumber(PyFrameObject *frame)
    object tcn_frame_locals(PyFrameObject *frame)
    object tcn_frame_globals(PyFrameObject *frame)
    int tcn_code_has_slots(PyCodeObject *code, object variables)
    PyObject *tcn_frame_slot(PyFrameObject *frame, PyCodeObject *code, Py_ssize_t slot)
    void Py_INCREF(void *)
    void Py_DECREF(void *)
    int PyDict_Check(object)
    int PyExceptionInstance_Check(object)
    PyObject *PyException_GetTraceback(object)

cdef enum:
    STORAGE_BYTES = 8192
    FREED_AT_ONCE = 64

cdef Py_ssize_t DETAILED_OUTER = _limits.DETAILED_OUTER
cdef Py_ssize_t DETAILED_INNER = _limits.DETAILED_INNER
cdef Py_ssize_t TEXT_CHARS = _limits.TEXT_CHARS
cdef Py_ssize_t VARS_COUNT = _limits.VARS_COUNT

# What a function's frame hands out, a dict or a view: asked of an interpreted one, as compiled functions have none.
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


cdef Stack new_stack():
    """An empty one, past the constructor and its arguments."""
    cdef Stack stack = Stack.__new__(Stack)
    stack.heads = []
    stack.frames = []
    stack.totals = []
    return stack


cdef class StackExtractor:
    """Walks tracebacks and frames for one client, and remembers the sites it has seen; see the pure twin."""

    def __cinit__(self, *args, **kwargs):
        self._table = NULL

    def __init__(self, renderer, classify, max_frames=_limits.FRAMES_OUTER + _limits.FRAMES_INNER,
                 max_sites=_limits.SITES, max_chars=_limits.TEXT_CHARS):
        self._renderer = renderer
        self._classify = classify
        self._max_frames = max_frames
        self._max_chars = min(max_chars, TEXT_CHARS)
        if max_sites < 1:
            raise ValueError(f"max_sites must be at least 1, not {max_sites}")
        self._sites = [None] * max_sites
        self._codes = {}
        tcn_site_table_free(self._table)
        self._table = NULL
        if tcn_site_table_new(max_sites, &self._table) != TCN_OK:
            raise MemoryError

    def __dealloc__(self):
        tcn_site_table_free(self._table)

    @property
    def site_count(self):
        """How many sites are remembered."""
        return tcn_site_table_len(self._table)

    cpdef Stack exception(self, object error, object traceback, str mechanism, bint handled, object caller=None,
                          bint full=False):
        """Return the tree of `error` with the frames of each exception; see the pure twin."""
        cdef Stack stack = new_stack()
        cdef bint synthetic
        cdef Py_ssize_t index
        if not PyExceptionInstance_Check(error):
            raise TypeError(f"an exception is needed, not {type(error).__name__}")
        if traceback is None:
            traceback = take(PyException_GetTraceback(error))
        synthetic = traceback is None and caller is not None
        if is_single(error):
            stack.heads.append(exception_head(error, mechanism, handled, synthetic, 0, False, -1, None, False,
                                              self._max_chars))
            add_root(self, stack, traceback, caller, synthetic, full)
            return stack
        tree = links(error, traceback)
        for index in range(len(tree) - 1, -1, -1):
            link = tree[index]
            stack.heads.append(
                exception_head(link.error, mechanism if index == 0 else "chained", handled, synthetic and index == 0,
                               index, len(tree) > 1, link.parent, link.source, link.is_group, self._max_chars)
            )
            if index == 0:
                add_root(self, stack, traceback, caller, synthetic, full)
            else:
                add_frames(self, stack, link.traceback, None, False)
        return stack

    cpdef Stack current(self, object caller, bytes head=b""):
        """Return the stack of the running thread, from `caller` outwards; see the pure twin."""
        cdef Stack stack = new_stack()
        stack.heads.append(head)
        add_frames(self, stack, None, caller, False)
        return stack

    cpdef Stack traceback(self, object traceback, bytes head=b""):
        """Return the frames of a traceback; see the pure twin."""
        cdef Stack stack = new_stack()
        stack.heads.append(head)
        add_frames(self, stack, traceback, None, False)
        return stack

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


cdef int add_root(StackExtractor extractor, Stack stack, object traceback, object caller, bint synthetic,
                  bint full) except -1:
    if synthetic:
        return add_frames(extractor, stack, None, caller, False)
    return add_frames(extractor, stack, traceback, None, full)


cdef int add_frames(StackExtractor extractor, Stack stack, object traceback, object caller, bint full) except -1:
    """Walk a traceback or, from `caller`, the running stack; with `full` the one and what lies below it."""
    cdef Walk walk
    walk.count = 0
    walk.total = 0
    try:
        collect(&walk, traceback, caller, extractor._max_frames if full else 0)
        render_frames(extractor, stack, &walk)
    finally:
        release(&walk)
    return 0


cdef int render_frames(StackExtractor extractor, Stack stack, Walk *walk) except -1:
    cdef list frames = []
    cdef Py_ssize_t shown[FRAMES_MAX]
    cdef Py_ssize_t count = 0, index, at
    cdef Py_ssize_t total = walk.total
    cdef Site site
    cdef tcn_json out
    cdef char storage[STORAGE_BYTES]
    for index in range(walk.count):
        site = find_site(extractor, walk.frames[index], walk.traces[index], walk.lastis[index])
        if site is None:
            total -= 1
            continue
        frames.append(site)
        frames.append(None)
        shown[count] = index
        count += 1
    if extractor._renderer is not None and count:
        tcn_json_init(&out, storage, sizeof(storage))
        try:
            for at in range(count):
                if DETAILED_OUTER <= at < count - DETAILED_INNER:
                    continue
                tcn_json_clear(&out)
                index = shown[at]
                write_variables(extractor._renderer, &out, walk.frames[index], walk.lastis[index],
                                <Site>PyList_GET_ITEM(frames, 2 * at))
                if out.size > 2:
                    frames[2 * at + 1] = as_bytes(&out)
        finally:
            tcn_json_free(&out)
    stack.frames.append(frames)
    stack.totals.append(total)
    return 0


cdef int write_variables(Renderer renderer, tcn_json *out, PyFrameObject *frame, int lasti, Site site) except -1:
    """Write a frame's locals; nothing, or an empty object, if there are none to show."""
    cdef PyObject *keys[SLOTS_MAX]
    cdef PyObject *values[SLOTS_MAX]
    cdef Py_ssize_t count, total, index
    cdef object names
    # Held while it is written from: a thread that came here at the same time may put its own in its place.
    cdef tuple made = site.keys
    if site.is_direct and lasti >= 0:
        if made is None:
            made = site.keys = renderer.keys(site.variables)
        if made is not None:
            total = take_slots(frame, site, made, keys, values)
            count = min(total, VARS_COUNT)
            try:
                if count:
                    renderer.write_slots(out, keys, values, count, total)
            finally:
                for index in range(count):
                    Py_DECREF(values[index])
            return 0
    names = namespace(frame)
    if names is None:
        return 0
    if site.is_function:
        # Somebody may have put other names there.
        names = {name: names[name] for name in site.variables if name in names}
    if names:
        renderer.write_variables(out, <dict>names, not site.is_function)
    return 0


cdef Py_ssize_t take_slots(PyFrameObject *frame, Site site, tuple made, PyObject **keys, PyObject **values) noexcept:
    """The first variables that are set, owned, as a user's renderer may let the frame go on; and how many there are.

    Their keys are borrowed from `made`. It raises nothing: no Python operation but on reference counts.
    """
    cdef PyCodeObject *code = PyFrame_GetCode(frame)
    cdef Py_ssize_t total = 0, slot
    cdef PyObject *value
    for slot in range(PyTuple_GET_SIZE(site.variables)):
        value = tcn_frame_slot(frame, code, slot)
        if value == NULL:
            continue
        if total < VARS_COUNT:
            Py_INCREF(value)
            keys[total] = PyTuple_GET_ITEM(made, slot)
            values[total] = value
        total += 1
    Py_DECREF(code)
    return total


cdef dict namespace(PyFrameObject *frame):
    """A frame's locals by name, read past any override of a dict of somebody's own; None for what is no dict."""
    cdef object names = tcn_frame_locals(frame)
    if type(names) is dict:
        return <dict>names
    if PyDict_Check(names):
        return dict(list(dict.items(names)))
    if type(names) is FRAME_LOCALS:
        return dict(names)
    return None


cdef Site find_site(StackExtractor extractor, PyFrameObject *frame, PyTracebackObject *trace, int lasti):
    cdef PyCodeObject *code = PyFrame_GetCode(frame)
    cdef uint32_t index
    try:
        if tcn_site_table_find(extractor._table, <uintptr_t>code, lasti, &index) == TCN_OK:
            return <Site>PyList_GET_ITEM(extractor._sites, index)
        return add_site(extractor, <object><PyObject *>code, frame, trace, lasti)
    finally:
        Py_DECREF(code)


cdef Site add_site(StackExtractor extractor, object code, PyFrameObject *frame, PyTracebackObject *trace, int lasti):
    cdef object lineno = PyFrame_GetLineNumber(frame) if trace == NULL else (<object>trace).tb_lineno
    cdef Site site = make_site(code, lineno, tcn_frame_globals(frame), extractor._classify)
    cdef object code_id = id(code)
    cdef uint32_t index
    if code_id not in extractor._codes:
        extractor._codes[code_id] = ref(code, _Forget(extractor, code_id))
    tcn_site_table_insert(extractor._table, <uintptr_t><PyObject *>code, lasti, &index)
    extractor._sites[index] = site
    if site is not None:
        site.is_direct = site.is_function and tcn_code_has_slots(<PyCodeObject *><PyObject *>code, site.variables)
    return site


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
