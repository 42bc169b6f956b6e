"""A zoo of hostile objects: types whose every hook notes that it was called, and objects whose repr is a trap.

Used by every room. Nothing is noted until `watching()` is entered, so that the animals can be made, hashed and raised.
"""

from __future__ import annotations

import collections
import contextlib
import datetime
import decimal
import enum
import functools
import ipaddress
import pathlib
import re
import types
import uuid
import weakref
from collections.abc import Callable, Iterator
from typing import Any

_armed = False
_calls: list[str] = []


class Touched(Exception):
    """Raised by each hook, after it has noted the call."""


@contextlib.contextmanager
def watching() -> Iterator[list[str]]:
    """The list of hooks called in the block."""
    global _armed
    _calls.clear()
    _armed = True
    try:
        yield _calls
    finally:
        _armed = False


_HOOKS = (
    "repr str bytes format lt le eq ne gt ge hash bool getattribute getattr setattr delattr dir get set delete len"
    " length_hint getitem setitem delitem missing iter reversed contains next call enter exit int float complex index"
    " round trunc floor ceil abs neg pos invert add radd sub mul rmul mod rmod floordiv truediv divmod pow and or xor"
    " lshift rshift iadd copy deepcopy reduce reduce_ex getstate sizeof fspath instancecheck subclasscheck await aiter"
    " anext rich rich_repr html len_hint buffer"
)
HOOKS = tuple(f"__{name}__" for name in _HOOKS.split())
_METHODS = ("get", "keys", "values", "items", "copy", "pop", "update", "encode", "decode", "startswith", "replace")
_METHODS += ("isprintable", "partition", "split", "strip", "join", "bit_length", "as_integer_ratio", "hex", "append")
_METHODS += ("isoformat", "replace", "utcoffset", "tzname", "dst", "mro", "count", "index", "exists", "as_posix")
_PROPERTIES = ("__class__", "__dict__", "__doc__", "__module__", "__name__", "__wrapped__", "args")
_PROPERTIES += ("name", "value", "message", "detail", "errno", "tzinfo", "exceptions", "__notes__", "__cause__")
_PROPERTIES += ("__context__", "__traceback__", "__suppress_context__")
_DEFAULTS: dict[str, Any] = {"__bool__": True, "__len__": 3, "__contains__": False, "__length_hint__": 3}


