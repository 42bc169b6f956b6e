"""Each name of one twin is in the other: what can be called with one can be called with both, and means the same."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from types import ModuleType
from typing import Any

import pytest

from support.twins import twins
from tocsin import _pure

ROOMS = sorted(found.name for found in pkgutil.iter_modules(_pure.__path__))
# Rooms whose pure source is what is compiled for the core: their constructors are the same.
ONE_SOURCE = {
    "chain",
    "describe",
    "fast_lane",
    "fence",
    "gate",
    "ignored_loggers",
    "log_observer",
    "scope_state",
    "site",
    "snapshot",
}
every_room = pytest.mark.parametrize("room", ROOMS)
# One call of each constructor, by the names of its parameters.
MADE: dict[tuple[str, str], dict[str, Any]] = {
    ("breadcrumbs", "BreadcrumbRing"): {"capacity": 3},
    ("handoff", "Handoff"): {"capacity": 3, "capacity_bytes": 100},
    ("scope_stack", "ScopeSwitch"): {"current": None, "isolation": None, "isolates": False},
    ("serializer", "Capture"): {
        "event_id": "0" * 32,
        "timestamp_s": 1.0,
        "level": "error",
        "head": b"",
        "stack": None,
        "stack_key": "exception",
        "fields": b"",
        "static": b"",
        "breadcrumbs": None,
        "breadcrumb_total": 0,
        "attachments": (),
    },
    ("stacktrace", "Stack"): {"heads": [], "frames": [], "totals": []},
    ("stacktrace", "StackExtractor"): {"renderer": None, "classify": None},
    ("stats", "Stats"): {},
    ("values", "Renderer"): {},
}


@pytest.fixture(autouse=True)
def _both_twins(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--no-core"):
        pytest.skip("--no-core: there is only one twin to look at")


def own_names(module: ModuleType) -> list[str]:
    """The public names that the room itself defines."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def parameters(call: Any) -> list[tuple[str, object, object]]:
    """Names, kinds and defaults; `self` counts as positional, which it is alone in methods written in C."""
    return [
        (each.name, each.POSITIONAL_ONLY if each.name == "self" else each.kind, each.default)
        for each in inspect.signature(call).parameters.values()
    ]


def members(kind: type, room: str) -> list[str]:
    """The public attributes of the objects of a class, those set by its constructor too."""
    given = MADE.get((room, kind.__name__))
    return [name for name in dir(kind if given is None else kind(**given)) if not name.startswith("_")]


def test_the_core_has_every_room() -> None:
    """And nothing that the pure twin does not have."""
    core = importlib.import_module("tocsin._core")
    loaded = {name: sys.modules[f"tocsin._core.{name}"] for name in vars(core) if f"tocsin._core.{name}" in sys.modules}
    # The library that they are in is found as a file; what is in it is not.
    assert [found.name for found in pkgutil.iter_modules(core.__path__)] == ["rooms"]
    assert sorted(loaded.keys() - {"rooms"}) == ROOMS
    assert {module.__file__ for module in loaded.values()} == {loaded["rooms"].__file__}


@every_room
def test_names_and_parameters_are_the_same(room: str) -> None:
    """Of functions, and of the methods and properties of classes: names, kinds and defaults."""
    core, pure = twins(room)
    names = own_names(pure)
    assert names
    for name in names:
        ours, theirs = getattr(core, name), getattr(pure, name)
        assert isinstance(ours, type) == isinstance(theirs, type), name
        if not isinstance(theirs, type):
            assert parameters(ours) == parameters(theirs), name
            continue
        assert members(ours, room) == members(theirs, room), name
        for member in members(theirs, room):
            one, other = (inspect.getattr_static(kind, member, None) for kind in (ours, theirs))
            assert callable(one) == callable(other), f"{name}.{member}"
            if callable(other) and one is not other:  # not what both inherit of one builtin
                assert parameters(one) == parameters(other), f"{name}.{member}"


@every_room
def test_the_core_has_no_public_names_of_its_own(room: str) -> None:
    """A name that only one twin has would be used, and break with the other."""
    core, pure = twins(room)
    assert set(own_names(core)) <= set(vars(pure))


def test_every_class_with_a_constructor_is_tried() -> None:
    """The table of constructors is whole."""
    for room in sorted({*ROOMS} - ONE_SOURCE):
        _, pure = twins(room)
        for name in own_names(pure):
            if isinstance(getattr(pure, name), type) and "__init__" in vars(getattr(pure, name)):
                assert (room, name) in MADE, (room, name)


@pytest.mark.parametrize(("room", "name"), MADE, ids=lambda part: part)
def test_constructors_take_the_same_arguments(room: str, name: str) -> None:
    """By name, each needed and each that has a default; nothing else."""
    core, pure = twins(room)
    given = MADE[room, name]
    signature = inspect.signature(getattr(pure, name))
    defaults = {
        each.name: each.default for each in signature.parameters.values() if each.default is not inspect.Parameter.empty
    }
    assert list(given) == [each for each in signature.parameters if each not in defaults]
    for module in (core, pure):
        kind = getattr(module, name)
        kind(**given)
        kind(*given.values())
        kind(**given, **defaults)
        kind(*given.values(), *defaults.values())
        for needed in given:
            with pytest.raises(TypeError):
                kind(**{each: value for each, value in given.items() if each != needed})
        with pytest.raises(TypeError):
            kind(**given, unknown=1)
        with pytest.raises(TypeError):
            kind(*given.values(), *defaults.values(), 1)


@every_room
def test_plain_constants_are_equal(room: str) -> None:
    """Public names that are no code: texts, numbers, sets of them."""
    core, pure = twins(room)
    for name, value in vars(pure).items():
        if not name.startswith("_") and name.isupper() and name != "TYPE_CHECKING" and name in vars(core):
            assert getattr(core, name) == value, name
