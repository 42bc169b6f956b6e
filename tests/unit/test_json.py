"""JSON for the wire: valid whatever is given, the same from either library."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.receiver import strict_json
from tocsin import _json


@pytest.fixture(params=["orjson", "stdlib"])
def library(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a test once with each library."""
    pair = _json._orjson_pair() if request.param == "orjson" else _json._stdlib_pair()
    assert pair is not None, "orjson is not installed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json, "_encode", pair[0])
        patch.setattr(_json, "_decode", pair[1])
        yield request.param


def _both(value: Any) -> tuple[bytes, bytes]:
    pair = _json._orjson_pair()
    assert pair is not None, "orjson is not installed"
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for encode, _ in (pair, _json._stdlib_pair()):
            patch.setattr(_json, "_encode", encode)
            found.append(_json.dumps(value))
    return found[0], found[1]


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.none(), inner, max_size=4)
        | st.tuples(inner)
    ),
    max_leaves=12,
)


@given(_values)
def test_what_is_written_is_valid(value: Any) -> None:
    """Any mixture of plain values, NaN, huge integers, odd keys and lone surrogates becomes strict JSON on one line."""
    for data in _both(value):
        strict_json(data)
        assert b"\n" not in data


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(), st.lists, max_leaves=8))
def test_both_libraries_write_the_same(value: Any) -> None:
    """Which library is installed does not show on the wire (numbers with a fraction aside: 1e16 has two spellings)."""
    orjson_bytes, stdlib_bytes = _both(value)
    assert orjson_bytes == stdlib_bytes


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True, "\u00e9"]}, '{"a":[1,null,true,"\u00e9"]}'),
        ("a\nb\x00", '"a\\nb\\u0000"'),
        ("\ud800", '"\ufffd"'),
        ("a\udc80b\ud83d\ude00", '"a\ufffdb\U0001f600"'),
        (math.nan, "null"),
        ([math.inf, -math.inf], "[null,null]"),
        (2**64, "18446744073709551616"),
        (-(2**70), "-1180591620717411303424"),
        (10**400, "null"),
        ({1: 2, None: 3, (1, 2): 4}, '{"1":2,"null":3,"<too deep>":4}'),
        ({"\ud800": 1}, '{"\ufffd":1}'),
        (object(), '"<object>"'),
        ({"a": {1, 2}}, '{"a":"<set>"}'),
    ],
)
def test_what_json_cannot_hold_is_mended(value: Any, text: str) -> None:
    """Surrogates become U+FFFD, NaN and infinities null, keys strings, and unknown objects the name of their type."""
    assert strict_json(_json.dumps(value)) == json.loads(text)


@pytest.mark.usefixtures("library")
def test_depth_is_bounded() -> None:
    """A cycle, or nesting that no server reads, is cut instead of raising."""
    cycle: list[Any] = []
    cycle.append(cycle)
    assert b"<too deep>" in _json.dumps(cycle)
    deep: Any = 1
    for _ in range(5000):
        deep = {"a": deep}
    strict_json(_json.dumps(deep))


@pytest.mark.usefixtures("library")
def test_no_code_of_a_value_runs() -> None:
    """Mending asks a hostile object nothing: not its class, its text, its items."""

    class Hostile(dict[Any, Any]):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked for")

        def __iter__(self) -> Any:
            raise AssertionError("iterated")

        items = keys = values = __iter__

    class Unknown:
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked for")

    assert _json.loads(_json.dumps([math.nan, Unknown(), "\ud800"])) == [None, "<Unknown>", "\ufffd"]
    assert _json._mended(Hostile(a=1), 5) == {"a": 1}


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, "nope"])
def test_what_is_no_json_is_a_value_error(data: bytes | str) -> None:
    """`loads` raises ValueError and nothing else."""
    with pytest.raises(ValueError):  # noqa: PT011 - the text is the library's
        _json.loads(data)


def test_orjson_stays_out_where_there_is_no_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing orjson would switch the GIL on again, so without a GIL the standard library is chosen."""
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    monkeypatch.setattr(_json, "_encode", None)
    monkeypatch.setattr(_json, "_decode", None)
    monkeypatch.setattr(_json, "_orjson_pair", lambda: pytest.fail("orjson was imported"))
    assert _json.dumps({"a": 1}) == b'{"a":1}'


def test_a_broken_orjson_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where orjson cannot be imported, the standard library does its work."""
    monkeypatch.setitem(sys.modules, "orjson", None)
    assert _json._orjson_pair() is None
    monkeypatch.setattr(_json, "_encode", None)
    monkeypatch.setattr(_json, "_decode", None)
    assert _json.dumps(["x"]) == b'["x"]'


def test_neither_library_is_imported_before_it_is_needed() -> None:
    """Importing the module imports neither json nor orjson."""
    code = "import sys; import tocsin._json; sys.exit(sum(name in sys.modules for name in ('json', 'orjson')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
    assert importlib.import_module("tocsin._json") is _json
