"""Laws of the merged view of the scopes in force: the innermost wins, joined is joined once, nothing is changed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.twins import PROPERTY, TEXTS, twins


class Flags:
    """Stands for the facade's buffer of flags."""

    def __init__(self, values: list[tuple[str, bool]]) -> None:
        self.values = values

    def get(self) -> list[dict[str, Any]]:
        return [{"flag": name, "result": result} for name, result in self.values]

    def copy(self) -> Flags:
        return Flags(list(self.values))


class Thing:
    """An attachment, or a processor: what counts is which one it is."""

    def __init__(self, name: int) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        raise AssertionError("only identity counts")

    __hash__ = None  # type: ignore[assignment]


THINGS = [Thing(number) for number in range(6)]
NAMES = st.sampled_from("abcd")
DICTS = st.dictionaries(NAMES, st.integers(0, 9), max_size=3)
TUPLES = st.lists(st.sampled_from(range(6)), max_size=3, unique=True).map(tuple)
SAID: dict[str, st.SearchStrategy[Any]] = {
    "_level": st.none() | st.sampled_from(["info", "fatal"]),
    "_user": st.none() | DICTS,
    "_tags": DICTS,
    "_extras": DICTS,
    "_contexts": st.dictionaries(NAMES, DICTS, max_size=3),
    "_fingerprint": st.none() | st.lists(TEXTS, max_size=2),
    "_transaction": st.none() | TEXTS,
    "_transaction_info": st.none() | DICTS,
    "_attachments": TUPLES,
    "_event_processors": TUPLES,
    "_error_processors": TUPLES,
    "flags": st.none() | st.lists(st.tuples(NAMES, st.booleans()), max_size=3, unique_by=lambda flag: flag[0]),
    "crumbs": st.lists(st.text("ab", max_size=2), max_size=3),
    "_trace": st.none() | st.just({"trace_id": "0" * 32}),
    "touched": st.sampled_from([True, True, True, False]),
}
OF_THINGS = ("_attachments", "_event_processors", "_error_processors")
FIELDS = twins("snapshot")[1].ScopeSnapshot.__slots__


def _filled(scope: Any, said: dict[str, Any]) -> None:
    for name, value in said.items():
        if name in OF_THINGS:
            setattr(scope, name, tuple(THINGS[at] for at in value))
        elif name == "flags":
            scope._flags = None if value is None else Flags(value)
        elif name == "crumbs":
            for message in value:
                scope._own_ring(5, None).add(1.0, message=message)
        elif name != "touched":
            setattr(scope, name, value.copy() if isinstance(value, (dict, list)) else value)
    scope._touched = said["touched"]


def _shown(snapshot: Any) -> dict[str, Any]:
    """What a snapshot says, comparable between twins; things by their names."""
    found = {name: getattr(snapshot, name) for name in FIELDS}
    for name in ("attachments", "event_processors", "error_processors"):
        assert type(found[name]) is tuple
        found[name] = [thing.name for thing in found[name]]
    found["rings"] = [[entry[4] for entry in ring.snapshot()] for ring in found["rings"]]
    found["trace"] = sorted(found["trace"])
    return found


def _expected(saids: list[dict[str, Any]]) -> dict[str, Any]:
    """What a reader of the documentation expects of scopes that have nothing in common."""
    saids = [said for said in saids if said["touched"]]

    def last(name: str) -> Any:
        return next((said[name] for said in reversed(saids) if said[name] is not None), None)

    def joined(name: str) -> dict[str, Any]:
        return {key: value for said in saids for key, value in (said[name] or {}).items()}

    def listed(name: str) -> list[int]:
        return list(dict.fromkeys(itertools.chain(*[said[name] for said in saids])))

    flags: dict[str, bool] = {}
    for said in saids:
        for name, result in said["flags"] or ():
            flags.pop(name, None)
            flags[name] = result
    infos = [said["_transaction_info"] for said in saids if said["_transaction_info"] is not None]
    return {
        "level": last("_level"),
        "user": last("_user"),
        "tags": joined("_tags"),
        "extra": joined("_extras"),
        "contexts": joined("_contexts"),
        "fingerprint": last("_fingerprint"),
        "transaction": last("_transaction"),
        "transaction_info": joined("_transaction_info") if infos else None,
        "flags": [{"flag": name, "result": result} for name, result in flags.items()],
        "attachments": listed("_attachments"),
        "event_processors": listed("_event_processors"),
        "error_processors": listed("_error_processors"),
        "rings": [said["crumbs"] for said in saids if said["crumbs"]],
    }


SCOPES = st.tuples(*[st.fixed_dictionaries(SAID)] * 3)


