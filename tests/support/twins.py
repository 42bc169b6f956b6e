"""What tests of the twins share: strategies rich in trouble, the JSON oracle, and the comparison of outcomes."""

from __future__ import annotations

import collections
import datetime
import decimal
import importlib
import json
import math
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable
from typing import Any, NoReturn

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from support.concurrency import PATIENCE_S, outcome

# Enough to find a slip in a branch, few enough that all rooms together take seconds.
PROPERTY = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


class Text(str):
    """A str of somebody's own."""


class Whole(int):
    """An int of somebody's own."""


class Real(float):
    """A float of somebody's own."""


class Mapped(dict):  # type: ignore[type-arg]
    """A dict of somebody's own."""


class Listed(list):  # type: ignore[type-arg]
    """A list of somebody's own."""


class Pair(collections.namedtuple("Pair", "left right")):
    """A tuple of somebody's own."""


class Bag(set):  # type: ignore[type-arg]
    """A set of somebody's own."""


class Frozen(frozenset):  # type: ignore[type-arg]
    """A frozenset of somebody's own."""


class Plain:
    """An object with attributes."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Slotted:
    """An object with slots, not all of them filled."""

    __slots__ = ("empty", "left", "right")

    def __init__(self, left: object, right: object) -> None:
        self.left = left
        self.right = right


def twins(room: str) -> tuple[Any, Any]:
    """The modules of a room: compiled and pure; the pure one twice where there is no core."""
    pure = importlib.import_module(f"tocsin._pure.{room}")
    try:
        return importlib.import_module(f"tocsin._core.{room}"), pure
    except ImportError:
        return pure, pure  # asked for with --no-core: without it the fixture `backend` ends the run


def same(room: str, call: Callable[[Any], object]) -> object:
    """Call with either module of a room; the outcomes, text of errors included, must be equal. Returns the value."""
    compiled, pure = (outcome(lambda: call(module)) for module in twins(room))  # noqa: B023
    assert compiled == pure
    return compiled[1]


ROOMS = ("breadcrumbs", "chain", "describe", "fence", "serializer", "site", "stacktrace", "values")


def run_apart(backend: Any, code: str, *arguments: str) -> str:
    """Run code in an interpreter of its own, the rooms of the twin imported; what it printed. Fails as it fails."""
    imports = f"from tocsin._{backend.name} import {', '.join(ROOMS)}\n"
    command = [sys.executable, "-X", "faulthandler", "-c", imports + textwrap.dedent(code), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    assert done.stderr == "", done.stderr[-4000:]
    return done.stdout


# Quotes, escapes, controls, NUL, the edges of lengths in UTF-8, separators, no-characters; surrogates; astral planes.
TROUBLE = "aZ09 '\"\\/\0\1\x07\b\t\n\f\r\x1b\x1f\x7f\x80\x85\xa0\xad\xe9\xff"
TROUBLE += "\u0100\u07ff\u0800\u200b\u2028\u2029\ufeff\ufffd\uffff"
SURROGATES = "\ud800\ud83d\udbff\udc00\ude00\udfff"
ASTRAL = "\U00010000\U0001f600\U000e0001\U0010ffff"
CHARACTERS = st.sampled_from(TROUBLE + SURROGATES + ASTRAL) | st.characters(codec=None)
TEXTS = (
    st.text(CHARACTERS, max_size=12)
    | st.sampled_from(["", "...", "...'", "1", "1'", "None", "True", "nan", "<cyclic>", "[Filtered]", "password"])
    | st.builds(lambda part, times: part * times, st.text(CHARACTERS, min_size=1, max_size=3), st.integers(1, 120))
)

INTEGERS = (
    st.integers()
    | st.sampled_from([0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 2**511])
    | st.sampled_from([2**512 - 1, 2**512, -(2**512), 10**400, 10**4200])
)
FLOATS = st.floats() | st.sampled_from([-0.0, 1e16, 1e22, 1e-5, 5e-324, 1.7976931348623157e308, math.inf, math.nan])

ODD_LEAVES = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(Whole, INTEGERS),
    st.builds(Real, FLOATS),
    st.binary(max_size=40),
    st.binary(max_size=40).map(bytearray),
    st.complex_numbers(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.datetimes(
        timezones=st.sampled_from([None, datetime.timezone.utc, datetime.timezone(-datetime.timedelta(hours=3))])
    ),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.sampled_from([object, int, len, [].append, json, Ellipsis, NotImplemented, range(3), range(10**12), TEXTS.map]),
    st.sampled_from([lambda: 0, same, memoryview(b"abc"), slice(1), type, decimal.Decimal("NaN"), uuid.UUID(int=0)]),
)
LEAVES = st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS | ODD_LEAVES
HASHABLE = LEAVES.filter(lambda value: type(value) is not bytearray and type(value) is not slice)
KEYS = st.one_of(TEXTS, HASHABLE, st.tuples(HASHABLE, TEXTS))


def _containers(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(members, max_size=6)
    dicts = st.dictionaries(KEYS, members, max_size=6)
    sets = st.sets(HASHABLE, max_size=6)
    return st.one_of(
        lists,
        lists.map(Listed),
        lists.map(tuple),
        st.builds(Pair, members, members),
        dicts,
        dicts.map(Mapped),
        dicts.map(collections.OrderedDict),
        sets,
        sets.map(Bag),
        sets.map(frozenset),
        sets.map(Frozen),
        lists.map(collections.deque),
        st.builds(lambda left, right: Plain(left=left, right=right), members, members),
        st.builds(Slotted, members, members),
        lists.map(lambda args: ValueError(*args)),
        members.map(_nested),
        members.map(_cycle),
        st.builds(lambda member, times: [member] * times, members, st.integers(0, 130)),
        st.builds(lambda key, times: {f"{key}{at}": at for at in range(times)}, TEXTS, st.integers(0, 130)),
    )


def _nested(value: object) -> object:
    for _ in range(9):
        value = [{"in": value}]
    return value


def _cycle(value: object) -> object:
    ring: dict[str, object] = {"value": value}
    ring["self"] = [ring, {"again": ring}]
    return ring


VALUES = st.recursive(LEAVES, _containers, max_leaves=12)
# Budgets around nothing, around the length of a short text, and those in use.
BUDGETS = st.integers(0, 40) | st.integers(0, 20_000) | st.sampled_from([2048, 8192, 16_384])
DEPTHS = st.integers(0, 12)
WIDTHS = st.integers(0, 12) | st.integers(0, 300)


class Duplicate(AssertionError):
    """An object in JSON has a key twice."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Duplicate([key for key, count in collections.Counter(key for key, _ in pairs).items() if count > 1])
    return found


def _no_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")


def strict_json(data: bytes) -> Any:
    """Read JSON as a strict reader would: UTF-8, no NaN, no lone surrogate, no NUL, no key twice."""
    assert type(data) is bytes
    text = data.decode("utf-8")
    value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_members)
    orjson.loads(data)
    for string in strings(value):
        assert "\0" not in string
        string.encode("utf-8")
    return value


def strings(value: Any) -> list[str]:
    """All texts in a value read from JSON, keys too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [string for member in value for string in strings(member)]
    if isinstance(value, dict):
        return [string for key, member in value.items() for string in [key, *strings(member)]]
    return []


def depth(value: Any) -> int:
    """How deep containers that hold something are nested in a value read from JSON."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value)) if isinstance(value, list) and value else 0
