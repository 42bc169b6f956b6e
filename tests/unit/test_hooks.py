"""The hook lane: what hooks are shown, what they may do, and what becomes of their mistakes."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

import tocsin
from support.clients import Sent, raised
from support.concurrency import Interruption, interrupt, signals
from tocsin import diagnostics
from tocsin.integrations.dedupe import DedupeIntegration
from tocsin.scope import add_global_event_processor
from tocsin.scope_snapshot import snapshot_of
from tocsin.scrubber import EventScrubber


def fail(*arguments: Any) -> Any:
    raise RuntimeError("a hook's mistake")


def identity(event: Any, hint: Any) -> Any:
    return event


def test_before_send_sees_what_would_be_sent() -> None:
    """The dict that the hook gets, returned as it is, is what arrives."""
    seen: list[Any] = []

    def before_send(event: Any, hint: Any) -> Any:
        seen.append(copy.deepcopy(event))
        return event

    sent = Sent(before_send=before_send)
    tocsin.set_extra("a", {"b": [1, None, "é\ud800"]})
    tocsin.add_breadcrumb(message="before")
    tocsin.capture_exception(raised(ValueError("x")))
    assert seen == [sent.event]


def test_the_hint_holds_what_was_captured() -> None:
    """exc_info with the very exception, as the peer's hooks expect it; the attachments as a list to edit."""
    seen: list[Any] = []
    sent = Sent(before_send=lambda event, hint: seen.append(hint) or event)
    error = raised(ValueError("x"))
    tocsin.capture_exception(error)
    tocsin.capture_message("x")
    tocsin.capture_event({"message": "x"}, {"mine": 1})
    assert seen[0]["exc_info"] == (ValueError, error, error.__traceback__)
    assert seen[0]["attachments"] == []
    assert "exc_info" not in seen[1]
    assert seen[2]["mine"] == 1
    assert len(sent.events) == 3


def test_what_before_send_returns_is_sent() -> None:
    """Edited in place or made anew, and brought into a shape that a server takes."""
    sent = Sent(before_send=lambda event, hint: {**event, "tags": {"a b": 1, "none": None}, "extra": {"x": {1, 2}}})
    assert tocsin.capture_message("x") == sent.event["event_id"]
    assert sent.event["tags"] == {"a-b": "1"}
    assert sent.event["message"] == "x"


def test_the_id_that_before_send_gives_is_the_events() -> None:
    """What the capture returns names the event that was sent."""
    sent = Sent(before_send=lambda event, hint: {**event, "event_id": "ab" * 16})
    assert tocsin.capture_message("x") == "ab" * 16 == sent.event["event_id"]
    sent = Sent(before_send=lambda event, hint: {**event, "event_id": "junk"})
    event_id = tocsin.capture_message("x")
    assert event_id == sent.event["event_id"]
    assert len(sent.event["event_id"]) == 32


@pytest.mark.parametrize("answer", [None, 5, "event", [], False, True, object(), (), {1}], ids=repr)
def test_before_send_drops_with_anything_but_an_event(answer: Any) -> None:
    """None and junk alike are a counted drop."""
    sent = Sent(before_send=lambda event, hint: answer)
    assert tocsin.capture_exception(raised(ValueError())) is None
    assert tocsin.capture_event({"message": "x"}) is None
    assert sent.events == []
    assert sent.dropped == {"before_send": 2}


@pytest.mark.internal_errors
def test_before_send_that_raises_is_a_drop_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be there to remove what must not leave the process; its author learns of the mistake."""
    monkeypatch.setattr(diagnostics, "_warned", set())
    sent = Sent(before_send=fail)
    assert tocsin.capture_message("x") is None
    assert tocsin.capture_exception(raised(ValueError())) is None
    assert sent.dropped == {"before_send": 2}
    assert capsys.readouterr().err == " [tocsin] before_send raised RuntimeError: a hook's mistake\n"


def test_an_error_that_a_hook_dropped_may_be_captured_later() -> None:
    """A drop does not mark the exception as captured."""
    wanted: list[bool] = []
    sent = Sent(before_send=lambda event, hint: event if wanted else None, integrations=[DedupeIntegration()])
    error = raised(ValueError())
    assert tocsin.capture_exception(error) is None
    wanted.append(True)
    assert tocsin.capture_exception(error) is not None
    assert sent.dropped == {"before_send": 1}


@pytest.mark.parametrize(("answer", "is_sent"), [(True, True), (False, False), (1.0, True), (0.0, False), (1, True)])
def test_the_sampler_decides(answer: Any, is_sent: bool) -> None:
    """A bool or a rate, in the place of sample_rate."""
    seen: list[Any] = []
    sent = Sent(error_sampler=lambda event, hint: seen.append((event, hint)) or answer, sample_rate=0.0)
    error = raised(ValueError("x"))
    assert (tocsin.capture_exception(error) is not None) is is_sent
    assert seen[0][0]["exception"]["values"][0]["value"] == "x"
    assert seen[0][1]["exc_info"][1] is error
    assert sent.dropped == ({} if is_sent else {"sample_rate": 1})


def test_the_samplers_rate_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A draw below the rate that it returns is sent."""
    sent = Sent(error_sampler=lambda event, hint: 0.5)
    draws = iter([0.4, 0.6])
    monkeypatch.setattr(random, "random", lambda: next(draws))
    assert tocsin.capture_message("x") is not None
    assert tocsin.capture_message("x") is None
    assert sent.dropped == {"sample_rate": 1}


