"""The way of one envelope to the server, and what becomes of it; used by one thread at a time."""

from __future__ import annotations

from time import monotonic, time

from tocsin import diagnostics, limits
from tocsin._backend import Stats, iso_time
from tocsin.client_report import DataCategory, DiscardReason, client_report_item
from tocsin.envelope import Envelope
from tocsin.rate_limit import RateLimits
from tocsin.transport.compressor import DEFAULT_LEVEL, Compressor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tocsin.envelope import Item
    from tocsin.transport.connection import Connection

# Less than this cannot be waited for in earnest.
_TIMEOUT_MIN_S = 0.001


class Sender:
    """Sends envelopes over a connection, obeys rate limits, and counts.

    Args:
        connection: where to post.
        options: send_client_reports, _experiments (transport_compression_level, transport_compression_algo).
    """

    def __init__(self, connection: Connection, options: Mapping[str, Any]) -> None:
        self.connection = connection
        self.rate_limits = RateLimits()
        # The client's own takes its place.
        self.stats = Stats()
        self._sends_reports = bool(options.get("send_client_reports", True))
        level = _compression_level(options.get("_experiments") or {})
        self._compressor = Compressor(level) if level else None
        self._reported_s = monotonic()

    def send(self, envelope: Envelope, timeout_s: float = limits.HTTP_TIMEOUT_S) -> None:
        """Sends what the rate limits let pass of an envelope, with a client report if one is due.

        Every item is counted, as delivered or under the reason why it was not. What was passed in stays as it is.
        """
        items = envelope.items
        if self.rate_limits.until:
            items = [item for item in items if not self._is_limited(item)]
        if items:
            self._send(envelope.headers, items, self._take_report(limits.REPORT_WITH_ENVELOPE_S), timeout_s)

    def _is_limited(self, item: Item) -> bool:
        """Whether the server wants none of this item, which is then counted."""
        is_limited = self.rate_limits.is_limited(item.data_category)
        if is_limited:
            self._lose(item, DiscardReason.RATELIMIT_BACKOFF)
        return is_limited

    def send_report(self, timeout_s: float = limits.HTTP_TIMEOUT_S, age_s: float = limits.REPORT_ALONE_S) -> None:
        """Sends a client report alone, if there is something to tell and the last one is `age_s` seconds old."""
        discarded = self._take_report(age_s)
        if discarded:
            self._send({}, [], discarded, timeout_s)

    def _take_report(self, age_s: float) -> list[tuple[str, str, int]]:
        now = monotonic()
        if not self._sends_reports or now - self._reported_s < age_s:
            return []
        if self.rate_limits.is_limited(DataCategory.INTERNAL):
            return []
        discarded = self.stats.take_discarded()
        if discarded:
            self._reported_s = now
        return discarded

    def _send(
        self,
        headers: Mapping[str, Any],
        items: list[Item],
        discarded: list[tuple[str, str, int]],
        timeout_s: float,
    ) -> None:
        outgoing = Envelope(headers, items)
        # What holds if an exception of the application's lands in the middle, on its own thread.
        reason: str | None = DiscardReason.NETWORK_ERROR
        try:
            if discarded:
                outgoing.add_item(client_report_item(discarded, time()))
            reason = self._outcome(outgoing, timeout_s)
        finally:
            if reason is None:
                self.stats.record_delivered(sum(item.data_category == DataCategory.ERROR for item in items))
            else:
                self.stats.restore_discarded(discarded)
                for item in items:
                    # What the server itself refused with 429, it has counted.
                    self._lose(item, reason, told=reason != DiscardReason.RATELIMIT_BACKOFF)

    def _outcome(self, outgoing: Envelope, timeout_s: float) -> str | None:
        """Posts an envelope; returns None if the server has taken it, or else the reason for its loss."""
        try:
            outgoing.headers["sent_at"] = iso_time(time())
            body = outgoing.serialize()
            if self._compressor is not None:
                body = self._compressor.compress(body)
        except Exception as error:
            diagnostics.internal_error("an envelope cannot be serialized", error)
            return DiscardReason.INTERNAL_SDK_ERROR
        answer = self.connection.post(body, max(timeout_s, _TIMEOUT_MIN_S), self._compressor is not None)
        if answer is None:
            return DiscardReason.NETWORK_ERROR
        status, headers = answer
        self.rate_limits.update(status, headers)
        if diagnostics.is_debugging():
            diagnostics.debug(f"{outgoing.description}, {len(body)} bytes: status {status}")
        if 200 <= status < 300:
            return None
        if status == 429:
            return DiscardReason.RATELIMIT_BACKOFF
        if status == 413:
            diagnostics.warn_once("413", f"the server found an {outgoing.description} of {len(body)} bytes too large")
        return DiscardReason.SEND_ERROR

    def _lose(self, item: Item, reason: str, told: bool = True) -> None:
        # A report's own numbers are put back, and it counts for nothing itself.
        if item.type != "client_report":
            self.stats.record_dropped(reason, item.data_category, item.quantity(), told)


def _compression_level(experiments: Mapping[str, Any]) -> int:
    """The gzip level; 0 for none. An unknown algorithm means none, as users of sentry_sdk know it."""
    if experiments.get("transport_compression_algo") not in (None, "gzip", "br"):
        return 0
    level = experiments.get("transport_compression_level")
    return level if type(level) is int and 0 <= level <= 9 else DEFAULT_LEVEL
