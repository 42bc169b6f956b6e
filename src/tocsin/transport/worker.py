"""The one thread that delivers what the capturing threads have handed over."""

from __future__ import annotations

import _thread
import sys
from time import monotonic

from tocsin import diagnostics, limits
from tocsin.native import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tocsin._backend import Handoff

# Longer waits are cut to this, because a platform's lock has a limit of its own.
_WAIT_MAX_S = 86_400.0


class Worker:
    """Takes items out of a handoff and delivers them one by one, on a daemon thread that the first offer starts.

    A worker belongs to the process that made it; a forked child needs another one, as the thread stayed behind.

    The thread is native even under gevent's monkey patching, and no `threading.Thread`: starting one of those waits
    for it and takes a lock that a signal handler must not meet.

    Args:
        handoff: where the items come from; this worker alone takes from it.
        deliver: called with each item. It should not raise; if it does, that is said and the worker goes on.
        name: what diagnostics call the worker.
        on_idle: called when nothing was offered for `idle_interval_s`, and once before each flush is answered.

    Attributes:
        is_alive: whether the thread runs, as far as the process knows that has made the worker.
        deadline_s: monotonic time by which a flush that delivers on its own thread must be done; None on the worker's.
    """

    __slots__ = (
        "_consumer",
        "_consuming",
        "_deliver",
        "_handoff",
        "_idle_interval_s",
        "_is_stopping",
        "_name",
        "_on_idle",
        "_settled",
        "_starting",
        "_waiters",
        "deadline_s",
        "is_alive",
    )

    def __init__(
        self,
        handoff: Handoff,
        deliver: Callable[[Any], object],
        name: str = "tocsin.worker",
        on_idle: Callable[[], object] | None = None,
        idle_interval_s: float = limits.REPORT_ALONE_S,
    ) -> None:
        if sys.version_info < (3, 13):
            # These versions take the thread that first imports it for the main one, and wait for that at exit. The
            # deliveries will import it; an application mostly has already.
            __import__("threading")
        self._handoff = handoff
        self._deliver = deliver
        self._name = name
        self._on_idle = on_idle
        self._idle_interval_s = idle_interval_s
        self._is_stopping = False
        self.is_alive = False
        # How many items were delivered, or given up; written by whoever holds `_consuming`.
        self._settled = 0
        self.deadline_s: float | None = None
        allocate_lock = native("allocate_lock")
        # Held while a thread is being started, only ever tried.
        self._starting = allocate_lock()
        # Held by the thread that takes from the handoff, and who that is.
        self._consuming = allocate_lock()
        self._consumer = 0
        # Who waits in flush: how many items must be settled, and the lock to release then.
        self._waiters: list[tuple[int, _thread.LockType]] = []

    @property
    def pending(self) -> int:
        """How many items are queued or being delivered."""
        return max(0, self._handoff.offered - self._settled)

    def offer(self, item: object, size_bytes: int) -> bool:
        """Hands an item over without waiting; returns False if there is no room, or if the worker was stopped.

        The first offer starts the thread. If that fails, the items stay queued for a later try, or for `flush`.
        """
        if self._is_stopping or not self._handoff.offer(item, size_bytes):
            return False
        if not self.is_alive:
            self._start()
        return True

    def flush(self, timeout_s: float) -> bool:
        """Waits until all that was offered before the call is settled; returns whether it was, in time.

        Where no thread runs, the caller's thread does the work. Called from within a delivery, it returns False.
        """
        deadline = monotonic() + _bounded(timeout_s)
        if self.is_alive:
            if self._consumer == _thread.get_ident():
                return False
            if self._wait_until_settled(deadline):
                return True
        # The thread never ran, or has ended meanwhile.
        return not self.is_alive and self._drain(deadline)

    def stop(self, timeout_s: float) -> bool:
        """Ends the thread after the delivery it is at; returns whether it has ended in time. Later offers fail."""
        self._is_stopping = True
        self._handoff.wake()
        if not self.is_alive:
            return True
        if self._consumer == _thread.get_ident() or not self._consuming.acquire(True, _bounded(timeout_s)):
            return False
        self._consuming.release()
        return True

    def _start(self) -> None:
        if not self._starting.acquire(False):
            # Another thread is at it, or the very call that a signal handler has interrupted here.
            return
        try:
            if self.is_alive:
                return
            self.is_alive = True
            try:
                native("start_new_thread")(self._run, ())
            except Exception as error:
                self.is_alive = False
                text = f"{self._name} cannot start ({error}): events wait until the next capture or flush"
                if "shutdown" in str(error):
                    # From 3.12 on no thread starts once the interpreter ends: the flush at exit delivers, as it should.
                    diagnostics.debug(text)
                else:
                    diagnostics.warn_once("worker-start", text)
        finally:
            self._starting.release()

    def _run(self) -> None:
        try:
            with self._consuming:
                self._consumer = _thread.get_ident()
                try:
                    while not self._is_stopping:
                        self._work_once()
                finally:
                    self._consumer = 0
                    self.is_alive = False
        except Exception as error:
            diagnostics.internal_error(self._name, error)
        finally:
            # They see for themselves whether their items were settled.
            for waiter in self._take_waiters(None):
                waiter.release()

    def _work_once(self) -> None:
        item = self._handoff.take(self._idle_interval_s)
        if item is not None:
            self._settle(item)
        elif not self._waiters:
            self._idle()
        # Nothing may be kept alive through the next sleep.
        del item
        if self._waiters:
            settled = self._take_waiters(self._settled)
            if settled:
                self._idle()
            for waiter in settled:
                waiter.release()

    def _settle(self, item: object) -> None:
        try:
            self._deliver(item)
        except Exception as error:
            diagnostics.internal_error(f"{self._name}, delivery", error)
        finally:
            self._settled += 1

    def _idle(self) -> None:
        if self._on_idle is not None:
            try:
                self._on_idle()
            except Exception as error:
                diagnostics.internal_error(f"{self._name}, idle", error)

    def _is_settled(self, target: int) -> bool:
        # An empty queue says so only while no item is in hand: to the worker, and to whom it has just answered.
        return self._settled >= target or not len(self._handoff)

    def _take_waiters(self, settled: int | None) -> list[_thread.LockType]:
        """Moves out the waiters whose items are settled; all of them if the thread ends (None)."""
        taken = []
        for waiter in list(self._waiters):
            if (settled is None or self._is_settled(waiter[0])) and self._forget(waiter):
                taken.append(waiter[1])
        return taken

    def _forget(self, waiter: tuple[int, _thread.LockType]) -> bool:
        """Takes one waiter off the list; False if the other side was faster."""
        try:
            self._waiters.remove(waiter)
        except ValueError:
            return False
        return True

    def _wait_until_settled(self, deadline: float) -> bool:
        lock = native("allocate_lock")()
        lock.acquire()
        waiter = (self._handoff.offered, lock)
        self._waiters.append(waiter)
        try:
            self._handoff.wake()
            return lock.acquire(True, _bounded(deadline - monotonic())) and self._is_settled(waiter[0])
        finally:
            self._forget(waiter)

    def _drain(self, deadline: float) -> bool:
        """Does the worker's part on the calling thread, until the queue is empty or the time is over."""
        if self._consumer == _thread.get_ident():
            return False
        if not self._consuming.acquire(True, _bounded(deadline - monotonic())):
            return False
        try:
            self._consumer = _thread.get_ident()
            self.deadline_s = deadline
            while monotonic() < deadline:
                item = self._handoff.take(0.0)
                if item is None:
                    self._idle()
                    break
                self._settle(item)
            return not len(self._handoff)
        finally:
            self.deadline_s = None
            self._consumer = 0
            self._consuming.release()


def _bounded(seconds: float) -> float:
    """A number of seconds that a lock can wait: NaN and less than zero are zero."""
    return min(seconds, _WAIT_MAX_S) if seconds > 0 else 0.0
