"""One client: its life, its account, and what it costs where there is nothing to send."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import tocsin
from support.clients import DSN, Sent, balanced, raised
from support.receiver import Answer, Receiver
from tocsin import fork
from tocsin.envelope import Envelope
from tocsin.testing import MemoryTransport


def capture_everything() -> list[str | None]:
    return [
        tocsin.capture_exception(raised(ValueError("x"))),
        tocsin.capture_exception("x"),
        tocsin.capture_message("x"),
        tocsin.capture_event({"message": "x"}),
        tocsin.api.capture_uncaught(raised(ValueError("x")), "excepthook"),
    ]


def test_without_a_dsn_nothing_is_captured() -> None:
    """No transport, no thread, no id, nothing in the account; the verbs all answer."""
    client = tocsin.init(default_integrations=False)
    threads = threading.active_count()
    assert client.transport is None
    assert client.dsn is None
    assert tocsin.is_initialized()
    assert capture_everything() == [None] * 5
    tocsin.add_breadcrumb(message="x")
    assert tocsin.flush() is True
    assert balanced() == tocsin.Account(0, 0, 0, {})
    assert threading.active_count() == threads
    client.close()


def test_without_a_client_nothing_is_captured() -> None:
    """Before init() everything may be called."""
    assert not tocsin.is_initialized()
    assert capture_everything() == [None] * 5
    assert tocsin.flush() is True
    tocsin.close()
    assert balanced() == tocsin.Account(0, 0, 0, {})


def _least_time(function: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(200):
            function()
        best = min(best, time.perf_counter() - start)
    return best


def test_a_capture_without_a_dsn_costs_almost_nothing() -> None:
    """Less than a twentieth of one that is kept in memory."""
    error = raised(ValueError("x"))

    def capture() -> None:
        tocsin.capture_exception(error)

    sent = Sent()
    kept_s = _least_time(capture)
    assert len(sent.events) == 1400
    tocsin.init(default_integrations=False)
    unsent_s = _least_time(capture)
    assert unsent_s < kept_s / 20


def test_the_account_adds_up_at_every_step() -> None:
    """Captured is delivered plus pending plus dropped, also seen from within hooks and transport."""
    seen: list[tocsin.Account] = []

    class Looking(MemoryTransport):
        def capture_envelope(self, envelope: Envelope) -> None:
            seen.append(balanced())
            super().capture_envelope(envelope)

    def before_send(event: Any, hint: Any) -> Any:
        seen.append(balanced())
        return event if len(seen) % 3 else None

    tocsin.init(transport=Looking(), before_send=before_send, default_integrations=False)
    for _ in range(5):
        capture_everything()
        account = balanced()
        assert account.pending == 0
    assert account.captured == 25
    assert account.dropped["before_send"] + account.delivered == 25
    assert any(account.pending == 1 for account in seen)


def test_what_waits_is_pending_until_it_is_delivered() -> None:
    """Over HTTP: pending while the server thinks, delivered when it has answered."""
    go = threading.Event()
    with Receiver(Answer(until=go)) as server, tocsin.init(server.dsn, default_integrations=False) as client:
        for _ in range(3):
            assert tocsin.capture_message("x") is not None
        server.wait_for(1)
        assert balanced() == tocsin.Account(3, 0, 3, {})
        assert client.flush(0.05) is False
        go.set()
        assert client.flush(20) is True
        assert balanced() == tocsin.Account(3, 3, 0, {})


class Users(tocsin.Transport):
    """A transport as applications write them, without a call of the base class."""

    def __init__(self, does: Callable[[Any, Envelope], object]) -> None:
        self.does = does

    def capture_envelope(self, envelope: Envelope) -> None:
        self.does(self, envelope)


def fail(*arguments: Any) -> Any:
    raise RuntimeError("the transport's mistake")


def lose(transport: Any, envelope: Envelope) -> None:
    transport.record_lost_event("network_error", "error")


def lose_items(transport: Any, envelope: Envelope) -> None:
    for item in envelope.items:
        transport.record_lost_event("network_error", item=item)


def lose_and_fail(transport: Any, envelope: Envelope) -> None:
    lose(transport, envelope)
    fail()


@pytest.mark.internal_errors
@pytest.mark.parametrize(
    ("does", "account"),
    [
        (lambda transport, envelope: None, (1, 0, {})),
        (lambda transport, envelope: 5, (1, 0, {})),
        (fail, (0, 0, {"internal_sdk_error": 1})),
        (lose, (0, 0, {"network_error": 1})),
        (lose_items, (0, 0, {"network_error": 1})),
        (lose_and_fail, (0, 0, {"network_error": 1})),
        (lambda transport, envelope: transport.record_lost_event("network_error", "attachment"), (1, 0, {})),
    ],
    ids=["takes", "answers", "raises", "loses", "loses items", "loses and raises", "loses another thing"],
)
def test_a_users_transport_keeps_the_account(does: Any, account: tuple[int, int, dict[str, int]]) -> None:
    """Whether it takes the event, raises, counts the loss itself, or both."""
    tocsin.init(DSN, transport=Users(does), default_integrations=False)
    for times in (1, 2, 3):
        capture_everything()
        delivered, pending, dropped = account
        expected = {reason: 5 * times * count for reason, count in dropped.items()}
        assert balanced() == tocsin.Account(5 * times, 5 * times * delivered, pending, expected)


def test_an_event_that_a_users_transport_loses_later_is_not_counted_twice() -> None:
    """It was taken for delivered when it was handed over: the account still adds up and nothing is below zero."""
    lost: list[Users] = []
    tocsin.init(DSN, transport=Users(lambda transport, envelope: lost.append(transport)), default_integrations=False)
    tocsin.capture_message("x")
    lost[0].record_lost_event("network_error", "error")
    account = balanced()
    assert account.captured == 1
    assert account.pending == 0


def test_a_function_may_be_the_transport() -> None:
    """It gets the event as a dict; what it raises is a counted drop."""
    events: list[Any] = []
    tocsin.init(DSN, transport=events.append, default_integrations=False)
    assert tocsin.capture_message("x") == events[0]["event_id"]
    assert balanced() == tocsin.Account(1, 1, 0, {})


@pytest.mark.internal_errors
def test_a_function_that_raises_as_transport_is_a_counted_drop() -> None:
    """And not the application's affair."""
    tocsin.init(DSN, transport=fail, default_integrations=False)
    capture_everything()
    assert balanced() == tocsin.Account(5, 0, 0, {"internal_sdk_error": 5})


