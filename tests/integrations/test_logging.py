"""Log records as breadcrumbs and events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

import tocsin
from support.hooks import breadcrumbs_of, events_of, mechanism_of
from tocsin.integrations.logging import LoggingIntegration

Start = Callable[..., tocsin.Client]


class Hostile:
    """Of whose code nothing is to be run."""

    ran: list[str]

    def __init__(self) -> None:
        self.ran = []

    def __str__(self) -> str:
        self.ran.append("str")
        return "hostile"

    __repr__ = __str__


def test_a_record_is_a_breadcrumb(start: Start, log: logging.Logger) -> None:
    """From INFO on a record is a breadcrumb with type, level, category, text and time."""
    client = start()
    log.debug("no")
    log.info("took %s of %d", "a", 5)
    (crumb,) = breadcrumbs_of(client)
    assert crumb.pop("timestamp").startswith("20")
    assert crumb == {"type": "log", "level": "info", "category": "app.part", "message": "took a of 5"}


def test_a_breadcrumb_has_the_extra_of_its_record(start: Start, log: logging.Logger) -> None:
    """What was given as `extra` is the data of the breadcrumb; what is private or the record's own is not."""
    client = start()
    log.info("a", extra={"request": 5, "_private": 1})
    log.addHandler(_Formatting())
    log.info("b", extra={"request": 6})
    log.info("c")
    assert [crumb.get("data") for crumb in breadcrumbs_of(client)] == [{"request": 5}, {"request": 6}, None]


def test_an_error_is_an_event(start: Start, log: logging.Logger) -> None:
    """From ERROR on a record is an event: level, logger, text with its parameters, extra; then a breadcrumb."""
    client = start()
    tocsin.set_extra("scope", 1)
    log.error("took %s of %d", "a", 5, extra={"request": 5})
    (event,) = events_of(client)
    assert event["level"] == "error"
    assert event["logger"] == "app.part"
    assert event["logentry"] == {"message": "took %s of %d", "formatted": "took a of 5", "params": ["a", 5]}
    assert event["extra"] == {"request": 5, "scope": 1}
    assert "exception" not in event
    assert "threads" not in event
    assert "breadcrumbs" not in event
    assert tocsin.last_event_id() == event["event_id"]
    assert [crumb["level"] for crumb in breadcrumbs_of(client)] == ["error"]


@pytest.mark.parametrize(
    ("levelno", "level"), [(40, "error"), (45, "error"), (50, "fatal"), (60, "fatal"), (10**6, "fatal")]
)
def test_levels_are_the_protocol_s(start: Start, log: logging.Logger, levelno: int, level: str) -> None:
    """Every level of logging, also one of the application's own, is one that servers know."""
    client = start()
    log.log(levelno, "a")
    assert events_of(client)[0]["level"] == level


def test_an_exception_is_captured_with_its_record(start: Start, log: logging.Logger) -> None:
    """`logger.exception` makes one event with the exception, handled, by the mechanism logging; text besides."""
    client = start()
    try:
        raise ValueError("a")
    except ValueError:
        log.exception("took %s", "b")
    (event,) = events_of(client)
    assert mechanism_of(event) == ("logging", True)
    assert event["logentry"]["formatted"] == "took b"
    value = event["exception"]["values"][-1]
    assert (value["type"], value["value"]) == ("ValueError", "a")
    assert value["stacktrace"]["frames"][-1]["function"] == "test_an_exception_is_captured_with_its_record"


def test_an_exception_without_traceback_gets_the_stack_of_the_call(start: Start, log: logging.Logger) -> None:
    """An exception that was never raised is shown with where it was logged, not with the insides of logging."""
    client = start()
    log.error("a", exc_info=ValueError("b"))
    value = events_of(client)[0]["exception"]["values"][-1]
    assert value["mechanism"]["synthetic"] is True
    assert value["stacktrace"]["frames"][-1]["function"] == (
        "test_an_exception_without_traceback_gets_the_stack_of_the_call"
    )


