"""The first and the last frames of a traceback or of the running stack; see the pure twin.

Called on the capturing thread with the GIL held. The frames that were kept are owned by the walk until `release`; what
is walked over on the way is borrowed from the traceback, or from the frame that it called.
"""

from types import FrameType, TracebackType

from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF

from tocsin import limits as _limits

cdef extern from "tcn_pycompat.h":
    PyObject *PyFrame_GetBack(PyFrameObject *frame)
    int tcn_frame_lasti(PyFrameObject *frame) except -2
    void Py_INCREF(void *)
    void Py_DECREF(void *)

cdef Py_ssize_t FRAMES_OUTER = _limits.FRAMES_OUTER
cdef Py_ssize_t FRAMES_INNER = _limits.FRAMES_INNER
if FRAMES_OUTER + FRAMES_INNER > FRAMES_MAX:
    raise ImportError("limits.py allows more frames than the core was compiled for")


def entries(traceback=None, caller=None, max_frames=0):
    """Return (frame, instruction, traceback or None) of each frame kept, and how many frames there were.

    See the pure twin. The core itself walks into plain memory and makes no such list.
    """
    cdef Walk walk
    cdef Py_ssize_t index
    walk.count = 0
    walk.total = 0
    try:
        collect(&walk, traceback, caller, max_frames)
        found = []
        for index in range(walk.count):
            trace = <object>walk.traces[index] if walk.traces[index] != NULL else None
            found.append((<object>walk.frames[index], walk.lastis[index], trace))
        return found, walk.total
    finally:
        release(&walk)


cdef int collect(Walk *walk, object traceback, object caller, Py_ssize_t max_frames) except -1:
    """Fill an empty walk; the arguments are those of `entries`."""
    if traceback is not None:
        if type(traceback) is not TracebackType:
            raise TypeError(f"a traceback is needed, not {type(traceback).__name__}")
        if max_frames > 0:
            return collect_full(walk, <PyTracebackObject *><PyObject *>traceback, max_frames)
        return collect_traceback(walk, <PyTracebackObject *><PyObject *>traceback)
    if caller is not None:
        if type(caller) is not FrameType:
            raise TypeError(f"a frame is needed, not {type(caller).__name__}")
        return collect_running(walk, <PyFrameObject *><PyObject *>caller)
    return 0


cdef int collect_full(Walk *walk, PyTracebackObject *trace, Py_ssize_t max_frames) except -1:
    """The frames below the outermost one of a traceback, then the traceback's; of too many the innermost."""
    cdef Walk above
    cdef PyFrameObject *back = <PyFrameObject *>PyFrame_GetBack(trace.tb_frame)
    cdef Py_ssize_t room = min(max_frames, FRAMES_OUTER + FRAMES_INNER)
    cdef Py_ssize_t index, drop
    above.count = 0
    above.total = 0
    try:
        collect_traceback(&above, trace)
        if back != NULL:
            collect_running(walk, back)
        walk.total += above.total
        # Of what lies below, so much is let go that the traceback's frames fit behind it.
        drop = walk.count + above.count - room
        if drop > 0:
            drop_first(walk, drop)
        drop = above.count - room
        if drop > 0:
            drop_first(&above, drop)
        for index in range(above.count):
            walk.frames[walk.count + index] = above.frames[index]
            walk.traces[walk.count + index] = above.traces[index]
            walk.lastis[walk.count + index] = above.lastis[index]
        walk.count += above.count
        above.count = 0
    finally:
        release(&above)
        Py_XDECREF(<PyObject *>back)
    return 0


cdef int collect_traceback(Walk *walk, PyTracebackObject *trace) except -1:
    cdef Py_ssize_t slot, total = 0
    while trace != NULL:
        if total < FRAMES_OUTER + FRAMES_INNER:
            slot = total
            walk.count += 1
        else:
            slot = FRAMES_OUTER + (total - FRAMES_OUTER) % FRAMES_INNER
            Py_DECREF(walk.frames[slot])
            Py_DECREF(walk.traces[slot])
        Py_INCREF(trace)
        Py_INCREF(trace.tb_frame)
        walk.traces[slot] = trace
        walk.frames[slot] = trace.tb_frame
        walk.lastis[slot] = trace.tb_lasti
        total += 1
        trace = trace.tb_next
    walk.total = total
    if total > FRAMES_OUTER + FRAMES_INNER:
        rotate(walk, FRAMES_OUTER, FRAMES_INNER, (total - FRAMES_OUTER) % FRAMES_INNER)
    return 0


cdef int collect_running(Walk *walk, PyFrameObject *frame) except -1:
    """From `frame` outwards, so the ring holds the outermost; turned round at the end."""
    cdef Py_ssize_t slot, low, high, total = 0
    cdef PyFrameObject *back
    Py_INCREF(frame)
    while frame != NULL:
        if total < FRAMES_INNER + FRAMES_OUTER:
            slot = total
            walk.count += 1
        else:
            slot = FRAMES_INNER + (total - FRAMES_INNER) % FRAMES_OUTER
            Py_DECREF(walk.frames[slot])
        walk.frames[slot] = frame
        walk.traces[slot] = NULL
        walk.lastis[slot] = -1
        total += 1
        back = <PyFrameObject *>PyFrame_GetBack(frame)
        frame = back
    walk.total = total
    if total > FRAMES_OUTER + FRAMES_INNER:
        rotate(walk, FRAMES_INNER, FRAMES_OUTER, (total - FRAMES_INNER) % FRAMES_OUTER)
    low = 0
    high = walk.count - 1
    while low < high:
        swap(walk, low, high)
        low += 1
        high -= 1
    for slot in range(walk.count):
        walk.lastis[slot] = tcn_frame_lasti(walk.frames[slot])
    return 0


cdef void swap(Walk *walk, Py_ssize_t one, Py_ssize_t other) noexcept:
    """Plain memory: no Python operation."""
    walk.frames[one], walk.frames[other] = walk.frames[other], walk.frames[one]
    walk.traces[one], walk.traces[other] = walk.traces[other], walk.traces[one]
    walk.lastis[one], walk.lastis[other] = walk.lastis[other], walk.lastis[one]


cdef void reverse(Walk *walk, Py_ssize_t low, Py_ssize_t high) noexcept:
    """Plain memory: no Python operation."""
    while low < high:
        swap(walk, low, high)
        low += 1
        high -= 1


cdef void rotate(Walk *walk, Py_ssize_t start, Py_ssize_t size, Py_ssize_t by) noexcept:
    """Turn a ring that was filled past its end into order: three reversals. Plain memory: no Python operation."""
    reverse(walk, start, start + by - 1)
    reverse(walk, start + by, start + size - 1)
    reverse(walk, start, start + size - 1)


cdef int drop_first(Walk *walk, Py_ssize_t drop) except -1:
    cdef Py_ssize_t index
    if drop > walk.count:
        drop = walk.count
    for index in range(drop):
        Py_DECREF(walk.frames[index])
        Py_XDECREF(<PyObject *>walk.traces[index])
    for index in range(drop, walk.count):
        walk.frames[index - drop] = walk.frames[index]
        walk.traces[index - drop] = walk.traces[index]
        walk.lastis[index - drop] = walk.lastis[index]
    walk.count -= drop
    return 0


cdef int release(Walk *walk) except -1:
    cdef Py_ssize_t index
    cdef Py_ssize_t count = walk.count
    walk.count = 0
    for index in range(count):
        Py_DECREF(walk.frames[index])
        Py_XDECREF(<PyObject *>walk.traces[index])
    return 0
