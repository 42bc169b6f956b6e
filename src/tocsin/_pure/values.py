"""Renders a value as JSON within bounds, without running any code of the value's type.

Called on the capturing thread. Containers are sampled in place through the builtin types' own methods, so that an
override in a subclass is never reached; what is no builtin goes to `describe`, which reads without executing.
"""

from __future__ import annotations

from tocsin import limits
from tocsin._pure.describe import cut, describe, key_text, leaf, module_variables, plain_text, type_name
from tocsin._pure.json_text import Fragment, bounded_string, json_string, quote
from tocsin._pure.keys import is_plain_key, members, plain_keys, unique_text
from tocsin._pure.leaves import json_float, json_integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

_KEYS_REMEMBERED = 4096
_COLON = ord(":")
_LEAST_TEXT_BYTES = 8
# Read once: a lookup in a module for every value would cost as much as writing it.
_VARS_BREADTH = limits.VARS_BREADTH
_VARS_BYTES = limits.VARS_BYTES
_VARS_COUNT = limits.VARS_COUNT
_VARS_DEPTH = limits.VARS_DEPTH
_VARS_MIN_BYTES = limits.VARS_MIN_BYTES
# How deep containers are followed at most, whatever is asked for.
_DEPTH_MAX = 31


class Renderer:
    """Renders values for one client.

    `is_secret(key)` says of a key whether its value is to be hidden; `represent(value)` is the user's own renderer
    for values of unknown types (a str, or None for the default), called fenced. `breadth` is how many members of a
    container `data` shows, `max_chars` what each text in it and `text` are cut to.
    """

    def __init__(
        self,
        is_secret: Callable[[str], bool] | None = None,
        represent: Callable[[object], str | None] | None = None,
        breadth: int = limits.DATA_BREADTH,
        max_chars: int = limits.EVENT_BYTES,
    ) -> None:
        self._breadth = breadth
        self.max_chars = max_chars
        self._is_secret = is_secret
        self._represent = represent
        self._known_keys: dict[str, bytes | bool] = {}

    def data(self, value: object, max_bytes: int, max_depth: int) -> bytes:
        """Return `value` as JSON of about `max_bytes` at most, nested `max_depth` containers deep.

        None, booleans, numbers and text stay what they are; what does not fit is cut and says so.
        """
        out = bytearray()
        self._value(out, value, True, min(max_depth, _DEPTH_MAX), max_bytes, [])
        return bytes(out)

    def text(self, value: Any, max_chars: int) -> str:
        """Return `value` as plain text of at most `max_chars` characters: of a str itself, of others what they are."""
        max_chars = min(max_chars, self.max_chars)
        kind = type(value)
        if issubclass(kind, str):
            return cut(plain_text(value, max_chars + 1), max_chars)
        if issubclass(kind, int) and kind is not bool:
            return cut(leaf(int.__int__(value)), max_chars)
        if value is None or kind is bool or kind is float:
            return cut(repr(value), max_chars)
        return describe(value, max_chars, True, None if self._is_secret is None else self._hides, self._represent)

    def variables(self, names: Mapping[str, object], is_module: bool = False) -> bytes:
        """Return a frame's locals as a JSON object of about `limits.VARS_BYTES` at most.

        Leaves are shown as `repr` shows them. Each local has an equal share of what is left, so that a long one does
        not hide those after it. In a module's frame only the variables that are data are shown.
        """
        if is_module:
            names = module_variables(names)
        out = bytearray(b"{")
        left = len(names)
        count = 0
        texts: dict[str, int] | None = None
        # All are taken at once: a user's renderer, called for one, may change them.
        for name, value in list(names.items()):
            if type(name) is not str:
                left -= 1
                continue
            used = len(out)
            if count >= limits.VARS_COUNT or used >= limits.VARS_BYTES:
                break
            if count:
                out += b","
            if not is_plain_key(name):
                if texts is None:
                    texts = plain_keys(names, len(names))  # type: ignore[arg-type]
                name = unique_text(key_text(name), texts)
            share = max((limits.VARS_BYTES - used) // left, limits.VARS_MIN_BYTES)
            left -= 1
            count += 1
            self._entry(out, name, value, False, limits.VARS_DEPTH, used + share, [])
        out += b"}"
        return bytes(out)

    def slots(self, keys: Sequence[bytes], values: Sequence[object]) -> bytes:
        """Return a function's locals as `variables` does, under keys that `keys` has made."""
        out = bytearray(b"{")
        left = len(keys)
        parents: list[int] = []
        write = self._value
        for key, value in zip(keys[:_VARS_COUNT], values, strict=False):
            used = len(out)
            if used >= _VARS_BYTES:
                break
            if used > 1:
                out += b","
            out += key
            if key[-1] == _COLON:
                share = (_VARS_BYTES - used) // left
                end = used + (share if share > _VARS_MIN_BYTES else _VARS_MIN_BYTES)
                write(out, value, False, _VARS_DEPTH, end, parents)
            left -= 1
        out += b"}"
        return bytes(out)

    def keys(self, names: tuple[str, ...]) -> tuple[bytes, ...] | None:
        """Return of each name what stands for it in JSON: the key and its colon, of a secret the whole member.

        None if one of the names is not plain, as then it depends on those beside it.
        """
        made = []
        for name in names:
            if not is_plain_key(name):
                return None
            known = self._known_keys.get(name)
            made.append(self._learn(name) if known is None else known)
        return tuple(made)  # type: ignore[arg-type]

    def _hides(self, key: str) -> bool:
        """Whether the value under a text is a secret, as it is remembered."""
        known = self._known_keys.get(key)
        if known is None:
            known = self._learn(key)
        return known if known is True or known is False else known[-1] != _COLON

    def _learn(self, key: str) -> bytes | bool:
        """Remember, and return, a key's text in JSON or, of one that is not plain, whether its value is a secret."""
        is_secret = self._is_secret is not None and bool(self._is_secret(key))
        known: bytes | bool = is_secret
        if is_plain_key(key):
            known = json_string(key) + (b':"[Filtered]"' if is_secret else b":")
        if len(self._known_keys) >= _KEYS_REMEMBERED:
            self._known_keys.clear()
        self._known_keys[key] = known
        return known

    def _entry(
        self, out: bytearray, key: Any, value: object, native: bool, depth: int, end: int, parents: list[int]
    ) -> None:
        known = self._known_keys.get(key)
        if known is None:
            known = self._learn(key)
        if known is True or known is False:
            out += json_string(key)
            out += b':"[Filtered]"' if known else b":"
            is_secret = known
        else:
            out += known
            is_secret = known[-1] != _COLON
        if not is_secret:
            self._value(out, value, native, depth, end, parents)

    def _value(self, out: bytearray, value: Any, native: bool, depth: int, end: int, parents: list[int]) -> None:
        kind = type(value)
        # What most values are comes first, by the very type.
        if kind is str:
            self._text(out, value, native, end)
        elif kind is int:
            out += json_integer(value, native)
        elif value is None:
            out += b"null" if native else b'"None"'
        elif kind is dict:
            self._mapping(out, value, native, depth, end, parents)
        elif kind is list:
            self._sequence(out, value, list.__len__, list.__iter__, native, depth, end, parents)
        elif kind is float:
            out += json_float(value, native)
        elif kind is bool:
            text = b"true" if value else b"false"
            out += text if native else b'"True"' if value else b'"False"'
        elif issubclass(kind, int):
            out += json_integer(int.__int__(value), native)
        elif issubclass(kind, float):
            out += json_float(float.__float__(value), native)
        elif issubclass(kind, str):
            room = max(end - len(out), 0) + _LEAST_TEXT_BYTES
            self._text(out, plain_text(value, room), native, end)
        elif issubclass(kind, dict):
            self._mapping(out, value, native, depth, end, parents)
        elif issubclass(kind, list):
            self._sequence(out, value, list.__len__, list.__iter__, native, depth, end, parents)
        elif issubclass(kind, tuple):
            self._sequence(out, value, tuple.__len__, tuple.__iter__, native, depth, end, parents)
        elif issubclass(kind, set):
            self._sequence(out, value, set.__len__, set.__iter__, native, depth, end, parents)
        elif issubclass(kind, frozenset):
            self._sequence(out, value, frozenset.__len__, frozenset.__iter__, native, depth, end, parents)
        elif kind is Fragment and native:
            out += value
        else:
            room = max(end - len(out) - 2, _LEAST_TEXT_BYTES)
            hides = None if self._is_secret is None else self._hides
            self._text(out, describe(value, room, native, hides, self._represent), True, end)

    def _text(self, out: bytearray, text: str, native: bool, end: int) -> None:
        """A text as itself (`native`) or as its repr, cut to the bytes that are left before `end`."""
        room = end - len(out) - 2
        if room < _LEAST_TEXT_BYTES:
            room = _LEAST_TEXT_BYTES
        if not native:
            shown = repr(text[: room + 1])
            # It holds nothing that cannot be stored.
            written = quote(shown).encode()
            if len(written) - 2 <= room:
                out += written
                return
        elif self.max_chars <= room:
            shown = cut(text[: self.max_chars + 1], self.max_chars)
        else:
            shown = text[: room + 1]
        out += bounded_string(shown, room)

    def _sequence(
        self,
        out: bytearray,
        value: object,
        size: Callable[[Any], int],
        iterate: Callable[[Any], Iterator[Any]],
        native: bool,
        depth: int,
        end: int,
        parents: list[int],
    ) -> None:
        total = size(value)
        identity = id(value)
        if not total or depth <= 0 or identity in parents:
            _closed(out, value, total, b"[]", identity in parents)
            return
        parents.append(identity)
        out += b"["
        done = 0
        depth -= 1
        for item in members(iterate(value), self._breadth if native else _VARS_BREADTH):
            if len(out) >= end:
                break
            if done:
                out += b","
            self._value(out, item, native, depth, end, parents)
            done += 1
        if done < total:
            out += b',"... %d more"]' % (total - done) if done else b'"... %d more"]' % total
        else:
            out += b"]"
        parents.pop()

    def _mapping(
        self, out: bytearray, value: dict[object, object], native: bool, depth: int, end: int, parents: list[int]
    ) -> None:
        total = dict.__len__(value)
        identity = id(value)
        if not total or depth <= 0 or identity in parents:
            _closed(out, value, total, b"{}", identity in parents)
            return
        parents.append(identity)
        out += b"{"
        done = 0
        breadth = self._breadth if native else _VARS_BREADTH
        texts: dict[str, int] | None = None
        is_marked = False
        depth -= 1
        for key, item in members(iter(dict.items(value)), breadth):
            if len(out) >= end:
                break
            if done:
                out += b","
            done += 1
            known = self._known_keys.get(key) if type(key) is str else None
            if type(known) is bytes and key != "...":
                out += known
                if known[-1] == _COLON:
                    self._value(out, item, native, depth, end, parents)
                continue
            if not is_plain_key(key):
                if texts is None:
                    texts = plain_keys(value, breadth)
                key = unique_text(key_text(key), texts)
            is_marked = is_marked or key == "..."
            self._entry(out, key, item, native, depth, end, parents)
        # A dict that was cut before has its mark already.
        if done < total and not is_marked:
            out += b',"...":"%d more"}' % (total - done) if done else b'"...":"%d more"}' % total
        else:
            out += b"}"
        parents.pop()


def _closed(out: bytearray, value: object, total: int, empty: bytes, is_parent: bool) -> None:
    """What stands for a container whose members are not written."""
    if total == 0:
        out += empty
    elif is_parent:
        out += b'"<cyclic>"'
    else:
        out += json_string(f"<{type_name(type(value))} of {total}>")
