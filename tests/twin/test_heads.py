"""Laws of what is said of one exception: both twins say the same of any, and leave it as it was."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from support.twins import strict_json, twins
from tocsin import limits


class Own(Exception):
    """With a text of its own."""

    def __str__(self) -> str:
        return "its own"


class Lying(ValueError):
    """Says that it is another's."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise AssertionError("it was asked")


class Fields(OSError):
    """An OSError with members."""


def noted(error: BaseException, **members: object) -> BaseException:
    error.__dict__.update(members)
    return error


def named(name: str, module: object) -> type[BaseException]:
    kind = type("Kind", (Exception,), {"__module__": module})
    kind.__qualname__ = name
    return kind


def homeless() -> BaseException:
    """Of a type without a module, as made where there is none."""
    space: dict[str, Any] = {}
    exec("error = type('Kind', (Exception,), {})('text')", space)
    return space["error"]  # type: ignore[no-any-return]


ERRORS = [
    ValueError(),
    ValueError("text"),
    ValueError('quo"te \0 \ud800 \u00e9'),
    ValueError("x" * 20_000),
    ValueError("one", "two"),
    ValueError(["one"]),
    ValueError(type("Text", (str,), {})("text")),
    KeyError("key"),
    OSError(2, "text", "file"),
    OSError("text"),
    Fields(10**30, "text"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "reason"),
    SyntaxError("text", ("file", 1, 2, "line")),
    ImportError("text", name="module"),
    KeyboardInterrupt("text"),
    Own("text"),
    Lying("text"),
    noted(ValueError("text"), __notes__=["one", 2, "three"]),
    noted(ValueError("text"), __notes__="none"),
    noted(ValueError("text"), errno=5),
    noted(ValueError("text"), errno="5"),
    noted(ValueError("text"), __tocsin_event_id__="a" * 32),
    noted(ValueError("text"), other=1),
    named("Outer.Kind", "package.module")("text"),
    named("x" * 300, "y" * 300)("text"),
    named('quo"te', "caf\u00e9")("text"),
    named("Kind", "builtins")("text"),
    named("Kind", None)("text"),
    named("Kind", type("Text", (str,), {})("module"))("text"),
    homeless(),
]
TIES: list[tuple[Any, ...]] = [
    (0, False, -1, None, False),
    (0, True, -1, None, True),
    (3, True, 1, "exceptions[0]", False),
]


@pytest.mark.parametrize("max_chars", [0, 3, 10, limits.TEXT_CHARS])
@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_any_exception_has_the_same_head_in_both(number: int, max_chars: int) -> None:
    """Of whatever type, name, arguments and members, alone or in a tree."""
    for tie in TIES:
        for handled, synthetic in ((True, False), (False, True)):
            core, pure = (
                twin.exception_head(ERRORS[number], "m", handled, synthetic, *tie, max_chars) for twin in twins("heads")
            )
            assert core == pure
            strict_json(b"{" + core + b"}")


def test_no_dict_is_made_on_an_exception_that_has_none(backend: Any) -> None:
    """It would live as long as the exception, for nothing."""
    if backend.name == "pure":
        pytest.skip("in Python there is no way to ask an exception for a dict that it does not have")
    error = ValueError("text")
    backend.StackExtractor(None, None).exception(error, None, "generic", True)
    assert [each for each in gc.get_referents(error) if type(each) is dict] == []
