"""The corpus, held against the code that a real server runs on every event."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from datetime import datetime, timezone
from typing import Any

import pytest

from conformance import corpus, normalizer
from support.receiver import strict_json

# The binding's wheels are for any Python 3 of the common platforms; where there is none, nothing can be asked.
HAS_NORMALIZER = importlib.util.find_spec("sentry_relay") is not None
NO_WHEEL = sys.platform not in ("linux", "darwin")
needs_normalizer = pytest.mark.skipif(NO_WHEEL, reason=f"sentry-relay has no wheel for {sys.platform}")

# What differs between two runs whatever runs, and the names of the twins in locals of the corpus itself.
_VARIES = frozenset({"event_id", "timestamp", "trace_id", "span_id"})
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}|tocsin\._(core|pure)\.|_(ident|native_id)=\d+")


@pytest.fixture(scope="module")
def outcomes(backend: Any) -> dict[str, corpus.Outcome]:
    """What each scenario led to on one twin."""
    return corpus.run_all(backend.name)


def test_the_corpus_covers_what_can_be_captured() -> None:
    """There are at least sixty scenarios, of every kind of capture, and each expects something."""
    scenarios = corpus.load()
    assert len(scenarios) >= 60
    assert all(one.events or not one.keeps for one in scenarios.values())


def test_every_scenario_leads_to_its_events(outcomes: dict[str, corpus.Outcome]) -> None:
    """No scenario raises into the application, fails inside, or loses an event; every capture is accounted for."""
    wrong = []
    for name, outcome in outcomes.items():
        captured, delivered, pending, dropped = outcome.figures
        if outcome.escaped or outcome.swallowed:
            wrong.append(f"{name}: raised {outcome.escaped or outcome.swallowed}")
        if len(outcome.events) != corpus.load()[name].events:
            wrong.append(f"{name}: {len(outcome.events)} events, dropped {dropped}")
        if pending or delivered != len(outcome.events) or captured != delivered + sum(dropped.values()):
            wrong.append(f"{name}: does not add up: {outcome.figures}")
    assert not wrong, "\n".join(wrong)


@needs_normalizer
def test_the_servers_normalizer_finds_nothing_to_complain_of(
    outcomes: dict[str, corpus.Outcome], backend: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every event is accepted, has no errors, and is stored whole; nothing is cut by the server that we did not cut."""
    assert HAS_NORMALIZER, "sentry-relay is not installed; it is in the extra `test`"
    now = datetime.now(timezone.utc)
    wrong: list[str] = []
    clean = total = 0
    for name, outcome in outcomes.items():
        exempt = corpus.load()[name].exempt
        used = set()
        text = ""
        for number, raw in enumerate(outcome.events):
            found, stored = normalizer.faults_of(raw, now)
            used |= {key for key in exempt for fault in found if fault.startswith(key)}
            found = [fault for fault in found if not fault.startswith(tuple(exempt))]
            text += json.dumps(stored, ensure_ascii=False)
            total += 1
            clean += not found
            wrong += [f"{name}[{number}] {fault}" for fault in found]
        wrong += [f"{name}: {kept!r} is not kept" for kept in corpus.load()[name].keeps if kept not in text]
        wrong += [f"{name}: the exemption {key!r} is of no use" for key in exempt if key not in used]
    with capsys.disabled():
        print(f"\nnormalizer: {clean} of {total} events clean ({backend.name}, {len(outcomes)} scenarios)")
    assert not wrong, "\n".join(line.encode("ascii", "backslashreplace").decode() for line in wrong)


@needs_normalizer
@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ('"extra":{"x":NaN}', "refused"),
        ('"extra":{"x":"\\ud800"}', "refused"),
        ('"extra":{"x":1e400}', "refused"),
        ('"colour":"red"', "error: name=colour"),
        ('"tags":{"a":"two\\nlines"}', "error: name=tags"),
        (f'"extra":{{"x":"{"v" * 20_000}"}}', "cut: extra.x"),
        (f'"user":{{"email":"{"v" * 200}"}}', "lost: user.email"),
        ('"user":{"geo":{"odd":1}}', "lost: user.geo.odd"),
        (f'"extra":{{"x":"{"v" * 1_100_000}"}}', "too large"),
        ('"timestamp":"yesterday"', "error: name=timestamp"),
    ],
)
def test_the_comparison_notices_what_a_server_does_not_keep(part: str, fault: str) -> None:
    """An event that a server refuses, cuts or empties is told as such: the comparison can fail."""
    found, _ = normalizer.faults_of(f'{{"message":"m",{part}}}'.encode(), datetime.now(timezone.utc))
    assert any(one.startswith(fault) for one in found), found


@needs_normalizer
def test_the_comparison_finds_what_a_server_keeps_elsewhere() -> None:
    """What a server stores under another name is not taken for lost."""
    now = datetime.now(timezone.utc)
    event = {
        "message": "m",
        "timestamp": now.isoformat(),
        "server_name": "host",
        "tags": {"a": 1},
        "user": {"plan": "gold"},
        "request": {"url": "http://x/?a=b#c", "headers": {"x-odd": "1", "Cookie": "a=b; c=d"}},
        "extra": {"deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}},
    }
    assert normalizer.faults_of(json.dumps(event).encode(), now)[0] == []


def test_both_twins_write_the_same_events() -> None:
    """Compiled and pure give the same events for the whole corpus, but for ids, times and addresses."""
    core, pure = corpus.run_all("core"), corpus.run_all("pure")
    assert core.keys() == pure.keys()
    for name in core:
        assert list(map(_masked, core[name].events)) == list(map(_masked, pure[name].events)), name


def _masked(raw: bytes) -> str:
    """An event as text, its members in the order they were written, with what varies between runs masked."""
    return _ADDRESS.sub("", json.dumps(_without_varying(strict_json(raw))))


def _without_varying(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "*" if key in _VARIES else _without_varying(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_varying(inner) for inner in value]
    return value
