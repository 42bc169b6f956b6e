"""What an object is said to be: known texts for every kind, as data and as `repr` has it, and who may say otherwise."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import ipaddress
import json
import pathlib
import re
import threading
import types
import uuid
import zoneinfo
from typing import Any

import pytest

from support.twins import run_apart, same, strict_json
from tocsin import limits

HERE = __name__
WHOLE = 100_000


class Colour(enum.Enum):
    RED = 1
    NAMED = "text"
    OTHER = (1, 2)


class Size(enum.IntEnum):
    LARGE = 3


class Word(str, enum.Enum):
    YES = "yes"


class Rights(enum.Flag):
    READ = 4


@dataclasses.dataclass
class Point:
    x: int
    y: str
    inner: object = None


@dataclasses.dataclass(frozen=True)
class Slotted:
    __slots__ = ("left", "right")
    left: int
    right: bytes


class Derived(Slotted):
    __slots__ = ("more",)


class Attrs:
    """As the attrs library makes them: generated methods, plain attributes."""

    __attrs_attrs__ = ("x", "_private")
    __repr__ = None

    def __init__(self) -> None:
        self.x = 1.5
        self._private = None


class Empty:
    def method(self) -> None: ...

    @classmethod
    def of_class(cls) -> None: ...

    class Inner: ...


class Zone(datetime.tzinfo):
    def utcoffset(self, _: object) -> Any:
        raise AssertionError("a zone of the user's was asked")

    tzname = dst = utcoffset


class Own(ValueError):
    pass


def function() -> None: ...


DAY = datetime.datetime(2020, 1, 2, 3, 4, 5, 6)
EAST = datetime.timezone(datetime.timedelta(hours=2))
ID = uuid.UUID("12345678123456781234567812345678")
WIDE = Empty()
WIDE.__dict__.update({f"a{number}": number for number in range(10)})

# name: value, as `repr` has it, as data (None: the same)
TABLE: dict[str, tuple[object, str, str | None]] = {
    "bytes": (b"ab\xff'", 'b"ab\\xff\'"', "ab\ufffd'"),
    "bytearray": (bytearray(b"ab"), "bytearray(b'ab')", "ab"),
    "memoryview": (memoryview(b"abc"), "<memory of 3 bytes>", None),
    "complex": (1 + 2j, "(1+2j)", None),
    "range": (range(1, 9, 2), "range(1, 9, 2)", None),
    "Ellipsis": (..., "Ellipsis", None),
    "NotImplemented": (NotImplemented, "NotImplemented", None),
    "slice": (slice(1), "<slice>", None),
    "object": (object(), "<object>", None),
    "list iterator": (iter([]), "<list_iterator>", None),
    "dict keys": ({}.keys(), "<dict_keys>", None),
    "mapping proxy": (types.MappingProxyType({}), "<mappingproxy>", None),
    "property": (property(), "<property>", None),
    "generator": ((_ for _ in ()), "<generator>", None),
    "generic alias": (list[int], "<types.GenericAlias>", None),
    "lock": (threading.Lock(), "<_thread.lock>", None),
    "date": (DAY.date(), "datetime.date(2020, 1, 2)", "2020-01-02"),
    "datetime": (DAY, "datetime.datetime(2020, 1, 2, 3, 4, 5, 6)", "2020-01-02T03:04:05.000006"),
    "datetime in UTC": (
        DAY.replace(tzinfo=datetime.timezone.utc),
        "datetime.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)",
        "2020-01-02T03:04:05.000006+00:00",
    ),
    "datetime in a zone": (
        DAY.replace(tzinfo=EAST),
        "datetime.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone(datetime.timedelta(seconds=7200)))",
        "2020-01-02T03:04:05.000006+02:00",
    ),
    "datetime in a zone of the user's": (
        DAY.replace(tzinfo=Zone()),
        f"2020-01-02T03:04:05.000006 {HERE}.Zone",
        None,
    ),
    "time": (datetime.time(3, 4), "datetime.time(3, 4)", "03:04:00"),
    "time in a zone of the user's": (datetime.time(3, tzinfo=Zone()), f"03:00:00 {HERE}.Zone", None),
    "timedelta": (datetime.timedelta(days=1, seconds=2), "datetime.timedelta(days=1, seconds=2)", "1 day, 0:00:02"),
    "timezone": (EAST, "datetime.timezone(datetime.timedelta(seconds=7200))", "UTC+02:00"),
    "zoneinfo": (zoneinfo.ZoneInfo("UTC"), "zoneinfo.ZoneInfo(key='UTC')", "UTC"),
    "Decimal": (decimal.Decimal("1.50"), "Decimal('1.50')", "1.50"),
    "Decimal NaN": (decimal.Decimal("sNaN"), "Decimal('sNaN')", "sNaN"),
    "Fraction": (fractions.Fraction(1, 2), "<fractions.Fraction _denominator=2 _numerator=1>", None),
    "UUID": (ID, "UUID('12345678-1234-5678-1234-567812345678')", "12345678-1234-5678-1234-567812345678"),
    "path": (pathlib.PurePosixPath("/a/b"), "PurePosixPath('/a/b')", "/a/b"),
    "IPv4Address": (ipaddress.ip_address("127.0.0.1"), "IPv4Address('127.0.0.1')", "127.0.0.1"),
    "IPv6Address": (ipaddress.ip_address("::1"), "IPv6Address('::1')", "::1"),
    "pattern": (re.compile("a+", re.ASCII), "re.compile('a+', re.ASCII)", None),
    "Enum": (Colour.RED, f"<{HERE}.Colour.RED: 1>", None),
    "Enum of text": (Colour.NAMED, f"<{HERE}.Colour.NAMED: 'text'>", None),
    "Enum of a container": (Colour.OTHER, f"<{HERE}.Colour.OTHER: <tuple>>", None),
    "Flag": (Rights.READ, f"<{HERE}.Rights.READ: 4>", None),
    "dataclass": (Point(1, "two", Empty()), f"<{HERE}.Point x=1 y='two' inner=<{HERE}.Empty>>", None),
    "slotted dataclass": (Slotted(1, b"two"), f"<{HERE}.Slotted left=1 right=b'two'>", None),
    "slots of a base, one unset": (Derived(1, b"two"), f"<{HERE}.Derived left=1 right=b'two'>", None),
    "attrs": (Attrs(), f"<{HERE}.Attrs x=1.5 _private=None>", None),
    "nested class's object": (Empty.Inner(), f"<{HERE}.Empty.Inner>", None),
    "more attributes than are shown": (
        WIDE,
        f"<{HERE}.Empty a0=0 a1=1 a2=2 a3=3 a4=4 a5=5 a6=6 a7=7 ...>",
        None,
    ),
    "namespace": (types.SimpleNamespace(a=1), "<types.SimpleNamespace a=1>", None),
    "deque": (collections.deque([1, "a", None, 1.5, [2]]), "deque([1, 'a', None, 1.5, <list>])", None),
    "long deque": (collections.deque(range(9)), "deque([0, 1, 2, 3, 4, 5, 6, 7, ...])", None),
    "partial": (functools.partial(len, [1]), "<functools.partial>", None),
    "exception": (ValueError("a", 1, None), "ValueError('a', 1, None)", None),
    "exception of the user's": (Own([1]), "Own(<list>)", None),
    "function": (function, f"<function {HERE}.function>", None),
    "lambda": (lambda: 0, f"<function {HERE}.<lambda>>", None),
    "method": (Empty().method, f"<bound method {HERE}.Empty.method>", None),
    "class method": (Empty.of_class, f"<bound method {HERE}.Empty.of_class>", None),
    "builtin function": (len, "<built-in function len>", None),
    "builtin method": ([].append, "<built-in function append>", None),
    "class": (Empty, f"<class '{HERE}.Empty'>", None),
    "nested class": (Empty.Inner, f"<class '{HERE}.Empty.Inner'>", None),
    "builtin class": (int, "<class 'int'>", None),
    "metaclass": (enum.EnumMeta, f"<class 'enum.{enum.EnumMeta.__qualname__}'>", None),
    "module": (json, "<module 'json'>", None),
}
every_kind = pytest.mark.parametrize(("value", "text", "data"), TABLE.values(), ids=TABLE.keys())


@every_kind
def test_known_texts(backend: Any, value: object, text: str, data: str | None) -> None:
    """Each kind of object has a text as `repr` would have it, and one as data."""
    assert backend.describe.describe(value, WHOLE, False) == text
    assert backend.describe.describe(value, WHOLE, True) == (text if data is None else data)


@every_kind
def test_a_long_text_is_cut_and_says_so(backend: Any, value: object, text: str, data: str | None) -> None:
    """In so many characters it is the beginning of the whole and three dots; whole where it fits."""
    for native, whole in ((False, text), (True, text if data is None else data)):
        for most in range(4, len(whole) + 2):
            shown = backend.describe.describe(value, most, native)
            assert shown == (whole if len(whole) <= most else whole[: most - 3] + "...")
        for most in range(4):
            assert len(backend.describe.describe(value, most, native)) <= most


LEAVES = {
    "None": (None, "'None'", "null"),
    "True": (True, "'True'", "true"),
    "int": (5, "'5'", "5"),
    "IntEnum": (Size.LARGE, "'3'", "3"),
    "text Enum": (Word.YES, "\"'yes'\"", '"yes"'),
    "named tuple": (collections.namedtuple("Two", "a b")(1, "x"), "['1', \"'x'\"]", '[1, "x"]'),
    "Counter": (collections.Counter("aab"), "{'a': '2', 'b': '1'}", '{"a": 2, "b": 1}'),
    "OrderedDict": (collections.OrderedDict(a=1), "{'a': '1'}", '{"a": 1}'),
    "defaultdict": (collections.defaultdict(list, a=[1]), "{'a': ['1']}", '{"a": [1]}'),
    "frozenset": (frozenset([1]), "['1']", "[1]"),
    "NaN": (float("nan"), "'nan'", '"nan"'),
    "unsigned 64-bit": (2**64 - 1, f"'{2**64 - 1}'", str(2**64 - 1)),
    "beyond 64 bits": (2**64, f"'{2**64}'", f'"{2**64}"'),
    "beyond what is printed": (1 << 5000, "'<int of 5001 bits>'", '"<int of 5001 bits>"'),
}


@pytest.mark.parametrize(("value", "variable", "data"), LEAVES.values(), ids=LEAVES.keys())
def test_what_is_a_number_a_text_or_a_container_is_shown_as_one(
    backend: Any, value: object, variable: str, data: str
) -> None:
    """Also of a type of its own: the leaves of locals as `repr` has them, data as itself."""
    renderer = backend.Renderer()
    assert strict_json(renderer.variables({"it": value}))["it"] == eval(variable)
    assert strict_json(renderer.data(value, WHOLE, 5)) == json.loads(data)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *(("decimal", "Decimal"), ("uuid", "UUID"), ("datetime", "datetime"), ("collections", "deque")),
        *(("re", "Pattern"), ("builtins", "range"), ("pathlib", "PosixPath"), ("numpy", "ndarray")),
    ],
)
def test_a_type_that_only_says_it_is_a_known_one_is_not_believed(backend: Any, module: str, name: str) -> None:
    """Its name is shown, and nothing of it is called."""

    def called(*_: object) -> Any:
        raise AssertionError(f"{name} was called")

    names = dict.fromkeys(("__repr__", "__str__", "__len__", "__iter__", "__array__", "isoformat", "tzinfo"), called)
    kind = type(name, (), {"__module__": module, **names})
    shown = backend.describe.describe(kind(), 100, False)
    assert shown == f"<{name}>" if module == "builtins" else shown == f"<{module}.{name}>"


def test_secret_attributes_are_hidden(backend: Any) -> None:
    """An attribute's name decides, before its value is looked at."""
    value = Point("hunter2", "ann", 5)  # type: ignore[arg-type]
    shown = backend.describe.describe(value, 200, True, lambda name: name == "x")
    assert shown == f"<{HERE}.Point x='[Filtered]' y='ann' inner=5>"


