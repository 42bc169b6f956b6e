"""The transport that keeps everything."""

from __future__ import annotations

from support.captures import bound, capture, counts, event_envelope
from tocsin.envelope import Envelope, Item
from tocsin.transport.memory import MemoryTransport


def test_envelopes_and_events_are_kept_in_order() -> None:
    """`envelopes` holds what came, `events` the events as dicts, and `clear` forgets both."""
    transport, stats = bound(MemoryTransport())
    first, second = event_envelope("one"), event_envelope("two")
    capture(transport, stats, first)
    transport.capture_envelope(Envelope(items=[Item(b"x", type="attachment")]))
    capture(transport, stats, second)
    assert [event["message"] for event in transport.events] == ["one", "two"]
    assert transport.envelopes[0] is first
    assert len(transport.envelopes) == 3
    transport.clear()
    assert transport.envelopes == []
    assert transport.events == []


def test_a_kept_event_is_a_delivered_one() -> None:
    """Events count as delivered at once, and there is nothing to wait for."""
    transport, stats = bound(MemoryTransport({"dsn": "https://k@h/1"}))
    capture(transport, stats)
    assert counts(stats) == (1, 1, 0, {})
    assert transport.flush(0.0) is True
    transport.kill()
    assert transport.is_healthy()


def test_it_works_without_a_client() -> None:
    """Nobody needs to bind it."""
    transport = MemoryTransport()
    transport.capture_envelope(event_envelope("alone"))
    transport.record_lost_event("before_send", "error")
    assert [event["message"] for event in transport.events] == ["alone"]
