"""The size guard: whatever is monstrous in an event, it fits the server, and says what was left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tocsin
from support.clients import Sent
from support.receiver import strict_json
from tocsin import limits
from tocsin.trim import fit

BIG = "é" * 600_000


def wide(breadth: int, depth: int) -> Any:
    return {f"key {number}": wide(breadth, depth - 1) for number in range(breadth)} if depth else "text"


def crumbs(count: int, size: int) -> list[Any]:
    return [{"timestamp": number, "message": f"{number} " + "x" * size} for number in range(count)]


def frames(count: int, **members: Any) -> list[Any]:
    return [{"function": f"f{number}", "lineno": number, "context_line": "raise", **members} for number in range(count)]


def errors(*stacks: list[Any]) -> dict[str, Any]:
    return {"values": [{"type": f"E{n}", "value": "v", "stacktrace": {"frames": s}} for n, s in enumerate(stacks)]}


def fitted(event: dict[str, Any], max_bytes: int = limits.EVENT_CUT_BYTES) -> dict[str, Any]:
    """The event after the guard, which made it valid JSON of at most so many bytes."""
    payload = fit(json.dumps(event, ensure_ascii=False).encode(), max_bytes)
    assert len(payload) <= max_bytes
    made = strict_json(payload)
    assert isinstance(made, dict)
    return made


def note(event: dict[str, Any], *path: str) -> Any:
    node = event["_meta"]
    for step in path:
        node = node[step]
    return node[""]


def test_an_event_that_fits_is_not_touched() -> None:
    """Not a byte is changed, be it JSON or not."""
    payload = b'{ "a" : 1 }' + b" " * (limits.EVENT_CUT_BYTES - 11)
    assert fit(payload) is payload


def test_breadcrumbs_go_first() -> None:
    """The newest stay, the number is told, nothing else is cut."""
    event = {"breadcrumbs": {"values": crumbs(100, 12_000)}, "exception": errors(frames(100, vars={"a": "b"}))}
    made = fitted(event)
    assert [crumb["timestamp"] for crumb in made["breadcrumbs"]["values"]] == list(range(80, 100))
    assert note(made, "breadcrumbs", "values") == {"len": 100}
    assert made["exception"] == event["exception"]


def test_breadcrumbs_are_cut_in_either_shape() -> None:
    """A bare list is one too."""
    made = fitted({"breadcrumbs": crumbs(100, 12_000)})
    assert len(made["breadcrumbs"]) == 20
    assert note(made, "breadcrumbs") == {"len": 100}


def test_source_around_goes_before_locals() -> None:
    """The failing line itself stays."""
    around = {"pre_context": ["x" * 900] * 5, "post_context": ["x" * 900] * 5, "vars": {"a": "b" * 100}}
    made = fitted({"exception": errors(frames(200, **around))})
    for frame in made["exception"]["values"][0]["stacktrace"]["frames"]:
        assert frame["vars"] == around["vars"]
        assert frame["context_line"] == "raise"
        assert not frame.keys() & {"pre_context", "post_context"}


@pytest.mark.parametrize("home", ["exception", "threads"])
def test_locals_go_before_extra(home: str) -> None:
    """Each is marked as removed, in exceptions and in threads; extra stays."""
    made = fitted({home: errors(frames(200, vars={"a": "x" * 6000})), "extra": {"kept": 1}})
    shown = made[home]["values"][0]["stacktrace"]["frames"]
    assert len(shown) == 200
    assert not any("vars" in frame for frame in shown)
    for index in ("0", "199"):
        assert note(made, home, "values", "0", "stacktrace", "frames", index, "vars") == {"rem": [["!limit", "x"]]}
    assert made["extra"] == {"kept": 1}


def test_extra_goes_before_frames() -> None:
    """Extra, modules and the request are marked as removed."""
    made = fitted(
        {"extra": {"a": BIG}, "modules": {"a": BIG}, "request": {"data": BIG}, "exception": errors(frames(90))}
    )
    for key in ("extra", "modules", "request"):
        assert key not in made
        assert note(made, key) == {"rem": [["!limit", "x"]]}
    assert len(made["exception"]["values"][0]["stacktrace"]["frames"]) == 90


def test_the_first_and_last_frames_stay() -> None:
    """Of too many frames those at either end are kept and the number is told."""
    made = fitted({"exception": errors(frames(300, abs_path="x" * 5000))})
    shown = [frame["lineno"] for frame in made["exception"]["values"][0]["stacktrace"]["frames"]]
    assert shown == [*range(25), *range(275, 300)]
    assert note(made, "exception", "values", "0", "stacktrace", "frames") == {"len": 300}


def test_a_length_that_was_told_before_stays() -> None:
    """The extractor's own count is the true one."""
    path = {"exception": {"values": {"0": {"stacktrace": {"frames": {"": {"len": 5000}}}}}}}
    made = fitted({"exception": errors(frames(300, abs_path="x" * 5000)), "_meta": path})
    assert note(made, "exception", "values", "0", "stacktrace", "frames") == {"len": 5000}