def test_attributes_are_short(backend: Any) -> None:
    """Texts, bytes and names are cut; numbers too large to print are described; containers are named."""
    value = Empty()
    value.__dict__.update({"t": "x" * 500, "b": b"y" * 500, "n": 1 << 1000, "d": {}, "z" * 500: 1})
    chars = limits.ATTRIBUTE_CHARS
    shown = backend.describe.describe(value, 10_000, False)
    assert shown == (
        f"<{HERE}.Empty t='{'x' * chars}'... b=b'{'y' * chars}' n=<int of 1001 bits> d=<dict> {'z' * chars}=1>"
    )


def representing(answer: object) -> type:
    def sentry_repr(self: object) -> object:
        if isinstance(answer, type) and issubclass(answer, BaseException):
            raise answer
        return answer

    return type("Says", (), {"__sentry_repr__": sentry_repr, "__module__": "module"})


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("answer", [None, 5, b"text", ["text"], ValueError, RecursionError, SystemExit])
def test_a_type_that_fails_to_say_what_it_is_gets_a_placeholder(backend: Any, answer: object, native: bool) -> None:
    """`__sentry_repr__` that raises, or answers with anything but a text, is said to have failed."""
    shown = backend.describe.describe(representing(answer)(), 100, native)
    assert shown == "<module.Says: its representation failed>"