def test_an_interruption_in_a_users_transport_passes() -> None:
    """KeyboardInterrupt comes out, and the event is counted."""

    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    tocsin.init(DSN, transport=Users(interrupted), default_integrations=False)
    for capture in (lambda: tocsin.capture_message("x"), lambda: tocsin.capture_event({})):
        with pytest.raises(KeyboardInterrupt):
            capture()
    assert balanced().pending == 0
    assert balanced().delivered == 0


def test_flush_asks_the_transport() -> None:
    """With the timeout given, or that of the options, and the callback; False only where it says so."""
    asked: list[Any] = []
    answers = iter([None, True, False, 0])

    class Asked(MemoryTransport):
        def flush(self, timeout: float, callback: Any = None) -> Any:
            asked.append((timeout, callback))
            return next(answers)

    tocsin.init(transport=Asked(), shutdown_timeout=7, default_integrations=False)
    assert [tocsin.flush(), tocsin.flush(0.5), tocsin.flush(0), tocsin.flush(1, print)] == [True, True, False, True]
    assert asked == [(7, None), (0.5, None), (0, None), (1, print)]


@pytest.mark.internal_errors
def test_a_flush_that_raises_was_not_one() -> None:
    """A user's transport may fail at that too."""

    class Failing(MemoryTransport):
        flush = fail
        kill = fail

    client = tocsin.init(transport=Failing(), default_integrations=False)
    assert tocsin.flush() is False
    client.close()
    assert client.transport is None


def test_the_callback_of_flush_learns_how_many_wait() -> None:
    """Once, when the wait becomes noticeable."""
    go = threading.Event()
    calls: list[tuple[int, float]] = []
    with Receiver(Answer(until=go)) as server, tocsin.init(server.dsn, default_integrations=False) as client:
        tocsin.capture_message("x")
        tocsin.capture_message("y")
        server.wait_for(1)
        assert client.flush(20, lambda pending, timeout: calls.append((pending, timeout)) or go.set()) is True
        assert calls == [(2, 20)]
        assert client.flush(20, lambda pending, timeout: calls.append((pending, timeout))) is True
        assert len(calls) == 1


def test_a_closed_client_captures_nothing() -> None:
    """What was captured before is delivered by close; afterwards all verbs answer and nothing is counted."""
    with Receiver() as server:
        client = tocsin.init(server.dsn, default_integrations=False)
        assert tocsin.capture_message("before") is not None
        client.close()
        assert len(server.wait_for(1)) == 1
        account = balanced(client)
        assert account == tocsin.Account(1, 1, 0, {})
        assert capture_everything() == [None] * 5
        assert (tocsin.flush(), balanced(client)) == (True, account)
        client.close()
        assert len(server.requests) == 1


