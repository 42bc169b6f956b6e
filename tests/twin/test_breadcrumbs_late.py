"""Laws of breadcrumbs that are written when an event is sent: they say what was said when they were added."""

from __future__ import annotations

import gc
import math
import os
import signal
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.concurrency import Interruption, grown_blocks, interrupt, rapid_switching, threads
from support.twins import PROPERTY, TEXTS, VALUES, Mapped, Real, Text, Whole, strict_json, twins
from tocsin import limits

SECRETS = ("password", "token", "key 3")
# Around what is kept as it is: eight members, texts of two hundred characters, numbers of 64 bits.
LONG = st.sampled_from([0, 1, 199, 200, 201, 2047, 2048, 2049]).map(lambda size: "x" * size)
EDGES = st.sampled_from([0, -1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 2**511, 2**512])
FLOATS = st.sampled_from([0.0, -0.0, 1.5, 5e-324, 1e308, math.nan, math.inf, -math.inf])
PLAIN = st.none() | st.booleans() | EDGES | FLOATS | LONG | TEXTS
NOT_PLAIN = st.builds(Text, TEXTS) | st.builds(Whole, EDGES) | st.builds(Real, FLOATS) | st.lists(PLAIN, max_size=2)
NOT_PLAIN |= st.dictionaries(TEXTS, PLAIN, max_size=2) | st.binary(max_size=3) | st.sampled_from([object, 1j])
NAMES = st.sampled_from([*SECRETS, "a", "b", "...", "é", "k" * 200, "k" * 201]) | TEXTS
KEYS = NAMES | st.builds(Text, NAMES) | st.none() | st.integers(0, 9) | st.booleans() | st.just((1, 2))


@st.composite
def data_of_one(draw: Any) -> Any:
    """A dict of some size around the limit, mostly of plain values under plain keys."""
    members = {f"key {number}": number for number in range(draw(st.sampled_from([0, 1, 5, 6, 7, 8])))}
    members.update(draw(st.dictionaries(NAMES, PLAIN, max_size=3)))
    if draw(st.booleans()):
        members.update(draw(st.dictionaries(KEYS, PLAIN | NOT_PLAIN, max_size=2)))  # type: ignore[arg-type]
    return draw(st.sampled_from([dict, dict, dict, Mapped]))(members)


def renderers(room: Any) -> Iterator[Any]:
    """Without secrets, with some, and one that cuts texts short."""
    values = twins("values")[0 if room is twins("breadcrumbs")[0] else 1]
    yield values.Renderer()
    yield values.Renderer(lambda key: key in SECRETS)
    yield values.Renderer(max_chars=150)


@given(data=data_of_one() | VALUES)
@settings(PROPERTY, max_examples=400)
@pytest.mark.usefixtures("backend")
def test_data_is_written_as_it_would_have_been_at_once(data: Any) -> None:
    """Byte for byte, by both twins, whenever it is read and however often."""
    for which in range(3):
        found = []
        for room in twins("breadcrumbs"):
            renderer = list(renderers(room))[which]
            wrapped = data if isinstance(data, dict) else {"value": data}
            at_once = renderer.data(wrapped, limits.BREADCRUMB_DATA_BYTES, limits.BREADCRUMB_DATA_DEPTH)
            ring = room.BreadcrumbRing(3, renderer)
            ring.add(1.0, data=data)
            read = [ring.snapshot()[0][5], ring.copy().snapshot()[0][5], tuple(ring.resized(2, None).snapshot()[0])[5]]
            if data is None:
                assert read == [None] * 3
            else:
                assert read == [at_once] * 3
                strict_json(at_once)
            found.append(read)
        assert found[0] == found[1]


@given(data=data_of_one())
@PROPERTY
def test_what_becomes_of_the_dict_later_does_not_matter(backend: Any, data: Any) -> None:
    """Members added, replaced or removed; the dict emptied."""
    ring = backend.BreadcrumbRing(9)
    before = backend.Renderer().data(data, limits.BREADCRUMB_DATA_BYTES, limits.BREADCRUMB_DATA_DEPTH)
    ring.add(1.0, data=data)
    kept = ring.snapshot()
    data["later"] = object()
    for key in list(data):
        data[key] = "changed"
    data.clear()
    assert ring.snapshot()[0][5] == before == kept[0][5]


class Local:
    """Something that a weakref can watch."""


def test_nothing_of_the_callers_is_alive(backend: Any) -> None:
    """Neither the dict's owner nor what stood in it; without the collector."""
    gc.disable()
    try:
        watches = []
        ring = backend.BreadcrumbRing(9)
        for wrap in (dict, Mapped):
            value, owner = Local(), Mapped(a=1)
            watches += [weakref.ref(value)]
            ring.add(1.0, data=wrap(a=value, b="text"))
            ring.add(1.0, data=owner)
            watches += [weakref.ref(owner)]
            del value, owner
        assert [watch() for watch in watches] == [None] * 4
    finally:
        gc.enable()


def test_the_rule_for_secrets_may_change_what_is_looked_at(backend: Any) -> None:
    """Or another thread may, while that rule runs: nothing that it puts there is kept alive or shown."""

    def rule(key: str) -> bool:
        data["first"] = given.pop() if given else 5
        return False

    for count in range(1, 9):
        data: dict[str, Any] = {"first": 1, **{f"key {number}": number for number in range(1, count)}}
        given = [Local()]
        watch = weakref.ref(given[0])
        ring = backend.BreadcrumbRing(3, backend.Renderer(rule))
        ring.add(1.0, data=data)
        data.clear()
        assert watch() is None
        assert strict_json(ring.snapshot()[0][5])["first"] == 1


