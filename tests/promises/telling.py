"""Programs about what is written and counted: random fates of events, validity, secrets, and both twins alike."""

from __future__ import annotations

import base64
import random
import sys
from typing import Any

import tocsin
from faults.hostile import ZOO
from support.receiver import Answer, Receiver
from tocsin.scrubber import DEFAULT_DENYLIST
from tocsin.testing import MemoryTransport

_PATIENCE_S = 20.0
_STEPS = 60
# In two parts, so that it is not found in the source lines of an event.
_SECRET = "hunter" + "2"


def random_fates() -> Any:
    """Captures of every kind meet hooks and a server of every mood; returns where the figures were wrong.

    What the client counts is held against what this program has called and what the server has seen.
    """
    wrong: list[str] = []
    totals = [0, 0, 0]
    for _ in range(12):
        seed = random.randrange(1 << 32)
        wrong += [f"seed {seed}: {what}" for what in _random_fates(random.Random(seed), totals)]
    return {"wrong": wrong, "captured": totals[0], "delivered": totals[1], "dropped": totals[2]}


def _answer(draw: random.Random) -> Answer:
    limit = {"X-Sentry-Rate-Limits": "60:attachment;transaction:key"}
    moods = [Answer(), Answer(), Answer(500), Answer(413), Answer(400), Answer(200, limit), Answer(close="after")]
    return draw.choice([*moods, Answer(close="before", reset=True), Answer(raw=b"junk\r\n\r\n"), Answer(302)])


def _random_fates(draw: random.Random, totals: list[int]) -> list[str]:
    wrong = []
    expected = {"captured": 0, "event_processor": 0, "before_send": 0, "internal": 0}
    fate = "kept"

    def before_send(event: Any, hint: Any) -> Any:
        if fate == "raises":
            raise LookupError("before_send")
        return None if fate == "dropped" else event

    answers = [_answer(draw) for _ in range(_STEPS * 2)]
    with Receiver(*answers) as receiver:
        options: dict[str, Any] = {"before_send": before_send} if draw.random() < 0.5 else {}
        size = draw.choice([3, 100])
        client = tocsin.init(
            receiver.dsn, transport_queue_size=size, ignore_errors=[KeyError], default_integrations=False, **options
        )
        ids: list[str | None] = []
        for step in range(_STEPS):
            fate = draw.choice(["kept", "kept", "dropped", "raises"])
            action = draw.choice(["error", "ignored", "message", "event", "crumb", "flush", "thing"])
            if action == "flush":
                tocsin.flush(draw.choice([0.0, 0.01]))
            elif action == "crumb":
                tocsin.add_breadcrumb(message="crumb")
            else:
                expected["captured"] += 1
                expected["event_processor"] += action == "ignored"
                ids.append(_capture(action))
            account = tocsin.stats()
            if account.captured != expected["captured"]:
                wrong.append(f"step {step}: {account}, but there were {expected['captured']} captures")
            if account.captured != account.delivered + account.pending + sum(account.dropped.values()):
                wrong.append(f"step {step}: {account} does not add up")
            if account.pending < 0 or account.pending > size + 1:
                wrong.append(f"step {step}: {account}, with a queue of {size}")
        settled = tocsin.flush(_PATIENCE_S)
        account = tocsin.stats()
        accepted = [request.envelope.event["event_id"] for request in receiver.requests if _is_accepted(request)]
        refused = {request.envelope.event["event_id"] for request in receiver.requests if request.envelope.event}
        client.close()
    if not settled or account.pending:
        wrong.append(f"settled {settled}: {account}")
    if account.delivered != len(accepted) or len(set(accepted)) != len(accepted):
        wrong.append(f"{account}, but the server took {len(accepted)} of {len(refused)}")
    if not refused <= set(ids):
        wrong.append("the server has seen events whose ids nobody was told")
    lost_before = sum(account.dropped.get(reason, 0) for reason in ("event_processor", "before_send", "queue_overflow"))
    if ids.count(None) != lost_before:
        wrong.append(f"{account}, but {ids.count(None)} captures said so at once")
    if account.dropped.get("event_processor", 0) != expected["event_processor"]:
        wrong.append(f"{account}, but {expected['event_processor']} were to be ignored")
    totals[0] += account.captured
    totals[1] += account.delivered
    totals[2] += sum(account.dropped.values())
    return wrong


def _is_accepted(request: Any) -> bool:
    return bool(request.is_accepted and request.envelope.event)


def _capture(action: str) -> str | None:
    if action == "message":
        return tocsin.capture_message("message")
    if action == "event":
        return tocsin.capture_event({"message": "by hand"})
    if action == "thing":
        return tocsin.capture_exception("a text")
    try:
        raise KeyError("ignored") if action == "ignored" else ValueError("error")
    except (KeyError, ValueError):
        return tocsin.capture_exception()


