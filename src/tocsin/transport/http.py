"""The default transport: captures are queued, a worker sends them."""

from __future__ import annotations

from os import environ, getpid
from time import monotonic

from tocsin import diagnostics, fork, limits
from tocsin._backend import Handoff, Stats
from tocsin._version import VERSION
from tocsin.importing import Late
from tocsin.reasons import DataCategory, DiscardReason
from tocsin.transport.base import Transport
from tocsin.transport.worker import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tocsin import envelope
    from tocsin.rate_limit import RateLimits
    from tocsin.transport import connection, sender
    from tocsin.transport.spotlight import SpotlightTransport
else:
    envelope = Late("tocsin.envelope")
    connection, sender = Late("tocsin.transport.connection"), Late("tocsin.transport.sender")

CLIENT = f"tocsin/{VERSION}"
CONTENT_TYPE = "application/x-sentry-envelope"
# A flush that takes longer than this is told to the callback.
_NOTICEABLE_S = 0.1
# The largest queue that the core's packed counters can hold; nobody will miss what is beyond.
_QUEUE_EVENTS_MAX, _QUEUE_BYTES_MAX = 1 << 20, (1 << 40) - 1
# An idle worker ends well within this; one that is waiting for a server is left alone.
_KILL_S = 0.1


class SendingTransport(Transport):
    """What transports over HTTP have in common: a sender, and the making of envelopes.

    Args:
        options: of `init()`: dsn, http_proxy, https_proxy, proxy_headers, ca_certs, cert_file, key_file,
            socket_options, keep_alive, transport_queue_size, transport_queue_bytes, send_client_reports,
            shutdown_timeout, spotlight, _experiments.

    Raises:
        TypeError: there is no DSN.

    Attributes:
        rate_limits: what the server has asked for, once it was spoken to; the worker's, for whoever asks on the
            capturing thread.
    """

    settles = True
    _stats: Stats

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        if self.needs_dsn and self.parsed_dsn is None:
            raise TypeError(f"{type(self).__name__} needs the option dsn")
        self.rate_limits: RateLimits | None = None
        # The client's own takes its place.
        self._stats = Stats()
        self._made_sender: sender.Sender | None = None
        # The proxies are those of now, whenever the connection is made.
        self._environ = dict(environ)
        self._pid = getpid()
        if options is not None and self.parsed_dsn is not None:
            self.spotlight = spotlight_of(options)

    @property
    def _sender(self) -> sender.Sender:
        """Made for the first delivery, on the thread that delivers: mostly the worker's."""
        return self._made_sender or self._equip()

    def _equip(self) -> sender.Sender:
        """Makes the sender, which imports what sending needs."""
        made = self._make_sender(self.options or {})
        made.stats = self._stats
        self.rate_limits = made.rate_limits
        self._made_sender = made
        return made

    def _make_sender(self, options: Mapping[str, Any]) -> sender.Sender:
        dsn = self.parsed_dsn
        assert dsn is not None
        headers = {"User-Agent": CLIENT, "X-Sentry-Auth": dsn.auth_header(CLIENT), "Content-Type": CONTENT_TYPE}
        way = connection.Connection(dsn.envelope_url, dsn.host, dsn.port, headers, options, self._environ)
        return sender.Sender(way, options)

    def bind(self, stats: Stats, assemble: Callable[[Any], envelope.Envelope] | None) -> None:
        super().bind(stats, assemble)
        if self._made_sender is not None:
            self._made_sender.stats = stats

    def is_limited(self, category: str) -> bool:
        asked_for = self.rate_limits
        if asked_for is None:
            return False
        if category == DataCategory.ERROR:
            # Asked at every capture: no call but for the time, and that only after a limit was set.
            until_s = asked_for.error_until_s
            return until_s != 0.0 and until_s > monotonic()
        return asked_for.is_limited(category)

    def is_healthy(self) -> bool:
        return not self.is_full() and not self.is_limited(DataCategory.ERROR)

    def after_fork_in_child(self) -> None:
        self._renew(owns_descriptor=True)

    def _renew(self, owns_descriptor: bool) -> None:
        """Makes what belongs to one process anew."""
        if self._made_sender is not None:
            self._made_sender.connection.leave_to_parent(owns_descriptor)
        self._pid = getpid()
        if self.spotlight is not None:
            self.spotlight._renew(owns_descriptor)

    def _deliver(self, queued: Any) -> None:
        """Sends an envelope, or a capture that becomes one; counts it whatever happens."""
        outgoing = queued if isinstance(queued, envelope.Envelope) else self._assembled(queued)
        if outgoing is None:
            self.record_lost_event(DiscardReason.INTERNAL_SDK_ERROR, DataCategory.ERROR)
            return
        if self.spotlight is not None:
            self.spotlight.capture_envelope(outgoing)
        self._sender.send(outgoing, self._timeout_s())

    def _assembled(self, capture: object) -> envelope.Envelope | None:
        if self._assemble is None:
            return None
        try:
            return self._assemble(capture)
        except Exception as error:
            diagnostics.internal_error("a capture cannot be made an envelope", error)
            return None

    def _timeout_s(self) -> float:
        return limits.HTTP_TIMEOUT_S

    def _lose(self, items: list[envelope.Item], reason: str) -> None:
        for item in items:
            self.record_lost_event(reason, item=item)


