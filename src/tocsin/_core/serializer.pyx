"""Makes the bytes of an event: from a capture, or from a dict; see the pure twin.

Called on the worker thread for captures and on the capturing thread for dicts, with the GIL held.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE

from tocsin import limits as _limits
from tocsin._core.breadcrumbs cimport Breadcrumb
from tocsin._core.stacktrace cimport Stack
from tocsin._core.tcn_clock cimport TCN_CLOCK_ISO_SIZE, tcn_clock_iso
from tocsin._core.tcn_json cimport (
    tcn_json,
    tcn_json_byte,
    tcn_json_free,
    tcn_json_init,
    tcn_json_int64,
    tcn_json_put,
    tcn_json_raw,
)
from tocsin._core.json_text cimport as_bytes, write_string

from tocsin._core.json_text import Fragment
from tocsin._core.values import Renderer

cdef Py_ssize_t DETAILED_OUTER = _limits.DETAILED_OUTER
cdef Py_ssize_t DETAILED_INNER = _limits.DETAILED_INNER
# An event written by hand may be wide and deep where no databag is; the size guard has the last word.
cdef object EVENT_DEPTH = 24
cdef object EVENT_BREADTH = 10_000
cdef object EVENT_BYTES = 8 * _limits.EVENT_BYTES

__all__ = ["Capture", "Fragment", "dumps", "iso_time", "render"]


cdef class Capture:
    """All that is to be said of one event, with no object of the application's in it; see the pure twin."""

    cdef readonly str event_id
    cdef readonly double timestamp_s
    cdef public str level
    cdef readonly bytes head
    cdef readonly Stack stack
    cdef readonly str stack_key
    cdef readonly bytes fields
    cdef readonly bytes static
    cdef readonly list breadcrumbs
    cdef readonly Py_ssize_t breadcrumb_total
    cdef readonly tuple attachments

    def __init__(self, str event_id, double timestamp_s, str level, bytes head, Stack stack, str stack_key,
                 bytes fields, bytes static, list breadcrumbs, Py_ssize_t breadcrumb_total, tuple attachments):
        self.event_id = event_id
        self.timestamp_s = timestamp_s
        self.level = level
        self.head = head
        self.stack = stack
        self.stack_key = stack_key
        self.fields = fields
        self.static = static
        self.breadcrumbs = breadcrumbs
        self.breadcrumb_total = breadcrumb_total
        self.attachments = attachments

    @property
    def size_bytes(self):
        """About how much memory the capture holds, what it shares with others not counted."""
        size = 512 + len(self.head) + len(self.fields)
        if self.stack is not None:
            size += self.stack.size_bytes
        if self.breadcrumbs is not None:
            size += 8 * len(self.breadcrumbs)
        return size


def iso_time(timestamp_s):
    """Return a unix time as RFC 3339 in UTC with microseconds; see the pure twin."""
    cdef char text[TCN_CLOCK_ISO_SIZE]
    try:
        tcn_clock_iso(timestamp_s, text)
    except OverflowError:
        tcn_clock_iso(0.0, text)
    return text[:TCN_CLOCK_ISO_SIZE].decode("ascii")


def dumps(value):
    """Return any value as JSON; see the pure twin."""
    return Renderer(breadth=EVENT_BREADTH).data(value, EVENT_BYTES, EVENT_DEPTH)


def render(Capture capture not None):
    """Return the event of a capture as JSON."""
    cdef tcn_json out
    cdef char storage[16384]
    tcn_json_init(&out, storage, sizeof(storage))
    try:
        write_capture(&out, capture)
        return as_bytes(&out)
    finally:
        tcn_json_free(&out)


