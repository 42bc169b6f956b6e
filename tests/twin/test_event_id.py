"""Laws of ids: of their shape, and no two of them alike, whoever makes them."""

from __future__ import annotations

import itertools
import json
import re
import sys
from typing import Any

import pytest

from support.concurrency import rapid_switching, threads
from support.twins import run_apart

MANY = 100_000
MAKERS = {"new_event_id": 32, "new_span_id": 16}
every_maker = pytest.mark.parametrize(("name", "digits"), MAKERS.items())


@every_maker
def test_an_id_is_lower_case_hexadecimal(backend: Any, name: str, digits: int) -> None:
    """A plain text of 32 or 16 digits."""
    for _ in range(1000):
        made = getattr(backend, name)()
        assert type(made) is str
        assert re.fullmatch(f"[0-9a-f]{{{digits}}}", made)


@every_maker
def test_every_place_has_every_digit(backend: Any, name: str, digits: int) -> None:
    """No part of an id is the same in all of them."""
    made = [getattr(backend, name)() for _ in range(2000)]
    for place in range(digits):
        assert {text[place] for text in made} == set("0123456789abcdef")


@every_maker
def test_no_two_ids_are_alike(backend: Any, name: str, digits: int) -> None:
    """Not in a hundred thousand, and no half of one is another's."""
    make = getattr(backend, name)
    made = [make() for _ in range(MANY)]
    assert len(set(made)) == MANY
    if digits == 32:
        assert len({half for text in made for half in (text[:16], text[16:])}) == 2 * MANY


def test_threads_never_make_the_same_id(backend: Any) -> None:
    """However they take turns."""
    made: list[list[str]] = [[] for _ in range(4)]

    def making(found: list[str]) -> None:
        for _ in range(MANY // 4):
            found.append(backend.new_event_id())

    with rapid_switching(), threads(*[lambda found=found: making(found) for found in made]):  # type: ignore[misc]
        pass
    assert len(set(itertools.chain(*made))) == MANY


def test_an_id_is_the_callers_own(backend: Any) -> None:
    """One made later does not write over it."""
    first = backend.new_event_id()
    before = str(first.encode(), "ascii")
    others = [backend.new_event_id() for _ in range(100)]
    assert first == before
    assert first not in others
    assert len({first: 1, before: 2}) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is forked there")
def test_parents_and_children_never_make_the_same_id(backend: Any) -> None:
    """Two children of one parent, a child's child, and all before and after they part."""
    told = run_apart(
        backend,
        """
        import importlib, json, os, sys
        room = importlib.import_module(f"tocsin._{sys.argv[1]}.event_id")

        def some():
            return [make() for _ in range(500) for make in (room.new_event_id, room.new_span_id)]

        def forked(work):
            readable, writable = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(readable)
                with open(writable, "w") as file:
                    json.dump(work(), file)
                os._exit(0)
            os.close(writable)
            with open(readable) as file:
                found = json.load(file)
            assert os.waitpid(child, 0)[1] == 0
            return found

        found = some() + forked(some) + forked(lambda: some() + forked(some)) + some() + forked(some)
        print(json.dumps(found))
        """,
        backend.name,
    )
    made = json.loads(told)
    assert len(made) == 7 * 1000 - 1000
    assert len(set(made)) == len(made)


def test_the_sequence_goes_on_elsewhere_after_a_fork(backend: Any) -> None:
    """What a child calls leaves ids as they should be."""
    before = {backend.new_event_id() for _ in range(100)}
    assert backend.event_id.after_fork_in_child() is None
    after = {backend.new_event_id() for _ in range(100)}
    assert len(before | after) == 200
