"""Brings what people put into events into the shape that servers keep. On the application's threads.

A server nulls or refuses what does not fit its schema (https://develop.sentry.dev/sdk/data-model/event-payloads/), and
with it what was meant to be said. So it is mended here, each part by its own rule, into JSON of bounded size.
"""

from __future__ import annotations

import os
from time import time

from tocsin import limits
from tocsin._backend import Fragment, Renderer, iso_time, json_string
from tocsin.breadcrumbs import timestamp_of
from tocsin.release import mend_dist, mend_environment, mend_release
from tocsin.scope_values import is_a, keyed, level_of, mapping_of, text_of
from tocsin.scrubber import FILTERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_HEX = frozenset("0123456789abcdef")
_DECIMAL = frozenset("0123456789")
_TAG_KEY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-")
_USER_CHARS = {"id": limits.USER_ID_CHARS, "email": limits.USER_EMAIL_CHARS, "username": limits.USER_ID_CHARS}
_AUTO_ADDRESS = "{{auto}}"
_BREADCRUMB_TEXTS = {
    "type": limits.NAME_CHARS,
    "category": limits.NAME_CHARS,
    "message": limits.TEXT_CHARS,
    "event_id": 36,
    "origin": limits.NAME_CHARS,
}
_EVENT_DEPTH = 20