def test_closing_is_bounded() -> None:
    """A server that does not answer holds up no longer than the timeout."""
    go = threading.Event()
    with Receiver(Answer(until=go)) as server:
        client = tocsin.init(server.dsn, default_integrations=False)
        tocsin.capture_message("x")
        server.wait_for(1)
        start = time.monotonic()
        client.close(0.2)
        assert time.monotonic() - start < 5
        assert balanced(client) == tocsin.Account(1, 0, 1, {})
        go.set()


def test_a_client_is_a_context_manager() -> None:
    """It closes itself at the end, and lets errors through."""
    transport = MemoryTransport()
    client = tocsin.init(transport=transport, default_integrations=False)

    def work() -> None:
        with client as entered:
            assert tocsin.get_client() is client is entered
            tocsin.capture_message("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert client.transport is None
    assert tocsin.capture_message("y") is None
    assert len(transport.events) == 1


def test_a_second_init_takes_over_and_leaves_the_first_alone() -> None:
    """The first keeps what it has and may be used on its own until it is closed."""
    first, second = Sent(), Sent()
    tocsin.capture_message("x")
    assert (len(first.events), len(second.events)) == (0, 1)
    assert first.client.capture_message("y") is not None
    assert (len(first.events), len(second.events)) == (1, 1)
    assert tocsin.stats() == balanced(second.client)
    first.client.close()
    assert tocsin.capture_message("z") is not None


def test_a_client_of_ones_own_is_in_force_nowhere() -> None:
    """Until it is bound to a scope."""
    transport = MemoryTransport()
    client = tocsin.Client(transport=transport)
    assert not tocsin.is_initialized()
    with tocsin.new_scope() as scope:
        scope.set_client(client)
        assert tocsin.capture_message("x") is not None
    assert tocsin.capture_message("x") is None
    assert len(transport.events) == 1
    client.close()


def test_what_cannot_be_is_said_at_init_and_leaves_the_client_before_in_force() -> None:
    """The one place that raises."""
    sent = Sent()
    for options in ({"dsn": "nonsense"}, {"sample_rat": 1}, {"sample_rate": "x"}, {"transport": 5}):
        with pytest.raises((TypeError, ValueError)):
            tocsin.init(**options)
    assert tocsin.get_client() is sent.client
    assert tocsin.capture_message("x") is not None


@pytest.mark.internal_errors
@pytest.mark.parametrize("wrong", [{"level": 40}, {"mechanism": {"type": "generic"}}])
def test_what_a_capture_is_wrongly_told_is_a_counted_drop(wrong: Any) -> None:
    """It does not raise into the application, on whichever way it is found."""
    with tocsin.Client(DSN, transport=MemoryTransport()) as client:
        client.capture_exception(raised(ValueError("x")), **wrong)
        captured, delivered, pending, dropped = client.stats.snapshot()
    assert (captured, delivered, pending, dropped) == (1, 0, 0, {"internal_sdk_error": 1})


def test_a_thousand_clients_leave_nothing_behind() -> None:
    """Closed ones are collected, and the fork hook forgets them."""
    gc.collect()
    before = len(fork._registered)
    clients = []
    for _ in range(1000):
        with tocsin.Client(DSN, default_integrations=False) as client:
            clients.append(weakref.ref(client))
    del client
    gc.collect()
    assert len(fork._registered) == before
    assert not any(ref() for ref in clients)


def test_integrations_are_found_by_name_and_class() -> None:
    """What is not set up, and what is none, is None."""
    client = tocsin.init(transport=MemoryTransport())
    for name, integration in client.integrations.items():
        assert client.get_integration(name) is integration
        assert client.get_integration(type(integration)) is integration
    assert "dedupe" in client.integrations
    for junk in (None, 5, "nonsense", object, []):
        assert client.get_integration(junk) is None
    client.close()


def test_a_subclass_of_the_client_is_asked_for_what_it_overrides() -> None:
    """The verbs take the short way to the lane only past methods that are tocsin's own."""
    seen: list[object] = []

    class Mine(tocsin.Client):
        def capture_exception(self, error: Any = None, *args: Any, **kwargs: Any) -> str | None:
            seen.append(error)
            return super().capture_exception(error, *args, **kwargs)

        def capture_message(self, message: Any, *args: Any, **kwargs: Any) -> str | None:
            seen.append(message)
            return super().capture_message(message, *args, **kwargs)

    transport = MemoryTransport()
    tocsin.get_global_scope().set_client(Mine("", transport=transport))
    error = ValueError("v")
    assert tocsin.capture_exception(error) is not None
    assert tocsin.capture_message("m") is not None
    assert seen == [error, "m"]
    assert len(transport.events) == 2
