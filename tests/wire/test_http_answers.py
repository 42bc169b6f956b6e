"""What the default transport makes of the answers that servers give, and of those that they do not."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from support.captures import capture, counts, event_envelope
from support.receiver import Answer, Receiver, unused_port, wait_until
from support.transports import Make
from tocsin import diagnostics, limits
from tocsin.transport.sender import Sender


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
        Answer(raw=b"HTTP/1.1 2"),
        Answer(raw=b"\x00\xff garbage\r\n\r\n"),
        Answer(raw=b"HTTP/1.1 banana\r\n\r\n"),
        Answer(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
    ],
)
def test_no_answer_on_a_used_connection_is_a_network_error(server: Receiver, make: Make, answer: Answer) -> None:
    """What is no answer loses its event there too, and the next one goes over a new connection."""
    server.script(Answer(), answer)
    transport, stats = make(server.dsn, send_client_reports=False)
    for message in ("first", "second", "third"):
        capture(transport, stats, event_envelope(message))
    assert transport.flush(20)
    assert counts(stats) == (3, 2, 0, {"network_error": 1})
    assert [request.envelope.event["message"] for request in server.requests] == ["first", "second", "third"]
    assert server.connections == 2


def test_limits_are_heard_on_a_used_connection(server: Receiver, make: Make) -> None:
    """Also when they come in several headers, in whatever case."""
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-sentry-rate-limits: 60:error:key\r\n"
    server.script(Answer(), Answer(raw=raw + b"X-SENTRY-RATE-LIMITS: 60:attachment:key\r\n\r\n"))
    transport, stats = make(server.dsn)
    capture(transport, stats)
    capture(transport, stats)
    assert transport.flush(20)
    assert [transport.is_limited(category) for category in ("error", "attachment", "session")] == [True, True, False]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"),
        Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk"),
        Answer(raw=b"HTTP/1.0 200 OK\r\n\r\nno length"),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 1_000_000),
        Answer(raw=b"HTTP/1.1 204 No Content\r\n\r\n"),
        Answer(headers={"Connection": "close"}),
        Answer(close="during"),
    ],
)
@pytest.mark.parametrize("warm", [0, 1, 2])
def test_the_status_counts_whatever_becomes_of_the_body(
    server: Receiver, make: Make, answer: Answer, warm: int
) -> None:
    """A 2xx whose body is broken, endless or absent is a delivery, and is not repeated; on a new connection and on a
    used one."""
    server.script(*[Answer()] * warm, answer)
    transport, stats = make(server.dsn)
    for _ in range(warm + 2):
        capture(transport, stats)
    assert transport.flush(20)
    assert counts(stats) == (warm + 2, warm + 2, 0, {})
    assert len(server.requests) == warm + 2


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