cdef int write_bytes(tcn_json *out, object data) except -1:
    tcn_json_raw(out, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    return 0


cdef int write_time(tcn_json *out, double timestamp_s) except -1:
    cdef char text[TCN_CLOCK_ISO_SIZE]
    tcn_clock_iso(timestamp_s, text)
    tcn_json_byte(out, b'"')
    tcn_json_raw(out, text, TCN_CLOCK_ISO_SIZE)
    tcn_json_byte(out, b'"')
    return 0


cdef int write_capture(tcn_json *out, Capture capture) except -1:
    cdef list meta = []
    cdef Py_ssize_t index
    tcn_json_put(out, b'{"event_id":')
    write_string(out, capture.event_id)
    tcn_json_put(out, b',"timestamp":')
    write_time(out, capture.timestamp_s)
    tcn_json_put(out, b',"platform":"python","level":')
    write_string(out, capture.level)
    for members in (capture.head, capture.static, capture.fields):
        if PyBytes_GET_SIZE(members):
            tcn_json_byte(out, b",")
            write_bytes(out, members)
    if capture.stack is not None:
        write_stack(out, capture.stack, capture.stack_key, meta)
    if capture.breadcrumbs:
        tcn_json_put(out, b',"breadcrumbs":{"values":[')
        for index in range(PyList_GET_SIZE(capture.breadcrumbs)):
            if index:
                tcn_json_byte(out, b",")
            write_breadcrumb(out, <Breadcrumb?><object>PyList_GET_ITEM(capture.breadcrumbs, index))
        tcn_json_put(out, b"]}")
        if capture.breadcrumb_total > PyList_GET_SIZE(capture.breadcrumbs):
            meta.append(b'"breadcrumbs":{"":{"len":%d}}' % capture.breadcrumb_total)
    if meta:
        write_bytes(out, b',"_meta":{%s}' % b",".join(meta))
    tcn_json_byte(out, b"}")
    return 0


cdef int write_stack(tcn_json *out, Stack stack, str key, list meta) except -1:
    cdef Py_ssize_t index
    cdef list frames
    cdef list cuts = []
    tcn_json_byte(out, b",")
    write_string(out, key)
    tcn_json_put(out, b':{"values":[')
    for index in range(PyList_GET_SIZE(stack.heads)):
        members = stack.heads[index]
        frames = stack.frames[index]
        if index:
            tcn_json_byte(out, b",")
        tcn_json_byte(out, b"{")
        write_bytes(out, members)
        if frames:
            if PyBytes_GET_SIZE(members):
                tcn_json_byte(out, b",")
            tcn_json_put(out, b'"stacktrace":{"frames":[')
            write_frames(out, frames)
            tcn_json_put(out, b"]}")
        tcn_json_byte(out, b"}")
        if stack.totals[index] > PyList_GET_SIZE(frames) // 2:
            cuts.append(b'"%d":{"stacktrace":{"frames":{"":{"len":%d}}}}' % (index, stack.totals[index]))
    tcn_json_put(out, b"]}")
    if cuts:
        meta.append(b'"%s":{"values":{%s}}' % (key.encode(), b",".join(cuts)))
    return 0


cdef int write_frames(tcn_json *out, list frames) except -1:
    cdef Py_ssize_t count = PyList_GET_SIZE(frames) // 2
    cdef Py_ssize_t index
    for index in range(count):
        site = <object>PyList_GET_ITEM(frames, 2 * index)
        variables = <object>PyList_GET_ITEM(frames, 2 * index + 1)
        if index:
            tcn_json_byte(out, b",")
        tcn_json_byte(out, b"{")
        write_bytes(out, site.head)
        line = site.line
        if line:
            tcn_json_byte(out, b",")
            write_bytes(out, line)
            if index < DETAILED_OUTER or index >= count - DETAILED_INNER:
                tcn_json_byte(out, b",")
                write_bytes(out, site.around)
        if variables is not None:
            tcn_json_put(out, b',"vars":')
            write_bytes(out, variables)
        tcn_json_byte(out, b"}")
    return 0


cdef int write_breadcrumb(tcn_json *out, Breadcrumb crumb) except -1:
    cdef bytes data = crumb.data()
    tcn_json_put(out, b'{"timestamp":')
    write_time(out, crumb.timestamp_s)
    write_member(out, b',"type":', crumb.type)
    write_member(out, b',"category":', crumb.category)
    write_member(out, b',"level":', crumb.level)
    write_member(out, b',"message":', crumb.message())
    if data is not None:
        tcn_json_put(out, b',"data":')
        write_bytes(out, data)
    tcn_json_byte(out, b"}")
    return 0


cdef int write_member(tcn_json *out, const char *key, object text) except -1:
    if text is not None:
        tcn_json_put(out, key)
        write_string(out, text)
    return 0
