"""Laws of rendering a value: the twins agree byte for byte, and what they write is strict JSON within bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.twins import (
    BUDGETS,
    DEPTHS,
    KEYS,
    PROPERTY,
    TEXTS,
    VALUES,
    WIDTHS,
    Text,
    depth,
    run_apart,
    same,
    strict_json,
)
from tocsin import limits

# JSON writes a character in at most this many bytes: a control as \u0001.
CHARACTER_BYTES = 6
# What an object may take beyond its budget: a key, the shortest text, and a word on what was left out at each level.
SLACK_BYTES = CHARACTER_BYTES * (limits.KEY_CHARS + 20) + 400


@given(value=VALUES, max_bytes=BUDGETS, max_depth=DEPTHS, breadth=WIDTHS, max_chars=st.none() | st.integers(0, 300))
@example(value={"...": 1, "b": 2}, max_bytes=1000, max_depth=5, breadth=1, max_chars=None)
@example(value=dict.fromkeys(["\ud800", "\ud801"]), max_bytes=1000, max_depth=5, breadth=9, max_chars=None)
@example(value={"\0": 1, "\ufffd": 2}, max_bytes=1000, max_depth=5, breadth=9, max_chars=None)
@example(value={1: 1, "1": 2, None: 3, "None": 4}, max_bytes=1000, max_depth=5, breadth=9, max_chars=None)
@example(value="\1" * 5000, max_bytes=2048, max_depth=5, breadth=9, max_chars=None)
@PROPERTY
def test_data_is_the_same_in_both_strict_and_bounded(
    value: object, max_bytes: int, max_depth: int, breadth: int, max_chars: int | None
) -> None:
    """Any value within any bounds is strict JSON, no deeper than told, and not far beyond the bytes it may have."""
    options = {"breadth": breadth, **({} if max_chars is None else {"max_chars": max_chars})}
    data = same("values", lambda twin: twin.Renderer(**options).data(value, max_bytes, max_depth))
    assert isinstance(data, bytes), data
    assert depth(strict_json(data)) <= max_depth
    assert len(data) <= CHARACTER_BYTES * max_bytes + SLACK_BYTES


@given(names=st.dictionaries(TEXTS | KEYS, VALUES, max_size=80), is_module=st.booleans())
@example(names={"\0": 1, "\ufffd": 2}, is_module=False)
@example(names={"x" * 100_000: 1}, is_module=False)
@example(names={f"name{number}": "x" * 3000 for number in range(100)}, is_module=False)
@PROPERTY
def test_variables_are_the_same_in_both_strict_and_bounded(names: dict[Any, object], is_module: bool) -> None:
    """Any namespace is a strict JSON object whose leaves are texts, not far beyond the bytes that a server keeps."""
    data = same("values", lambda twin: twin.Renderer().variables(names, is_module))
    assert isinstance(data, bytes), data
    found = strict_json(data)
    assert isinstance(found, dict)
    assert len(found) <= limits.VARS_COUNT
    assert depth(found) <= 1 + limits.VARS_DEPTH
    # A backslash of repr is two in JSON, and an unprintable character ten of repr.
    assert len(data) <= 11 * limits.VARS_BYTES + SLACK_BYTES


@given(value=VALUES, max_chars=st.integers(3, 300), widest=st.integers(3, 300))
@example(value=10**100, max_chars=10, widest=300)
@PROPERTY
def test_text_is_the_same_in_both_and_bounded(value: object, max_chars: int, widest: int) -> None:
    """Any value has a text of at most so many characters; one that fits is whole."""
    text = same("values", lambda twin: twin.Renderer(max_chars=widest).text(value, max_chars))
    assert type(text) is str
    assert len(text) <= min(max_chars, widest)
    if type(value) is str and len(value) <= min(max_chars, widest):
        assert text == value


@given(value=VALUES, secrets=st.sets(TEXTS), max_bytes=BUDGETS)
@PROPERTY
def test_secrets_are_hidden_alike_and_asked_once(value: object, secrets: set[str], max_bytes: int) -> None:
    """What is_secret names is `[Filtered]` at any depth; its answer for a key is remembered."""
    logs: list[list[str]] = []

    def call(twin: Any) -> bytes:
        asked: list[str] = []
        logs.append(asked)

        def is_secret(key: str) -> bool:
            asked.append(key)
            return key in secrets

        return twin.Renderer(is_secret).data({"password": [value], "other": value}, max_bytes, 6)  # type: ignore[no-any-return]

    data = same("values", call)
    assert isinstance(data, bytes), data
    assert logs[0] == logs[1]
    found = strict_json(data)
    assert isinstance(found, dict)
    if "password" in secrets and "password" in found:
        assert found["password"] == "[Filtered]"


@given(
    value=VALUES,
    answer=TEXTS
    | st.none()
    | st.just(1)
    | TEXTS.map(Text)
    | st.sampled_from([ValueError, RecursionError, MemoryError]),
)
@PROPERTY
def test_the_users_own_renderer_is_asked_alike(value: object, answer: object) -> None:
    """Its text is taken; None, another type or an exception falls back to what is shown without it."""

    def represent(_: object) -> Any:
        if isinstance(answer, type):
            raise answer
        return answer

    data = same("values", lambda twin: twin.Renderer(None, represent).data(value, 4000, 5))
    assert isinstance(data, bytes), data
    strict_json(data)
    if type(answer) is not str:
        assert data == same("values", lambda twin: twin.Renderer().data(value, 4000, 5))


@pytest.mark.parametrize("max_depth", [31, 32, 33, 40, 127])
def test_nesting_has_a_last_bound_of_its_own(max_depth: int) -> None:
    """A depth beyond what is ever used is cut alike, well below what servers refuse."""
    value: object = "leaf"
    for _ in range(200):
        value = [value]
    data = same("values", lambda twin: twin.Renderer().data(value, 4000, max_depth))
    assert isinstance(data, bytes), data
    assert depth(strict_json(data)) <= 127


def test_a_mapping_that_changes_under_the_renderer_stays_strict(backend: Any) -> None:
    """Members that come and go while a user's renderer runs cost members at most, never a key twice."""

    def grow(value: object) -> str:
        for number in range(20):
            members[f"new{len(members)}.{number}"] = object()
        members.pop("k0", None)
        return "shown"

    def shrink(value: object) -> str:
        members.clear()
        return "shown"

    for represent in (grow, shrink):
        for make in (dict, lambda pairs: [dict(pairs)], lambda pairs: {"in": dict(pairs)}):
            value: Any = make({f"k{number}": object() for number in range(8)}.items())
            members = (
                value if type(value) is dict and "in" not in value else value[0] if type(value) is list else value["in"]
            )
            strict_json(backend.Renderer(None, represent).data(value, 2000, 5))


