"""The bounded way from the capturing threads to the worker; see `tocsin._pure.handoff` for the promises.

Items stand in a list, where the garbage collector sees them; which place of it comes next, and the bounds,
are kept by csrc/tcn_handoff. An offer is one stretch of C between two looks of the interpreter at its signals.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.list cimport PyList_GET_SIZE
from cpython.pythread cimport (
    NOWAIT_LOCK,
    PY_LOCK_ACQUIRED,
    PY_LOCK_INTR,
    PyLockStatus,
    PyThread_acquire_lock,
    PyThread_allocate_lock,
    PyThread_free_lock,
    PyThread_release_lock,
    PyThread_type_lock,
)
from libc.stdint cimport uint64_t

from _operator import index
from time import monotonic


cdef extern from "pythread.h" nogil:
    PyLockStatus PyThread_acquire_lock_timed(PyThread_type_lock lock, long long microseconds, int intr_flag)


cdef extern from "tcn_error.h" nogil:
    int TCN_OK


cdef extern from "tcn_fork.h" nogil:
    void tcn_fork_watch()
    unsigned int tcn_fork_count()


cdef extern from "tcn_handoff.h" nogil:
    const uint64_t TCN_HANDOFF_CAPACITY_MAX
    const uint64_t TCN_HANDOFF_BYTES_MAX

    ctypedef struct tcn_handoff

    int tcn_handoff_new(uint64_t capacity, uint64_t capacity_bytes, tcn_handoff **out)
    void tcn_handoff_free(tcn_handoff *handoff)
    size_t tcn_handoff_places(const tcn_handoff *handoff)
    size_t tcn_handoff_place(const tcn_handoff *handoff, uint64_t ticket)
    int tcn_handoff_claim(tcn_handoff *handoff, uint64_t size_bytes, uint64_t *ticket)
    bint tcn_handoff_publish(tcn_handoff *handoff, uint64_t ticket)
    bint tcn_handoff_wake(tcn_handoff *handoff)
    int tcn_handoff_peek(const tcn_handoff *handoff, size_t *place)
    void tcn_handoff_release(tcn_handoff *handoff)
    bint tcn_handoff_take_wake(tcn_handoff *handoff)
    bint tcn_handoff_sleep_begin(tcn_handoff *handoff)
    bint tcn_handoff_sleep_end(tcn_handoff *handoff)
    void tcn_handoff_level(const tcn_handoff *handoff, uint64_t *items, uint64_t *size_bytes)
    uint64_t tcn_handoff_offered(const tcn_handoff *handoff)


CAPACITY_MAX = TCN_HANDOFF_CAPACITY_MAX
CAPACITY_BYTES_MAX = TCN_HANDOFF_BYTES_MAX
TIMEOUT_MAX_S = 86_400.0

cdef object size_bytes_max = CAPACITY_BYTES_MAX
cdef object timeout_max_s = TIMEOUT_MAX_S
tcn_fork_watch()


@cython.final
cdef class Handoff:
    """A first-in, first-out queue with a bound in items and one in bytes."""

    # owned
    cdef tcn_handoff *_queue
    # One entry for each place of `_queue`; None where there is no item. Never resized.
    cdef list _items
    # owned. Held while nobody has rung; released by the producer that took the queue's flag down.
    cdef PyThread_type_lock _bell
    cdef uint64_t _capacity
    cdef uint64_t _capacity_bytes
    # The count of forks in the process that takes: in no other is there anybody who would.
    cdef unsigned int _made_at

    def __cinit__(self, capacity, capacity_bytes):
        self._capacity = bound("capacity", capacity, CAPACITY_MAX)
        self._capacity_bytes = bound("capacity_bytes", capacity_bytes, CAPACITY_BYTES_MAX)
        if tcn_handoff_new(self._capacity, self._capacity_bytes, &self._queue) != TCN_OK:
            raise MemoryError
        self._bell = PyThread_allocate_lock()
        if self._bell is NULL:
            raise RuntimeError("can't allocate lock")
        PyThread_acquire_lock(self._bell, NOWAIT_LOCK)
        self._made_at = tcn_fork_count()
        self._items = [None] * <Py_ssize_t>tcn_handoff_places(self._queue)

    def __dealloc__(self):
        tcn_handoff_free(self._queue)
        if self._bell is not NULL:
            # Some platforms want a lock to be free when it goes.
            PyThread_acquire_lock(self._bell, NOWAIT_LOCK)
            PyThread_release_lock(self._bell)
            PyThread_free_lock(self._bell)

    def offer(self, item, size_bytes):
        """Puts `item` into the queue, or returns False at once if it has no room for one more or for its bytes.

        False, too, in a child of the process that made the queue.
        """
        cdef uint64_t size, ticket
        if item is None:
            raise TypeError("None cannot be offered: take() returns it for nothing")
        if type(size_bytes) is not int:
            size_bytes = index(size_bytes)
        if size_bytes < 0:
            raise ValueError("size_bytes must not be negative")
        if size_bytes > size_bytes_max or not self._has_places() or self._made_at != tcn_fork_count():
            return False
        size = size_bytes
        # From here to the end no Python code runs: what is replaced in the list is None.
        if tcn_handoff_claim(self._queue, size, &ticket) != TCN_OK:
            return False
        self._items[tcn_handoff_place(self._queue, ticket)] = item
        if tcn_handoff_publish(self._queue, ticket):
            PyThread_release_lock(self._bell)
        return True

    def take(self, timeout_s):
        """Moves the oldest item out, sleeping at most `timeout_s` seconds until there is one."""
        cdef size_t place
        cdef double remaining_s, deadline_s = 0
        cdef bint has_slept = False
        while True:
            if not self._has_places():
                return None
            if tcn_handoff_peek(self._queue, &place) == TCN_OK:
                item = self._items[place]
                self._items[place] = None
                tcn_handoff_release(self._queue)
                return item
            if tcn_handoff_take_wake(self._queue):
                return None
            if not has_slept:
                if not timeout_s > 0:
                    return None
                remaining_s = timeout_s if timeout_s < timeout_max_s else timeout_max_s
                deadline_s = monotonic() + remaining_s
                has_slept = True
            else:
                remaining_s = deadline_s - monotonic()
                if not remaining_s > 0:
                    return None
            self._sleep(remaining_s)

    def wake(self):
        """Makes the present sleep of `take`, or else its next one, end with None; several calls count as one."""
        if tcn_handoff_wake(self._queue):
            PyThread_release_lock(self._bell)

    def is_full(self):
        """Whether there is no room for a further item, not even for one of a single byte."""
        cdef uint64_t items, size_bytes
        if self._made_at != tcn_fork_count():
            return False  # what is in it is the parent's
        tcn_handoff_level(self._queue, &items, &size_bytes)
        return items >= self._capacity or size_bytes >= self._capacity_bytes

    def __len__(self):
        cdef uint64_t items, size_bytes
        tcn_handoff_level(self._queue, &items, &size_bytes)
        return items

    @property
    def size_bytes(self):
        """The sizes of the items in the queue, added up."""
        cdef uint64_t items, size_bytes
        tcn_handoff_level(self._queue, &items, &size_bytes)
        return size_bytes

    @property
    def offered(self):
        """How many items were ever accepted."""
        return tcn_handoff_offered(self._queue)

    def __reduce__(self):
        raise TypeError("a Handoff cannot be copied or pickled")

    cdef bint _has_places(self) noexcept:
        # The garbage collector has emptied them if a finalizer reaches a handoff that died with it.
        return self._items is not None and <size_t>PyList_GET_SIZE(self._items) == tcn_handoff_places(self._queue)

    cdef int _sleep(self, double timeout_s) except -1:
        cdef PyLockStatus status = PY_LOCK_ACQUIRED
        cdef bint is_rung = False
        if tcn_handoff_sleep_begin(self._queue):
            with nogil:
                status = PyThread_acquire_lock_timed(self._bell, <long long>(timeout_s * 1e6) + 1, 1)
            is_rung = status == PY_LOCK_ACQUIRED
        if not tcn_handoff_sleep_end(self._queue) and not is_rung:
            # A ring that the wait did not see. Whoever took the flag down has rung before it let go of the GIL.
            PyThread_acquire_lock(self._bell, NOWAIT_LOCK)
        if status == PY_LOCK_INTR:
            PyErr_CheckSignals()
        return 0


cdef object bound(str name, object value, object maximum):
    value = index(value)
    if not 0 < value <= maximum:
        raise ValueError(f"{name} must be between 1 and {maximum}, not {value}")
    return value
