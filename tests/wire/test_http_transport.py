"""The default transport against a server that behaves as told: what is sent, what is counted, what is survived."""

from __future__ import annotations

import _thread
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.captures import bound, capture, counts, event_envelope
from support.receiver import KEY, Answer, Receiver, unused_port, wait_until
from tocsin import diagnostics, limits
from tocsin._backend import Stats
from tocsin._version import VERSION
from tocsin.envelope import Envelope, Item, PayloadRef
from tocsin.transport.http import HttpTransport
from tocsin.transport.sender import Sender

Make = Callable[..., tuple[HttpTransport, Stats]]


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[HttpTransport] = []

    def build(dsn: str, assemble: Any = None, **options: Any) -> tuple[HttpTransport, Stats]:
        transport, stats = bound(HttpTransport({"dsn": dsn, **options}), assemble)
        made.append(transport)
        return transport, stats

    yield build
    for transport in made:
        transport.kill()


def test_an_event_is_posted_as_the_protocol_has_it(server: Receiver, make: Make) -> None:
    """One POST to the project's envelope endpoint, with key, client and gzip in the headers, and the event inside."""
    transport, stats = make(server.dsn)
    envelope = event_envelope("hello")
    before = datetime.now(timezone.utc)
    capture(transport, stats, envelope)
    assert transport.flush(20) is True
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/42/envelope/")
    assert request.headers["x-sentry-auth"] == (
        f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=tocsin/{VERSION}"
    )
    assert request.headers["user-agent"] == f"tocsin/{VERSION}"
    assert request.headers["content-type"] == "application/x-sentry-envelope"
    assert request.headers["content-encoding"] == "gzip"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    wire = request.envelope
    assert wire.types == ["event"]
    assert wire.event["message"] == "hello"
    assert wire.headers["event_id"] == wire.event["event_id"] == envelope.headers["event_id"]
    sent_at = datetime.fromisoformat(wire.headers["sent_at"].replace("Z", "+00:00"))
    assert before <= sent_at <= datetime.now(timezone.utc)
    assert counts(stats) == (1, 1, 0, {})


def test_the_envelope_given_is_not_changed(server: Receiver, make: Make) -> None:
    """`sent_at` and client reports are added to what is sent, not to the caller's object."""
    transport, stats = make(server.dsn)
    stats.record_dropped("before_send")
    envelope = event_envelope()
    headers, items = dict(envelope.headers), list(envelope.items)
    capture(transport, stats, envelope)
    assert transport.flush(20)
    assert (envelope.headers, envelope.items) == (headers, items)


def test_sent_at_is_the_time_of_sending(server: Receiver, make: Make) -> None:
    """An event that waited behind a slow one carries the time when its own request began."""
    release = threading.Event()
    server.script(Answer(until=release))
    transport, stats = make(server.dsn)
    capture(transport, stats)
    server.wait_for(1)
    capture(transport, stats)
    queued = datetime.now(timezone.utc)
    release.set()
    assert transport.flush(20)
    assert datetime.fromisoformat(server.requests[1].envelope.headers["sent_at"].replace("Z", "+00:00")) > queued


def test_a_queued_capture_becomes_an_envelope_on_the_worker(server: Receiver, make: Make) -> None:
    """The fast lane: what is offered is assembled by the function of the client, on the other thread."""
    threads = []

    def assemble(message: str) -> Envelope:
        threads.append(_thread.get_ident())
        return event_envelope(message)

    transport, stats = make(server.dsn, assemble)
    stats.record_captured(2)
    assert transport.offer("one", 3)
    assert transport.offer("two", 3)
    assert transport.flush(20)
    assert [request.envelope.event["message"] for request in server.requests] == ["one", "two"]
    assert _thread.get_ident() not in threads
    assert counts(stats) == (2, 2, 0, {})


