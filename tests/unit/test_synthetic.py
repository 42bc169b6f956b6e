"""What an event says of a captured thing that is no exception."""

from __future__ import annotations

from typing import Any

import pytest

from support.receiver import strict_json
from tocsin import limits
from tocsin._backend import Renderer
from tocsin.synthetic import synthetic_head


class Thing:
    def __init__(self) -> None:
        self.number = 5

    def __repr__(self) -> str:
        raise AssertionError("no code of a captured thing is run")

    __str__ = __repr__


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("no code of a captured thing is run")


def head(thing: object, mechanism: str = "generic", handled: bool = True) -> dict[str, Any]:
    made = strict_json(b"{" + synthetic_head(thing, Renderer(), mechanism, handled) + b"}")
    assert made["mechanism"] == {"type": mechanism, "handled": handled, "synthetic": True}
    assert made["module"] is None
    return {key: made[key] for key in ("type", "value")}


@pytest.mark.parametrize("text", ["a text", "", "é\u2028\n", Text("own")], ids=["plain", "empty", "odd", "own"])
def test_a_text_speaks_for_itself(text: str) -> None:
    """Without quotes, whatever its class."""
    assert head(text) == {"type": "str", "value": str.__str__(text)}


@pytest.mark.parametrize("kind", [ValueError, Thing, int, type], ids=lambda kind: kind.__name__)
def test_a_class_is_told_from_an_instance(kind: type) -> None:
    """Its type is its own name, and the text says what went wrong at the call."""
    made = head(kind)
    assert made["type"] == kind.__qualname__
    assert kind.__name__ in made["value"]
    assert "class" in made["value"]


def test_an_object_shows_type_and_content_without_running_its_code() -> None:
    """As a local variable would."""
    made = head(Thing())
    assert made["type"] == "Thing"
    assert "number" in made["value"]
    assert "5" in made["value"]


@pytest.mark.parametrize(
    ("thing", "kind", "value"),
    [(5, "int", "5"), ([1, "a"], "list", '[1,"a"]'), ({"a": 1}, "dict", '{"a":1}'), ((1, 2, 3), "tuple", "[1,2,3]")],
    ids=["number", "list", "dict", "tuple"],
)
def test_plain_values_are_shown_as_data(thing: object, kind: str, value: str) -> None:
    """A tuple of three is one, and no exc_info."""
    assert head(thing) == {"type": kind, "value": value}


@pytest.mark.parametrize("thing", ["x" * 100_000, ["x" * 100_000], list(range(100_000)), {"é" * 9000: "é" * 9000}])
def test_the_text_is_bounded(thing: object) -> None:
    """By what the server keeps of an exception's text."""
    assert 0 < len(head(thing)["value"]) <= limits.TEXT_CHARS


def test_the_mechanism_is_the_callers() -> None:
    """Its name and whether the thing was handled."""
    head("x", "my hook", False)
    head("x", 'quo"ted', True)


def test_secrets_are_hidden_in_it() -> None:
    """The scrubber's names hold here as anywhere."""
    made = synthetic_head({"password": "hidden", "b": 1}, Renderer(lambda key: key == "password"), "generic", True)
    assert b"hidden" not in made
    assert b"[Filtered]" in made
