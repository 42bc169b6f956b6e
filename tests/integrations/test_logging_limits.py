"""What is not made of log records, and what logging does to itself: loggers ignored, loops, threads, handlers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

import tocsin
from support.hooks import Outcome, breadcrumbs_of, events_of
from support.receiver import Answer, Receiver
from tocsin.integrations import logging as integration
from tocsin.integrations.logging import ignore_logger, unignore_logger
from tocsin.testing import MemoryTransport

Start = Callable[..., tocsin.Client]


@pytest.mark.parametrize(
    ("pattern", "name", "is_ignored"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.b.c", False),
        ("a.b", "a", False),
        ("a.*", "a.b.c", True),
        ("a.*", "a", False),
        ("*.sql", "app.sql", True),
        ("a.[bc]?", "a.bx", True),
        ("a.[bc]?", "a.dx", False),
        (" a ", "a", True),
    ],
)
def test_ignored_loggers_make_nothing(start: Start, pattern: str, name: str, is_ignored: bool) -> None:
    """`ignore_logger` takes names and patterns, also after records were seen; `unignore_logger` takes them back."""
    client = start()
    logger = logging.Logger(name)
    logger.addHandler(logging.NullHandler())
    logger.error("before")
    ignore_logger(pattern)
    try:
        logger.error("meanwhile")
    finally:
        unignore_logger(pattern)
    logger.error("after")
    seen = ["before", "after"] if is_ignored else ["before", "meanwhile", "after"]
    assert [event["logentry"]["message"] for event in events_of(client)] == seen
    assert [crumb["message"] for crumb in breadcrumbs_of(client)] == seen


@pytest.mark.parametrize("name", ["tocsin", "tocsin.anything", "urllib3.connectionpool", "urllib3.connection"])
def test_our_own_doings_are_ignored(start: Start, name: str) -> None:
    """What delivery itself may log is never captured."""
    client = start()
    logger = logging.Logger(name)
    logger.addHandler(logging.NullHandler())
    logger.error("a")
    assert events_of(client) == []
    assert breadcrumbs_of(client) == []


def test_answers_about_loggers_are_bounded() -> None:
    """However many names records have, what is remembered about them does not grow without end."""
    for number in range(10_000):
        assert not integration.is_ignored(f"name {number}")
    assert 0 < integration._ignored.remembered <= 4096


def test_what_a_hook_logs_is_not_captured_without_end(start: Start, log: logging.Logger) -> None:
    """Errors logged by hooks, an argument's text or the transport, while a record is captured, make no events."""

    class Chatty(tocsin.Transport):
        envelopes = 0

        def capture_envelope(self, envelope: Any) -> None:
            self.envelopes += 1
            log.error("from the transport")

    class Talking:
        def __str__(self) -> str:
            log.error("from an argument")
            return "talking"

    def hook(event: Any, hint: Any) -> Any:
        log.error("from a hook")
        return event

    transport = Chatty()
    client = start(transport=transport, before_send=hook, before_breadcrumb=hook)
    for _ in range(10):
        log.error("%s", Talking())
    assert transport.envelopes == 10
    captured, delivered, pending, dropped = client.stats.snapshot()
    assert captured == delivered + pending + sum(dropped.values())


def test_what_is_logged_while_a_record_is_captured_is_no_breadcrumb(start: Start, log: logging.Logger) -> None:
    """A record that comes of the capture of another one on the same thread leaves no trace."""

    class Chatty(MemoryTransport):
        def capture_envelope(self, envelope: Any) -> None:
            super().capture_envelope(envelope)
            log.info("from the transport")

    client = start(transport=Chatty())
    log.error("a")
    assert [crumb["message"] for crumb in breadcrumbs_of(client)] == ["a"]


def test_a_captured_message_that_is_logged_about_comes_to_an_end(start: Start, log: logging.Logger) -> None:
    """A transport that logs each event it gets as an error is given at most one event about that."""

    class Chatty(tocsin.Transport):
        envelopes = 0

        def capture_envelope(self, envelope: Any) -> None:
            self.envelopes += 1
            log.error("from the transport")

    transport = Chatty()
    start(transport=transport)
    tocsin.capture_message("a")
    assert transport.envelopes == 2


def test_a_server_that_fails_is_not_reported_to_itself(run_program: Callable[..., Outcome]) -> None:
    """With the root logger at NOTSET and a server that refuses, ten errors logged are ten captures."""
    with Receiver(*[Answer(status=500) for _ in range(100)]) as receiver:
        outcome = run_program(
            """
            import logging, os, tocsin
            logging.basicConfig(level=logging.NOTSET, handlers=[logging.NullHandler()])
            client = tocsin.init(os.environ["BAD"], integrations=[
                __import__("tocsin.integrations.logging").integrations.logging.LoggingIntegration(event_level=1)])
            for number in range(10):
                logging.getLogger("app").error("error %d", number)
            client.flush(30)
            print(client.stats.snapshot()[0])
            """,
            BAD=receiver.dsn,
        )
    assert outcome.out == "10\n", outcome.err