@pytest.mark.internal_errors
@pytest.mark.parametrize("answer", [None, 1.5, -0.1, float("nan"), "yes", [], fail], ids=str)
@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_sampler_that_does_not_answer_leaves_it_to_the_rate(answer: Any, rate: float) -> None:
    """Junk, and an error of its own, fall back to sample_rate."""
    sent = Sent(error_sampler=fail if answer is fail else lambda event, hint: answer, sample_rate=rate)
    assert (tocsin.capture_message("x") is not None) is (rate == 1.0)
    assert sent.dropped == ({} if rate == 1.0 else {"sample_rate": 1})


def test_hooks_run_in_their_order() -> None:
    """Error processors, then event processors, both global to inner scopes, then sampler, then before_send."""
    ran: list[str] = []

    def noting(name: str) -> Any:
        return lambda event, hint: ran.append(name) or event

    Sent(before_send=noting("before_send"), error_sampler=lambda event, hint: ran.append("sampler") or True)
    add_global_event_processor(noting("process"))
    extra = tocsin.Scope()
    scopes = {
        "global": tocsin.get_global_scope(),
        "isolation": tocsin.get_isolation_scope(),
        "current": tocsin.get_current_scope(),
        "argument": extra,
    }
    for name, scope in scopes.items():
        scope.add_event_processor(noting(f"event {name}"))
        scope.add_error_processor(noting(f"error {name}"))
    tocsin.capture_exception(raised(ValueError()), scope=extra)
    errors = [f"error {name}" for name in scopes]
    events = ["process", *(f"event {name}" for name in scopes)]
    assert ran == [*errors, *events, "sampler", "before_send"]
    ran.clear()
    tocsin.capture_message("x", scope=extra)
    assert ran == [*events, "sampler", "before_send"]


def test_a_processor_of_the_scope_argument_runs_in_either_form() -> None:
    """Also one that a scope callable adds: it may be there to hide something."""
    sent = Sent()
    tocsin.capture_message("x", scope=lambda scope: scope.add_event_processor(lambda event, hint: None))
    assert sent.dropped == {"event_processor": 1}


def test_error_processors_get_exc_info_and_may_be_bound_to_a_class() -> None:
    """`add_error_processor(f, KeyError)` is asked about KeyErrors alone."""
    sent = Sent()
    seen: list[Any] = []
    tocsin.get_isolation_scope().add_error_processor(lambda event, exc_info: seen.append(exc_info) or event, KeyError)
    key, value = raised(KeyError("k")), raised(ValueError("v"))
    tocsin.capture_exception(key)
    tocsin.capture_exception(value)
    tocsin.capture_exception("a text")
    assert seen == [(KeyError, key, key.__traceback__)]
    assert len(sent.events) == 3


@pytest.mark.internal_errors
@pytest.mark.parametrize("answer", [None, 5, "x", fail], ids=str)
@pytest.mark.parametrize("where", ["global", "isolation", "current"])
@pytest.mark.parametrize("kind", ["event", "error"])
def test_a_processor_that_gives_no_event_drops_it(answer: Any, where: str, kind: str) -> None:
    """None, junk and an error of its own: a counted drop, and no later processor runs."""
    sent = Sent()
    scope = getattr(tocsin, f"get_{where}_scope")()
    add = getattr(scope, f"add_{kind}_processor")
    ran: list[int] = []
    add(fail if answer is fail else lambda event, hint: answer)
    add(lambda event, hint: ran.append(1) or event)
    assert tocsin.capture_exception(raised(ValueError())) is None
    assert ran == []
    assert sent.dropped == {"event_processor": 1}


