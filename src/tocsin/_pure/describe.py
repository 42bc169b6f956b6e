"""Says in a line what an object is, without running any code of its type.

Called on the capturing thread for every value that is no plain container, number or text. It reads types through the
raw descriptors of `type`, instances through their own dict or slots, and calls `repr` only for exact types whose
`repr` is known to touch nothing of the user's. One source for both twins: the core is this file, compiled.
"""

from __future__ import annotations

import sys
from itertools import islice
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)

from tocsin import limits

from .fence import call_fenced, came_from_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

_mro_of = type.__dict__["__mro__"].__get__
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_dict_of = type.__dict__["__dict__"].__get__
_flags_of = type.__dict__["__flags__"].__get__
_args_of = BaseException.__dict__["args"].__get__
_module_dict_of = vars(ModuleType)["__dict__"].__get__

_MISSING = object()
_HEAP_TYPE = 1 << 9
_OWN_ATTRIBUTES = 4 * limits.ATTRIBUTES
# A Decimal of some hundred digits; printing one takes time with the square of them.
_DECIMAL_BYTES = 512
_ELLIPSIS = "..."
_LEAVES = frozenset({int, float, bool, bytes, type(None)})

# (module, name) of the types whose repr is built in and reads only their own plain data.
_SAFE_REPR = frozenset(
    {
        ("builtins", "complex"),
        ("builtins", "range"),
        ("builtins", "ellipsis"),
        ("builtins", "NotImplementedType"),
        ("datetime", "date"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("uuid", "UUID"),
        ("re", "Pattern"),
        ("zoneinfo", "ZoneInfo"),
        ("ipaddress", "IPv4Address"),
        ("ipaddress", "IPv6Address"),
        ("pathlib", "PosixPath"),
        ("pathlib", "WindowsPath"),
        ("pathlib", "PurePosixPath"),
        ("pathlib", "PureWindowsPath"),
        ("pathlib._local", "PosixPath"),
        ("pathlib._local", "WindowsPath"),
        ("pathlib._local", "PurePosixPath"),
        ("pathlib._local", "PureWindowsPath"),
    }
)
_TIME_TYPES = frozenset({("datetime", "datetime"), ("datetime", "time")})
# Of types from elsewhere no more is known than their attributes.
DESCRIBED_MODULES = frozenset({module for module, _ in _SAFE_REPR | _TIME_TYPES} | {"builtins", "collections"})
_KNOWN_ZONES = frozenset({("datetime", "timezone"), ("zoneinfo", "ZoneInfo")})


def type_name(kind: type) -> str:
    """Return the dotted name of a type, without its module for builtins; never fails."""
    module = type_module(kind)
    name = type_qualname(kind)
    return name if module is None or module == "builtins" else f"{module}.{name}"


def type_qualname(kind: type) -> str:
    """Return the qualified name of a type, cut to what a server keeps."""
    return plain_text(_qualname_of(kind), limits.NAME_CHARS)


def type_module(kind: type) -> str | None:
    """Return the module that a type says it is from; None if what it says is no text."""
    try:
        module = _module_of(kind)
    except AttributeError:
        return None
    return module[: limits.NAME_CHARS] if type(module) is str else None


def describe(
    value: object,
    max_chars: int,
    native: bool,
    is_secret: Callable[[str], bool] | None = None,
    represent: Callable[[object], str | None] | None = None,
) -> str:
    """Return what `value` is, in about `max_chars` characters.

    `native` is for data that is shown as such (a time as ISO 8601), without it the text is as `repr` would have it.
    `represent` is the user's renderer; it and a `__sentry_repr__` of the type are the only foreign code called, each
    fenced: a failure gives a placeholder.
    """
    kind = type(value)
    own = raw_attribute(kind, "__sentry_repr__")
    if own is not _MISSING:
        return _fenced_text(own, value, kind, max_chars)
    if represent is not None:
        answer = call_fenced(represent, value)
        if type(answer) is str:
            return cut(answer, max_chars)
    try:
        return cut(_builtin(value, kind, max_chars, native) or _object(value, kind, is_secret), max_chars)
    except Exception as error:
        # Half-made objects are locals too, of the frame in which their making failed.
        if came_from_signal(error):
            raise
        return cut(f"<{type_name(kind)}>", max_chars)


def _fenced_text(method: object, value: object, kind: type, max_chars: int) -> str:
    answer = call_fenced(method, value)
    return cut(answer, max_chars) if type(answer) is str else f"<{type_name(kind)}: its representation failed>"


def plain_text(value: Any, max_chars: int) -> str:
    """Return the beginning of a text as an exact str, past any override of a subclass."""
    return str.__getitem__(value, slice(0, max_chars))


def _bytes_part(value: Any, max_bytes: int) -> bytes:
    return bytes.__getitem__(value, slice(0, max_bytes + 1))


def cut(text: str, max_chars: int) -> str:
    """Return `text` in at most `max_chars` characters, an ellipsis at its end where it was cut."""
    if len(text) <= max_chars:
        return text
    return text[: max_chars - 3] + _ELLIPSIS if max_chars > 3 else text[: max(max_chars, 0)]


def mend(text: str) -> str:
    """Return `text` with U+FFFD for what no server can store: lone surrogates are not UTF-8, PostgreSQL has no NUL."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    return "".join(["\ufffd" if "\ud800" <= char <= "\udfff" or char == "\0" else char for char in text])


def _builtin(value: object, kind: type, max_chars: int, native: bool) -> str | None:
    """The text for types of the interpreter and the standard library; None for any other."""
    if kind is bytes or kind is bytearray:
        return _bytes(value, max_chars, native)  # type: ignore[arg-type]
    if kind is FunctionType:
        return f"<function {_function_name(value)}>"
    if kind is BuiltinFunctionType:
        return f"<built-in function {value.__name__}>"  # type: ignore[attr-defined]
    if kind is MethodType:
        function = value.__func__  # type: ignore[attr-defined]
        return f"<bound method {_function_name(function) if type(function) is FunctionType else '?'}>"
    if kind is ModuleType:
        name = _module_dict_of(value).get("__name__")
        return f"<module {name!r}>" if type(name) is str else "<module>"
    if kind is memoryview:
        return f"<memory of {memoryview.__dict__['nbytes'].__get__(value)} bytes>"
    named = (type_module(kind), type_qualname(kind))
    if named in _SAFE_REPR and _is_the(kind, *named) and _is_small(value, named):
        return str(value) if native and named[0] != "builtins" else repr(value)
    if named in _TIME_TYPES and _is_the(kind, *named):
        return _time(value, native)
    if issubclass(kind, type):
        return f"<class {type_name(value)!r}>"  # type: ignore[arg-type]
    if issubclass(kind, BaseException):
        return f"{type_qualname(kind)}({_leaves(_args_of(value))})"
    if issubclass(kind, bytes):
        return _bytes(_bytes_part(value, max_chars), max_chars, native)
    if named == ("collections", "deque") and _is_the(kind, *named):
        return f"deque([{_leaves(value)}])"
    return None


def _is_small(value: Any, named: tuple[str | None, str]) -> bool:
    """Whether the text of a value of a safe type is short, and made of plain data all through."""
    if named == ("decimal", "Decimal"):
        return bool(value.__sizeof__() < _DECIMAL_BYTES)
    if named == ("uuid", "UUID"):
        return type(value.int) is int
    if named == ("re", "Pattern"):
        return type(value.pattern) in (str, bytes)
    if named == ("datetime", "timezone"):
        return type(value.tzname(None)) is str
    return True


def _is_the(kind: type, module: str | None, name: str) -> bool:
    """Whether `kind` is the library's own type and not one that merely says so."""
    if module == "builtins":
        return not _flags_of(kind) & _HEAP_TYPE
    home = sys.modules.get(module or "")
    if type(home) is not ModuleType:
        return False
    return _module_dict_of(home).get(name) is kind


def _bytes(value: bytes | bytearray, max_chars: int, native: bool) -> str:
    # An escaped byte takes four characters; one more than fits is enough to show the cut.
    part = value[: max_chars + 1]
    return part.decode("utf-8", "replace") if native else repr(part)


def _function_name(function: object) -> str:
    module = function.__module__
    name = plain_text(function.__qualname__, limits.NAME_CHARS)  # type: ignore[attr-defined]
    return f"{plain_text(module, limits.NAME_CHARS)}.{name}" if type(module) is str else name


def _time(value: object, native: bool) -> str:
    zone = value.tzinfo  # type: ignore[attr-defined]
    if zone is not None:
        named = (type_module(type(zone)), type_qualname(type(zone)))
        if named not in _KNOWN_ZONES or not _is_the(type(zone), *named) or not _is_small(zone, named):
            # A zone of the user's own computes its offset in Python: it is named, not asked.
            bare = value.replace(tzinfo=None)  # type: ignore[attr-defined]
            return f"{bare.isoformat()} {type_name(type(zone))}"
    return value.isoformat() if native else repr(value)  # type: ignore[attr-defined]


def _leaves(values: object) -> str:
    """The members of a tuple or a deque, leaves only."""
    shown: list[str] = []
    iterate = tuple.__iter__ if issubclass(type(values), tuple) else type(values).__iter__  # type: ignore[attr-defined]
    try:
        for value in islice(iterate(values), limits.ATTRIBUTES):  # type: ignore[arg-type]
            shown.append(leaf(value))
    except RuntimeError:
        pass  # a deque that another thread changed: what was seen is shown
    total = len(values)  # type: ignore[arg-type]
    if total > len(shown):
        shown.append(_ELLIPSIS)
    return ", ".join(shown)


def leaf(value: object) -> str:
    """Return a short text for one attribute: primitives as `repr`, anything else by its type."""
    kind = type(value)
    if kind is str:
        if len(value) > limits.ATTRIBUTE_CHARS:  # type: ignore[arg-type]
            return repr(value[: limits.ATTRIBUTE_CHARS]) + _ELLIPSIS  # type: ignore[index]
        return repr(value)
    if value is None or kind is bool or kind is float:
        return repr(value)
    if kind is int:
        bits = value.bit_length()  # type: ignore[attr-defined]
        return repr(value) if bits <= limits.INTEGER_BITS else f"<int of {bits} bits>"
    if kind is bytes:
        return repr(value[: limits.ATTRIBUTE_CHARS])  # type: ignore[index]
    return f"<{type_name(kind)}>"


def _object(value: object, kind: type, is_secret: Callable[[str], bool] | None) -> str:
    """`<module.Type name=value …>` from the instance's own attributes; an enum's member by its name."""
    own = _instance_dict(value, kind)
    if own is not None and type(own.get("_name_")) is str and "_value_" in own:
        return f"<{type_name(kind)}.{plain_text(own['_name_'], limits.NAME_CHARS)}: {leaf(own['_value_'])}>"
    shown: list[str] = []
    more = False
    for name, attribute in instance_attributes(value, kind, own):
        if len(shown) >= limits.ATTRIBUTES:
            more = True
            break
        if is_secret is not None and is_secret(name):
            shown.append(f"{name}='[Filtered]'")
        else:
            shown.append(f"{name}={leaf(attribute)}")
    if more:
        shown.append(_ELLIPSIS)
    return " ".join([f"<{type_name(kind)}", *shown]) + ">"


def instance_attributes(value: object, kind: type, own: dict[object, object] | None) -> Iterator[tuple[str, object]]:
    """Yield (name, value) from an instance's dict `own` and its slots, running no descriptor of its type's own."""
    if own is not None:
        try:
            for name, attribute in islice(own.items(), _OWN_ATTRIBUTES):
                if type(name) is str:
                    yield name[: limits.ATTRIBUTE_CHARS], attribute
        except RuntimeError:
            return
    for base in _mro_of(kind):
        names = _dict_of(base)
        if "__slots__" not in names:
            continue
        for name, descriptor in islice(names.items(), 256):
            if type(descriptor) is MemberDescriptorType and type(name) is str:
                try:
                    yield name[: limits.ATTRIBUTE_CHARS], descriptor.__get__(value)
                except (AttributeError, TypeError):
                    continue  # not set, or the slot of another type


def _instance_dict(value: object, kind: type) -> dict[object, object] | None:
    """The instance's own dict, got by the interpreter's own descriptor; None where it has none."""
    for base in _mro_of(kind):
        descriptor = _dict_of(base).get("__dict__")
        if type(descriptor) is GetSetDescriptorType or type(descriptor) is MemberDescriptorType:
            try:
                own = descriptor.__get__(value)
            except (AttributeError, TypeError):
                return None
            if type(own) is dict:
                return own
            if issubclass(type(own), dict):
                # Read past the overrides of whatever it is.
                return dict(list(islice(dict.items(own), _OWN_ATTRIBUTES)))
            return None
    return None


def raw_attribute(kind: type, name: str) -> object:
    """Look `name` up in the dicts of the type's bases, binding nothing; `_MISSING` where there is none."""
    for base in _mro_of(kind):
        found = _dict_of(base).get(name, _MISSING)
        if found is not _MISSING:
            return found
    return _MISSING


def bounded_repr(value: object, max_chars: int, depth: int = 3) -> str:
    """Return what `repr` would say of plain containers and leaves, sampled; of anything else what it is."""
    kind = type(value)
    if kind is list or kind is tuple or kind is set or kind is frozenset:
        opening, closing = ("(", ")") if kind is tuple else ("[", "]") if kind is list else ("{", "}")
        if depth == 0:
            return f"{opening}{_ELLIPSIS}{closing}"
        items = _sampled(value, max_chars, depth)
        if kind is tuple and len(value) == 1:  # type: ignore[arg-type]
            closing = ",)"
        return cut(f"{opening}{', '.join(items)}{closing}", max_chars)
    if kind is dict:
        if depth == 0:
            return "{...}"
        shown: list[str] = []
        for key, item in list(islice(value.items(), limits.VARS_BREADTH)):  # type: ignore[attr-defined]
            left = max_chars - sum(map(len, shown))
            if left <= 0:
                break
            shown.append(f"{bounded_repr(key, left, 0)}: {bounded_repr(item, left, depth - 1)}")
        if len(shown) < len(value):  # type: ignore[arg-type]
            shown.append(_ELLIPSIS)
        return cut("{" + ", ".join(shown) + "}", max_chars)
    if kind is str:
        return cut(repr(plain_text(value, max_chars + 1)), max_chars)
    return describe(value, max_chars, False) if leaf(value).startswith("<") else leaf(value)


def _sampled(value: Any, max_chars: int, depth: int) -> list[str]:
    shown: list[str] = []
    left = max_chars
    for item in list(islice(value, limits.VARS_BREADTH)):
        if left <= 0:
            break
        shown.append(bounded_repr(item, left, depth - 1))
        left -= len(shown[-1])
    if len(shown) < len(value):
        shown.append(_ELLIPSIS)
    return shown


def key_text(key: object) -> str:
    """Return the text that a dict's key has in JSON."""
    kind = type(key)
    if issubclass(kind, str):
        return cut(mend(plain_text(key, limits.KEY_CHARS + 1)), limits.KEY_CHARS)
    if kind is tuple:
        return cut(mend(f"({_leaves(key)})"), limits.KEY_CHARS)
    if type(kind) is type and kind in _LEAVES:
        return cut(mend(leaf(key)), limits.KEY_CHARS)
    return cut(mend(describe(key, limits.KEY_CHARS, False)), limits.KEY_CHARS)


def module_variables(names: Mapping[str, object]) -> dict[str, object]:
    """Return of a module's namespace what is data: no dunder names, modules, functions or classes."""
    found: dict[str, object] = {}
    for name, value in islice(names.items(), 1024):
        kind = type(value)
        if type(name) is not str or name.startswith("__") or issubclass(kind, type):
            continue
        # By identity: a metaclass may have an opinion on equality.
        if kind is ModuleType or kind is FunctionType or kind is BuiltinFunctionType:
            continue
        found[name] = value
        if len(found) >= limits.VARS_COUNT:
            break
    return found
