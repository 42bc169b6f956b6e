"""The promises of the README, one section each. What a program does and measures is in `promises/`; each runs in a
process of its own on each twin, within a deadline, and must leave stderr empty.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from typing import Any

import pytest

from promises import blocking, breaking, costs, surviving, telling
from promises.harness import run
from support.receiver import Receiver, strict_json

Told = Any


def events_of(payloads: list[str]) -> list[bytes]:
    return [base64.b64decode(payload) for payload in payloads]


# It never breaks the application.


@pytest.mark.parametrize("client", ["with a client", "with hooks", "without"])
def test_no_verb_raises_whatever_it_is_given(backend: Any, client: str) -> None:
    """Every public function and method of a scope, with junk in every place, raises nothing then or later."""
    told: Told = run(backend.name, breaking.misuse, client, "junk")
    assert told["escaped"] == {}
    assert told["count"] > 8_000
    assert (told["events"] > 1000) == (client != "without")


def test_no_verb_raises_what_a_hostile_object_raises(backend: Any) -> None:
    """The same with objects whose every hook raises, in every place."""
    told: Told = run(backend.name, breaking.misuse, "with hooks", "hostile")
    assert told["escaped"] == {}
    assert told["count"] > 8_000


def test_nothing_that_tocsin_calls_raises_through_it(backend: Any) -> None:
    """Hooks, transports and texts that raise cost at most their event, which is counted."""
    told: Told = run(backend.name, breaking.hooks_that_raise, is_told=True)
    assert len(told) == 7
    for name, (escaped, captured, delivered, pending, dropped) in told.items():
        assert (escaped, captured, pending) == ([], 3, 0), name
        assert (delivered, dropped) == ((0, 3) if name in ("before_send", "processor", "transport") else (3, 0)), name


def test_what_is_meant_for_the_application_reaches_it(backend: Any) -> None:
    """KeyboardInterrupt, SystemExit and GeneratorExit come out of hooks, texts and transports as themselves."""
    assert run(backend.name, breaking.interrupts_go_through) == []


@pytest.fixture(scope="module")
def interrupted(backend: Any) -> Told:
    """What became of captures at random instants of which a signal handler raised."""
    with Receiver() as receiver:
        return run(backend.name, breaking.signals_at_any_instant, receiver.dsn)


def test_what_a_signal_handler_raises_comes_out_as_itself(interrupted: Told) -> None:
    """At whatever instant of a capture it lands, none is swallowed or changed."""
    assert (interrupted["swallowed"], interrupted["faults"]) == ([], []), interrupted
    assert interrupted["hits"] >= 3000


def test_nothing_that_is_given_is_changed(backend: Any) -> None:
    """Events, hints, breadcrumbs, scopes' data, exceptions and the handled error are afterwards what they were.

    But for the mark in a captured exception's own dict, by which it is known a second time.
    """
    assert run(backend.name, breaking.mutations) == []


# It never blocks the application.


def test_the_capturing_thread_opens_and_imports_nothing(backend: Any) -> None:
    """From `init` on the interpreter's audit tells of no file, import, socket or process; of one thread at most."""
    with Receiver() as receiver:
        told: Told = run(backend.name, blocking.what_the_capturing_thread_does, receiver.dsn, "fast")
    assert told["control"] == ["open"]
    assert [event for event in told["first"] if event != "_thread.start_new_thread"] == []
    assert len(told["first"]) <= 1
    assert (told["second"], told["last"]) == ([], [])


def test_what_hooks_see_is_made_without_an_import(backend: Any) -> None:
    """In the hook lane the event is complete at once: at most the sources of its frames are read, once."""
    with Receiver() as receiver:
        told: Told = run(backend.name, blocking.what_the_capturing_thread_does, receiver.dsn, "hook")
    harmless = ("_thread.start_new_thread", f"open [{blocking.__file__!r}, 'r']")
    assert [event for event in told["first"] if event not in harmless] == []
    assert (told["second"], told["last"]) == ([], [])


