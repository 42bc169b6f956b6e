"""Renders a value as JSON within bounds, without running any code of the value's type; see the pure twin.

Called on the capturing thread with the GIL held. Every value is written into a buffer of the caller's; no object is
made for what is text, a number, None or a boolean.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Check, PyDict_GetItemWithError, PyDict_Next, PyDict_Size
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check, PyFloat_CheckExact
from cpython.list cimport PyList_Check, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_Check, PyLong_CheckExact
from cpython.mem cimport PyMem_Free
from cpython.object cimport PyObject
from cpython.set cimport PyAnySet_Check, PySet_GET_SIZE
from cpython.tuple cimport PyTuple_Check, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_Check, PyUnicode_CheckExact, PyUnicode_GET_LENGTH
from libc.string cimport strlen

from types import GetSetDescriptorType

from tocsin import limits as _limits
from tocsin._core.describe import DESCRIBED_MODULES, cut, describe, key_text, leaf, module_variables, type_name
from tocsin._core.json_text import Fragment, json_string
from tocsin._core.keys import members, plain_keys, unique_text

from tocsin._core.json_text cimport as_bytes, write_string
from tocsin._core.keys cimport plain_key
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

# Read once: a lookup in a module's dict for every node would cost as much as writing it.
cdef Py_ssize_t VARS_BREADTH = _limits.VARS_BREADTH
cdef Py_ssize_t VARS_BYTES = _limits.VARS_BYTES
cdef Py_ssize_t VARS_COUNT = _limits.VARS_COUNT
cdef Py_ssize_t VARS_MIN_BYTES = _limits.VARS_MIN_BYTES
cdef int VARS_DEPTH = _limits.VARS_DEPTH
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
cdef enum:
    LEAST_TEXT_BYTES = 8
    KEYS_REMEMBERED = 4096
    ATTRIBUTES_MAX = 8
    STORAGE_BYTES = 4096
if VARS_COUNT > SLOTS_MAX or ATTRIBUTES > ATTRIBUTES_MAX:
    raise ImportError("limits.py allows more locals or attributes than the core was compiled for")


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


cdef class Renderer:
    """Renders values for one client; see the pure twin."""

    def __init__(self, is_secret=None, represent=None, breadth=_limits.DATA_BREADTH,
                 max_chars=_limits.EVENT_BYTES):
        self._breadth = breadth
        self._max_chars = max_chars
        self._is_secret = is_secret
        self._represent = represent
        self._known_keys = {}

    @property
    def max_chars(self):
        """What each text in `data`, and `text`, are cut to."""
        return self._max_chars

    def data(self, value, max_bytes, max_depth):
        """Return `value` as JSON of about `max_bytes` at most; see the pure twin."""
        cdef tcn_json out
        cdef Writer writer
        cdef char storage[STORAGE_BYTES]
        cdef size_t end = max_bytes
        cdef int depth = max_depth
        if depth >= PARENTS_MAX:
            depth = PARENTS_MAX - 1
        tcn_json_init(&out, storage, sizeof(storage))
        writer.out = &out
        writer.parent_count = 0
        try:
            self.write_value(&writer, value, True, depth, end)
            return as_bytes(&out)
        finally:
            tcn_json_free(&out)

    def text(self, value, max_chars):
        """Return `value` as plain text of at most `max_chars` characters; see the pure twin."""
        max_chars = min(max_chars, self._max_chars)
        if PyUnicode_Check(value):
            return cut(str.__getitem__(value, slice(0, max_chars + 1)), max_chars)
        if PyLong_Check(value) and type(value) is not bool:
            return cut(leaf(int.__int__(value)), max_chars)
        if value is None or type(value) is bool or type(value) is float:
            return cut(repr(value), max_chars)
        return describe(value, max_chars, True, None if self._is_secret is None else self._hides, self._represent)

    def variables(self, names, is_module=False):
        """Return a frame's locals as a JSON object; see the pure twin."""
        cdef tcn_json out
        cdef char storage[STORAGE_BYTES]
        tcn_json_init(&out, storage, sizeof(storage))
        try:
            self.write_variables(&out, names if type(names) is dict else dict(names), is_module)
            return as_bytes(&out)
        finally:
            tcn_json_free(&out)

    cdef int write_variables(self, tcn_json *out, dict names, bint is_module) except -1:
        cdef Writer writer
        cdef PyObject *key_slot
        cdef PyObject *item_slot
        cdef PyObject *known
        cdef object name, item
        cdef dict texts = None
        cdef Py_ssize_t position = 0
        cdef Py_ssize_t left, count, share
        cdef size_t start = out.size
        cdef size_t used
        if is_module:
            names = module_variables(names)
        writer.out = out
        writer.parent_count = 0
        tcn_json_byte(out, b"{")
        left = PyDict_Size(names)
        count = 0
        while PyDict_Next(names, &position, &key_slot, &item_slot):
            # Held while they are written: a user's renderer may change the dict.
            name = <object>key_slot
            item = <object>item_slot
            if not PyUnicode_CheckExact(name):
                left -= 1
                continue
            used = out.size - start
            if count >= VARS_COUNT or <Py_ssize_t>used >= VARS_BYTES:
                break
            if count:
                tcn_json_byte(out, b",")
            known = find_known(self._known_keys, name)
            if known == NULL and not plain_key(name):
                if texts is None:
                    texts = plain_keys(names, PyDict_Size(names))
                name = unique_text(key_text(name), texts)
            share = (VARS_BYTES - <Py_ssize_t>used) // left if left > 0 else 0
            if share < VARS_MIN_BYTES:
                share = VARS_MIN_BYTES
            left -= 1
            count += 1
            self.write_entry(&writer, known, <str>name, item, False, VARS_DEPTH, start + used + share)
        tcn_json_byte(out, b"}")
        return 0

    def slots(self, keys, values):
        """Return a function's locals as a JSON object; see the pure twin."""
        cdef tcn_json out
        cdef char storage[STORAGE_BYTES]
        cdef PyObject *key_slots[SLOTS_MAX]
        cdef PyObject *value_slots[SLOTS_MAX]
        cdef Py_ssize_t index
        cdef list held_keys = list(keys)
        cdef list held_values = list(values)
        cdef Py_ssize_t count = min(PyList_GET_SIZE(held_keys), VARS_COUNT)
        for index in range(count):
            key_slots[index] = PyList_GET_ITEM(held_keys, index)
            value_slots[index] = PyList_GET_ITEM(held_values, index)
        tcn_json_init(&out, storage, sizeof(storage))
        try:
            self.write_slots(&out, key_slots, value_slots, count, PyList_GET_SIZE(held_keys))
            return as_bytes(&out)
        finally:
            tcn_json_free(&out)

    cdef int write_slots(self, tcn_json *out, PyObject **keys, PyObject **values, Py_ssize_t count,
                         Py_ssize_t total) except -1:
        """Write a function's locals: the first `count` of `total`, held by the caller, under keys that `keys` made."""
        cdef Writer writer
        cdef Py_ssize_t index, used, share, size
        cdef Py_ssize_t start = out.size
        cdef const char *text
        writer.out = out
        writer.parent_count = 0
        tcn_json_byte(out, b"{")
        for index in range(count):
            used = out.size - start
            if used >= VARS_BYTES:
                break
            if index:
                tcn_json_byte(out, b",")
            text = PyBytes_AS_STRING(<object>keys[index])
            size = PyBytes_GET_SIZE(<object>keys[index])
            tcn_json_raw(out, text, size)
            if text[size - 1] != c":":
                continue
            share = (VARS_BYTES - used) // (total - index)
            if share < VARS_MIN_BYTES:
                share = VARS_MIN_BYTES
            self.write_value(&writer, <object>values[index], False, VARS_DEPTH, start + used + share)
        tcn_json_byte(out, b"}")
        return 0

    cpdef tuple keys(self, tuple names):
        """Return the key of each name in JSON, or None if one of them is not plain; see the pure twin."""
        cdef list made = []
        cdef PyObject *known
        for name in names:
            known = find_known(self._known_keys, name)
            if known == NULL:
                if not plain_key(name):
                    return None
                made.append(self.learn(name))
            else:
                made.append(<object>known)
        return tuple(made)

    cdef object learn(self, str key):
        """Remember, and return, a key's text in JSON or, of one that is not plain, whether its value is a secret.

        The same few keys come again and again: found here, one costs 20 ns instead of 100.
        """
        cdef bint is_secret = self._is_secret is not None and bool(self._is_secret(key))
        cdef object known = is_secret
        if plain_key(key):
            known = json_string(key) + (b':"[Filtered]"' if is_secret else b":")
        if len(self._known_keys) >= KEYS_REMEMBERED:
            self._known_keys.clear()
        self._known_keys[key] = known
        return known

    cdef int write_entry(self, Writer *writer, PyObject *known, str key, object value, bint native, int depth,
                         size_t end) except -1:
        """A member under a key that was found, or else under any text."""
        cdef const char *text
        cdef Py_ssize_t size
        cdef object learned
        if known == NULL:
            learned = self._known_keys.get(key)
            if learned is None:
                learned = self.learn(key)
            if type(learned) is not bytes:
                write_string(writer.out, key)
                tcn_json_byte(writer.out, b":")
                if learned is True:
                    tcn_json_put(writer.out, b'"[Filtered]"')
                    return 0
                return self.write_value(writer, value, native, depth, end)
            known = <PyObject *>learned
        # Copied before anything else runs: the memory of keys is cleared now and then.
        text = PyBytes_AS_STRING(<object>known)
        size = PyBytes_GET_SIZE(<object>known)
        tcn_json_raw(writer.out, text, size)
        if text[size - 1] != c":":
            return 0
        return self.write_value(writer, value, native, depth, end)

    cdef int write_value(self, Writer *writer, object value, bint native, int depth, size_t end) except -1:
        cdef tcn_json *out = writer.out
        cdef Py_ssize_t room
        cdef bytes fragment
        if PyUnicode_CheckExact(value):
            return write_text(out, <str>value, native, end, self._max_chars)
        if value is None:
            if native:
                tcn_json_put(out, b"null")
            else:
                tcn_json_put(out, b'"None"')
        elif value is True:
            if native:
                tcn_json_put(out, b"true")
            else:
                tcn_json_put(out, b'"True"')
        elif value is False:
            if native:
                tcn_json_put(out, b"false")
            else:
                tcn_json_put(out, b'"False"')
        elif PyLong_Check(value):
            return write_integer(out, value, native)
        elif PyFloat_Check(value):
            return write_floating(out, PyFloat_AS_DOUBLE(value), native)
        elif PyDict_Check(value):
            return self.write_mapping(writer, <dict>value, native, depth, end)
        elif PyList_Check(value) or PyTuple_Check(value):
            return self.write_sequence(writer, value, native, depth, end)
        elif PyUnicode_Check(value):
            room = <Py_ssize_t>end - <Py_ssize_t>out.size
            if room < 0:
                room = 0
            return write_text(out, <str>str.__getitem__(value, slice(0, room + LEAST_TEXT_BYTES)), native, end,
                              self._max_chars)
        elif PyAnySet_Check(value):
            return self.write_set(writer, value, native, depth, end)
        elif native and type(value) is Fragment:
            fragment = <bytes>value
            tcn_json_raw(out, PyBytes_AS_STRING(fragment), PyBytes_GET_SIZE(fragment))
        else:
            room = <Py_ssize_t>end - <Py_ssize_t>out.size - 2
            if room < LEAST_TEXT_BYTES:
                room = LEAST_TEXT_BYTES
            if self._represent is None and room <= self._max_chars and self.write_object(out, value, room):
                return 0
            return write_text(
                out, <str>describe(value, room, native, None if self._is_secret is None else self._hides,
                                    self._represent), True, end, self._max_chars
            )
        return 0

    def _hides(self, key):
        """Whether the value under a text is a secret, as it is remembered."""
        known = self._known_keys.get(key)
        if known is None:
            known = self.learn(key)
        return known.endswith(b'"') if type(known) is bytes else known

    cdef int write_object(self, tcn_json *out, object value, Py_ssize_t room) except -1:
        """Write what describe() says of an object with plain attributes; False, with nothing written, of another.

        Most objects in locals are such: this takes a tenth of the time of a text that is made and then written.
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
                is_written = is_written and self.write_attribute(out, <str>names[index], <object>values[index])
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

    cdef bint write_attribute(self, tcn_json *out, str name, object value) except -1:
        """Write ` name=value`; False if either is not plain, or it is not known whether it is a secret."""
        cdef PyObject *known
        cdef Py_ssize_t length = PyUnicode_GET_LENGTH(name)
        if (length > ATTRIBUTE_CHARS or not PyUnicode_IS_COMPACT_ASCII(name)
                or not tcn_json_is_plain(<const char *>PyUnicode_DATA(name), length)):
            return False
        tcn_json_byte(out, b" ")
        tcn_json_raw(out, <const char *>PyUnicode_DATA(name), length)
        tcn_json_byte(out, b"=")
        if self._is_secret is not None:
            known = find_known(self._known_keys, name)
            if known == NULL:
                return False
            if PyBytes_AS_STRING(<object>known)[PyBytes_GET_SIZE(<object>known) - 1] != c":":
                tcn_json_put(out, b"'[Filtered]'")
                return True
        return write_leaf(out, value)

    cdef int write_sequence(self, Writer *writer, object value, bint native, int depth, size_t end) except -1:
        cdef tcn_json *out = writer.out
        cdef bint is_list = PyList_Check(value)
        cdef Py_ssize_t total = PyList_GET_SIZE(value) if is_list else PyTuple_GET_SIZE(value)
        cdef Py_ssize_t done = 0
        cdef Py_ssize_t breadth = self._breadth if native else VARS_BREADTH
        cdef object item
        if not opens(writer, value, total, b"[]", depth):
            return 0
        tcn_json_byte(out, b"[")
        # The size is asked each time: another thread may change a list while a user's renderer runs.
        while done < breadth and done < (PyList_GET_SIZE(value) if is_list else PyTuple_GET_SIZE(value)):
            if out.size >= end:
                break
            if done:
                tcn_json_byte(out, b",")
            item = <object>(PyList_GET_ITEM(value, done) if is_list else PyTuple_GET_ITEM(value, done))
            self.write_value(writer, item, native, depth - 1, end)
            done += 1
        return close_sequence(writer, done, total)

    cdef int write_set(self, Writer *writer, object value, bint native, int depth, size_t end) except -1:
        cdef tcn_json *out = writer.out
        cdef Py_ssize_t total = PySet_GET_SIZE(value)
        cdef Py_ssize_t done = 0
        if not opens(writer, value, total, b"[]", depth):
            return 0
        tcn_json_byte(out, b"[")
        iterate = set.__iter__ if isinstance(value, set) else frozenset.__iter__
        for item in members(iterate(value), self._breadth if native else VARS_BREADTH):
            if out.size >= end:
                break
            if done:
                tcn_json_byte(out, b",")
            self.write_value(writer, item, native, depth - 1, end)
            done += 1
        return close_sequence(writer, done, total)

    cdef int write_mapping(self, Writer *writer, dict value, bint native, int depth, size_t end) except -1:
        cdef tcn_json *out = writer.out
        cdef Py_ssize_t total = PyDict_Size(value)
        cdef Py_ssize_t done = 0
        cdef Py_ssize_t breadth = self._breadth if native else VARS_BREADTH
        cdef Py_ssize_t position = 0
        cdef PyObject *key_slot
        cdef PyObject *item_slot
        cdef PyObject *known
        cdef object key, item
        cdef dict texts = None
        cdef bint is_marked = False
        if not opens(writer, value, total, b"{}", depth):
            return 0
        tcn_json_byte(out, b"{")
        while done < breadth and PyDict_Next(value, &position, &key_slot, &item_slot):
            if out.size >= end:
                break
            # Held while they are written: a user's renderer may change the dict.
            key = <object>key_slot
            item = <object>item_slot
            if done:
                tcn_json_byte(out, b",")
            known = find_known(self._known_keys, key)
            if known == NULL and not plain_key(key):
                if texts is None:
                    texts = plain_keys(value, breadth)
                key = unique_text(key_text(key), texts)
            if PyUnicode_GET_LENGTH(key) == 3 and key == "...":
                is_marked = True
            self.write_entry(writer, known, <str>key, item, native, depth - 1, end)
            done += 1
        writer.parent_count -= 1
        # A dict that was cut before has its mark already.
        if done < total and not is_marked:
            write_more(out, done > 0, b'"...":"', total - done)
        tcn_json_byte(out, b"}")
        return 0


cdef inline PyObject *find_known(dict known_keys, object key) except? NULL:
    """What is remembered of a plain key, borrowed; NULL for one that is unknown, or not plain."""
    cdef PyObject *known
    if not PyUnicode_CheckExact(key):
        return NULL
    known = PyDict_GetItemWithError(known_keys, key)
    return known if known != NULL and PyBytes_CheckExact(<object>known) else NULL


cdef int opens(Writer *writer, object value, Py_ssize_t total, const char *empty, int depth) except -1:
    """Whether the container's members are to be written; if not, what stands for them has been."""
    cdef int index
    if total == 0:
        tcn_json_put(writer.out, empty)
        return False
    for index in range(writer.parent_count):
        if writer.parents[index] == <void *>value:
            tcn_json_put(writer.out, b'"<cyclic>"')
            return False
    if depth <= 0 or writer.parent_count >= PARENTS_MAX:
        write_string(writer.out, f"<{type_name(type(value))} of {total}>")
        return False
    writer.parents[writer.parent_count] = <void *>value
    writer.parent_count += 1
    return True


cdef int close_sequence(Writer *writer, Py_ssize_t done, Py_ssize_t total) except -1:
    writer.parent_count -= 1
    if done < total:
        write_more(writer.out, done > 0, b'"... ', total - done)
    tcn_json_byte(writer.out, b"]")
    return 0


cdef int write_more(tcn_json *out, bint follows, const char *opening, Py_ssize_t count) except -1:
    if follows:
        tcn_json_byte(out, b",")
    tcn_json_put(out, opening)
    tcn_json_int64(out, count)
    tcn_json_put(out, b' more"')
    return 0