def _payloads(transport: MemoryTransport) -> list[str]:
    items = [item for envelope in transport.envelopes for item in envelope.items]
    return [base64.b64encode(item.get_bytes()).decode() for item in items if item.type == "event"]


def events_of_hostile_values() -> Any:
    """Every animal of the zoo wherever a value can be given; returns the events."""
    transport = MemoryTransport()
    tocsin.init("", transport=transport, default_integrations=False, attach_stacktrace=True)
    texts = ["\ud800", "\0", "\u2028", '"\\', "\udfff\ud800", "\x1b", "x" * 100_000, "\U0001f600" * 30_000]
    numbers = [float("nan"), float("-inf"), 1 << 5000, -(1 << 64), 1e308, -0.0]
    for value in [*(make() for make in ZOO.values()), *texts, *numbers]:
        with tocsin.isolation_scope() as scope:
            scope.set_tag("tag", value)
            scope.set_extra("extra", value)
            scope.set_context("context", {"value": value, "deep": [{"value": value}]})
            scope.set_user({"id": value, "data": {"value": value}})
            tocsin.add_breadcrumb(message=value, category=value, data={"value": value})  # type: ignore[arg-type]
            try:
                raise ValueError(value)
            except ValueError:
                tocsin.capture_exception()
            tocsin.capture_message(value)  # type: ignore[arg-type]
            tocsin.capture_event({"message": "m", "extra": {"value": value}, "request": {"data": value}})
    return {"events": _payloads(transport), "captured": tocsin.stats().captured}


def secrets_everywhere() -> Any:
    """Secrets under every denied name, at any depth, in every part of an event; returns the events."""
    transport = MemoryTransport()
    tocsin.init("", transport=transport, default_integrations=False)
    for name in [*DEFAULT_DENYLIST, "db_password", "dbPassword", "X-Api-Key", "SECRET", "auth token"]:
        for depth in range(4):
            secret: dict[str, Any] = {name: _SECRET, "shown": "in sight"}
            for _ in range(depth):
                secret = {"shown": "in sight", "inner": [secret]}
            with tocsin.isolation_scope() as scope:
                scope.set_extra("extra", secret)
                scope.set_extra(name, _SECRET)
                scope.set_tag(name, _SECRET)
                scope.set_context("context", secret)
                scope.set_user({"id": "1", "data": secret})
                tocsin.add_breadcrumb(message="crumb", data=secret)
                _fail_with(secret)
                request = {"url": "http://x/", "headers": {name: _SECRET}, "cookies": {name: _SECRET}}
                request |= {"data": secret, "env": {name: _SECRET}}
                frame = {"function": "f", "vars": {name: _SECRET, "deep": secret}}
                value = {"type": "T", "value": "v", "stacktrace": {"frames": [frame]}}
                event = {"request": request, "extra": {"more": secret}, "exception": {"values": [value]}}
                tocsin.capture_event(event, tags={name: _SECRET}, contexts={"more": secret})
    return _payloads(transport)


def _fail_with(secret: object) -> None:
    def fail(password: str, deep: object, db_password: str = _SECRET) -> None:
        api_key = [password]
        raise ValueError(len(api_key))

    try:
        fail(_SECRET, secret)
    except ValueError:
        tocsin.capture_exception(extras={"nested": secret})


def one_program() -> Any:
    """Captures of every kind, with what differs between processes left to be masked; returns the events."""
    tocsin.init("", transport="memory", release="r", environment="e", server_name="s", attach_stacktrace=True)
    tocsin.set_tag("tag", "value")
    tocsin.set_user({"id": 5, "data": {"set": {1, 2}}})
    for number in range(3):
        tocsin.add_breadcrumb(message=f"crumb {number}", data={"number": number, "object": object})

    def fail(depth: int, text: str, **more: object) -> None:
        local, several = text * depth, [depth, {text: (1.5, None, True)}, b"\xff", 1 << 600]
        if not depth:
            raise OSError(2, "no such file", text)
        try:
            fail(depth - 1, text, seen=several, last=local, number=depth)
        except OSError as error:
            if depth == 3:
                raise ValueError(text, several) from error
            raise

    try:
        fail(6, 'tex\u2603 "\ud800\0')
    except ValueError:
        tocsin.capture_exception(extras={"sys": sys, "nested": [[[[[[[["deep"]]]]]]]]})
    tocsin.capture_exception("a text")
    tocsin.capture_exception(ValueError)
    tocsin.capture_message("message", level="warning", contexts={"c": {"d": {1: 2}}})
    tocsin.capture_event({"exception": {"values": tocsin.exception_values(KeyError("k"))}, "extra": {"e": {1, 2}}})
    with tocsin.new_scope() as scope:
        scope.add_event_processor(lambda event, hint: {**event, "fingerprint": ["f"]})
        tocsin.capture_message("hooked")
    return _payloads(tocsin.get_client().transport)
