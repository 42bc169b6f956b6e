"""What every transport is: the one who gets the envelopes."""

from __future__ import annotations

from _thread import get_ident

from tocsin.dsn import Dsn
from tocsin.reasons import DataCategory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tocsin._backend import Stats
    from tocsin.envelope import Envelope, Item
    from tocsin.transport.spotlight import SpotlightTransport


class LossWatch:
    """Notes whether a transport counts an event as lost while it is handed one, on this thread."""

    __slots__ = ("_before", "lost")

    def __init__(self) -> None:
        self.lost = False
        self._before = _watches.get(get_ident())
        _watches[get_ident()] = self

    def end(self) -> bool:
        """Stop watching; return whether an event was lost."""
        if self._before is None:
            _watches.pop(get_ident(), None)
        else:
            _watches[get_ident()] = self._before
        return self.lost


_watches: dict[int, LossWatch] = {}


def watch_losses() -> LossWatch:
    """Begin to watch, on this thread."""
    return LossWatch()


class Transport:
    """Base class of transports. A subclass needs `capture_envelope`, and need not call `__init__`.

    Attributes:
        options: the options of `init()`, or None.
        parsed_dsn: the DSN of the options, if there is one.
        settles: whether the transport itself counts what became of each event. For one that does not, the client
            counts an event as delivered once `capture_envelope` has returned.
        needs_dsn: whether the class, given as the option `transport`, is left out where there is no DSN.
        spotlight: a second sink that this transport serves, if any.
    """

    options: Mapping[str, Any] | None = None
    parsed_dsn: Dsn | None = None
    settles: bool = False
    needs_dsn: bool = True
    spotlight: SpotlightTransport | None = None
    _stats: Stats | None = None
    _assemble: Callable[[Any], Envelope] | None = None

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self.options = options
        dsn = None if options is None else options.get("dsn")
        self.parsed_dsn = Dsn(dsn) if dsn else None

    def bind(self, stats: Stats, assemble: Callable[[Any], Envelope] | None) -> None:
        """Connects the transport to its client; called once, before the first envelope.

        Args:
            stats: where to count.
            assemble: makes the envelope of a queued capture.
        """
        self._stats = stats
        self._assemble = assemble

    def capture_envelope(self, envelope: Envelope) -> None:
        """Takes an envelope; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to capture an envelope")

    def flush(self, timeout: float, callback: Callable[[int, float], object] | None = None) -> bool:
        """Waits until everything captured before is settled; returns whether it is.

        Args:
            timeout: the longest wait, in seconds.
            callback: called with the number of pending envelopes and the timeout if it takes a noticeable time.
        """
        return True

    def kill(self) -> None:
        """Lets go of threads and connections, without waiting for what is still queued."""
        return

    def record_lost_event(
        self, reason: str, data_category: str | None = None, item: Item | None = None, *, quantity: int = 1
    ) -> None:
        """Counts something that was discarded; the next client report tells it.

        Args:
            reason: one of `DiscardReason`.
            data_category: one of `DataCategory`; that of `item` if one is given.
            item: what was discarded; it brings its own category and quantity.
            quantity: how many, or how many bytes of attachments.
        """
        if self._stats is None:
            return
        category = item.data_category if item is not None else data_category or DataCategory.DEFAULT
        quantity = item.quantity() if item is not None else quantity
        if category == DataCategory.ERROR and not self.settles:
            watch = _watches.get(get_ident())
            if watch is None:
                # Counted as delivered when it was taken; what became of it later, the server is told.
                self._stats.restore_discarded([(reason, category, quantity)])
                return
            watch.lost = True
        self._stats.record_dropped(reason, category, quantity)

    def record_delivered(self, envelope: Envelope) -> None:
        """Counts the events of an envelope as delivered; for transports that settle."""
        if self._stats is not None:
            self._stats.record_delivered(sum(item.data_category == DataCategory.ERROR for item in envelope.items))

    def is_healthy(self) -> bool:
        """Return whether the transport could take and send an event at present."""
        return True

    def is_limited(self, category: str) -> bool:
        """Return whether the server wants none of this category at present."""
        return False

    def is_full(self) -> bool:
        """Return whether the queue has no room."""
        return False

    def after_fork_in_child(self) -> None:
        """Called in a forked child before anything else: what belongs to the parent must be let go."""
        return
