"""What flush promises, and the client reports that it sends."""

from __future__ import annotations

import _thread
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.captures import bound, capture, counts, event_envelope
from support.receiver import Answer, Receiver
from support.transports import Make
from tocsin import limits
from tocsin.envelope import Envelope, Item
from tocsin.transport.http import HttpTransport


def test_flush_sends_the_report_alone(server: Receiver, make: Make) -> None:
    """Nothing was queued, something was dropped: flush tells it, in one envelope of one item, and only once."""
    transport, stats = make(server.dsn)
    transport.record_lost_event("before_send", "span", quantity=10)
    transport.record_lost_event("sample_rate", item=event_envelope().items[0])
    assert transport.flush(20) is True
    (request,) = server.requests
    assert request.envelope.types == ["client_report"]
    assert "event_id" not in request.envelope.headers
    assert request.envelope.discarded == [("before_send", "span", 10), ("sample_rate", "error", 1)]
    assert transport.flush(20) is True
    assert len(server.requests) == 1
    assert stats.take_discarded() == []


def test_flush_on_a_living_worker_sends_the_report_too(server: Receiver, make: Make) -> None:
    """As without one, and after the events that were queued before."""
    transport, stats = make(server.dsn)
    capture(transport, stats)
    transport.record_lost_event("before_send", "error")
    stats.record_captured()
    assert transport.flush(20)
    assert [request.envelope.types for request in server.requests] == [["event"], ["client_report"]]


