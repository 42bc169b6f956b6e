"""The default transport: what is sent, by whom, and what a queue and a worker promise."""

from __future__ import annotations

import _thread
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from typing import Any

import pytest

from support.captures import bound, capture, counts, event_envelope
from support.receiver import KEY, Answer, Receiver
from support.transports import Make
from tocsin import diagnostics, limits
from tocsin._version import VERSION
from tocsin.envelope import Envelope, Item, PayloadRef
from tocsin.transport.http import HttpTransport


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
