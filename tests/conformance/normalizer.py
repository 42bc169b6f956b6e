"""The server's own normalizer, and what it makes of an event: everything that a server would refuse, drop or cut.

It is the code that Relay runs on every event (PyPI `sentry-relay`), with the settings that it gets there. The binding
mends NaN and infinity in events of old clients before it calls that code; envelopes get no such help, and neither do
these events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from support.receiver import strict_json

EVENT_BYTES = 1024 * 1024
DAYS_KEPT = 30
_ABSENT: tuple[Any, ...] = (None, "", [], {})
_MISSING = object()
Path = tuple[str, ...]


def normalize(raw: bytes, now: datetime) -> dict[str, Any]:
    """Return what the server stores of an event that arrived now.

    Raises:
        Exception: it is refused.
    """
    from sentry_relay._lowlevel import lib
    from sentry_relay.processing import StoreNormalizer
    from sentry_relay.utils import decode_str, encode_str

    normalizer = StoreNormalizer(
        project_id=1,
        client_ip="127.0.0.1",
        client="tocsin/0",
        key_id="1",
        protocol_version="7",
        is_renormalize=False,
        remove_other=True,
        normalize_user_agent=True,
        enable_trimming=True,
        max_secs_in_future=60,
        max_secs_in_past=DAYS_KEPT * 24 * 3600,
        sent_at=now.isoformat(),
    )
    text = normalizer._methodcall(lib.relay_store_normalizer_normalize_event, encode_str(raw, mutable=True))
    stored: dict[str, Any] = json.loads(decode_str(text, free=True))
    return stored


def faults_of(raw: bytes, now: datetime) -> tuple[list[str], dict[str, Any]]:
    """Return what the server finds wrong with an event, in words, and what it stores."""
    if len(raw) > EVENT_BYTES:
        return [f"too large: {len(raw)} bytes"], {}
    try:
        sent = strict_json(raw)
        stored = normalize(raw, now)
    except Exception as error:
        return [f"refused: {type(error).__name__}: {str(error)[:300]}"], {}
    if not stored.get("event_id"):
        return ["stored as nothing"], stored
    faults = [f"error: {_words(error)}" for error in stored.get("errors") or []]
    marked = dict(remarks(sent.get("_meta")))
    for path, remark in remarks(stored.get("_meta")):
        if path not in marked and not _is_marked_above(path, marked):
            faults.append(f"cut: {'.'.join(path)}: {json.dumps(remark)[:120]}")
    faults.extend(f"lost: {'.'.join(path)}: {why}" for path, why in lost(sent, stored))
    return faults, stored


def _words(error: dict[str, Any]) -> str:
    return " ".join(f"{key}={str(error[key])[:100]}" for key in sorted(error))


def _is_marked_above(path: Path, marked: dict[Path, Any]) -> bool:
    return any(path[:size] in marked for size in range(len(path)))


def remarks(meta: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the places of an event that its `_meta` has something to say of."""
    for key, inner in meta.items() if isinstance(meta, dict) else ():
        if key == "":
            yield path, inner
        else:
            yield from remarks(inner, (*path, key))


def lost(sent: Any, stored: Any) -> Iterator[tuple[Path, str]]:
    """Yield each value that was sent and is stored nowhere as it was, with what is stored in its place."""
    for path, value in _leaves(sent):
        if path[0] in ("_meta", "errors"):
            continue
        found = list(_found(path, value, stored))
        if not any(_is_same(path, value, one) for one in found):
            there = [json.dumps(one)[:60] for one in found if one is not _MISSING]
            yield path, f"{json.dumps(value)[:80]} became {there or 'nothing'}"


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, str(index)))
    elif value not in _ABSENT:
        yield path, value


def _found(path: Path, value: Any, stored: Any) -> Iterator[Any]:
    """What is stored for `path`: in its place, or where servers keep it instead."""
    yield _at(stored, path)
    if path == ("message",) or path[:2] == ("logentry", "message"):
        yield _at(stored, ("logentry", "formatted"))
        yield _at(stored, ("logentry", "message"))
    elif path[0] == "message":
        yield _at(stored, ("logentry", *path[1:]))
    elif path == ("server_name",):
        yield _at(stored, ("tags", "server_name"))
    elif path[0] == "user":
        yield _at(stored, ("user", "data", *path[1:]))
    elif path[:2] == ("request", "headers") and len(path) > 2:
        yield _at(stored, ("request", "headers", path[2].title(), *path[3:]))
        if path[2].lower() == "cookie":
            yield _joined(stored["request"], "cookies", "; ")
    elif path[:2] == ("request", "url"):
        request = stored["request"]
        query, fragment = _joined(request, "query_string", "&"), request.get("fragment")
        yield (request.get("url") or "") + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    elif path[:2] == ("request", "query_string"):
        yield _joined(stored["request"], "query_string", "&")


def _joined(request: Any, key: str, between: str) -> str:
    return between.join(f"{pair[0]}={pair[1]}" for pair in request.get(key) or [] if pair)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(value, list) and value and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
            named = {str(pair[0]): pair[1] for pair in value}
            if step in named:
                value = named[step]
                continue
        if isinstance(value, dict) and "values" in value and step.isdigit():
            value = value["values"]
        if isinstance(value, str) and value[:1] in ("{", "["):
            value = _parsed(value)
        if isinstance(value, dict):
            value = value.get(step, _MISSING)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _MISSING
    return value


def _parsed(text: str) -> Any:
    """Values nested deeper than servers keep them are stored as JSON text, with all that is in them."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _seconds(time: Any) -> float | None:
    if isinstance(time, (int, float)):
        return float(time)
    try:
        return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def _is_same(path: Path, sent: Any, stored: Any) -> bool:
    if sent == stored:
        return True
    if path[-1] == "timestamp" and isinstance(stored, (int, float)):
        seconds = _seconds(sent)
        return seconds is not None and abs(seconds - stored) < 0.001
    # Tags, fingerprints and the like are texts for the server, whatever they were.
    return isinstance(stored, str) and not isinstance(sent, str) and json.dumps(sent) == stored