def test_captures_do_not_wait_for_locks_that_others_hold(backend: Any) -> None:
    """The import lock, those of logging and threading, and one that a local's `__repr__` wants, may all be taken."""
    with Receiver() as receiver:
        told: Told = run(backend.name, blocking.captures_while_others_hold_locks, receiver.dsn)
    assert told["was_held"]
    assert told["took_s"] < 5.0
    assert told["delivered"] == 41


# It runs no code of the application's on the way: more in faults/test_hostile.py.

# It decides before it builds: more in unit/test_gate.py.


def test_a_refused_capture_looks_at_no_stack(backend: Any) -> None:
    """What is ignored, sampled out, seen before, limited or without room is counted, and nothing is built."""
    told: Told = run(backend.name, blocking.work_for_refused_captures)
    assert told.pop("taken") == [1, {}]
    reasons = {"sampled": "sample_rate", "limited": "ratelimit_backoff", "full": "queue_overflow"}
    for name, (asked, dropped) in told.items():
        word = name.removeprefix("message, ").split()[0]
        assert (asked, dropped) == (0, {reasons.get(word, "event_processor"): 1}), name
    assert len(told) == 9


def test_a_refused_capture_costs_a_fraction(backend: Any) -> None:
    """With thirty frames on the stack, less than a tenth of one that is taken."""
    assert run(backend.name, blocking.cost_of_refused_captures) < 0.1


# Its cost is bounded.


def test_size_makes_no_difference(backend: Any) -> None:
    """What is beyond the limits costs neither time nor memory, however much it is."""
    told: Told = run(backend.name, costs.costs)
    assert len(told) > 20
    assert {name: ratio for name, (ratio, _) in told.items() if ratio > 20} == {}
    assert {name: peak for name, (_, peak) in told.items() if peak > 4_000_000} == {}


# Its memory is bounded: more in leaks/.


def test_a_server_that_hangs_costs_neither_time_nor_memory(backend: Any) -> None:
    """Captures go on while nothing is delivered; the queue's limit in bytes holds, what is beyond is counted."""
    told: Told = run(backend.name, blocking.captures_with_a_stalled_server)
    assert told["slowest_s"] < 1.0
    assert 0.9 < told["fill"] <= 1.0
    assert 0.4 < told["held"] <= 1.2
    assert told["captured"] == 2001
    assert told["dropped"].keys() == {"queue_overflow"}
    assert told["dropped"]["queue_overflow"] > 1500
    assert (told["settled"], told["lost"]) == (True, 0)


def test_nothing_of_the_application_lives_on_in_the_queue(backend: Any) -> None:
    """Once captures have returned, no error, frame, local, value or function is alive because of them."""
    assert run(backend.name, costs.kept_alive) == {"alive": [], "queued": 3}


# Every capture is accounted for.


def test_the_figures_are_right_at_every_moment(backend: Any) -> None:
    """Whatever hooks and server do, the counts are those of the calls made and of the events that the server took."""
    told: Told = run(backend.name, telling.random_fates, is_told=True)
    assert told["wrong"] == []
    assert told["captured"] == told["delivered"] + told["dropped"]
    assert min(told["delivered"], told["dropped"]) > 20


# It survives fork, threads, signals and the garbage collector.


def test_children_deliver_their_own_events_and_no_others(backend: Any) -> None:
    """Forked while four threads capture: what a child captures arrives once, and what the parent had queued, too."""
    with Receiver() as receiver:
        told: Told = run(backend.name, surviving.forks_in_mid_traffic, receiver.dsn)
        arrived = Counter(request.envelope.event["message"] for request in receiver.requests if request.envelope.event)
    assert told["codes"] == [0] * 6
    assert told["pending"] > 0, "no child was forked while the parent had a queue"
    children = {message: count for message, count in arrived.items() if message.startswith("child")}
    assert children == {f"child {number}.{count}": 1 for number in range(6) for count in range(3)}
    parents = arrived.total() - sum(children.values())
    captured, delivered, pending, dropped = told["counts"]
    assert (told["settled"], pending, delivered) == (True, 0, parents)
    assert captured == delivered + dropped
    assert set(arrived.values()) == {1}