def test_a_dict_that_threads_change_is_read_whole(backend: Any) -> None:
    """Whatever its members are at that moment: texts or objects, and none of these stays alive."""
    data: dict[str, Any] = {"a": 1, "b": "text", "c": None}
    ring = backend.BreadcrumbRing(5, backend.Renderer(lambda key: key == "password"))
    watches = []

    def change() -> None:
        for number in range(2000):
            value = Local()
            watches.append(weakref.ref(value))
            data["b"] = value
            data[f"key {number % 9}"] = number
            data["b"] = "text"
            data.pop(f"key {number % 7}", None)

    def add() -> None:
        for _ in range(2000):
            ring.add(1.0, data=data)
            for entry in ring.snapshot():
                strict_json(entry[5])

    with rapid_switching(), threads(change, add):
        pass
    gc.collect()
    assert sum(watch() is not None for watch in watches) == 0


TEMPLATES = st.sampled_from(
    ["%s", "%s %s", "%d", "%5.2f", "%(a)s", "%", "100%", "%%", "%c", "%x", "%r", "%*d", "%.3s", ""]
)
TEMPLATES |= TEXTS | st.sampled_from(["%s" + "x" * 8190, "%s%s" + "y" * 100])
ARGS = st.lists(PLAIN.filter(lambda value: type(value) is not int or abs(value) < 10**6) | LONG, max_size=3).map(tuple)


@given(template=TEMPLATES, args=ARGS, data=st.none() | data_of_one())
@settings(PROPERTY, max_examples=400)
@pytest.mark.usefixtures("backend")
def test_a_message_is_formatted_as_it_would_have_been_at_once(template: str, args: tuple[Any, ...], data: Any) -> None:
    """And cut alike; where the arguments do not fit it is the template."""
    try:
        expected = template % args
    except Exception:
        expected = template
    for which in range(3):
        found = []
        for room in twins("breadcrumbs"):
            renderer = list(renderers(room))[which]
            late, at_once = room.BreadcrumbRing(3, renderer), room.BreadcrumbRing(3, renderer)
            assert late.add_formatted(1.0, "log", "name", "info", template, args, data) is None
            at_once.add(1.0, "log", "name", "info", expected, data)
            assert late.snapshot() == at_once.snapshot()
            assert late.copy().to_list() == late.to_list()
            found.append(late.snapshot())
        assert found[0] == found[1]
        assert type(found[0][0][4]) is str
        assert len(found[0][0][4]) <= limits.TEXT_CHARS


@given(
    capacity=st.integers(1, 5),
    steps=st.lists(
        st.one_of(st.tuples(st.just("add"), st.integers(1, 4)), st.tuples(st.just("resize"), st.integers(1, 7)))
    ),
)
@PROPERTY
@pytest.mark.usefixtures("backend")
def test_another_capacity_keeps_the_newest_and_the_count(capacity: int, steps: list[tuple[str, int]]) -> None:
    """However often it changes; the ring of before is left as it was."""
    rings = [room.BreadcrumbRing(capacity) for room in twins("breadcrumbs")]
    model: list[str] = []
    total = 0
    for name, number in steps:
        if name == "add":
            for _ in range(number):
                for ring in rings:
                    ring.add(1.0, message=str(total))
                model = [*model, str(total)][-capacity:]
                total += 1
            continue
        capacity = number
        before = [(ring, ring.snapshot(), ring.total) for ring in rings]
        rings = [ring.resized(capacity, ring._renderer if hasattr(ring, "_renderer") else None) for ring in rings]
        model = model[-capacity:]
        assert all((ring.snapshot(), ring.total) == (entries, count) for ring, entries, count in before)
        for ring in rings:
            assert [entry[4] for entry in ring.snapshot()] == model
            assert (len(ring), ring.total, ring.capacity) == (len(model), total, capacity)
    assert rings[0].snapshot() == rings[1].snapshot()


def test_no_capacity_is_no_ring(backend: Any) -> None:
    """Told as by the constructor."""
    with pytest.raises(ValueError, match="capacity must be at least 1, not 0"):
        backend.BreadcrumbRing(3).resized(0)


class Signalling:
    """Sends a signal when it is formatted; stands for a number during whose formatting one arrives."""

    def __str__(self) -> str:
        os.kill(os.getpid(), signal.SIGUSR1)
        return "text"


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
def test_what_a_signal_handler_raises_while_a_message_is_formatted_comes_out(backend: Any) -> None:
    """It is no argument that does not fit."""
    ring = backend.BreadcrumbRing(3)

    def add_and_read() -> None:
        ring.add_formatted(1.0, "log", "name", "info", "%s", (Signalling(),))
        ring.to_list()

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interruption):
            add_and_read()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_late_breadcrumbs_leave_no_memory_behind(backend: Any) -> None:
    """Added, read, copied and resized."""
    ring = backend.BreadcrumbRing(5)

    def cycle() -> None:
        ring.add(1.0, "default", "c", "info", "m", {"a": 1, "b": "text", "c": 1.5})
        ring.add_formatted(1.0, "log", "c", "info", "%s of %d", ("text", 5), {"a": None})
        ring.add_formatted(1.0, "log", "c", "info", "%d", ("text",))
        ring.add(1.0, data={"a": object()})
        [tuple(entry) for entry in ring.snapshot()]
        ring.copy().resized(2).to_list()

    for _ in range(20):
        cycle()
    assert grown_blocks(cycle, 3000) <= 20
