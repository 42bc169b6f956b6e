"""Events delivered over HTTP to a real Bugsink, and what it has stored of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from conformance import bugsink, corpus

pytestmark = pytest.mark.bugsink

HAS_GROUPS = sys.version_info >= (3, 11)
_PROGRAM_S = 120.0

CHAIN = "ValueError: order 5 is not paid"
MESSAGE = "three of 9 lamps are broken"
GROUP = "ExceptionGroup: two stops failed (2 sub-exceptions)"
BY_HAND = "Timeout: no answer from the printer"
UNCAUGHT = "TypeError: object of type 'NoneType' has no len()"
TITLES = [CHAIN, MESSAGE, *([GROUP] if HAS_GROUPS else []), BY_HAND, UNCAUGHT]


@pytest.fixture(scope="module")
def stored(started_with: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Any]:
    """What the server has stored after the program ran once on each twin, against one project."""
    twins = ["pure"] if request.config.getoption("--no-core") else ["core", "pure"]
    with bugsink.Bugsink(bugsink.install(started_with), started_with) as server:
        for twin in twins:
            _run_program(twin, server.dsn)
        found = server.stored()
        assert len(found["events"]) == len(TITLES) * len(twins), f"{found}\n{server.log()[-4000:]}"
        yield found


def _run_program(twin: str, dsn: str) -> None:
    path = os.pathsep.join([str(corpus.TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    foreign = ("SENTRY_", "TOCSIN_", "PYTEST_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {name: value for name, value in own.items() if not name.lower().endswith("_proxy")}
    command = [sys.executable, "-W", "error", "-m", "conformance.bugsink_program", dsn]
    bugsink.run(command, {**own, "PYTHONPATH": path, "TOCSIN_BACKEND": twin}, _PROGRAM_S, corpus.TESTS)


@pytest.fixture
def events(stored: Any, backend: Any) -> dict[str, Any]:
    """The events of one twin, by title."""
    return {event["title"]: event for event in stored["events"] if event["environment"] == backend.name}


def test_all_is_stored_and_grouped(stored: Any, events: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Each event is stored under its title, and those of both twins fall into the same issues: one for each kind."""
    assert list(events) == TITLES
    assert sorted(stored["issues"].values()) == sorted(TITLES)
    for title, event in events.items():
        assert stored["issues"][event["issue"]] == title
    with capsys.disabled():
        print(f"\nbugsink: {len(stored['events'])} events, {len(stored['issues'])} issues")


def test_a_chain_is_stored_with_frames_and_locals(events: dict[str, Any]) -> None:
    """Cause and error are there in order, with their frames down to the failing one, and locals without secrets."""
    event = events[CHAIN]
    assert event["exceptions"] == ["ConnectionError", "ValueError"]
    assert event["frames"] == [1, 3]
    assert event["function"] == "charge"
    outer, pay, charge = event["vars"]
    # Values are their text, so that 5 and "5" are not the same.
    assert pay == {"order": "5", "password": "[Filtered]", "prices": {"tea": "4", "cake": ["1", "2"]}}
    assert (charge["order"], charge["amount"]) == ("5", "2")
    assert "scope" in outer


def test_what_scopes_hold_is_stored(events: dict[str, Any]) -> None:
    """Breadcrumbs, tags, user and level are the captured ones, and stay with the scope that they were set on."""
    chain, message = events[CHAIN], events[MESSAGE]
    assert chain["breadcrumbs"] == ["cake chosen", "pay pressed"]
    assert (chain["tags"]["shop"], chain["tags"]["step"]) == ("north", "pay")
    assert (chain["user"]["id"], chain["user"]["username"]) == ("7", "ada")
    assert chain["level"] == "error"
    assert "cake chosen" not in message["breadcrumbs"]
    assert not {"shop", "step"} & set(message["tags"])
    assert message["user"] is None


def test_messages_groups_and_events_by_hand_are_stored(events: dict[str, Any]) -> None:
    """A record with arguments is one text, an event without a stack is taken, a group brings its members."""
    assert (events[MESSAGE]["exceptions"], events[MESSAGE]["level"]) == ([], "error")
    by_hand = events[BY_HAND]
    assert (by_hand["exceptions"], by_hand["frames"], by_hand["level"]) == (["Timeout"], [0], "fatal")
    assert by_hand["tags"]["printer"] == "lp0"
    if HAS_GROUPS:
        assert sorted(events[GROUP]["exceptions"]) == ["ExceptionGroup", "KeyError", "OSError"]
        assert events[GROUP]["exceptions"][-1] == "ExceptionGroup"
        assert events[GROUP]["function"] == "a_group"


def test_an_uncaught_error_of_a_thread_is_stored(events: dict[str, Any]) -> None:
    """It has its frames, those of the thread's own running included, and is told as not handled."""
    event = events[UNCAUGHT]
    assert event["exceptions"] == ["TypeError"]
    assert event["function"] == "count_lamps"
    # `_bootstrap_inner` and `run` of threading, then the target.
    assert event["frames"] == [3]
    (mechanism,) = event["mechanisms"]
    assert (mechanism["type"], mechanism["handled"]) == ("threading", False)


def test_all_events_tell_what_the_client_was_told(events: dict[str, Any], backend: Any) -> None:
    """Release, environment and server name are those of the options; every event has an id of its own."""
    for event in events.values():
        assert (event["release"], event["environment"]) == ("shop@1.4.2", backend.name)
        assert event["tags"]["server_name"] == "till-3"
    assert len({event["event_id"] for event in events.values()}) == len(TITLES)