def test_an_error_that_was_logged_and_captured_is_one_event(start: Start, log: logging.Logger) -> None:
    """Whoever comes first, log or capture, the same exception is one event."""
    client = start()
    for first, second in ((log.exception, tocsin.capture_exception), (tocsin.capture_exception, log.exception)):
        before = len(events_of(client))
        try:
            raise ValueError("a")
        except ValueError as error:
            first(error)
            second(error)
        assert len(events_of(client)) == before + 1
    captured, delivered, pending, dropped = client.stats.snapshot()
    assert captured == delivered + pending + sum(dropped.values()) == 4


@pytest.mark.parametrize(
    ("options", "arguments"),
    [({}, {"stack_info": True}), ({}, {"exc_info": (None, None, None)}), ({"attach_stacktrace": True}, {})],
)
def test_the_stack_is_attached_on_demand(
    start: Start, log: logging.Logger, options: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """With `stack_info`, an empty exc_info or `attach_stacktrace` the event has the stack of the call."""
    client = start(**options)
    log.error("a", **arguments)
    (thread,) = events_of(client)[0]["threads"]["values"]
    assert thread["stacktrace"]["frames"][-1]["function"] == "test_the_stack_is_attached_on_demand"
    assert (thread["current"], thread["crashed"]) == (True, False)


def test_hooks_get_the_record(start: Start, log: logging.Logger) -> None:
    """`before_send` and `before_breadcrumb` find the record, and the exception, in the hint."""
    hints: list[Any] = []

    def before_send(event: Any, hint: Any) -> Any:
        hints.append(hint)
        return event

    def before_breadcrumb(crumb: Any, hint: Any) -> Any:
        hints.append(hint)
        return {**crumb, "message": "changed"}

    client = start(before_send=before_send, before_breadcrumb=before_breadcrumb)
    error = ValueError("a")
    log.error("logged", exc_info=error)
    assert [hint["log_record"].msg for hint in hints] == ["logged", "logged"]
    assert hints[0]["exc_info"] == (ValueError, error, None)
    assert events_of(client)[0]["logentry"]["formatted"] == "logged"
    assert [crumb["message"] for crumb in breadcrumbs_of(client)] == ["changed"]


def test_breadcrumbs_run_no_code_of_the_arguments(start: Start, log: logging.Logger) -> None:
    """An object that no handler has formatted is described in the breadcrumb; its own code is not run."""
    client = start()
    hostile = Hostile()
    log.info("%s and %s", hostile, 1)
    log.info("%(it)s", {"it": hostile})
    log.info("%d", hostile)
    log.info(hostile)
    log.info("failed: %s", ValueError("text"))
    messages = [crumb["message"] for crumb in breadcrumbs_of(client)]
    assert hostile.ran == []
    assert all("Hostile" in message for message in messages[:2])
    assert messages[0].endswith(" and 1")
    assert messages[2] == "%d"
    assert "Hostile" in messages[3]
    assert messages[4] == "failed: text"


class _Formatting(logging.Handler):
    """Formats as handlers do, and keeps the text to itself."""

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)


def test_what_a_handler_has_formatted_is_used(start: Start, log: logging.Logger) -> None:
    """The text that a handler made is taken as it is: an argument is not asked for its text again."""
    client = start()
    log.addHandler(_Formatting())
    hostile = Hostile()
    log.info("%s", hostile)
    log.error("%s", hostile)
    assert hostile.ran == ["str", "str"]
    assert events_of(client)[0]["logentry"]["formatted"] == "hostile"
    assert [crumb["message"] for crumb in breadcrumbs_of(client)] == ["hostile", "hostile"]


def test_an_event_has_the_text_that_was_meant(start: Start, log: logging.Logger) -> None:
    """At ERROR and above arguments are asked for their text, as no handler has."""
    client = start()
    log.error("%s", Hostile())
    log.error(ValueError("as message"))
    assert [event["logentry"]["formatted"] for event in events_of(client)] == ["hostile", "as message"]