def test_a_capture_in_a_hook_is_a_counted_drop() -> None:
    """It would never end."""
    answers: list[Any] = []

    def capturing(event: Any, hint: Any) -> Any:
        answers.append(tocsin.capture_message("from within"))
        answers.append(tocsin.capture_exception(raised(KeyError())))
        answers.append(tocsin.capture_event({"message": "from within"}))
        return event

    sent = Sent(before_send=capturing)
    assert tocsin.capture_message("x") is not None
    assert answers == [None] * 3
    assert sent.event["message"] == "x"
    assert sent.dropped == {"event_processor": 3}
    assert tocsin.capture_message("after") is not None


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("where", ["before_send", "error_sampler", "processor"])
def test_what_is_no_exception_passes_through_a_hook(interruption: type[BaseException], where: str) -> None:
    """A KeyboardInterrupt is meant for the application; the event it took is counted."""

    def interrupted(event: Any, hint: Any) -> Any:
        raise interruption

    sent = Sent(**({} if where == "processor" else {where: interrupted}))
    if where == "processor":
        tocsin.get_isolation_scope().add_event_processor(interrupted)
    with pytest.raises(interruption):
        tocsin.capture_message("x")
    account = sent.client.stats.snapshot()
    assert account[0] == 1 == sum(sent.dropped.values())
    assert sent.events == []


def test_what_a_signal_handler_raises_in_a_hook_is_the_applications() -> None:
    """A time limit that strikes in before_send comes out as itself."""

    def slow(event: Any, hint: Any) -> Any:
        while True:
            sum(range(100))

    sent = Sent(before_send=slow)
    with signals(interrupt, 0.05), pytest.raises(Interruption):
        tocsin.capture_message("x")
    assert sum(sent.dropped.values()) == 1
    assert sent.client.stats.snapshot()[2] == 0


def test_a_scrubber_of_ones_own_sees_the_event() -> None:
    """It changes the dict in place, before before_send does."""

    class Own(EventScrubber):
        def scrub_event(self, event: Any) -> None:
            event["message"] = "scrubbed"

    seen: list[Any] = []
    sent = Sent(event_scrubber=Own(), before_send=lambda event, hint: seen.append(event["message"]) or event)
    tocsin.capture_message("secret")
    assert seen == ["scrubbed"] == [sent.event["message"]]


@pytest.mark.internal_errors
def test_a_scrubber_that_fails_drops_the_event() -> None:
    """It may have left a secret where it was."""

    class Own(EventScrubber):
        def scrub_event(self, event: Any) -> None:
            raise RuntimeError

    sent = Sent(event_scrubber=Own())
    assert tocsin.capture_message("secret") is None
    assert sent.dropped == {"event_processor": 1}


def test_without_hooks_no_dict_is_made() -> None:
    """Neither a client nor a scope without hooks takes the hook lane; each hook does."""
    snapshot = snapshot_of()
    assert not Sent().client.hook_lane.hooks.wanted(snapshot)
    assert not Sent(event_scrubber=EventScrubber()).client.hook_lane.hooks.wanted(snapshot)
    assert Sent(before_send=identity).client.hook_lane.hooks.wanted(snapshot)
    assert Sent(error_sampler=identity).client.hook_lane.hooks.wanted(snapshot)
    plain = Sent().client.hook_lane.hooks
    tocsin.get_current_scope().add_event_processor(identity)
    assert plain.wanted(snapshot_of())


@pytest.mark.internal_errors
def test_a_hook_may_change_the_event_at_any_depth_without_touching_the_callers() -> None:
    """What a hook is given is its own: the application's dicts stay as they are."""

    def ruin(event: Any, hint: Any) -> Any:
        event["extra"]["deep"]["list"].append("ruined")
        event["tags"].clear()
        hint["mine"] = "ruined"
        hint["attachments"].append("ruined")
        return event

    sent = Sent(before_send=ruin)
    event = {"message": "x", "extra": {"deep": {"list": [1]}}, "tags": {"a": "b"}}
    hint: dict[str, Any] = {"mine": 1, "attachments": []}
    before = copy.deepcopy((event, hint))
    assert tocsin.capture_event(event, hint) is not None
    assert "tags" not in sent.event
    assert (event, hint) == before
