"""Renders a value as JSON within bounds, without running any code of the value's type; see the pure twin.

Called on the capturing thread with the GIL held. Every value is written into a buffer of the caller's; no object is
made for what is text, a number, None or a boolean.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Check, PyDict_Next, PyDict_Size
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.list cimport PyList_Check, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_Check
from cpython.object cimport PyObject
from cpython.set cimport PyAnySet_Check, PySet_GET_SIZE
from cpython.tuple cimport PyTuple_Check, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_Check, PyUnicode_CheckExact, PyUnicode_GET_LENGTH

from tocsin import limits as _limits
from tocsin._core.describe import cut, describe, key_text, leaf, module_variables, type_name
from tocsin._core.json_text import Fragment, json_string
from tocsin._core.keys import members, plain_keys, unique_text

from tocsin._core.json_text cimport as_bytes, write_string
from tocsin._core.keys cimport find_known, plain_key
from tocsin._core.leaves cimport LEAST_TEXT_BYTES, write_floating, write_integer, write_object, write_text
from tocsin._core.tcn_json cimport (
    tcn_json,
    tcn_json_byte,
    tcn_json_free,
    tcn_json_init,
    tcn_json_int64,
    tcn_json_put,
    tcn_json_raw,
)

# Read once: a lookup in a module's dict for every node would cost as much as writing it.
cdef Py_ssize_t VARS_BREADTH = _limits.VARS_BREADTH
cdef Py_ssize_t VARS_BYTES = _limits.VARS_BYTES
cdef Py_ssize_t VARS_COUNT = _limits.VARS_COUNT
cdef Py_ssize_t VARS_MIN_BYTES = _limits.VARS_MIN_BYTES
cdef int VARS_DEPTH = _limits.VARS_DEPTH
cdef enum:
    KEYS_REMEMBERED = 4096
    STORAGE_BYTES = 4096
if VARS_COUNT > SLOTS_MAX:
    raise ImportError("limits.py allows more locals than the core was compiled for")


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
            if self._represent is None and room <= self._max_chars and write_object(
                    out, value, None if self._is_secret is None else self._known_keys, room):
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