def test_threads_log_beside_each_other(start: Start, log: logging.Logger) -> None:
    """A record that one thread is busy with keeps no other thread's record from being captured."""
    entered, go_on = threading.Event(), threading.Event()

    def before_send(event: Any, hint: Any) -> Any:
        if hint["log_record"].msg == "slow":
            entered.set()
            assert go_on.wait(30)
        return event

    client = start(before_send=before_send)
    slow = threading.Thread(target=log.error, args=("slow",))
    slow.start()
    assert entered.wait(30)
    log.error("fast")
    go_on.set()
    slow.join(30)
    assert [event["logentry"]["message"] for event in events_of(client)] == ["fast", "slow"]


def test_a_child_that_was_forked_while_a_thread_was_busy_logs(run_program: Callable[..., Outcome]) -> None:
    """Threads that were inside a capture when the process forked do not mute those of the child."""
    outcome = run_program("""
        import logging, os, threading, tocsin
        entered, go_on = threading.Event(), threading.Event()
        class Slow(tocsin.Transport):
            messages = []
            def capture_envelope(self, envelope):
                message = envelope.get_event()["logentry"]["message"]
                self.messages.append(message)
                if message == "slow":
                    entered.set()
                    go_on.wait(30)
        tocsin.init("", transport=Slow())
        thread = threading.Thread(target=logging.error, args=("slow",))
        thread.start()
        entered.wait(30)
        if os.fork() == 0:
            # A new thread is likely to get the identity of the one that is not there any more.
            threads = [threading.Thread(target=logging.error, args=("child",)) for _ in range(3)]
            for one in threads:
                one.start()
                one.join()
            os._exit(Slow.messages.count("child"))
        code = os.wait()[1] >> 8
        go_on.set()
        thread.join()
        print(code)
    """)
    assert outcome.out == "3\n", outcome.err


def test_handlers_may_stand_in_for_the_integration(start: Start, log: logging.Logger) -> None:
    """`BreadcrumbHandler` and `EventHandler` make what they are called, of the loggers that have them."""
    from tocsin.integrations.logging import BreadcrumbHandler, EventHandler, SentryHandler

    client = start(disabled_integrations=["logging"])
    log.error("nobody listens")
    log.handlers[:] = [EventHandler(level=logging.ERROR), BreadcrumbHandler(level=logging.INFO)]
    log.info("a")
    log.error("b")
    assert SentryHandler is EventHandler
    assert [event["logentry"]["message"] for event in events_of(client)] == ["b"]
    assert [crumb["message"] for crumb in breadcrumbs_of(client)] == ["a", "b"]


def test_handlers_do_nothing_without_a_client(log: logging.Logger) -> None:
    """Without `init` a handler of ours takes the record and makes nothing of it."""
    from tocsin.integrations.logging import EventHandler

    log.handlers[:] = [EventHandler()]
    log.error("a")
    assert tocsin.last_event_id() is None


def test_other_names_of_the_module_do_not_exist() -> None:
    """A misspelt name raises AttributeError, with the name."""
    with pytest.raises(AttributeError, match="'EventHandlers'"):
        integration.EventHandlers  # noqa: B018


def test_records_keep_no_object_alive(start: Start, log: logging.Logger) -> None:
    """Arguments and extra data of a record can go once it was logged."""
    import gc
    import weakref

    class Tracked:
        pass

    start()
    tracked = Tracked()
    reference = weakref.ref(tracked)
    log.error("%s", tracked, extra={"tracked": tracked})
    del tracked
    gc.collect()
    assert reference() is None


def test_odd_records_do_no_harm(start: Start, log: logging.Logger) -> None:
    """Records that were made by hand, with anything in them, are captured or left; logging goes on."""
    client = start()
    for members in (
        {"msg": None, "args": None},
        {"msg": b"bytes", "args": (1,)},
        {"msg": "a", "args": [1, 2]},
        {"msg": "a", "exc_info": True},
        {"msg": "a", "exc_info": ("x", "y", "z")},
        {"msg": "a", 5: 6},
        {"msg": "a\ud800", "name": "logger\nname"},
    ):
        record = logging.makeLogRecord({"levelno": 40, "name": "odd", **members})
        log.handle(record)
    assert len(events_of(client)) == 7
    assert events_of(client)[-1]["logger"] == "logger name"


def test_a_level_may_be_higher_than_any(start: Start) -> None:
    """Where it does not fit a machine's number either: no record reaches it."""
    client = start(integrations=[integration.LoggingIntegration(level=10, event_level=1 << 70)])
    logger = logging.Logger("a")
    logger.addHandler(logging.NullHandler())
    logger.critical("b")
    assert events_of(client) == []
    assert [crumb["message"] for crumb in breadcrumbs_of(client)] == ["b"]


@pytest.mark.parametrize("extra", [None, {"key": 1}])
def test_nothing_is_made_of_records_where_there_is_nowhere_to_send_to(
    start: Start, log: logging.Logger, extra: Any
) -> None:
    """As with breadcrumbs that are added by hand."""
    client = start()
    transport, client.transport = client.transport, None
    log.error("a", extra=extra)
    assert tocsin.get_isolation_scope()._ring is None
    client.transport = transport