@pytest.mark.internal_errors
def test_a_capture_that_cannot_be_assembled_is_counted(server: Receiver, make: Make) -> None:
    """An error while assembling, or an unserializable envelope, costs that event alone, as an internal error."""

    def assemble(capture: Any) -> Envelope:
        if capture == "bad":
            raise ZeroDivisionError
        return Envelope(items=[Item(PayloadRef(bytes=7), type="event")])  # type: ignore[arg-type]

    transport, stats = make(server.dsn, assemble)
    stats.record_captured(2)
    transport.offer("bad", 1)
    transport.offer("worse", 1)
    capture(transport, stats)
    assert transport.flush(20)
    assert counts(stats) == (3, 1, 0, {"internal_sdk_error": 2})
    assert server.requests[-1].envelope.discarded == [("internal_sdk_error", "error", 2)]


@pytest.mark.internal_errors
def test_a_capture_before_bind_is_counted_not_lost(server: Receiver) -> None:
    """A transport that no client has bound still sends envelopes and survives captures."""
    transport = HttpTransport({"dsn": server.dsn})
    transport.capture_envelope(event_envelope())
    assert transport.offer("x", 1)
    assert transport.flush(20)
    assert server.requests[0].envelope.types == ["event"]
    assert server.requests[1].envelope.discarded == [("internal_sdk_error", "error", 1)]
    transport.kill()


@pytest.mark.parametrize(
    ("experiments", "is_compressed"),
    [
        (None, True),
        ({"transport_compression_level": 9}, True),
        ({"transport_compression_level": 0}, False),
        ({"transport_compression_level": "junk"}, True),
        ({"transport_compression_level": 99}, True),
        ({"transport_compression_algo": "gzip"}, True),
        ({"transport_compression_algo": "br"}, True),
        ({"transport_compression_algo": "unheard-of"}, False),
    ],
)
def test_bodies_are_gzip_or_plain(server: Receiver, make: Make, experiments: Any, is_compressed: bool) -> None:
    """gzip is the one encoding that every server reads; it can be switched off, and nothing else is ever sent."""
    transport, stats = make(server.dsn, _experiments=experiments)
    capture(transport, stats, event_envelope("x" * 10_000))
    assert transport.flush(20)
    (request,) = server.requests
    assert request.headers.get("content-encoding") == ("gzip" if is_compressed else None)
    assert (len(request.raw) < 1000) is is_compressed
    assert request.envelope.event["message"] == "x" * 10_000


@pytest.mark.parametrize(
    ("status", "reason", "is_told"),
    [
        (200, None, False),
        (202, None, False),
        (301, "send_error", True),
        (400, "send_error", True),
        (401, "send_error", True),
        (403, "send_error", True),
        (413, "send_error", True),
        (429, "ratelimit_backoff", False),
        (500, "send_error", True),
        (503, "send_error", True),
    ],
)
def test_each_status_has_its_reason(
    server: Receiver, make: Make, status: int, reason: str | None, is_told: bool
) -> None:
    """2xx is delivered; a refusal is counted and told, but for 429, which the server has counted itself.

    Nothing is sent twice, and a redirect is not followed.
    """
    headers = {"Location": f"{server.url}/elsewhere", "X-Sentry-Rate-Limits": "60:session:key"}
    server.script(Answer(status=status, headers=headers))
    transport, stats = make(server.dsn)
    capture(transport, stats, event_envelope(attachment=b"12345"))
    assert transport.flush(20)
    assert counts(stats) == (1, int(reason is None), 0, {} if reason is None else {reason: 1})
    told = [(reason, "attachment", 5), (reason, "error", 1)] if is_told else []
    assert [request.envelope.types for request in server.requests if "event" in request.envelope.types] == [
        ["event", "attachment"]
    ]
    assert [row for request in server.requests for row in request.envelope.discarded] == told