def test_a_type_may_say_what_its_objects_are(backend: Any) -> None:
    """`__sentry_repr__` of the type or a base is taken, before the user's renderer; one of an instance is not."""
    kind = representing("a text")
    derived = type("Derived", (kind,), {})
    for value in (kind(), derived()):
        assert backend.describe.describe(value, 100, False, None, lambda _: "another") == "a text"
        assert backend.describe.describe(value, 4, False) == "a..."
    plain = Empty()
    plain.__sentry_repr__ = lambda: "a text"  # type: ignore[attr-defined]
    assert backend.describe.describe(plain, 100, False).startswith(f"<{HERE}.Empty")


@pytest.mark.parametrize("answer", [None, 5, b"text", ValueError, RecursionError])
def test_a_renderer_without_an_answer_changes_nothing(backend: Any, answer: object) -> None:
    """None, what is no text, and an exception fall back to what is shown without it."""

    def represent(_: object) -> Any:
        if isinstance(answer, type):
            raise answer
        return answer

    for value, _, _ in TABLE.values():
        shown = backend.describe.describe(value, WHOLE, False)
        assert backend.describe.describe(value, WHOLE, False, None, represent) == shown


def test_renderers_are_called_fenced_and_once(backend: Any) -> None:
    """With the value itself; a capture from inside is told by the fence. Their text is cut as any other."""
    seen: list[tuple[object, bool]] = []

    def represent(value: object) -> str:
        seen.append((value, backend.fence.is_fenced()))
        return "shown" * 10

    value = Empty()
    assert backend.describe.describe(value, 10, False, None, represent) == "shownsh..."
    assert seen == [(value, True)]
    assert not backend.fence.is_fenced()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, GeneratorExit])
def test_a_wish_to_stop_goes_through_a_renderer(backend: Any, raised: type[BaseException]) -> None:
    """What is no Exception is not a failure to answer."""

    def represent(_: object) -> Any:
        raise raised

    with pytest.raises(raised):
        backend.describe.describe(Empty(), 10, False, None, represent)


def test_both_twins_say_the_same_of_everything_in_the_builtins() -> None:
    """Of each object of the builtins and some modules, in both modes."""
    import builtins
    import sys

    for module in (builtins, types, collections, datetime, decimal, enum, functools, ipaddress, threading, sys):
        for value in vars(module).values():
            for native in (False, True):
                same("describe", lambda twin, value=value, native=native: twin.describe(value, 200, native))


def test_describing_imports_nothing(backend: Any) -> None:
    """A type of a library that is not loaded does not load it."""
    run_apart(
        backend,
        """
        import sys
        before = set(sys.modules)
        kind = type("Decimal", (), {"__module__": "decimal"})
        describe.describe(kind(), 100, True)
        describe.describe(type("UUID", (), {"__module__": "uuid"})(), 100, True)
        assert set(sys.modules) == before, set(sys.modules) - before
        """,
    )
