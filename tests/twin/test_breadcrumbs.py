"""Laws of the ring of breadcrumbs: the newest are kept, in order, within bounds, nothing of the caller's with them."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from support.concurrency import deadline, eager_collector, outcome, rapid_switching, signals, threads
from support.twins import TEXTS, VALUES, strict_json, twins
from tocsin import limits

CAPS = (limits.BREADCRUMB_NAME_CHARS, limits.BREADCRUMB_NAME_CHARS, limits.NAME_CHARS, limits.TEXT_CHARS)


@st.composite
def fields_of_one(draw: Any) -> list[Any]:
    """Type, category, level, message and data, of whatever types."""
    return [draw(st.none() | TEXTS | VALUES) for _ in CAPS] + [draw(st.none() | VALUES)]


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


class Local:
    """Something that a weakref can watch."""


class Rings(RuleBasedStateMachine):
    """Both twins and a list, doing the same."""

    @initialize(capacity=st.integers(1, 6))
    def start(self, capacity: int) -> None:
        self.capacity = capacity
        self.rings = [module.BreadcrumbRing(capacity) for module in twins("breadcrumbs")]
        self.model: list[tuple[float, list[object]]] = []
        self.total = 0
        self.left_behind: list[tuple[list[Any], list[Any]]] = []

    @rule(at=st.floats(0, 1e10), fields=fields_of_one())
    def add(self, at: float, fields: list[object]) -> None:
        for ring in self.rings:
            assert ring.add(at, *fields) is None
        self.model = [*self.model, (at, fields)][-self.capacity :]
        self.total += 1

    @rule(times=st.integers(1, 20))
    def add_many(self, times: int) -> None:
        for number in range(times):
            self.add(float(number), [None, "category", "info", str(number), None])

    @rule()
    def clear(self) -> None:
        for ring in self.rings:
            ring.clear()
        self.model = []
        self.total = 0

    @rule()
    def copy(self) -> None:
        """From now on the copies are used; what stays behind never changes again."""
        before = self.rings
        self.rings = [ring.copy() for ring in before]
        self.left_behind.append((before, [ring.snapshot() for ring in before]))

    @invariant()
    def they_are_the_same(self) -> None:
        found = [ring.snapshot() for ring in self.rings]
        assert found[0] == found[1]
        assert [type(found[0]), type(found[1])] == [list, list]
        for ring in self.rings:
            assert (len(ring), ring.total, ring.capacity) == (len(self.model), self.total, self.capacity)
            assert [crumb["timestamp"] for crumb in ring.to_list()] == [at for at, _ in self.model]
        for entry, (at, fields) in zip(found[0], self.model, strict=True):
            assert entry[0] == at
            for shown, given, most in zip(entry[1:5], fields[:4], CAPS, strict=True):
                assert (shown is None) == (given is None)
                assert shown is None or (type(shown) is str and len(shown) <= most)
                if type(given) is str:
                    assert shown == cut(given, most)
            assert (entry[5] is None) == (fields[4] is None)
            if entry[5] is not None:
                assert type(strict_json(entry[5])) is dict

    @invariant()
    def what_was_copied_is_independent(self) -> None:
        for rings, snapshots in self.left_behind:
            assert [ring.snapshot() for ring in rings] == snapshots


@pytest.mark.usefixtures("backend")
def test_a_ring_is_a_bounded_list() -> None:
    """Whatever is done to it, both twins and the model hold the same breadcrumbs."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Rings,
        settings=settings(max_examples=40, stateful_step_count=15, deadline=None, suppress_health_check=checks),
    )


@pytest.mark.parametrize("capacity", [0, -1, -(2**40)])
def test_a_ring_holds_at_least_one(capacity: int) -> None:
    """Anything less is a mistake, told alike by both twins."""
    outcomes = [outcome(lambda: module.BreadcrumbRing(capacity)) for module in twins("breadcrumbs")]  # noqa: B023
    assert outcomes[0] == outcomes[1] == ("ValueError", f"capacity must be at least 1, not {capacity}")


def test_texts_are_cut_to_what_a_server_keeps(backend: Any) -> None:
    """Each field to its own length; the renderer may ask for less."""
    ring = backend.BreadcrumbRing(9)
    ring.add(1.0, *["x" * 10_000] * 4)
    assert [len(text) for text in ring.snapshot()[0][1:5]] == [*CAPS]
    for most in range(8):
        ring = backend.BreadcrumbRing(9, backend.Renderer(max_chars=most))
        ring.add(1.0, *["x" * 100] * 4)
        assert [len(text) for text in ring.snapshot()[0][1:5]] == [most] * 4