def test_the_captured_error_goes_last() -> None:
    """Of a tree too large the last, which was captured, stays with its frames."""
    made = fitted({"exception": errors(*[frames(50, abs_path="x" * 3000)] * 20), "breadcrumbs": crumbs(3, 1)})
    (value,) = made["exception"]["values"]
    assert value["type"] == "E19"
    assert len(value["stacktrace"]["frames"]) == 50
    assert note(made, "exception", "values") == {"len": 20}


MONSTERS: dict[str, Callable[[], dict[str, Any]]] = {
    "message": lambda: {"message": BIG},
    "logentry": lambda: {"logentry": {"message": BIG, "params": [BIG, BIG]}},
    "tags": lambda: {"tags": {f"tag{number}": "x" * 200 for number in range(20_000)}},
    "tag pairs": lambda: {"tags": [[f"tag{number}", "x" * 200] for number in range(20_000)]},
    "sdk": lambda: {"sdk": wide(20, 4)},
    "sdk packages": lambda: {"sdk": {"name": "x", "packages": [{"name": BIG, "version": BIG}] * 30}},
    "mechanism": lambda: {"exception": {"values": [{"type": "E", "mechanism": {"type": "x", "data": wide(20, 4)}}]}},
    "exception type": lambda: {"exception": {"values": [{"type": BIG, "value": BIG, "module": BIG}]}},
    "exceptions": lambda: {"exception": {"values": [{"type": "E", "value": "x" * 8000}] * 5000}},
    "frames": lambda: {"exception": errors(frames(50_000))},
    "fat frame": lambda: {"exception": errors(frames(1, filename=BIG, function=BIG, module=BIG))},
    "threads": lambda: {"threads": {"values": [{"id": n, "stacktrace": {"frames": frames(90)}} for n in range(900)]}},
    "breadcrumbs": lambda: {"breadcrumbs": {"values": crumbs(50_000, 100)}},
    "fat breadcrumb": lambda: {"breadcrumbs": [{"message": BIG, "data": {"a": BIG}}]},
    "extra": lambda: {"extra": wide(20, 4)},
    "contexts": lambda: {"contexts": {f"context {number}": wide(20, 2) for number in range(200)}},
    "user": lambda: {"user": {f"key {number}": "x" * 1000 for number in range(2000)}},
    "fingerprint": lambda: {"fingerprint": ["x" * 1000] * 3000},
    "request": lambda: {"request": {"url": BIG, "headers": wide(20, 4)}},
    "modules": lambda: {"modules": {f"module{number}": "1.0" for number in range(100_000)}},
    "unknown": lambda: {"unknown": wide(20, 4), "another": [BIG]},
    "unknown keys": lambda: {f"unknown {number}": "x" for number in range(100_000)},
    "meta": lambda: {"_meta": wide(20, 4)},
    "release": lambda: {"release": BIG, "environment": BIG, "server_name": BIG, "dist": BIG, "transaction": BIG},
    "list for object": lambda: {"exception": [[BIG]], "sdk": [BIG], "_meta": [BIG], "extra": BIG},
}
MONSTERS["all"] = lambda: {
    key: value for make in MONSTERS.values() if make is not MONSTERS["all"] for key, value in make().items()
}
every_monster = pytest.mark.parametrize("make", MONSTERS.values(), ids=MONSTERS.keys())