def test_a_report_travels_with_an_event_once_it_is_due(
    server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `REPORT_WITH_ENVELOPE_S` the next envelope takes it along; before that it waits."""
    transport, stats = make(server.dsn)
    stats.record_dropped("sample_rate")
    capture(transport, stats)
    server.wait_for(1)
    assert server.requests[0].envelope.types == ["event"]
    monkeypatch.setattr(limits, "REPORT_WITH_ENVELOPE_S", 0.0)
    capture(transport, stats)
    server.wait_for(2)
    assert server.requests[1].envelope.types == ["event", "client_report"]


def test_an_idle_worker_sends_a_report_alone_when_it_is_old(
    server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `REPORT_ALONE_S` without anything else to send, the report goes by itself."""
    monkeypatch.setattr(limits, "REPORT_ALONE_S", 0.05)
    transport, stats = make(server.dsn)
    transport._worker._idle_interval_s = 0.05
    capture(transport, stats)
    server.wait_for(1)
    stats.record_dropped("sample_rate")
    assert server.wait_for(2)[1].envelope.types == ["client_report"]


@pytest.mark.parametrize("answer", [Answer(status=500), Answer(status=429), Answer(close="before")])
def test_a_report_that_fails_is_not_lost(server: Receiver, make: Make, answer: Answer) -> None:
    """Its numbers go into the next report."""
    transport, stats = make(server.dsn)
    server.script(answer)
    stats.record_dropped("sample_rate", "error", 3)
    assert transport.flush(20)
    assert stats.take_discarded() == [("sample_rate", "error", 3)]


def test_reports_can_be_switched_off(server: Receiver, make: Make) -> None:
    """`send_client_reports=False` sends none; the counts stay readable."""
    transport, stats = make(server.dsn, send_client_reports=False)
    stats.record_captured()
    stats.record_dropped("sample_rate")
    assert transport.flush(20)
    assert server.requests == []
    assert counts(stats) == (1, 0, 0, {"sample_rate": 1})


@settings(max_examples=25)
@given(
    st.lists(
        st.sampled_from(
            ["ok", "ok", "capture", "overflow", "429", "500", "413", "close", "reset", "garbage", "flush", "drop"]
        ),
        min_size=1,
        max_size=15,
    )
)
def test_every_capture_is_accounted_for(steps: list[str]) -> None:
    """Whatever the server does, captured = delivered + pending + dropped after every step, nothing is pending after a
    flush, and every drop is told exactly once or still to be told, unless the server itself has counted it."""
    answers = {
        "429": Answer(status=429, headers={"X-Sentry-Rate-Limits": "60:session:key"}),
        "500": Answer(status=500),
        "413": Answer(status=413),
        "close": Answer(close="before"),
        "reset": Answer(close="before", reset=True),
        "garbage": Answer(raw=b"garbage"),
        "ok": Answer(),
    }
    with Receiver() as server:
        transport, stats = bound(HttpTransport({"dsn": server.dsn, "transport_queue_size": 5}))
        for step in steps:
            if step in answers:
                server.script(answers[step])
            if step == "flush":
                assert transport.flush(20)
            elif step == "overflow":
                capture(transport, stats, Envelope(items=[Item(b"x" * (limits.QUEUE_BYTES + 1), type="event")]))
            elif step == "drop":
                stats.record_captured()
                transport.record_lost_event("before_send", "error")
            else:
                capture(transport, stats)
            counts(stats)
        assert transport.flush(20)
        captured, delivered, pending, dropped = counts(stats)
        assert pending == 0
        assert captured == delivered + sum(dropped.values())
        accepted = [request.envelope for request in server.requests if request.is_accepted]
        assert delivered == sum(envelope.types.count("event") for envelope in accepted)
        told = [row for envelope in accepted for row in envelope.discarded] + stats.take_discarded()
        # All that were refused with 429, and only they, are known to the server already.
        dropped.pop("ratelimit_backoff", None)
        assert {reason: sum(row[2] for row in told if row[0] == reason) for reason, _, _ in told} == dropped
        transport.kill()


def test_the_callback_of_flush_hears_of_what_is_pending(server: Receiver, make: Make) -> None:
    """It is called once, with the number and the timeout, only if the flush takes a noticeable time."""
    calls: list[tuple[int, float]] = []
    transport, stats = make(server.dsn)
    capture(transport, stats)
    assert transport.flush(20, lambda pending, timeout: calls.append((pending, timeout)))
    assert calls == []
    release = threading.Event()
    server.script(Answer(until=release))
    capture(transport, stats)
    server.wait_for(2)
    capture(transport, stats)

    def callback(pending: int, timeout: float) -> None:
        calls.append((pending, timeout))
        release.set()

    assert transport.flush(20, callback)
    assert calls == [(2, 20)]


@pytest.mark.internal_errors
def test_a_callback_that_raises_does_not_end_the_flush(server: Receiver, make: Make) -> None:
    """Its error stays inside."""
    release = threading.Event()
    server.script(Answer(until=release))
    transport, stats = make(server.dsn)
    capture(transport, stats)

    def callback(pending: int, timeout: float) -> None:
        release.set()
        raise RuntimeError

    assert transport.flush(20, callback)
    assert counts(stats) == (1, 1, 0, {})


def test_flush_without_a_time_takes_that_of_the_options(server: Receiver, make: Make) -> None:
    """`shutdown_timeout` is the default."""
    release = threading.Event()
    server.script(Answer(until=release))
    transport, stats = make(server.dsn, shutdown_timeout=0.01)
    capture(transport, stats)
    start = time.monotonic()
    assert transport.flush() is False
    assert time.monotonic() - start < limits.SHUTDOWN_TIMEOUT_S
    release.set()


def test_where_no_thread_starts_flush_delivers_within_its_time(
    server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without threads the events wait for flush, whose time also bounds the requests that it makes."""

    def refuse(*_: Any) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    transport, stats = make(server.dsn)
    capture(transport, stats)
    assert server.requests == []
    assert transport.flush(20) is True
    assert counts(stats) == (1, 1, 0, {})
    never = threading.Event()
    server.script(Answer(until=never))
    capture(transport, stats)
    start = time.monotonic()
    transport.flush(0.2)
    assert time.monotonic() - start < 10
    assert counts(stats) == (2, 1, 0, {"network_error": 1})
    never.set()


def test_reports_do_not_count_themselves(server: Receiver, make: Make) -> None:
    """A refused report is no further loss."""
    transport, stats = make(server.dsn)
    server.script(*[Answer(status=500)] * 3)
    stats.record_dropped("sample_rate")
    for _ in range(3):
        assert transport.flush(20)
    assert stats.take_discarded() == [("sample_rate", "error", 1)]
