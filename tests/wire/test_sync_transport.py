"""The transport whose captures return when they are delivered or counted."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.captures import bound, capture, counts, event_envelope
from support.receiver import Answer, Receiver, unused_port, wait_until
from tocsin import limits
from tocsin._backend import Stats
from tocsin.transport.sync import SyncHttpTransport

Make = Callable[..., tuple[SyncHttpTransport, Stats]]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[SyncHttpTransport] = []

    def build(dsn: str, **options: Any) -> tuple[SyncHttpTransport, Stats]:
        transport, stats = bound(SyncHttpTransport({"dsn": dsn, **options}))
        made.append(transport)
        return transport, stats

    yield build
    for transport in made:
        transport.kill()


def test_a_capture_returns_when_it_is_delivered(server: Receiver, make: Make) -> None:
    """Both lanes: the event has been received and counted when the call returns, on one connection, by no thread."""
    transport, stats = make(server.dsn)
    threads = threading.active_count()
    capture(transport, stats, event_envelope("one"))
    assert counts(stats) == (1, 1, 0, {})
    stats.record_captured()
    assert transport.offer("two", 3) is True
    assert counts(stats) == (2, 2, 0, {})
    assert [request.envelope.event["message"] for request in server.requests] == ["one", "two"]
    assert server.connections == 1
    assert threading.active_count() <= threads + 1  # the server's


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=500), "send_error"),
        (Answer(status=429), "ratelimit_backoff"),
        (Answer(close="before"), "network_error"),
    ],
)
def test_what_fails_is_counted_not_raised(server: Receiver, make: Make, answer: Answer, reason: str) -> None:
    """The same reasons as with the asynchronous transport."""
    server.script(answer)
    transport, stats = make(server.dsn)
    capture(transport, stats)
    assert counts(stats) == (1, 0, 0, {reason: 1})


def test_nobody_listening_is_counted(make: Make) -> None:
    """No server, no exception."""
    transport, stats = make(f"http://k@127.0.0.1:{unused_port()}/1")
    capture(transport, stats)
    assert counts(stats) == (1, 0, 0, {"network_error": 1})


def test_limits_are_obeyed(server: Receiver, make: Make) -> None:
    """After a 429 nothing is sent until it has passed."""
    server.script(Answer(status=429, headers={"Retry-After": "60"}))
    transport, stats = make(server.dsn)
    capture(transport, stats)
    capture(transport, stats)
    assert len(server.requests) == 1
    assert transport.is_limited("error")
    assert counts(stats) == (2, 0, 0, {"ratelimit_backoff": 2})


def test_flush_sends_the_report(server: Receiver, make: Make) -> None:
    """Drops are told on flush, at once."""
    transport, _ = make(server.dsn)
    transport.record_lost_event("before_send", "error")
    assert transport.flush(20) is True
    assert server.requests[0].envelope.discarded == [("before_send", "error", 1)]
    assert transport.flush() is True
    assert len(server.requests) == 1


def test_threads_take_turns(server: Receiver, make: Make) -> None:
    """Captures of several threads are all delivered, one at a time."""
    transport, stats = make(server.dsn)
    threads = [threading.Thread(target=capture, args=(transport, stats)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert counts(stats) == (8, 8, 0, {})
    assert server.connections == 1


def test_a_turn_that_does_not_come_is_counted(server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread waits for the others no longer than a request may take."""
    release = threading.Event()
    server.script(Answer(until=release))
    transport, stats = make(server.dsn)
    slow = threading.Thread(target=capture, args=(transport, stats))
    slow.start()
    server.wait_for(1)
    monkeypatch.setattr(limits, "HTTP_TIMEOUT_S", 0.01)
    start = time.monotonic()
    capture(transport, stats, event_envelope(attachment=b"12"))
    stats.record_captured()
    transport.offer("x", 1)
    assert transport.flush(0.01) is False
    assert time.monotonic() - start < 10
    release.set()
    slow.join(20)
    assert counts(stats) == (3, 1, 0, {"queue_overflow": 2})


def test_a_capture_inside_a_send_is_delivered_right_after_it(server: Receiver, make: Make) -> None:
    """A signal handler that captures while its own thread is sending neither waits for itself nor is lost."""
    release = threading.Event()
    server.script(Answer(until=release))
    transport, stats = make(server.dsn)
    flushed = []

    def handler(*_: object) -> None:
        capture(transport, stats, event_envelope("inner"))
        flushed.append(transport.flush(20))
        release.set()

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        main = threading.main_thread().ident
        assert main is not None

        def interrupt() -> None:
            server.wait_for(1)
            signal.pthread_kill(main, signal.SIGUSR1)

        helper = threading.Thread(target=interrupt)
        helper.start()
        capture(transport, stats, event_envelope("outer"))
        helper.join(20)
        wait_until(lambda: flushed, "the handler")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert flushed == [False]
    assert [request.envelope.event["message"] for request in server.requests] == ["outer", "inner"]
    assert counts(stats) == (2, 2, 0, {})


def test_captures_inside_a_send_are_bounded(make: Make, server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot wait is kept in a bounded number, the rest counted."""
    monkeypatch.setattr(limits, "QUEUE_EVENTS", 2)
    transport, stats = make(server.dsn)

    def assemble(message: str) -> Any:
        if message == "outer":
            for number in range(4):
                stats.record_captured()
                transport.offer(str(number), 1)
            assert transport.is_full()
        return event_envelope(message)

    transport.bind(stats, assemble)
    stats.record_captured()
    transport.offer("outer", 1)
    assert [request.envelope.event["message"] for request in server.requests] == ["outer", "0", "1"]
    assert counts(stats) == (5, 3, 0, {"queue_overflow": 2})
    assert not transport.is_full()


def test_an_error_of_the_application_passes_and_the_next_turn_comes(
    server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KeyboardInterrupt during a send reaches the application; the event is counted and the transport usable."""
    transport, stats = make(server.dsn)
    with monkeypatch.context() as patch:

        def interrupted(*_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

        patch.setattr(transport._sender.connection, "post", interrupted)
        with pytest.raises(KeyboardInterrupt):
            capture(transport, stats)
    assert counts(stats) == (1, 0, 0, {"network_error": 1})
    capture(transport, stats)
    assert counts(stats) == (2, 1, 0, {"network_error": 1})


def test_a_child_starts_afresh(server: Receiver, make: Make) -> None:
    """After a fork in the middle of another thread's send, the child neither waits for that thread nor uses its
    connection."""
    transport, stats = make(server.dsn)
    capture(transport, stats)
    transport._sending.acquire()
    transport._owner = 1
    transport._deferred.append(event_envelope("the parent's"))
    transport.after_fork_in_child()
    capture(transport, stats, event_envelope("child"))
    assert [request.envelope.event["message"] for request in server.requests] == ["hi", "child"]
    assert server.connections == 2