def test_data_is_bounded_and_always_an_object(backend: Any) -> None:
    """What is no dict is the value of one; what is too much is cut and stays strict JSON."""
    ring = backend.BreadcrumbRing(9)
    ring.add(1.0, data=5)
    ring.add(1.0, data={})
    ring.add(1.0, data=[1, "two"])
    ring.add(1.0, data={f"key{number}": "x" * 1000 for number in range(1000)})
    small, empty, wrapped, large = ring.snapshot()
    assert (small[5], empty[5], wrapped[5]) == (b'{"value":5}', b"{}", b'{"value":[1,"two"]}')
    assert type(strict_json(large[5])) is dict
    assert len(large[5]) < limits.BREADCRUMB_DATA_BYTES + 100


def test_secrets_in_data_are_hidden(backend: Any) -> None:
    """By the ring's renderer, a copy's too."""
    ring = backend.BreadcrumbRing(9, backend.Renderer(lambda key: key == "password"))
    for one in (ring, ring.copy()):
        one.add(1.0, data={"password": "hunter2", "in": {"password": 5}})
        assert one.to_list()[-1]["data"] == {"password": "[Filtered]", "in": {"password": "[Filtered]"}}


def test_nothing_of_the_callers_is_kept(backend: Any) -> None:
    """Objects die with their last owner, and what is changed later is not changed in the ring."""
    ring = backend.BreadcrumbRing(9)
    value = Local()
    data = {"key": [value], "list": [1]}
    ring.add(1.0, value, value, value, value, data)
    before = ring.snapshot()
    watch = weakref.ref(value)
    data["list"].append(2)  # type: ignore[arg-type]
    del value, data
    assert watch() is None
    assert ring.snapshot() == before


def test_a_snapshot_is_the_callers(backend: Any) -> None:
    """Neither changes with the other."""
    ring = backend.BreadcrumbRing(2)
    ring.add(1.0, message="one")
    snapshot = ring.snapshot()
    ring.add(2.0, message="two")
    ring.add(3.0, message="three")
    assert [entry[4] for entry in snapshot] == ["one"]
    snapshot.clear()
    assert [entry[4] for entry in ring.snapshot()] == ["two", "three"]


def check_streams(ring: Any, added: dict[str, int]) -> None:
    """Each stream's breadcrumbs are in its order without a gap, the newest there, and none was lost count of."""
    assert ring.total == sum(added.values())
    assert len(ring) == min(ring.capacity, ring.total)
    entries = ring.snapshot()
    assert len(entries) == len(ring)
    for stream, count in added.items():
        numbers = [int(entry[4]) for entry in entries if entry[2] == stream]
        assert numbers == list(range(count - len(numbers), count))


@pytest.mark.parametrize("capacity", [1, 2, 7, 100])
def test_signal_handlers_add_while_one_is_added(backend: Any, capacity: int) -> None:
    """Interrupted anywhere, the ring is whole and counts right."""
    ring = backend.BreadcrumbRing(capacity)
    added = {"main": 0, "handler": 0}

    def handler(*_: object) -> None:
        ring.add(1.0, None, "handler", None, str(added["handler"]), {"key": "value"})
        added["handler"] += 1

    is_time = deadline()
    with rapid_switching(), signals(handler, 1e-4, repeat=True):
        while (added["handler"] < 300 or added["main"] < 3000) and is_time():
            ring.add(1.0, None, "main", None, str(added["main"]), {"key": [1, "two"]})
            added["main"] += 1
            if added["main"] % 10 == 0:
                ring.snapshot()
                ring.copy()
    assert added["handler"] >= 300
    check_streams(ring, added)


def test_destructors_add_while_one_is_added(backend: Any) -> None:
    """The garbage collector may run at any allocation, and with it whatever code."""
    ring = backend.BreadcrumbRing(5)
    added = {"main": 0, "destructor": 0}

    class Dying:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            ring.add(1.0, None, "destructor", None, str(added["destructor"]), {"key": {"in": 1}})
            added["destructor"] += 1

    with eager_collector():
        for _ in range(300):
            Dying()
            ring.add(1.0, None, "main", None, str(added["main"]), {"key": [1, {"two": 3}]})
            added["main"] += 1
            ring.snapshot()
            ring.copy().clear()
    gc.collect()
    assert added["destructor"] == 300
    check_streams(ring, added)


