"""A transport for scripts and lambdas: a capture returns when it is delivered or counted."""

from __future__ import annotations

from _thread import get_ident
from os import getpid

from tocsin import limits
from tocsin.envelope import Envelope
from tocsin.native import native
from tocsin.reasons import DataCategory, DiscardReason
from tocsin.transport.http import SendingTransport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


class SyncHttpTransport(SendingTransport):
    """Sends on the capturing thread, one envelope at a time.

    Other threads wait for their turn, at most `limits.HTTP_TIMEOUT_S`. A capture made while this very thread is
    sending, by a signal handler or a `__del__`, cannot wait for it: it is sent by the same thread right afterwards.
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        # It is the capturing thread that delivers: nothing may be left for it to import.
        self._equip()
        self._open()

    def _open(self) -> None:
        self._sending = native("allocate_lock")()
        # The thread that holds it.
        self._owner = 0
        self._deferred: list[object] = []

    def _renew(self, owns_descriptor: bool) -> None:
        self._open()
        super()._renew(owns_descriptor)

    def offer(self, capture: object, size_bytes: int) -> bool:
        """Delivers a capture; always True, as it counts whatever happens itself."""
        self._take_turn(capture)
        return True

    def capture_envelope(self, envelope: Envelope) -> None:
        """Delivers an envelope."""
        self._take_turn(envelope)

    def flush(self, timeout: float | None = None, callback: Callable[[int, float], object] | None = None) -> bool:
        """Sends what there is to report; nothing else can be pending, unless other threads are sending just now."""
        timeout = limits.SHUTDOWN_TIMEOUT_S if timeout is None else timeout
        return self._turn(None, timeout)

    def kill(self) -> None:
        if self._owner == 0:
            self._sender.connection.close()

    def is_full(self) -> bool:
        return len(self._deferred) >= limits.QUEUE_EVENTS

    def _take_turn(self, queued: Any) -> None:
        if not self._turn(queued, limits.HTTP_TIMEOUT_S):
            if isinstance(queued, Envelope):
                self._lose(queued.items, DiscardReason.QUEUE_OVERFLOW)
            else:
                self.record_lost_event(DiscardReason.QUEUE_OVERFLOW, DataCategory.ERROR)

    def _turn(self, queued: Any, timeout_s: float) -> bool:
        """Delivers what is queued (for None the client report); False if its turn did not come in time."""
        if self._pid != getpid():
            self._renew(owns_descriptor=False)
        if self._owner == get_ident():
            if queued is None or self.is_full():
                return False
            self._deferred.append(queued)
            return True
        if not self._sending.acquire(True, max(0.0, timeout_s)):
            return False
        try:
            self._owner = get_ident()
            if queued is None:
                self._sender.send_report(timeout_s, 0.0)
            else:
                self._deliver(queued)
            while self._deferred:
                self._deliver(self._deferred.pop(0))
        finally:
            self._owner = 0
            self._sending.release()
        return True