def test_a_renderer_that_clears_the_namespace_is_survived(backend: Any) -> None:
    """A user's renderer may drop what is being rendered: each value is held while it is written."""
    run_apart(
        backend,
        """
        names = {"a": [object() for _ in range(10)], "b": {"c": object()}, "d": object()}
        def represent(value):
            names.clear()
            [[1] * 9 for _ in range(1000)]
        renderer = values.Renderer(None, represent)
        try:
            renderer.variables(names)
        except RuntimeError as error:
            raise SystemExit(f"it raised {error!r}")
        """,
    )


def test_running_out_of_stack_gives_an_error_or_strict_json(backend: Any) -> None:
    """A renderer that is called just below the recursion limit never writes half of a container."""
    run_apart(
        backend,
        """
        import json, sys
        renderer = values.Renderer()
        class Plain: pass
        value = {"a": {"b": [Plain(), {"d": Plain(), "e": {frozenset([(Plain(),)]): Plain()}}, {(1, Plain())}]}}
        outcomes = set()
        def call(depth):
            if depth:
                return call(depth - 1)
            try:
                data = renderer.data(value, 4000, 6)
            except RecursionError:
                return "refused"
            json.loads(data)
            return "whole"
        sys.setrecursionlimit(200)
        for depth in range(100, 200):
            try:
                outcomes.add(call(depth))
            except RecursionError:
                outcomes.add("not reached")
        assert outcomes >= {"whole", "not reached"}, outcomes
        """,
    )