@given(saids=SCOPES)
@PROPERTY
@pytest.mark.usefixtures("backend")
def test_the_merged_view_is_what_the_documentation_says(saids: tuple[dict[str, Any], ...]) -> None:
    """Of any three scopes, from both twins; the scopes say afterwards what they said before."""
    found = []
    for state, room in zip(twins("scope_state"), twins("snapshot"), strict=True):
        scopes = [state.ScopeState() for _ in saids]
        for scope, said in zip(scopes, saids, strict=True):
            _filled(scope, said)
        before = [{name: getattr(scope, name) for name in SAID if name.startswith("_")} for scope in scopes]
        snapshot = room.merged(*scopes)
        found.append(_shown(snapshot))
        assert snapshot.trace == (scopes[2]._trace or scopes[1]._trace)
        for scope, said, kept in zip(scopes, saids, before, strict=True):
            for name in kept:
                if name != "_trace":
                    assert getattr(scope, name) is kept[name]
                    if name not in OF_THINGS:
                        assert kept[name] == said[name]
        is_little = snapshot.says_little()
        assert type(is_little) is bool
        told = {name: getattr(snapshot, name) for name in ("extra", "contexts", "flags")}
        told |= {name: getattr(snapshot, name) is not None for name in ("user", "fingerprint", "transaction")}
        assert is_little == (not any(told.values()) and snapshot.transaction_info is None)
    assert found[0] == found[1]
    expected = _expected(list(saids))
    assert {name: found[0][name] for name in expected} == expected


@given(said=st.fixed_dictionaries(SAID), over=st.fixed_dictionaries(SAID))
@PROPERTY
@pytest.mark.usefixtures("backend")
def test_what_a_fork_shares_with_its_parent_counts_once(said: dict[str, Any], over: dict[str, Any]) -> None:
    """Attachments, processors and breadcrumbs of before are not there twice; what either says since is."""
    found = []
    for state, room in zip(twins("scope_state"), twins("snapshot"), strict=True):
        parent = state.ScopeState()
        _filled(parent, {**said, "touched": True})
        fork = parent.fork()
        assert _shown(room.merged(state.ScopeState(), parent, fork)) == _shown(
            room.merged(state.ScopeState(), state.ScopeState(), fork)
        ) | {"trace": sorted(parent.get_trace_context())}
        fork._attachments += tuple(THINGS[at] for at in over["_attachments"])
        for message in over["crumbs"]:
            fork._own_ring(5, None).add(1.0, message=message)
        snapshot = room.merged(state.ScopeState(), parent, fork)
        attached = dict.fromkeys([*said["_attachments"], *said["_attachments"], *over["_attachments"]])
        assert {thing.name for thing in snapshot.attachments} == set(attached)
        found.append(_shown(snapshot))
    assert found[0] == found[1]


def test_what_one_scope_alone_says_is_referenced(backend: Any) -> None:
    """A snapshot costs a handful of references, and what it has is not changed afterwards."""
    scopes = [backend.ScopeState() for _ in range(3)]
    scopes[1].set_tag("a", 1)
    scopes[1]._attachments = (1,)
    scopes[1]._own_ring(3, None)
    scopes[1]._extras = {"b": 2}
    snapshot = backend.merged(*scopes)
    assert snapshot.tags is scopes[1]._tags
    assert snapshot.extra is scopes[1]._extras
    assert snapshot.attachments is scopes[1]._attachments
    assert snapshot.rings[0] is scopes[1]._ring
    scopes[1].set_tag("a", 2)
    assert snapshot.tags == {"a": 1}


def test_nothing_said_costs_nothing(backend: Any) -> None:
    """Scopes that say nothing are passed by; the trace is that of the isolation scope."""
    scopes = [backend.ScopeState() for _ in range(3)]
    scopes[2]._level = "fatal"
    snapshot = backend.merged(*scopes)
    assert snapshot.level is None
    assert snapshot.says_little() is True
    assert snapshot.trace is scopes[1]._trace
    assert scopes[2]._trace is None
    scopes[2]._trace = {"trace_id": "0" * 32}
    assert backend.merged(*scopes).trace is scopes[2]._trace


def test_processors_of_the_process_come_first(backend: Any) -> None:
    """Before those of the scopes, each once; of the moment of the capture."""
    registered = backend.snapshot.global_event_processors
    scopes = [backend.ScopeState() for _ in range(3)]
    scopes[0]._event_processors = (2, 1)
    scopes[0]._touched = True
    one = 1
    registered.append(one)
    try:
        snapshot = backend.merged(*scopes)
        registered.append(3)
        assert snapshot.event_processors == (1, 2)
        assert backend.merged(*scopes).event_processors == (1, 3, 2)
    finally:
        registered.clear()


def test_joining_gives_back_what_it_was_given_where_it_can(backend: Any) -> None:
    """One of the two where the other is empty; a new dict or tuple else, neither changed."""
    joined, extended = backend.snapshot.joined, backend.snapshot.extended
    one: dict[str, Any] = {"a": 1}
    assert joined(one, {}) is one
    assert joined({}, one) is one
    other = {"b": 2, "a": 3}
    assert joined(one, other) == {"a": 3, "b": 2}
    assert (one, other) == ({"a": 1}, {"b": 2, "a": 3})
    first, second = THINGS[:2], THINGS[1:3]
    assert extended(tuple(first), ()) == tuple(first)
    few = tuple(first)
    assert extended(few, ()) is few is extended((), few)
    assert [thing.name for thing in extended(few, tuple(second))] == [0, 1, 2]