def test_an_event_too_large_for_the_server_is_said_once(
    server: Receiver, make: Make, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """413 is worth a line on stderr, whatever `debug` says."""
    monkeypatch.setattr(diagnostics, "_warned", set())
    server.script(Answer(status=413), Answer(status=413))
    transport, stats = make(server.dsn)
    capture(transport, stats)
    capture(transport, stats)
    assert transport.flush(20)
    assert capsys.readouterr().err.count("too large") == 1


def test_a_429_stops_what_follows(server: Receiver, make: Make) -> None:
    """Later events are dropped before they are sent, and say so to the gate; the report waits for better times."""
    server.script(Answer(status=429, headers={"Retry-After": "60"}))
    transport, stats = make(server.dsn)
    assert not transport.is_limited("error")
    capture(transport, stats)
    assert transport.flush(20)
    assert transport.is_limited("error")
    assert not transport.is_healthy()
    capture(transport, stats)
    assert transport.flush(20)
    assert len(server.requests) == 1
    assert counts(stats) == (2, 0, 0, {"ratelimit_backoff": 2})
    # The one that the server refused is not told, the one that was held back is.
    assert stats.take_discarded() == [("ratelimit_backoff", "error", 1)]


def test_limits_concern_items_not_envelopes(server: Receiver, make: Make) -> None:
    """A limit on attachments takes them out of the envelope and lets the event pass."""
    server.script(Answer(headers={"X-Sentry-Rate-Limits": "60:attachment:key, 86400:transaction;span:organization"}))
    transport, stats = make(server.dsn)
    capture(transport, stats)
    assert transport.flush(20)
    capture(transport, stats, event_envelope(attachment=b"12345678"))
    assert transport.flush(20)
    assert server.requests[1].envelope.types == ["event"]
    assert server.requests[2].envelope.discarded == [("ratelimit_backoff", "attachment", 8)]
    assert counts(stats) == (2, 2, 0, {})


def test_a_refused_connection_is_a_network_error(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens: tried once, counted, told when somebody does, and nothing is raised."""
    import urllib3.util.connection

    create, tries = urllib3.util.connection.create_connection, []

    def create_connection(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        return create(*args, **kwargs)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", create_connection)
    transport, stats = make(f"http://k@127.0.0.1:{unused_port()}/1", send_client_reports=False)
    for _ in range(3):
        capture(transport, stats)
    assert transport.flush(20) is True
    assert len(tries) == 3
    assert counts(stats) == (3, 0, 0, {"network_error": 3})
    assert stats.take_discarded() == [("network_error", "error", 3)]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(close="before"),
        Answer(close="before", reset=True),
        Answer(raw=b"HTTP/1.1 2"),
        Answer(raw=b"\x00\xff garbage\r\n\r\n"),
        Answer(raw=b"HTTP/1.1 banana\r\n\r\n"),
        Answer(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
        Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n"),
    ],
)
def test_no_answer_is_a_network_error(server: Receiver, make: Make, answer: Answer) -> None:
    """A connection that breaks, or an answer that is none, loses that event, which is not sent twice; the next one
    is delivered."""
    server.script(answer)
    transport, stats = make(server.dsn)
    capture(transport, stats, event_envelope("first"))
    assert transport.flush(20)
    assert counts(stats) == (1, 0, 0, {"network_error": 1})
    capture(transport, stats, event_envelope("second"))
    assert transport.flush(20)
    assert counts(stats) == (2, 1, 0, {"network_error": 1})
    messages = [request.envelope.event and request.envelope.event["message"] for request in server.requests]
    assert [message for message in messages if message] == ["first", "second"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"),
        Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk"),
        Answer(raw=b"HTTP/1.0 200 OK\r\n\r\nno length"),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 1_000_000),
        Answer(raw=b"HTTP/1.1 204 No Content\r\n\r\n"),
        Answer(close="during"),
    ],
)
def test_the_status_counts_whatever_becomes_of_the_body(server: Receiver, make: Make, answer: Answer) -> None:
    """A 2xx whose body is broken, endless or absent is a delivery, and is not repeated."""
    server.script(answer)
    transport, stats = make(server.dsn)
    capture(transport, stats)
    capture(transport, stats)
    assert transport.flush(20)
    assert counts(stats) == (2, 2, 0, {})
    assert len(server.requests) == 2


def test_one_connection_is_used_again(server: Receiver, make: Make) -> None:
    """Events that follow each other share one kept-alive connection."""
    transport, stats = make(server.dsn)
    for _ in range(20):
        capture(transport, stats)
    assert transport.flush(20)
    assert len(server.requests) == 20
    assert server.connections == 1


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_was_closed_while_idle_costs_no_event(server: Receiver, make: Make, reset: bool) -> None:
    """A server that hangs up after each answer, without saying so, still gets each event exactly once."""
    transport, stats = make(server.dsn)
    for number in range(1, 11):
        server.script(Answer(close="after", reset=reset))
        capture(transport, stats, event_envelope(str(number)))
        assert transport.flush(20)
        server.wait_until(lambda number=number: server.ended == number)
    assert counts(stats) == (10, 10, 0, {})
    assert [request.envelope.event["message"] for request in server.requests] == [str(n) for n in range(1, 11)]


@pytest.mark.parametrize("reset", [False, True])
def test_a_break_on_a_used_connection_is_retried_once_on_a_fresh_one(server: Receiver, make: Make, reset: bool) -> None:
    """The server closes just as the request comes in: once more on a new connection, and not a third time."""
    transport, stats = make(server.dsn)
    server.script(Answer(), Answer(close="before", reset=reset))
    capture(transport, stats, event_envelope("a"))
    capture(transport, stats, event_envelope("b"))
    assert transport.flush(20)
    assert counts(stats) == (2, 2, 0, {})
    assert [request.envelope.event["message"] for request in server.requests] == ["a", "b", "b"]
    assert server.connections == 2
    server.script(Answer(close="before", reset=reset), Answer(close="before", reset=reset))
    capture(transport, stats, event_envelope("c"))
    assert transport.flush(20)
    assert counts(stats) == (3, 2, 0, {"network_error": 1})
    assert [request.connection for request in server.requests[3:5]] == [2, 3]


def test_a_break_in_the_middle_of_an_answer_is_not_retried(server: Receiver, make: Make) -> None:
    """The server has begun to answer, so it may have taken the event: sending again could double it."""
    transport, stats = make(server.dsn)
    server.script(Answer(), Answer(raw=b"HTTP/1.1 2"), Answer(), Answer())
    capture(transport, stats)
    capture(transport, stats)
    assert transport.flush(20)
    assert len([request for request in server.requests if request.envelope.event]) == 2


def test_an_answer_that_does_not_come_is_given_up(
    server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait has a bound, after which the event is a network error and the next one is tried."""
    monkeypatch.setattr(limits, "HTTP_TIMEOUT_S", 0.2)
    never = threading.Event()
    server.script(Answer(until=never))
    transport, stats = make(server.dsn)
    capture(transport, stats)
    assert transport.flush(20)
    assert counts(stats) == (1, 0, 0, {"network_error": 1})
    never.set()


def test_a_slow_server_holds_up_nobody(server: Receiver, make: Make) -> None:
    """Captures return at once while a request hangs; a full queue loses the newest, and both lanes say so."""
    release = threading.Event()
    server.script(Answer(until=release))
    transport, stats = make(server.dsn, transport_queue_size=3)
    capture(transport, stats, event_envelope("slow"))
    server.wait_for(1)
    start = time.monotonic()
    for number in range(5):
        capture(transport, stats, event_envelope(str(number), attachment=b"123"))
    stats.record_captured()
    assert transport.is_full()
    assert not transport.is_healthy()
    assert transport.offer("x", 1) is False
    stats.record_dropped("queue_overflow")
    assert time.monotonic() - start < 5
    assert counts(stats) == (7, 0, 4, {"queue_overflow": 3})
    assert transport.flush(0.05) is False
    release.set()
    assert transport.flush(20) is True
    assert counts(stats) == (7, 4, 0, {"queue_overflow": 3})
    assert server.requests[-1].envelope.discarded == [
        ("queue_overflow", "attachment", 6),
        ("queue_overflow", "error", 3),
    ]


def test_the_queue_is_bounded_in_bytes(server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of many bytes fill the queue before its number does; what waits in memory is what is counted."""
    monkeypatch.setattr(limits, "QUEUE_BYTES", 10_000)
    release = threading.Event()
    server.script(Answer(until=release))
    transport, stats = make(server.dsn)
    capture(transport, stats)
    server.wait_for(1)
    for _ in range(4):
        capture(transport, stats, event_envelope("x" * 3000))
    capture(transport, stats, event_envelope("x" * 20_000))
    assert counts(stats) == (6, 0, 4, {"queue_overflow": 2})
    release.set()
    assert transport.flush(20)


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


def test_kill_lets_go(server: Receiver) -> None:
    """Worker and connection end, later captures are counted as lost, and killing twice is no error."""
    transport, stats = bound(HttpTransport({"dsn": server.dsn}))
    capture(transport, stats)
    assert transport.flush(20)
    transport.kill()
    transport.kill()
    server.wait_until(lambda: server.ended == 1)
    assert not transport._worker.is_alive
    capture(transport, stats)
    assert counts(stats) == (2, 1, 0, {"queue_overflow": 1})


def test_making_a_transport_imports_no_http(server: Receiver) -> None:
    """Import and init leave urllib3 and its like alone; the worker imports them when it first sends."""
    code = f"""
import sys
import tocsin.transport
heavy = (
    "urllib3 urllib socket ssl http email json orjson logging zlib gzip typing re queue datetime random dataclasses "
    "enum inspect certifi"
).split()
present = {{name for name in heavy if name in sys.modules}}
transport = tocsin.transport.make_transport({{"dsn": {server.dsn!r}}})
assert transport.is_healthy() and not transport.is_limited("error")
after = {{name for name in heavy if name in sys.modules}}
from tocsin.envelope import Envelope
envelope = Envelope()
envelope.add_event(b"{{}}")
transport.capture_envelope(envelope)
assert transport.flush(20)
assert "urllib3" in sys.modules
print(sorted(present | after))
"""
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
    assert len(server.requests) == 1


def test_own_traffic_logs_nothing_of_ours(
    server: Receiver, make: Make, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it succeeds or fails, sending leaves no record of ours in `logging`, even with `debug` on."""
    monkeypatch.setattr(diagnostics, "_debug", True)
    server.script(Answer(), Answer(status=500), Answer(close="before"))
    with caplog.at_level("DEBUG"):
        transport, stats = make(server.dsn)
        for _ in range(3):
            capture(transport, stats)
            assert transport.flush(20)
    assert {record.name.partition(".")[0] for record in caplog.records} <= {"urllib3"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"keep_alive": True}, {(socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1, (6, socket.TCP_NODELAY): 1}),
        ({}, {(socket.SOL_SOCKET, socket.SO_KEEPALIVE): 0, (6, socket.TCP_NODELAY): 1}),
        ({"socket_options": []}, {(6, socket.TCP_NODELAY): 0}),
        (
            {"socket_options": [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]},
            {(socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1, (6, socket.TCP_NODELAY): 0},
        ),
    ],
)
def test_socket_options_reach_the_socket(
    server: Receiver, make: Make, options: dict[str, Any], expected: dict[tuple[int, int], int]
) -> None:
    """`socket_options` replaces the defaults, `keep_alive` adds to them."""
    transport, stats = make(server.dsn, **options)
    capture(transport, stats)
    assert transport.flush(20)
    pool = transport._sender.connection._pool
    assert pool is not None
    assert pool.pool is not None
    (connection,) = pool.pool.queue
    found = {key: int(bool(connection.sock.getsockopt(*key))) for key in expected}
    assert found == expected


def test_keep_alive_adds_only_what_the_user_has_not_set(server: Receiver, make: Make) -> None:
    """Options of the user win over those of `keep_alive`."""
    own = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0), (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 42)]
    transport, stats = make(server.dsn, socket_options=own, keep_alive=True)
    capture(transport, stats)
    assert transport.flush(20)
    pool = transport._sender.connection._pool
    assert pool is not None
    merged = pool.conn_kw["socket_options"]
    assert merged[:2] == own
    assert merged[2:] == [
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 45),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6),
    ]