def spotlight_of(options: Mapping[str, Any]) -> SpotlightTransport | None:
    """Return the sink of the option `spotlight` or its environment variable; mostly None, at no cost."""
    if not options.get("spotlight") and "SENTRY_SPOTLIGHT" not in environ:
        return None
    from tocsin.transport.spotlight import make_spotlight

    return make_spotlight(options)


def _size(options: Mapping[str, Any] | None, name: str, default: int, most: int) -> int:
    size = (options or {}).get(name)
    return min(size, most) if type(size) is int and size > 0 else default


class HttpTransport(SendingTransport):
    """Sends asynchronously: nothing here waits for the network but `flush`."""

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        self._capacity = _size(options, "transport_queue_size", limits.QUEUE_EVENTS, _QUEUE_EVENTS_MAX)
        self._capacity_bytes = _size(options, "transport_queue_bytes", limits.QUEUE_BYTES, _QUEUE_BYTES_MAX)
        # Set by flush: the next report need not wait until it is due.
        self._report_is_wanted = False
        self._open()
        fork.register(self)

    def _open(self) -> None:
        self._handoff = Handoff(self._capacity, self._capacity_bytes)
        self._worker = Worker(self._handoff, self._deliver, on_idle=self._send_report)

    def _renew(self, owns_descriptor: bool) -> None:
        # The parent's queue is its own to deliver.
        self._open()
        super()._renew(owns_descriptor)

    def _own(self) -> Worker:
        """The worker of this process, even if the interpreter was not told of a fork: a host in C may not do so."""
        if self._pid != getpid():
            self._renew(owns_descriptor=False)
        return self._worker

    def offer(self, capture: object, size_bytes: int) -> bool:
        """Queues a capture, to be made an envelope by the worker; False if there is no room, which is not counted."""
        worker = self._worker
        # To ask for the process each time would cost twice what the queue does. A thread that runs may have stayed
        # behind in the parent: its queue takes nothing here.
        if worker.is_alive:
            if worker.offer(capture, size_bytes):
                return True
            if self._pid == getpid():
                return False
        return self._own().offer(capture, size_bytes)

    def capture_envelope(self, envelope: envelope.Envelope) -> None:
        """Queues a ready envelope; where there is no room, its items are counted as lost."""
        try:
            size_bytes = sum(item.payload.held_bytes for item in envelope.items)
            accepted = self._own().offer(envelope, size_bytes)
            reason = DiscardReason.QUEUE_OVERFLOW
        except Exception as error:
            diagnostics.internal_error("an envelope cannot be queued", error)
            accepted, reason = False, DiscardReason.INTERNAL_SDK_ERROR
        if not accepted:
            self._lose(envelope.items, reason)

    def flush(self, timeout: float | None = None, callback: Callable[[int, float], object] | None = None) -> bool:
        """Waits until everything captured before is settled, and sends what there is to report.

        Returns whether all is settled, within `timeout` seconds (by default the option `shutdown_timeout`).
        """
        if timeout is None:
            timeout = (self.options or {}).get("shutdown_timeout") or limits.SHUTDOWN_TIMEOUT_S
        deadline = monotonic() + timeout
        worker = self._own()
        self._report_is_wanted = True
        is_settled = worker.flush(timeout if callback is None else min(timeout, _NOTICEABLE_S))
        if not is_settled and callback is not None and timeout > _NOTICEABLE_S:
            try:
                callback(worker.pending, timeout)
            except Exception as error:
                diagnostics.internal_error("the callback of flush", error)
            is_settled = worker.flush(deadline - monotonic())
        if self.spotlight is not None:
            self.spotlight.flush(max(0.0, deadline - monotonic()))
        return is_settled

    def kill(self) -> None:
        """Ends the worker; what is still queued stays pending for ever. Waits only if the worker is idle."""
        if self._own().stop(_KILL_S) and self._made_sender is not None:
            self._made_sender.connection.close()
        if self.spotlight is not None:
            self.spotlight.kill()

    def is_full(self) -> bool:
        return self._handoff.is_full()

    def _send_report(self) -> None:
        is_wanted, self._report_is_wanted = self._report_is_wanted, False
        if self._made_sender is None:
            discarded = self._stats.take_discarded()
            if not discarded:
                # A program that ends without an error is not to import what would have sent one.
                return
            self._stats.restore_discarded(discarded)
        self._sender.send_report(self._timeout_s(), 0.0 if is_wanted else limits.REPORT_ALONE_S)

    def _timeout_s(self) -> float:
        deadline = self._worker.deadline_s
        return limits.HTTP_TIMEOUT_S if deadline is None else min(limits.HTTP_TIMEOUT_S, deadline - monotonic())