class Normalizer:
    """Makes the parts of an event for one client; `renderer` renders values and knows which keys are secret."""

    def __init__(self, renderer: Renderer, is_secret: Callable[[str], bool] | None) -> None:
        self._renderer = renderer
        self._is_secret = is_secret
        # Members of an event, by key, with the rule for each; what is not listed is passed on, bounded.
        self._rules: dict[str, Callable[[Any], Any]] = {
            "tags": self.tags,
            "extra": self.extra,
            "contexts": self.contexts,
            "user": self.user,
            "fingerprint": self.fingerprint,
            "request": self.request,
            "breadcrumbs": self.breadcrumbs,
            "exception": self.exception,
            "modules": self.modules,
            "event_id": event_id_of,
            "timestamp": lambda value: iso_time(time() if value is None else timestamp_of(value)),
            "level": lambda value: level_of(value) or "error",
            "logger": lambda value: self.line(value, limits.LOGGER_CHARS),
            "transaction": lambda value: self.text(value, limits.TRANSACTION_CHARS),
            "server_name": lambda value: self.line(value, limits.SERVER_NAME_CHARS),
            "release": lambda value: mend_release(self.line(value, 4 * limits.RELEASE_CHARS)),
            "environment": lambda value: mend_environment(self.line(value, 4 * limits.ENVIRONMENT_CHARS)),
            "dist": lambda value: mend_dist(self.line(value, 4 * limits.DIST_CHARS)),
            "platform": lambda value: self.line(value, limits.NAME_CHARS),
            "message": self.message,
            "logentry": self.message,
        }

    def event(self, event: dict[Any, Any]) -> dict[str, Any]:
        """Return an event, mended and rendered part by part, for `dumps`; what is given is not changed."""
        made: dict[str, Any] = {}
        for key, value in keyed(event, "event").items():
            if value is None:
                continue
            rule = self._rules.get(key)
            mended = value if rule is None else rule(value)
            if mended is not None:
                made[key] = self._whole(mended) if rule is None else mended
        return made

    def _whole(self, value: object) -> Fragment:
        """Any other part of an event: bounded by the size of an event alone."""
        return Fragment(_WIDE.data(value, limits.EVENT_BYTES, _EVENT_DEPTH))

    def text(self, value: object, max_chars: int) -> str:
        """Return any value as text of at most so many characters."""
        return self._renderer.text(value, max_chars)

    def line(self, value: object, max_chars: int) -> str:
        """Return any value as text in one line."""
        return " ".join(self.text(value, max_chars).split())

    def tags(self, tags: object) -> Fragment | None:
        """Tags: keys of letters, digits and `_.:-`, values in one line, both at most 200 characters.

        A character that a key cannot have becomes `_` (a space `-`). A tag without a value, which a server drops with
        an error, is left out.
        """
        parts: list[bytes] = []
        seen: set[str] = set()
        for key, value in _pairs(tags):
            name = tag_key(key)
            text = value if type(value) is str else "" if value is None else self.text(value, limits.TAG_VALUE_CHARS)
            text = " ".join(text[: 2 * limits.TAG_VALUE_CHARS].split()) if not _is_line(text) else text
            if not text or not name or name in seen:
                continue
            seen.add(name)
            if self._is_secret is not None and self._is_secret(name):
                text = FILTERED
            elif len(text) > limits.TAG_VALUE_CHARS:
                text = text[: limits.TAG_VALUE_CHARS - 3] + "..."
            parts.append(b'"%s":%s' % (name.encode(), json_string(text)))
        return Fragment(b"{" + b",".join(parts) + b"}") if parts else None

    def extra(self, extra: object) -> Fragment | None:
        """Extra data: each value bounded, and all of them together."""
        return self._bags(keyed(extra, "extra"), limits.EXTRA_VALUE_BYTES, limits.EXTRA_DEPTH, limits.EXTRA_BYTES)

    def contexts(self, contexts: object) -> Fragment | None:
        """Contexts: each a dict; anything else is put into one, under `value`."""
        made = {
            key: value if is_a(value, dict) else {"value": value}
            for key, value in keyed(contexts, "contexts").items()
            if value is not None
        }
        return self._bags(made, limits.CONTEXT_BYTES, limits.CONTEXT_DEPTH, limits.EXTRA_BYTES)

    def _bags(self, bags: dict[str, Any], max_bytes: int, max_depth: int, total_bytes: int) -> Fragment | None:
        parts: list[bytes] = []
        used = 0
        for key, value in bags.items():
            name = key[: limits.KEY_CHARS]
            if self._is_secret is not None and self._is_secret(name):
                value = FILTERED
            if used > total_bytes:
                parts.append(b'"...":"%d more"' % (len(bags) - len(parts)))
                break
            part = json_string(name) + b":" + self._renderer.data(value, max_bytes, max_depth)
            used += len(part)
            parts.append(part)
        return Fragment(b"{" + b",".join(parts) + b"}") if parts else None

    def user(self, user: object) -> Fragment | None:
        """The user: `id`, `email` and `username` as text, the address only if it is one, all else as data.

        An address is left out where the scrubber hides it: half of it would be no address.
        """
        parts: list[bytes] = []
        for key, value in keyed(user, "user").items():
            if value is None:
                continue
            if key == "ip_address":
                if self._is_secret is not None and self._is_secret(key):
                    continue
                text = self.line(value, 64)
                name = key if is_address(text) else "ip_address_given"
                part = json_string(name) + b":" + json_string(text)
            elif self._is_secret is not None and self._is_secret(key):
                part = json_string(key[: limits.KEY_CHARS]) + b':"[Filtered]"'
            elif key in _USER_CHARS:
                part = json_string(key) + b":" + json_string(self.text(value, _USER_CHARS[key]))
            else:
                data = self._renderer.data(value, limits.CONTEXT_BYTES, limits.CONTEXT_DEPTH)
                part = json_string(key[: limits.KEY_CHARS]) + b":" + data
            parts.append(part)
        return Fragment(b"{" + b",".join(parts) + b"}") if parts else None

    def fingerprint(self, fingerprint: object) -> list[str] | None:
        """The fingerprint: a list of texts; a single value is a list of one."""
        if not (is_a(fingerprint, list) or is_a(fingerprint, tuple)):
            fingerprint = [fingerprint]
        parts = list(fingerprint)[: limits.FINGERPRINT_PARTS]  # type: ignore[call-overload]
        return [self.text(part, limits.NAME_CHARS) for part in parts if part is not None] or None

    def request(self, request: object) -> Fragment | None:
        """The request: texts as texts; headers, cookies, body and environment as data."""
        made: dict[str, Any] = {}
        for key, value in keyed(request, "request").items():
            if value is None:
                continue
            if key == "url":
                base, mark, query = self.text(value, limits.TEXT_CHARS).partition("?")
                made[key] = base + mark + self._query(query)
            elif key == "query_string" and is_a(value, str):
                made[key] = self._query(self.text(value, limits.TEXT_CHARS))
            elif key in ("method", "fragment"):
                made[key] = self.text(value, limits.TEXT_CHARS)
            else:
                made[key] = Fragment(self._renderer.data(value, limits.REQUEST_DATA_BYTES, limits.EXTRA_DEPTH))
        return Fragment(self._renderer.data(made, limits.EVENT_BYTES, limits.EXTRA_DEPTH)) if made else None

    def _query(self, query: str) -> str:
        """A query string with the values of secret parameters hidden."""
        if self._is_secret is None or "=" not in query:
            return query
        parts = []
        for part in query.split("&"):
            name, equals, _ = part.partition("=")
            parts.append(f"{name}={FILTERED}" if equals and self._is_secret(name[: limits.KEY_CHARS]) else part)
        return "&".join(parts)

    def breadcrumbs(self, breadcrumbs: object) -> dict[str, Any] | None:
        """Breadcrumbs, in either of the two shapes of a list."""
        made = [self._breadcrumb(crumb) for crumb in _values(breadcrumbs) if is_a(crumb, dict)]
        return {"values": made} if made else None

    def _breadcrumb(self, crumb: dict[Any, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in keyed(crumb, "breadcrumb").items():
            if value is None:
                continue
            if key == "timestamp":
                made[key] = iso_time(timestamp_of(value))
            elif key == "level":
                made[key] = level_of(value) or "info"
            elif key == "data":
                data = value if is_a(value, dict) else {"value": value}
                text = self._renderer.data(data, limits.BREADCRUMB_DATA_BYTES, limits.BREADCRUMB_DATA_DEPTH)
                made[key] = Fragment(text)
            elif key in _BREADCRUMB_TEXTS:
                made[key] = self.text(value, _BREADCRUMB_TEXTS[key])
        return made

    def exception(self, exception: object) -> Any:
        """Exceptions, in any of the three shapes: an object with `values`, a list, or a single one."""
        values = [exception] if is_a(exception, dict) and not _has_values(exception) else _values(exception)
        return {"values": [self._exception(value) for value in values if is_a(value, dict)]}

    def _exception(self, value: object) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, member in keyed(value, "exception").items():
            if key == "type" and member is not None:
                made[key] = self.text(member, limits.NAME_CHARS)
            elif key == "value" and member is not None:
                made[key] = self.text(member, limits.TEXT_CHARS)
            elif key == "stacktrace" and is_a(member, dict):
                made[key] = self._stacktrace(member)
            else:
                made[key] = self._whole(member)
        return made

    def _stacktrace(self, stacktrace: dict[Any, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in keyed(stacktrace, "stacktrace").items():
            if key == "frames" and is_a(value, list):
                made[key] = [self._frame(frame) for frame in value if is_a(frame, dict)]
            else:
                made[key] = self._whole(value)
        return made

    def _frame(self, frame: dict[Any, Any]) -> dict[str, Any]:
        made = keyed(frame, "frame")
        variables = made.get("vars")
        if is_a(variables, dict):
            made["vars"] = Fragment(self._renderer.data(variables, 2 * limits.VARS_BYTES, limits.VARS_DEPTH + 1))
        return made

    def modules(self, modules: object) -> dict[str, str]:
        """Modules: names and versions, both texts."""
        return {key: self.text(value, limits.NAME_CHARS) for key, value in keyed(modules, "modules").items()}

    def message(self, message: object) -> Any:
        """A message: text, or an object of `message`, `formatted` and `params`."""
        if not is_a(message, dict):
            return self.text(message, limits.TEXT_CHARS)
        made: dict[str, Any] = {}
        for key, value in keyed(message, "logentry").items():
            if key in ("message", "formatted"):
                made[key] = self.text(value, limits.TEXT_CHARS)
            elif key == "params" and (is_a(value, list) or is_a(value, tuple) or is_a(value, dict)):
                made[key] = Fragment(self._renderer.data(value, limits.BREADCRUMB_DATA_BYTES, limits.EXTRA_DEPTH))
        return made


_WIDE = Renderer(breadth=10_000)


def _pairs(tags: object) -> list[tuple[Any, Any]]:
    """Tags as pairs, from a mapping or a list of pairs."""
    if is_a(tags, list) or is_a(tags, tuple):
        return [tuple(pair) for pair in tags if type(pair) in (list, tuple) and len(pair) == 2]  # type: ignore[attr-defined]
    return list((mapping_of(tags, "tags") or {}).items())


def _has_values(interface: Any) -> bool:
    return dict.__contains__(interface, "values")


def _values(interface: Any) -> list[Any]:
    """The list in either of the two shapes that lists have in an event."""
    if is_a(interface, dict):
        interface = dict.get(interface, "values")
    return list(interface) if is_a(interface, list) or is_a(interface, tuple) else []


def tag_key(key: object) -> str:
    """Return the key that a tag can have."""
    text = key if type(key) is str else text_of(key)
    text = text[: limits.TAG_KEY_CHARS]
    if _TAG_KEY.issuperset(text):
        return text
    return "".join([char if char in _TAG_KEY else "-" if char == " " else "_" for char in text])


def _is_line(text: str) -> bool:
    return text.isprintable()


def event_id_of(value: object) -> str:
    """Return an event id as 32 hexadecimal digits; a new one for what is none."""
    text = text_of(value) if not hasattr(type(value), "hex") or is_a(value, str) else _uuid_hex(value)
    text = text.replace("-", "").lower()
    if len(text) == 32 and _HEX.issuperset(text):
        return text
    return new_event_id()


def _uuid_hex(value: Any) -> str:
    import uuid

    return value.hex if type(value) is uuid.UUID else ""


def new_event_id() -> str:
    """Return a random event id: 32 hexadecimal digits."""
    return os.urandom(16).hex()


def is_address(text: str) -> bool:
    """Whether a server takes this for an IP address (or for the word that stands for the sender's)."""
    if text == _AUTO_ADDRESS:
        return True
    if ":" in text:
        return _is_ipv6(text)
    parts = text.split(".")
    return len(parts) == 4 and all(
        part and len(part) <= 3 and _DECIMAL.issuperset(part) and int(part) < 256 and (part == "0" or part[0] != "0")
        for part in parts
    )


def _is_ipv6(text: str) -> bool:
    head, compressed, tail = text.partition("::")
    groups = [part for half in (head, tail) if half for part in half.split(":")]
    if groups and "." in groups[-1]:
        if not is_address(groups.pop()):
            return False
        groups += ["0", "0"]
    if not all(0 < len(group) <= 4 and _HEX.issuperset(group.lower()) for group in groups):
        return False
    return len(groups) < 8 if compressed else len(groups) == 8
