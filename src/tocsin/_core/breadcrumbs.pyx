"""The ring of the newest breadcrumbs of one scope; see the pure twin.

Called on the application's threads with the GIL held. The slot is claimed, filled and counted without a Python
operation in between, so a signal handler or a destructor that adds a breadcrumb of its own finds the ring whole; what
stood in the slot is let go of afterwards.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.dict cimport (
    PyDict_Check,
    PyDict_CheckExact,
    PyDict_GetItemWithError,
    PyDict_Next,
    PyDict_Size,
)
from cpython.list cimport PyList_GET_ITEM, PyList_New, PyList_SET_ITEM
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM

from tocsin import limits as _limits
from tocsin._core.describe import cut
from tocsin._core.values cimport Renderer

from tocsin._core.fence import came_from_signal
from tocsin._core.json_text import Fragment

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    int PyLong_CheckExact(object)
    int PyFloat_CheckExact(object)
    long long PyLong_AsLongLongAndOverflow(object, int *overflow) except? -1

cdef Py_ssize_t NAME_CHARS = _limits.NAME_CHARS
cdef Py_ssize_t BREADCRUMB_NAME_CHARS = _limits.BREADCRUMB_NAME_CHARS
cdef Py_ssize_t TEXT_CHARS = _limits.TEXT_CHARS
cdef object DATA_BYTES = _limits.BREADCRUMB_DATA_BYTES
cdef object DATA_DEPTH = _limits.BREADCRUMB_DATA_DEPTH
cdef enum:
    # Of a dict that is kept as it is: what it holds is bounded by the product of the two.
    PLAIN_ITEMS = 8
    PLAIN_CHARS = 200

# What writes the data that is kept as it is, whoever's it is: nothing in it is secret, or is to be cut.
cdef Renderer plain_renderer = Renderer()


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Breadcrumb:
    """One breadcrumb: texts, numbers and plain dicts of them, so that nothing in it can be part of a cycle.

    A renderer is no part of it: that may refer to anything of the user's. It costs a third of a tuple of the same: no
    float is made, and the garbage collector is not told of it. Read from Python it is the tuple that the pure twin
    keeps.
    """

    def __getitem__(self, index):
        # The time is asked for to put breadcrumbs in order, for which nothing else need be made.
        return self.timestamp_s if index == 0 else self.fields()[index]

    def __len__(self):
        return 6

    def __iter__(self):
        return iter(self.fields())

    def __eq__(self, other):
        if isinstance(other, Breadcrumb):
            other = (<Breadcrumb>other).fields()
        return self.fields() == other

    def __hash__(self):
        return hash(self.fields())

    def __repr__(self):
        return repr(self.fields())

    cdef tuple fields(self):
        return (self.timestamp_s, self.type, self.category, self.level, self.message(), self.data())

    cdef str message(self):
        """The text, which is made only now of what a log record said."""
        if self.args is None:
            return self.template
        return cut(formatted(self.template, self.args), self.max_chars)

    cdef bytes data(self):
        """The data as JSON, which is made only now of a plain dict."""
        if self.plain is None:
            return self.rendered
        return plain_renderer.data(dict(zip(self.plain[::2], self.plain[1::2])), DATA_BYTES, DATA_DEPTH)


@cython.final
cdef class BreadcrumbRing:
    """Keeps the last `capacity` breadcrumbs; older ones are counted and forgotten. See the pure twin."""

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

    cpdef add(self, double timestamp_s, object type=None, object category=None, object level=None, object message=None,
              object data=None):
        """Add a breadcrumb; `data` is any value, wrapped as `{"value": …}` when it is no dict. See the pure twin."""
        self.put(timestamp_s, type, category, level, message, None, data)

    cpdef add_formatted(self, double timestamp_s, object type, object category, object level, object template,
                        object args, object data=None):
        """Add a breadcrumb whose message is `template % args`, all plain values; see the pure twin."""
        self.put(timestamp_s, type, category, level, template, args, data)

    cdef int put(self, double timestamp_s, object type, object category, object level, object message, tuple args,
                 object data) except -1:
        cdef Renderer renderer = self._renderer
        cdef Breadcrumb crumb = Breadcrumb.__new__(Breadcrumb)
        cdef PyObject *old
        crumb.timestamp_s = timestamp_s
        crumb.type = text(type, BREADCRUMB_NAME_CHARS, renderer)
        crumb.category = text(category, BREADCRUMB_NAME_CHARS, renderer)
        crumb.level = text(level, NAME_CHARS, renderer)
        if args is None:
            crumb.template = text(message, TEXT_CHARS, renderer)
        elif are_small(message, args):
            crumb.template = message
            crumb.args = args
            crumb.max_chars = min(TEXT_CHARS, renderer._max_chars)
        else:
            crumb.template = text(formatted(message, args), TEXT_CHARS, renderer)
        if data is not None:
            # A fifth of what writing it costs, and most breadcrumbs are never sent.
            crumb.plain = plain_items(data, renderer)
            if crumb.plain is None:
                if not PyDict_Check(data):
                    data = {"value": data}
                crumb.rendered = renderer.data(data, DATA_BYTES, DATA_DEPTH)
        old = PyList_GET_ITEM(self._slots, self._next)
        Py_INCREF(crumb)
        PyList_SET_ITEM(self._slots, self._next, crumb)
        self._next += 1
        if self._next == self._capacity:
            self._next = 0
        if self._size < self._capacity:
            self._size += 1
        self._total += 1
        Py_DECREF(<object>old)
        return 0

    def snapshot(self):
        """Return the breadcrumbs, oldest first; they are immutable and safe to hand to another thread."""
        return self.entries()

    cdef list entries(self):
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

    def resized(self, capacity, renderer=None):
        """Return a ring of another capacity with the newest breadcrumbs and the same count; see the pure twin."""
        cdef BreadcrumbRing ring = BreadcrumbRing(capacity, renderer)
        cdef list kept = self.entries()[-ring._capacity:]
        ring._size = len(kept)
        ring._slots[:ring._size] = kept
        ring._next = 0 if ring._size == ring._capacity else ring._size
        ring._total = self._total
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
        for entry in self.entries():
            timestamp_s, type_, category, level, message, data = (<Breadcrumb>entry).fields()
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


cdef object formatted(object template, tuple args):
    try:
        return template % args
    except Exception as error:
        if came_from_signal(error):
            raise
        # The arguments do not fit the text; a handler would say so on stderr.
        return template


cdef bint are_small(object template, tuple args) except -1:
    """Whether a text and its arguments may be kept as they are: plain, and together about as long as a message."""
    cdef int overflow = 0
    cdef Py_ssize_t length
    cdef object item
    if not PyUnicode_CheckExact(template):
        return False
    length = PyUnicode_GET_LENGTH(template)
    for item in args:
        if PyUnicode_CheckExact(item):
            length += PyUnicode_GET_LENGTH(item)
        elif PyLong_CheckExact(item):
            PyLong_AsLongLongAndOverflow(item, &overflow)
            if overflow:
                return False
        elif item is not None and item is not True and item is not False and not PyFloat_CheckExact(item):
            return False
    return length <= TEXT_CHARS


cdef bint is_open(str key, Renderer renderer) except -1:
    """Whether what stands under a key is known to be no secret; of a key that JSON shows otherwise than it is, False.

    To learn of a key that is unknown would run Python: the dict could be another one when it is copied.
    """
    cdef PyObject *known = PyDict_GetItemWithError(renderer._known_keys, key)
    # What the renderer remembers of a key that is not secret is its text in JSON, with the colon.
    return (known != NULL and PyBytes_CheckExact(<object>known)
            and PyBytes_AS_STRING(<object>known)[PyBytes_GET_SIZE(<object>known) - 1] == c":")


cdef tuple plain_items(object data, Renderer renderer):
    """The keys and values of data that may be written later, in turn: small, no secret, nothing but texts and numbers.

    None for any other. A tuple of them is made in half of the time that a copy of the dict takes.
    """
    cdef PyObject *key_slot
    cdef PyObject *item_slot
    cdef Py_ssize_t position = 0
    cdef Py_ssize_t count = 0
    cdef Py_ssize_t size
    cdef int overflow = 0
    cdef object item
    cdef tuple found
    if not PyDict_CheckExact(data):
        return None
    size = PyDict_Size(data)
    if size > PLAIN_ITEMS or renderer._max_chars < PLAIN_CHARS or renderer._breadth < PLAIN_ITEMS:
        return None
    found = PyTuple_New(2 * size)
    # Making the tuple can run the garbage collector, and that Python; from here on none runs, so that what is kept is
    # what was looked at.
    if PyDict_Size(data) != size:
        return None
    while PyDict_Next(data, &position, &key_slot, &item_slot):
        if not PyUnicode_CheckExact(<object>key_slot) or not is_open(<str>key_slot, renderer):
            return None
        item = <object>item_slot
        if PyUnicode_CheckExact(item):
            if PyUnicode_GET_LENGTH(item) > PLAIN_CHARS:
                return None
        elif PyLong_CheckExact(item):
            PyLong_AsLongLongAndOverflow(item, &overflow)
            if overflow:
                return None
        elif item is not None and item is not True and item is not False and not PyFloat_CheckExact(item):
            return None
        Py_INCREF(<object>key_slot)
        PyTuple_SET_ITEM(found, count, <object>key_slot)
        Py_INCREF(item)
        PyTuple_SET_ITEM(found, count + 1, item)
        count += 2
    return found