@pytest.mark.parametrize("program", [surviving.captures_in_signal_handlers, surviving.captures_in_destructors])
def test_captures_that_interrupt_a_capture_are_delivered(backend: Any, program: Any) -> None:
    """From signal handlers, destructors and callbacks of weak references, at whatever instant; none is lost."""
    with Receiver() as receiver:
        told: Told = run(backend.name, program, receiver.dsn)
        arrived = sum(request.envelope.event is not None for request in receiver.requests)
    assert (told["settled"], told["pending"], told["dropped"], told["refused"]) == (True, 0, {}, 0), told
    assert told["made"] == told["captured"] == told["delivered"] == arrived
    assert min(told.get("ends", [150])) == 150


def test_a_capture_by_code_that_tocsin_calls_is_refused(backend: Any) -> None:
    """An error whose text captures it again leads to one event, and to a counted drop."""
    with Receiver() as receiver:
        told: Told = run(backend.name, surviving.captures_in_what_is_called, receiver.dsn)
    assert told["outer"]
    assert set(told["inner"]) == {None}
    assert (told["delivered"], told["dropped"]) == (1, {"event_processor": len(told["inner"])})


def test_what_is_captured_last_is_delivered_at_exit(backend: Any) -> None:
    """A program that ends without a flush loses nothing, and nothing is written on stderr."""
    with Receiver() as receiver:
        assert run(backend.name, surviving.ends_without_a_flush, receiver.dsn)
        events = [request.envelope.event for request in receiver.requests]
    texts = {event["exception"]["values"][-1]["value"] for event in events if event is not None}
    assert {"in a thread", "at the end"} <= texts


# What it writes is valid: more in conformance/.


def test_every_event_is_strict_json(backend: Any) -> None:
    """UTF-8 without lone surrogates, no NaN, no name twice, no NUL, below the size that servers take."""
    told: Told = run(backend.name, telling.events_of_hostile_values)
    events = events_of(told["events"])
    assert len(events) == told["captured"] > 200
    for event in events:
        strict_json(event)
        assert len(event) <= 1024 * 1024
        assert b"\\u0000" not in event


def test_secrets_are_gone_before_an_event_is_queued(backend: Any) -> None:
    """What is under a denied name is masked at any depth, in locals, extra, contexts, tags, breadcrumbs and request."""
    events = events_of(run(backend.name, telling.secrets_everywhere))
    assert len(events) > 200
    for event in events:
        assert b"hunter2" not in event, json.dumps(_paths_of("hunter2", strict_json(event)))
        assert b"[Filtered]" in event
        assert b"in sight" in event


def _paths_of(text: str, value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for key in value for found in _paths_of(text, value[key], f"{path}.{key}")]
    if isinstance(value, list):
        return [found for index, inner in enumerate(value) for found in _paths_of(text, inner, f"{path}.{index}")]
    return [path] if text in str(value) else []


# Two cores, one behaviour: more in twin/ and conformance/.

_VARYING = re.compile(rb'"(?:event_id|trace_id|span_id)":"[0-9a-f]*"|"timestamp":(?:"[^"]*"|[0-9.]+)')


def test_both_twins_write_the_same_bytes(request: pytest.FixtureRequest) -> None:
    """One program leads to the same events on both, but for ids and times."""
    if request.config.getoption("--no-core"):
        pytest.skip("--no-core: there is nothing to compare with")
    core, pure = (events_of(run(twin, telling.one_program)) for twin in ("core", "pure"))
    assert len(core) == 6
    for one, other in zip(core, pure, strict=True):
        assert _VARYING.sub(b"", one) == _VARYING.sub(b"", other)
