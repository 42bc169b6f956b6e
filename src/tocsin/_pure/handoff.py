"""The bounded way from the capturing threads to the worker: many may offer, one takes.

No lock is taken to offer, so that an offer can interrupt another one on the same thread (a signal handler, a
`__del__`) and never waits. CPython switches threads, runs signal handlers and (from 3.12) collects garbage
only after calls and taken jumps. A stretch of statements that falls through every `if` and calls nothing
therefore runs as a whole; the comments below name these stretches. A debugger that traces lines may part
them: then the bounds can be passed by the few items that other threads offer in that moment.
"""

from __future__ import annotations

from _operator import index
from _thread import allocate_lock
from os import getpid
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
else:
    from _collections import deque

# A queue longer than this would hide an outage rather than bridge it; the bytes fit the compiled twin's packed word.
CAPACITY_MAX = 2**20
CAPACITY_BYTES_MAX = 2**40 - 1
# One sleep is cut to this, because a platform's lock has a limit of its own.
TIMEOUT_MAX_S = 86_400.0


class Handoff:
    """A first-in, first-out queue with a bound in items and one in bytes.

    `offer` may be called anywhere, also in signal handlers and in `__del__`; `take` by one thread at a time.
    Items of one thread come out in the order in which that thread offered them, each exactly once.

    Args:
        capacity: most items held at a time, exactly; 1 to `CAPACITY_MAX`.
        capacity_bytes: most bytes held at a time, by the sizes given to `offer`; 1 to `CAPACITY_BYTES_MAX`.

    Raises:
        ValueError: a bound is out of its range.
    """

    __slots__ = (
        "_asleep",
        "_bell",
        "_capacity",
        "_capacity_bytes",
        "_items",
        "_len",
        "_offered",
        "_pid",
        "_size_bytes",
        "_woken",
    )

    def __init__(self, capacity: int, capacity_bytes: int) -> None:
        self._capacity = _bound("capacity", capacity, CAPACITY_MAX)
        self._capacity_bytes = _bound("capacity_bytes", capacity_bytes, CAPACITY_BYTES_MAX)
        self._items: deque[tuple[object, int]] = deque()
        self._len = 0
        self._size_bytes = 0
        self._offered = 0
        # The process that takes: in no other is there anybody who would.
        self._pid = getpid()
        # The bell is a lock that is held while nobody has rung. Invariant: while `_asleep` is set it is held,
        # so whoever clears `_asleep` may release it, and nobody else does.
        self._bell = allocate_lock()
        self._bell.acquire()
        self._asleep = False
        self._woken = False

    def offer(self, item: object, size_bytes: int) -> bool:
        """Puts `item` into the queue, or returns False at once if it has no room for one more or for its bytes.

        False, too, in a child of the process that made the queue.

        Raises:
            TypeError: `item` is None, or `size_bytes` is no integer.
            ValueError: `size_bytes` is negative.
        """
        if item is None:
            raise TypeError("None cannot be offered: take() returns it for nothing")
        if type(size_bytes) is not int:
            size_bytes = index(size_bytes)
        if size_bytes < 0:
            raise ValueError("size_bytes must not be negative")
        if self._pid != getpid():
            return False
        entry = (item, size_bytes)
        append = self._items.append
        # As a whole: the test of both bounds and the reservation. It ends with the call of `append`, and an
        # exception from a signal handler can land only after that call: no reservation stays without its item.
        # The sums are made before the first of them is kept, since making one can run out of memory.
        new_len = self._len + 1
        new_size_bytes = self._size_bytes + size_bytes
        new_offered = self._offered + 1
        if new_len <= self._capacity and new_size_bytes <= self._capacity_bytes:
            self._len = new_len
            self._size_bytes = new_size_bytes
            self._offered = new_offered
            try:
                append(entry)
            except MemoryError:
                self._len -= 1
                self._size_bytes -= size_bytes
                self._offered -= 1
                return False
            finally:
                # As a whole: whoever clears the flag is the one that rings, once.
                if self._asleep:
                    self._asleep = False
                    self._bell.release()
            return True
        return False

    def take(self, timeout_s: float) -> object | None:
        """Moves the oldest item out, sleeping at most `timeout_s` seconds until there is one.

        Returns None when the time is over, or when the queue is empty and `wake` was called since the last
        None. The sleep is cut to `TIMEOUT_MAX_S`; zero, less and NaN mean not to sleep.
        """
        deadline = None
        while True:
            if self._items:
                # As a whole: the item leaves the queue and the counts, by statements that call nothing.
                item, size_bytes = self._items[0]
                new_len = self._len - 1
                new_size_bytes = self._size_bytes - size_bytes
                self._len = new_len
                self._size_bytes = new_size_bytes
                del self._items[0]
                return item
            if self._woken:
                self._woken = False
                return None
            if deadline is None:
                if not timeout_s > 0:
                    return None
                remaining_s = timeout_s if timeout_s < TIMEOUT_MAX_S else TIMEOUT_MAX_S
                deadline = monotonic() + remaining_s
            else:
                remaining_s = deadline - monotonic()
                if not remaining_s > 0:
                    return None
            self._sleep(remaining_s)

    def wake(self) -> None:
        """Makes the present sleep of `take`, or else its next one, end with None; several calls count as one."""
        self._woken = True
        if self._asleep:
            self._asleep = False
            self._bell.release()

    def is_full(self) -> bool:
        """Whether there is no room for a further item, not even for one of a single byte."""
        is_full = self._len >= self._capacity or self._size_bytes >= self._capacity_bytes
        # What is in it may be the parent's.
        return is_full and self._pid == getpid()

    def __len__(self) -> int:
        return self._len

    @property
    def size_bytes(self) -> int:
        """The sizes of the items in the queue, added up."""
        return self._size_bytes

    @property
    def offered(self) -> int:
        """How many items were ever accepted."""
        return self._offered

    def _sleep(self, timeout_s: float) -> None:
        # An exception from a signal handler may have ended an earlier sleep, leaving the flag set or the
        # bell rung: both are put right before the flag is set again, which keeps the invariant.
        self._asleep = False
        self._bell.acquire(False)
        # The flag first, then a last look: an offer that this look misses comes after the flag, and rings.
        self._asleep = True
        if not self._items and not self._woken:
            self._bell.acquire(True, timeout_s)
        self._asleep = False

    def __reduce__(self) -> str:
        raise TypeError("a Handoff cannot be copied or pickled")


def _bound(name: str, value: int, maximum: int) -> int:
    value = index(value)
    if not 0 < value <= maximum:
        raise ValueError(f"{name} must be between 1 and {maximum}, not {value}")
    return value