@every_monster
def test_an_event_fits_whatever_part_of_it_is_monstrous(make: Callable[[], dict[str, Any]]) -> None:
    """By itself, and still says which event it was and that something is missing."""
    event = {"event_id": "ab" * 16, "platform": "python", **make()}
    assert len(json.dumps(event, ensure_ascii=False).encode()) > limits.EVENT_CUT_BYTES
    made = fitted(event)
    assert made["event_id"] == "ab" * 16
    assert made["platform"] == "python"
    assert made["_meta"]


@every_monster
@pytest.mark.parametrize("hook", [{}, {"before_send": lambda event, hint: event}], ids=["plain", "hook"])
def test_a_monstrous_event_made_by_hand_arrives(make: Callable[[], dict[str, Any]], hook: dict[str, Any]) -> None:
    """Within what a server takes, on either lane."""
    sent = Sent(**hook)
    event_id = tocsin.capture_event({"event_id": "ab" * 16, **make()})
    assert event_id == "ab" * 16 == sent.event["event_id"]
    (item,) = sent.transport.envelopes[0].items
    payload = item.get_bytes()
    assert len(payload) <= limits.EVENT_BYTES
    strict_json(payload)


@pytest.mark.parametrize("meta", [None, [1], "x", 5, {"breadcrumbs": 5}, {"exception": [1]}, {"": None}], ids=repr)
@pytest.mark.parametrize("hook", [False, True], ids=["plain", "hook"])
def test_junk_for_meta_does_not_cost_a_monstrous_event(meta: Any, hook: bool) -> None:
    """Be it the application's or a hook's, the marks of what was cut find their place."""
    sent = Sent(**({"before_send": lambda event, hint: {**event, "_meta": meta}} if hook else {}))
    monstrous = {"sdk": wide(20, 4), "exception": errors(*[frames(90)] * 90), "breadcrumbs": crumbs(90, 12_000)}
    assert tocsin.capture_event({"event_id": "ab" * 16, "_meta": meta, **monstrous}) == "ab" * 16
    assert sent.event["_meta"]
    assert len(sent.transport.envelopes[0].items[0].get_bytes()) <= limits.EVENT_BYTES


def test_the_captured_error_survives_in_the_skeleton() -> None:
    """When all else had to go: its type, what it says, how it was caught."""
    value = {"type": "E", "value": "v", "mechanism": {"type": "generic", "handled": True}}
    made = fitted({"event_id": "a", "exception": {"values": [value]}, "tags": {"a": BIG}, "level": "error"})
    assert made["exception"] == {"values": [value]}
    assert made["level"] == "error"
    assert note(made) == {"rem": [["!limit", "x"]]}


texts = st.text(max_size=20)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)
frame_lists = st.lists(st.dictionaries(st.sampled_from(["vars", "pre_context", "function", "a"]), values), max_size=60)
stacks = st.fixed_dictionaries(
    {}, optional={"stacktrace": values | st.fixed_dictionaries({"frames": values | frame_lists})}
)
interfaces = values | st.lists(values | stacks) | st.fixed_dictionaries({"values": values | st.lists(values | stacks)})
events = st.fixed_dictionaries(
    {"event_id": st.just("ab" * 16)},
    optional={
        **dict.fromkeys(("exception", "threads", "breadcrumbs"), interfaces),
        **dict.fromkeys(("_meta", "sdk", "extra", "tags", "message", "anything"), values),
    },
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(event=events, share=st.floats(0, 1))
def test_any_event_is_cut_to_any_size_that_holds_a_skeleton(event: dict[str, Any], share: float) -> None:
    """Whatever shape its parts have: never an error, never too large, always JSON, always the same event."""
    size = len(json.dumps(event, ensure_ascii=False).encode(errors="replace"))
    text = json.dumps(event, ensure_ascii=True).encode()
    max_bytes = max(limits.EVENT_SKELETON_BYTES, int(share * size))
    payload = fit(text, max_bytes)
    assert len(payload) <= max(max_bytes, len(text) if len(text) <= max_bytes else 0)
    assert json.loads(payload)["event_id"] == "ab" * 16


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(event=events)
def test_every_cut_stands_any_shape(event: dict[str, Any]) -> None:
    """Made to go through all of them: no shape of a part raises, and what is left is JSON."""
    made = json.loads(fit(json.dumps(event).encode(), 1))
    assert made["event_id"] == "ab" * 16
    assert made["_meta"][""] == {"rem": [["!limit", "x"]]}