def test_a_connection_idle_for_long_is_replaced(server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Middle boxes forget idle connections silently, so after a while a new one is opened rather than trusted."""
    monkeypatch.setattr("tocsin.transport.connection._IDLE_S", 0.0)
    transport, stats = make(server.dsn)
    for _ in range(3):
        capture(transport, stats)
        assert transport.flush(20)
    assert server.connections == 3
    assert counts(stats) == (3, 3, 0, {})


_FORK = """
import os, sys
sys.path[:0] = {path!r}
from support.captures import bound, capture, counts, event_envelope
from tocsin.transport.http import HttpTransport

transport, stats = bound(HttpTransport({{"dsn": {dsn!r}}}))
capture(transport, stats, event_envelope("warm"))
assert transport.flush(20)
held_in_queue = {held!r}
if held_in_queue:
    # Something the parent has queued and not sent: the server holds the request before it back.
    capture(transport, stats, event_envelope("held"))
    capture(transport, stats, event_envelope("queued"))
print("go on?", flush=True)
sys.stdin.readline()
children = []
for number in range(3):
    pid = os.fork()
    if pid == 0:
        {hook}
        stats.reset()
        for one in range(5):
            capture(transport, stats, event_envelope(f"child {{number}} {{one}}"))
        assert transport.flush(20)
        assert counts(stats) == (5, 5, 0, {{}}), counts(stats)
        os._exit(0)
    children.append(pid)
for one in range(5):
    capture(transport, stats, event_envelope(f"parent {{one}}"))
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
print("children are done", flush=True)
assert transport.flush(20)
assert counts(stats)[1:] == (counts(stats)[0], 0, {{}})
transport.kill()
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the platform cannot fork")
@pytest.mark.parametrize("hook", ["transport.after_fork_in_child()", "pass"])
@pytest.mark.parametrize("held", [False, True])
def test_parent_and_children_send_each_event_once(server: Receiver, hook: str, held: bool) -> None:
    """After a fork no connection is shared, nothing that the parent has queued goes out twice, and nobody hangs;
    with the fork hook, and without it where the process number has to tell."""
    release = threading.Event()
    if held:
        server.script(Answer(), Answer(until=release))
    code = _FORK.format(path=sys.path, dsn=server.dsn, hook=hook, held=held)
    command = [sys.executable, "-W", "ignore", "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "go on?\n"
        server.wait_for(2 if held else 1)
        process.stdin.write("yes\n")
        process.stdin.flush()
        assert process.stdout.readline() == "children are done\n"
        release.set()
        assert process.wait(60) == 0
    expected = ["warm", *(f"child {number} {one}" for number in range(3) for one in range(5))]
    expected += [f"parent {one}" for one in range(5)] + (["held", "queued"] if held else [])
    messages = [request.envelope.event["message"] for request in server.requests]
    assert sorted(messages) == sorted(expected)
    owners: dict[int, set[str]] = {}
    for request in server.requests:
        owner = request.envelope.event["message"].rpartition(" ")[0] or "parent"
        owners.setdefault(request.connection, set()).add(owner)
    assert all(len(names) == 1 for names in owners.values()), owners


def test_reports_do_not_count_themselves(server: Receiver, make: Make) -> None:
    """A refused report is no further loss."""
    transport, stats = make(server.dsn)
    server.script(*[Answer(status=500)] * 3)
    stats.record_dropped("sample_rate")
    for _ in range(3):
        assert transport.flush(20)
    assert stats.take_discarded() == [("sample_rate", "error", 1)]


def test_an_error_of_the_application_in_the_middle_is_counted_and_raised() -> None:
    """An exception that lands on the sending thread goes on to its owner, after the event has been counted."""

    class Interrupted:
        def post(self, *_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

    sender = Sender(Interrupted(), {})  # type: ignore[arg-type]
    sender.stats.record_captured()
    with pytest.raises(KeyboardInterrupt):
        sender.send(event_envelope())
    assert counts(sender.stats) == (1, 0, 0, {"network_error": 1})
    wait_until(lambda: sender.stats.take_discarded() == [("network_error", "error", 1)], "the count")
