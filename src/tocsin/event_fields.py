"""The members of an event that come from the client and the scopes, as JSON. On the application's threads."""

from __future__ import annotations

import sys

from tocsin import limits
from tocsin._backend import dumps, json_string
from tocsin._version import VERSION
from tocsin.normalize import is_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tocsin.normalize import Normalizer
    from tocsin.scope_snapshot import ScopeSnapshot

SDK_NAME = "tocsin"
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


class EventFields:
    """Renders those members for one client; what does not change is rendered once."""

    def __init__(self, normalizer: Normalizer, options: Mapping[str, Any], integrations: Mapping[str, Any]) -> None:
        self._normalizer = normalizer
        self._options = options
        self._integrations = integrations
        name = sys.implementation.name
        version = ".".join(map(str, sys.version_info[:3]))
        self.contexts: dict[str, Any] = {
            "runtime": {"name": _IMPLEMENTATIONS.get(name, name), "version": version, "build": sys.version}
        }
        # The tags rendered last: scopes replace their dicts, so the same dict says the same while its values are texts.
        self._tags_seen: tuple[dict[str, Any], bytes] = ({}, b"")
        self._runtime = b'"runtime":' + dumps(self.contexts["runtime"])
        self.static = b""
        self.refresh()

    def refresh(self) -> None:
        """Render anew what the client knows, after its options or integrations have changed."""
        self.static = dumps(self.defaults())[1:-1]

    def defaults(self) -> dict[str, Any]:
        """Return what the client says in every event that does not say otherwise."""
        made: dict[str, Any] = {}
        for key in ("release", "environment", "server_name", "dist"):
            if self._options[key] is not None:
                made[key] = self._options[key]
        made["sdk"] = {
            "name": SDK_NAME,
            "version": VERSION,
            "packages": [{"name": "pypi:tocsin", "version": VERSION}],
            "integrations": sorted(self._integrations),
        }
        return made

    def of(self, snapshot: ScopeSnapshot) -> bytes:
        """Return what the scopes say, as the members of an event in JSON."""
        normalizer = self._normalizer
        parts = [self._contexts(snapshot)]
        if snapshot.tags:
            tags = self._tags(snapshot.tags)
            if tags:
                parts.append(tags)
        if snapshot.extra:
            extra = normalizer.extra(snapshot.extra)
            if extra is not None:
                parts.append(b'"extra":' + extra)
        if snapshot.user is not None:
            user = normalizer.user(snapshot.user)
            if user is not None:
                parts.append(b'"user":' + user)
        if snapshot.fingerprint is not None:
            fingerprint = normalizer.fingerprint(snapshot.fingerprint)
            if fingerprint is not None:
                parts.append(b'"fingerprint":' + dumps(fingerprint))
        if snapshot.transaction is not None:
            name = normalizer.text(snapshot.transaction, limits.TRANSACTION_CHARS)
            parts.append(b'"transaction":' + json_string(name))
        if snapshot.transaction_info is not None:
            parts.append(b'"transaction_info":' + dumps(snapshot.transaction_info))
        return b",".join(parts)

    def _tags(self, tags: dict[str, Any]) -> bytes:
        seen, rendered = self._tags_seen
        if seen is tags:
            return rendered
        made = self._normalizer.tags(tags)
        rendered = b"" if made is None else b'"tags":' + made
        if all(type(value) is str for value in tags.values()):
            self._tags_seen = (tags, rendered)
        return rendered

    def _contexts(self, snapshot: ScopeSnapshot) -> bytes:
        contexts = snapshot.contexts
        parts = []
        if "runtime" not in contexts:
            parts.append(self._runtime)
        if snapshot.trace and ("trace" not in contexts or not is_trace(contexts["trace"])):
            parts.append(b'"trace":' + _trace(snapshot.trace))
        if snapshot.flags:
            parts.append(b'"flags":' + dumps({"values": self._normalizer.flags(snapshot.flags)}))
            contexts = {key: value for key, value in contexts.items() if key != "flags"}
        if contexts:
            others = self._normalizer.contexts(contexts)
            if others is not None:
                parts.append(others[1:-1])
        return b'"contexts":{' + b",".join(parts) + b"}"


def _trace(trace: Mapping[str, str]) -> bytes:
    # Our own identifiers, hexadecimal: nothing in them needs an escape.
    return b"{" + b",".join([f'"{key}":"{value}"'.encode() for key, value in trace.items()]) + b"}"