@pytest.mark.parametrize("arguments", [("%d", "a"), ("%s %s", "a"), ("%s", "a", "b"), ("100%", 5), ("%(a)s", {"b": 1})])
def test_text_and_arguments_that_do_not_fit_are_kept(start: Start, log: logging.Logger, arguments: Any) -> None:
    """A record that cannot be formatted is an event and a breadcrumb with the text as it was written."""
    client = start()
    log.error(*arguments)
    assert events_of(client)[0]["logentry"]["formatted"] == arguments[0]
    assert [crumb["message"] for crumb in breadcrumbs_of(client)] == [arguments[0]]


def test_a_failing_argument_costs_nothing_but_itself(start: Start, log: logging.Logger) -> None:
    """An argument whose text cannot be had leaves the event with the text as it was written."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("oh")

    client = start()
    log.error("a %s", Broken())
    assert events_of(client)[0]["logentry"]["formatted"] == "a %s"


def test_filters_of_handlers_come_first(start: Start, log: logging.Logger) -> None:
    """What a handler's filter has taken out of a record is in neither breadcrumb nor event."""

    def redact(record: logging.LogRecord) -> bool:
        record.msg, record.args = record.msg.replace("secret", "***"), ()
        return True

    client = start()
    log.handlers[:] = [_Formatting()]
    log.handlers[0].addFilter(redact)
    log.error("a secret")
    assert events_of(client)[0]["logentry"] == {"message": "a ***", "formatted": "a ***"}
    assert [crumb["message"] for crumb in breadcrumbs_of(client)] == ["a ***"]


def test_a_record_without_any_handler_is_seen(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Handlers need not exist; what a logger's own filter or level refuses is not seen."""
    monkeypatch.setattr(logging, "lastResort", None)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    client = start()
    logger = logging.Logger("bare", logging.ERROR)
    logger.addFilter(lambda record: "no" not in record.msg)
    logger.warning("a")
    logger.error("no")
    logger.error("yes")
    assert [event["logentry"]["message"] for event in events_of(client)] == ["yes"]


def test_what_a_handler_raises_comes_out(start: Start, log: logging.Logger) -> None:
    """An exception of a handler goes to the caller as ever; the record is an event all the same."""

    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise LookupError("handler")

    client = start()
    log.addHandler(Broken())
    with pytest.raises(LookupError, match="handler"):
        log.error("a")
    assert len(events_of(client)) == 1


@pytest.mark.parametrize(
    ("options", "events", "crumbs"),
    [
        ({"level": None}, ["error"], []),
        ({"event_level": None}, [], ["info", "warning", "error"]),
        ({"level": None, "event_level": None}, [], []),
        ({"level": "WARNING", "event_level": "warning"}, ["warning", "error"], ["warning", "error"]),
        ({"level": logging.ERROR, "event_level": logging.INFO}, ["info", "warning", "error"], ["error"]),
    ],
)
def test_levels_can_be_chosen(
    start: Start, log: logging.Logger, options: dict[str, Any], events: list[str], crumbs: list[str]
) -> None:
    """`level` and `event_level`, numbers or names, say from where on; None says never."""
    client = start(integrations=[LoggingIntegration(**options)])
    for level in ("debug", "info", "warning", "error"):
        getattr(log, level)(level)
    assert [event["logger"] for event in events_of(client)] == ["app.part"] * len(events)
    assert [event["level"] for event in events_of(client)] == events
    assert [crumb["message"] for crumb in breadcrumbs_of(client)] == crumbs


@pytest.mark.parametrize("junk", ["loud", 1.5, True, []])
def test_a_level_that_does_not_exist_is_told(junk: Any) -> None:
    """A level that logging does not have raises where the integration is made."""
    with pytest.raises(ValueError, match="is no level of logging"):
        LoggingIntegration(level=junk)


def test_a_level_of_the_application_s_own_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that were added to logging are understood."""
    monkeypatch.setitem(logging._nameToLevel, "TRACE", 5)
    assert LoggingIntegration(level="TRACE").level == 5
