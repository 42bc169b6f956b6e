"""Envelopes and counts for tests of transports."""

from __future__ import annotations

import itertools
from typing import Any

from tocsin._backend import Stats
from tocsin.attachments import Attachment
from tocsin.envelope import Envelope

_numbers = itertools.count(1)


def event_envelope(message: str = "hi", attachment: bytes | None = None) -> Envelope:
    """An envelope with one event, ready made, and perhaps an attachment."""
    event_id = f"{next(_numbers):032x}"
    envelope = Envelope({"event_id": event_id})
    envelope.add_event({"event_id": event_id, "message": message})
    if attachment is not None:
        envelope.add_item(Attachment(bytes=attachment, filename="a.bin").to_envelope_item())
    return envelope


def bound(transport: Any, assemble: Any = None) -> tuple[Any, Stats]:
    """The transport, bound to fresh counts as a client would; captures are assembled by `event_envelope`."""
    stats = Stats()
    transport.bind(stats, assemble or event_envelope)
    return transport, stats


def capture(transport: Any, stats: Stats, envelope: Envelope | None = None) -> None:
    """One ready envelope with an event, counted as a client would."""
    stats.record_captured()
    transport.capture_envelope(envelope or event_envelope())


def counts(stats: Stats) -> tuple[int, int, int, dict[str, int]]:
    """Captured, delivered, pending, dropped, after checking that they add up."""
    captured, delivered, pending, dropped = stats.snapshot()
    assert captured == delivered + pending + sum(dropped.values())
    return captured, delivered, pending, dropped
