"""The ring of the newest breadcrumbs of one scope; see the pure twin.

Called on the application's threads with the GIL held. The slot is claimed, filled and counted without a Python
operation in between, so a signal handler or a destructor that adds a breadcrumb of its own finds the ring whole; what
stood in the slot is let go of afterwards.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_New, PyList_SET_ITEM
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF

from tocsin import limits as _limits
from tocsin._core.describe import cut
from tocsin._core.values cimport Renderer

from tocsin._core.json_text import Fragment

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    int PyDict_Check(object)

cdef Py_ssize_t NAME_CHARS = _limits.NAME_CHARS
cdef Py_ssize_t BREADCRUMB_NAME_CHARS = _limits.BREADCRUMB_NAME_CHARS
cdef Py_ssize_t TEXT_CHARS = _limits.TEXT_CHARS
cdef object DATA_BYTES = _limits.BREADCRUMB_DATA_BYTES
cdef object DATA_DEPTH = _limits.BREADCRUMB_DATA_DEPTH

Entry = tuple[float, "str | None", "str | None", "str | None", "str | None", "bytes | None"]


cdef class BreadcrumbRing:
    """Keeps the last `capacity` breadcrumbs; older ones are counted and forgotten. See the pure twin."""

    cdef Renderer _renderer
    cdef Py_ssize_t _capacity
    cdef Py_ssize_t _total  # added since the ring was made or cleared
    cdef Py_ssize_t _size
    cdef Py_ssize_t _next  # the slot that the next breadcrumb goes to
    cdef list _slots  # `_capacity` of them: entry or None

    def __init__(self, capacity, renderer=None):
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._capacity = capacity
        self._renderer = Renderer() if renderer is None else renderer
        self._slots = [None] * capacity
        self._total = 0
        self._size = 0
        self._next = 0

    @property
    def capacity(self):
        """How many breadcrumbs are kept."""
        return self._capacity

    @property
    def total(self):
        """How many were added since the ring was made or cleared."""
        return self._total

    def __len__(self):
        return self._size

    def add(self, timestamp_s, type=None, category=None, level=None, message=None, data=None):
        """Add a breadcrumb; `data` is any value, wrapped as `{"value": …}` when it is no dict. See the pure twin."""
        cdef Renderer renderer = self._renderer
        cdef object rendered = None
        cdef tuple entry
        cdef PyObject *old
        if data is not None:
            if not PyDict_Check(data):
                data = {"value": data}
            rendered = renderer.data(data, DATA_BYTES, DATA_DEPTH)
        entry = (
            timestamp_s,
            text(type, BREADCRUMB_NAME_CHARS, renderer),
            text(category, BREADCRUMB_NAME_CHARS, renderer),
            text(level, NAME_CHARS, renderer),
            text(message, TEXT_CHARS, renderer),
            rendered,
        )
        old = PyList_GET_ITEM(self._slots, self._next)
        Py_INCREF(entry)
        PyList_SET_ITEM(self._slots, self._next, entry)
        self._next += 1
        if self._next == self._capacity:
            self._next = 0
        if self._size < self._capacity:
            self._size += 1
        self._total += 1
        Py_DECREF(<object>old)

    def snapshot(self):
        """Return the breadcrumbs, oldest first; they are immutable and safe to hand to another thread."""
        cdef list found
        cdef Py_ssize_t size, index, slot
        cdef object entry
        while True:
            size = self._size
            found = PyList_New(size)
            # Making the list can run the garbage collector, and that a destructor which adds a breadcrumb.
            if size == self._size:
                break
        slot = self._next - size
        if slot < 0:
            slot += self._capacity
        for index in range(size):
            entry = <object>PyList_GET_ITEM(self._slots, slot)
            Py_INCREF(entry)
            PyList_SET_ITEM(found, index, entry)
            slot += 1
            if slot == self._capacity:
                slot = 0
        return found

    def copy(self):
        """Return a ring with the same breadcrumbs and count, independent from now on."""
        cdef BreadcrumbRing ring = BreadcrumbRing.__new__(BreadcrumbRing)
        ring._renderer = self._renderer
        ring._capacity = self._capacity
        ring._slots = self._slots[:]
        ring._total = self._total
        ring._size = self._size
        ring._next = self._next
        return ring

    def clear(self):
        """Forget all breadcrumbs and the count."""
        cdef list old = self._slots
        self._slots = [None] * self._capacity
        self._total = 0
        self._size = 0
        self._next = 0
        old.clear()

    def to_list(self, rendered=False):
        """Return the breadcrumbs as dicts, oldest first, their data read back from JSON.

        With `rendered` the data stays JSON, as a `Fragment`.
        """
        found = []
        for timestamp_s, type_, category, level, message, data in self.snapshot():
            crumb = {"timestamp": timestamp_s}
            for key, value in (("type", type_), ("category", category), ("level", level), ("message", message)):
                if value is not None:
                    crumb[key] = value
            if data is not None:
                crumb["data"] = Fragment(data) if rendered else _loaded(data)
            found.append(crumb)
        return found


cdef object _loaded(bytes data):
    from tocsin import _json

    return _json.loads(data)


cdef object text(object value, Py_ssize_t max_chars, Renderer renderer):
    if value is None:
        return None
    if max_chars > renderer._max_chars:
        max_chars = renderer._max_chars
    if PyUnicode_CheckExact(value):
        return value if PyUnicode_GET_LENGTH(value) <= max_chars else cut(value, max_chars)
    return renderer.text(value, max_chars)