def test_a_users_renderer_adds_while_one_is_added(backend: Any) -> None:
    """Its breadcrumb stands before the one that it was called for."""

    def represent(_: object) -> str:
        ring.add(1.0, message="inner")
        return "shown"

    ring = backend.BreadcrumbRing(3, backend.Renderer(None, represent))
    ring.add(2.0, message="outer", data={"key": Local()})
    assert [entry[4] for entry in ring.snapshot()] == ["inner", "outer"]
    assert ring.total == 2


def test_a_ring_that_its_renderer_clears_is_whole(backend: Any) -> None:
    """Cleared, or copied, in the middle of an addition."""

    def represent(_: object) -> str:
        ring.clear()
        copies.append(ring.copy())
        return "shown"

    copies: list[Any] = []
    ring = backend.BreadcrumbRing(2, backend.Renderer(None, represent))
    for number in range(5):
        ring.add(2.0, message=str(number), data=Local())
    assert [entry[4] for entry in ring.snapshot()] == ["4"]
    assert (len(ring), ring.total, [len(copy) for copy in copies]) == (1, 1, [0] * 5)


def test_threads_add_side_by_side(backend: Any) -> None:
    """Each thread's breadcrumbs stay in its order and all are counted; snapshots meanwhile are whole."""
    ring = backend.BreadcrumbRing(50)
    names = [f"thread{number}" for number in range(3)]
    done = threading.Event()

    def adding(name: str) -> None:
        for number in range(2000):
            ring.add(1.0, None, name, None, str(number))

    def reading() -> None:
        while not done.is_set():
            for entries in (ring.snapshot(), ring.copy().snapshot()):
                for name in names:
                    numbers = [int(entry[4]) for entry in entries if entry[2] == name]
                    assert numbers == list(range(min(numbers, default=0), max(numbers, default=-1) + 1))

    def finishing() -> None:
        with threads(*[lambda name=name: adding(name) for name in names]):  # type: ignore[misc]
            pass
        done.set()

    with rapid_switching(), threads(reading, finishing):
        pass
    check_streams(ring, dict.fromkeys(names, 2000))


def test_a_ring_goes_with_those_it_refers_to(backend: Any) -> None:
    """A renderer that belongs to who holds the ring is a cycle, which the collector finds through breadcrumbs too."""

    class Holder(Local):
        ring: Any

        def represent(self, value: object) -> None:
            return None

    holder = Holder()
    holder.ring = backend.BreadcrumbRing(9, backend.Renderer(None, holder.represent))
    for _ in range(2):
        holder.ring.add(1.0, data={"key": 1})
        holder.ring.add_formatted(1.0, "log", "a", "info", "%s", ("b",))
    watch = weakref.ref(holder)
    del holder
    gc.collect()
    assert watch() is None


@pytest.mark.parametrize(
    ("template", "argument"), [("%s" * 16, "x" * limits.TEXT_CHARS), ("%x", 1 << 100_000)], ids=["texts", "a number"]
)
def test_arguments_cost_no_more_than_a_message(backend: Any, template: str, argument: object) -> None:
    """What a breadcrumb keeps of them is about as long as the text that is shown of them."""
    ring = backend.BreadcrumbRing(1)
    arguments = (argument,) * template.count("%")
    before = sys.getrefcount(arguments)
    ring.add_formatted(1.0, "log", "a", "info", template, arguments)
    assert sys.getrefcount(arguments) == before
    assert ring.to_list()[0]["message"] == cut(template % arguments, limits.TEXT_CHARS)


def test_data_that_changes_while_it_is_looked_at_is_not_kept(backend: Any) -> None:
    """A rule about secrets is Python: while it runs, whoever has the dict may put anything into it."""
    data: dict[str, object] = {"one": 1, "other": 2}
    values = [Local()]
    watch = weakref.ref(values[0])

    def is_secret(key: str) -> bool:
        if key == "other" and values:
            data["one"] = values.pop()
        return False

    ring = backend.BreadcrumbRing(9, backend.Renderer(is_secret))
    ring.add(1.0, data=data)
    data.clear()
    assert watch() is None