def _hook(owner: str, base: type, name: str) -> Callable[..., Any]:
    inherited = getattr(base, name, None)

    def hook(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _armed:
            _calls.append(f"{owner}.{name}")
            raise Touched(owner, name)
        if inherited is not None:
            return inherited(self, *args, **kwargs)
        if name == "__getattr__":
            raise AttributeError(*args)
        if name == "__missing__":
            raise KeyError(*args)
        return _DEFAULTS.get(name, NotImplemented)

    return hook


def _property(owner: str, name: str, answer: Callable[[Any], Any]) -> property:
    def read(self: Any) -> Any:
        if _armed:
            _calls.append(f"{owner}.{name}")
            raise Touched(owner, name)
        return answer(self)

    return property(read)


def _namespace(owner: str, base: type) -> dict[str, Any]:
    names = {name: _hook(owner, base, name) for name in HOOKS}
    names.update({name: _hook(owner, base, name) for name in _METHODS})
    if not issubclass(base, BaseException):
        names.update({name: _property(owner, name, lambda self: None) for name in _PROPERTIES})
        names["__class__"] = _property(owner, "__class__", type)
    if issubclass(base, type):
        for name in ("__class__", "__dict__", "__module__", "__doc__"):
            del names[name]
        names.update({name: _property(owner, name, lambda self: "lie") for name in ("__mro__", "__bases__")})
    if base.__hash__ is None:
        names["__hash__"] = _hook(owner, object, "__hash__")
    return names


def hostile_type(base: type = object, metaclass: type = type) -> type:
    """A subclass of `base` that notes every call of a hook, method or property."""
    name = f"Hostile_{base.__name__}"
    return metaclass(name, (base,), _namespace(name, base))


HostileMeta = hostile_type(type)
HostileObject = hostile_type()
HostileStr = hostile_type(str)
HostileInt = hostile_type(int)
HostileFloat = hostile_type(float)
HostileBytes = hostile_type(bytes)
HostileBytearray = hostile_type(bytearray)
HostileComplex = hostile_type(complex)
HostileList = hostile_type(list)
HostileTuple = hostile_type(tuple)
HostileDict = hostile_type(dict)
HostileSet = hostile_type(set)
HostileFrozenset = hostile_type(frozenset)
HostileOrdered = hostile_type(collections.OrderedDict)
HostileDeque = hostile_type(collections.deque)
HostileModule = hostile_type(types.ModuleType)
HostileNamespace = hostile_type(types.SimpleNamespace)
HostileZone = hostile_type(datetime.tzinfo)
HostileDatetime = hostile_type(datetime.datetime)
HostileDate = hostile_type(datetime.date)
HostileDelta = hostile_type(datetime.timedelta)
HostileDecimal = hostile_type(decimal.Decimal)
HostileUuid = hostile_type(uuid.UUID)
HostilePath = hostile_type(type(pathlib.PurePosixPath()))
HostileError = hostile_type(Exception)
WithHostileMeta = HostileMeta("WithHostileMeta", (), {})
ErrorWithHostileMeta = HostileMeta("ErrorWithHostileMeta", (Exception,), {})


class Attributes:
    """An object of harmless type with whatever attributes."""


def _attributes(**attributes: object) -> Attributes:
    made = Attributes()
    made.__dict__.update(attributes)
    return made


def _with_dict_of(kind: type) -> Attributes:
    made = Attributes()
    made.__dict__ = kind(_name_="name", _value_=1, errno=5, __notes__=["note"])
    return made


class Slots:
    __slots__ = ("filled", "unfilled")

    def __init__(self, value: object) -> None:
        self.filled = value


class Stolen:
    """Has a slot's descriptor that is another type's."""

    __slots__ = ()
    filled = Slots.filled  # type: ignore[has-type]


class Choice(enum.Enum):
    """Members whose values are hostile."""

    OBJECT = HostileObject()
    TEXT = HostileStr("text")


def _function(**names: object) -> Callable[[], None]:
    def function() -> None: ...

    for name, value in names.items():
        setattr(function, name, value)
    return function


def _proxy() -> object:
    _kept.append(HostileObject())
    return weakref.proxy(_kept[-1])


_kept: list[Any] = []


def _released() -> memoryview:
    view = memoryview(b"bytes")
    view.release()
    return view


def _cyclic() -> list[object]:
    ring: list[object] = [HostileObject()]
    ring.append({"ring": ring})
    return ring


def _text_zone() -> datetime.timezone:
    return datetime.timezone(datetime.timedelta(hours=1), HostileStr("zone"))


# What notes calls: none may be noted.
NOTING: dict[str, Callable[[], object]] = {
    "object": HostileObject,
    "its type": lambda: HostileObject,
    "str": lambda: HostileStr("text"),
    "long str": lambda: HostileStr("text\0\ud800" * 5000),
    "int": lambda: HostileInt(5),
    "huge int": lambda: HostileInt(10**400),
    "float": lambda: HostileFloat(1.5),
    "nan": lambda: HostileFloat("nan"),
    "bytes": lambda: HostileBytes(b"bytes"),
    "bytearray": lambda: HostileBytearray(b"bytes"),
    "complex": lambda: HostileComplex(1j),
    "list": lambda: HostileList([1, HostileObject()]),
    "tuple": lambda: HostileTuple((1, HostileObject())),
    "dict": lambda: HostileDict({"a": 1, "b": HostileObject()}),
    "set": lambda: HostileSet({1, 2}),
    "frozenset": lambda: HostileFrozenset({1, 2}),
    "ordered dict": lambda: HostileOrdered({"a": 1}),
    "deque": lambda: HostileDeque([1]),
    "module": lambda: HostileModule("module"),
    "namespace": lambda: HostileNamespace(a=1),
    "zone": HostileZone,
    "datetime": lambda: HostileDatetime(2020, 1, 1),
    "date": lambda: HostileDate(2020, 1, 1),
    "timedelta": lambda: HostileDelta(5),
    "decimal": lambda: HostileDecimal("1.5"),
    "uuid": lambda: uuid.UUID.__new__(HostileUuid),
    "path": lambda: object.__new__(HostilePath),
    "error": lambda: HostileError("text"),
    "class of a metaclass": lambda: WithHostileMeta,
    "object of a metaclass": lambda: type.__call__(WithHostileMeta),
    "error of a metaclass": lambda: type.__call__(ErrorWithHostileMeta, "text"),
    "weak proxy": _proxy,
    "weak reference": lambda: weakref.ref(WithHostileMeta),
    "attribute": lambda: _attributes(a=HostileObject(), b=HostileStr("text"), c=HostileInt(1)),
    "enum-like": lambda: _attributes(_name_="name", _value_=HostileObject()),
    "enum-like with a hostile name": lambda: _attributes(_name_=HostileStr("name"), _value_=1),
    "instance dict of another type": lambda: _with_dict_of(HostileDict),
    "slots": lambda: Slots(HostileObject()),
    "enum of objects": lambda: Choice.OBJECT,
    "enum of text": lambda: Choice.TEXT,
    "function with a hostile name": lambda: _function(__qualname__=HostileStr("name"), __name__=HostileStr("name")),
    "function with a hostile name, no module": lambda: _function(__qualname__=HostileStr("name"), __module__=None),
    "function of a hostile module": lambda: _function(__module__=HostileStr("module")),
    "function with attributes": lambda: _function(a=HostileObject()),
    "bound method": lambda: types.MethodType(HostileObject(), HostileObject()),
    "builtin method": lambda: HostileList.__mro__[1].append.__get__(HostileList()),
    "partial": lambda: functools.partial(len, HostileObject()),
    "slice": lambda: slice(HostileObject(), HostileObject()),
    "property": lambda: property(HostileObject()),
    "staticmethod": lambda: staticmethod(HostileObject()),
    "mapping proxy": lambda: types.MappingProxyType(HostileDict(a=1)),
    "dict view": lambda: {"a": HostileObject()}.items(),
    "hostile dict's view": lambda: dict.keys(HostileDict(a=1)),
    "iterator": lambda: iter([HostileObject()]),
    "generator": lambda: (HostileObject() for _ in "a"),
    "member of a deque": lambda: collections.deque([HostileObject()]),
    "member of a counter": lambda: collections.Counter([HostileObject()]),
    "default of a dict": lambda: collections.defaultdict(HostileObject, a=1),
    "chain map": lambda: collections.ChainMap(HostileDict(a=1)),
    "user dict": lambda: collections.UserDict({"a": HostileObject()}),
    "args of an error": lambda: ValueError(HostileObject(), HostileStr("text")),
    "timezone with a hostile name": _text_zone,
    "datetime in such a timezone": lambda: datetime.datetime(2020, 1, 1, tzinfo=_text_zone()),
    "datetime in a hostile zone": lambda: datetime.datetime(2020, 1, 1, tzinfo=HostileZone()),
    "time in a hostile zone": lambda: datetime.time(1, tzinfo=HostileZone()),
    "pattern of hostile text": lambda: re.compile(HostileStr("text")),
    "module with a hostile name": lambda: _renamed_module(),
    "cycle": _cyclic,
    "range of hostile numbers": lambda: range(HostileInt(3)),
    "generic alias": lambda: list[HostileObject],
    "union": lambda: HostileObject | None,
}


def _renamed_module() -> types.ModuleType:
    module = types.ModuleType("module")
    module.__dict__["__name__"] = HostileStr("name")
    return module


def _unmade(kind: type) -> object:
    """An instance whose __init__ never ran, as it is in the frame of an __init__ that fails."""
    return kind.__new__(kind)


# What cannot say what it is, though its type is one that usually can: shown all the same, and never an error.
BROKEN: dict[str, Callable[[], object]] = {
    "released memoryview": _released,
    "unmade UUID": lambda: _unmade(uuid.UUID),
    "unmade IPv4Address": lambda: _unmade(ipaddress.IPv4Address),
    "unmade IPv6Address": lambda: _unmade(ipaddress.IPv6Address),
    "UUID of a text": lambda: _odd_uuid("text"),
    "UUID of a hostile object": lambda: _odd_uuid(HostileObject()),
    "unmade path": lambda: object.__new__(type(pathlib.PurePosixPath())),
    "huge range": lambda: range(10**5000),
    "huge int": lambda: 10**5000,
    "huge complex": lambda: complex("inf"),
    "unmade module": lambda: types.ModuleType.__new__(types.ModuleType),
    "module without a name": lambda: _nameless(),
    "stolen slot": Stolen,
    "unfilled slots": lambda: Slots.__new__(Slots),
    "unmade error": lambda: OSError.__new__(OSError),
    "unmade unicode error": lambda: UnicodeDecodeError.__new__(UnicodeDecodeError),
    "unmade partial": lambda: functools.partial.__new__(functools.partial, len),
    "closed file": lambda: _closed(),
    "dead weak proxy": lambda: weakref.proxy(HostileSet()),
    "decimal NaN": lambda: decimal.Decimal("sNaN"),
}


def _odd_uuid(number: object) -> uuid.UUID:
    made = uuid.UUID(int=0)
    object.__setattr__(made, "int", number)
    return made


def _nameless() -> types.ModuleType:
    module = types.ModuleType("module")
    del module.__name__
    return module


def _closed() -> object:
    file = open(__file__)  # noqa: SIM115
    file.close()
    return file


ZOO = {**NOTING, **BROKEN}
