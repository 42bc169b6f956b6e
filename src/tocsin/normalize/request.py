"""The rule for the request."""

from __future__ import annotations

from tocsin import limits
from tocsin._backend import Fragment
from tocsin.normalize import fields
from tocsin.normalize.notes import cut_mark
from tocsin.scope_values import is_a, keyed, text_of
from tocsin.scrubber import FILTERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tocsin.normalize.notes import Notes
    from tocsin.normalize.values import Values

_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_")
_METHOD_CHARS = 32
_RULES: dict[str, fields.Rule] = {
    "protocol": fields.text(limits.NAME_CHARS),
    "api_target": fields.text(limits.NAME_CHARS),
    "body_size": fields.count,
    "fragment": fields.text(limits.FRAGMENT_CHARS),
    "data": lambda values, value: values.data(value, limits.REQUEST_DATA_BYTES, limits.EXTRA_DEPTH),
}


def mend_request(values: Values, request: object, notes: Notes) -> Fragment | None:
    """The request: texts as texts; headers, cookies, query, body and environment as data, secrets hidden by name."""
    if not is_a(request, dict):
        if request:
            notes.misfit("request", request)
        return None
    made: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, value in keyed(request, "request").items():
        rule = _PARTS.get(key)
        if value is None:
            continue
        if rule is None:
            others[key] = value
            continue
        fitting = rule(values, value, notes)
        if fitting is None:
            notes.misfit(f"request.{key}", value)
        elif fitting != "":
            made[key] = fitting
    made.update(fields.closed(values, others, _RULES, "request", notes))
    return values.data(made, limits.EVENT_BYTES, limits.EXTRA_DEPTH) if made else None


def _url(values: Values, url: Any, notes: Notes) -> str:
    """The address as one text; servers bound its parts each for itself."""
    base, fragment_mark, fragment = values.text(url, limits.TEXT_CHARS).partition("#")
    base, query_mark, query = base.partition("?")
    given_chars = len(base)
    if given_chars > limits.URL_CHARS:
        base = base[: limits.URL_CHARS - 3] + "..."
        notes.mark("request.url", cut_mark(limits.URL_CHARS, given_chars))
    if len(fragment) > limits.FRAGMENT_CHARS:
        fragment = fragment[: limits.FRAGMENT_CHARS - 3] + "..."
    return base + query_mark + _query(values, query, notes) + fragment_mark + fragment


def _query(values: Values, query: str, notes: Notes) -> str:
    """A query string as short as servers keep it, with the values of secret parameters hidden."""
    parts = []
    used = 0
    given = query.split("&")
    for part in given:
        name, equals, _ = part.partition("=")
        if equals and values.hides(name):
            part = f"{name}={FILTERED}"
        used += len(part) + _PAIR_BYTES
        if used > limits.QUERY_BYTES:
            notes.mark("request.query_string", {"len": len(given)})
            break
        parts.append(part)
    return "&".join(parts)


def _query_string(values: Values, query: Any, notes: Notes) -> Any:
    if is_a(query, str):
        return _query(values, values.text(query, limits.TEXT_CHARS), notes)
    return _bounded("request.query_string", _pairs(values, query, notes, "query_string"), limits.QUERY_BYTES, notes)


def _method(values: Values, method: Any, notes: Notes) -> str | None:
    name = values.text(method, _METHOD_CHARS + 1).upper() if is_a(method, str) else ""
    return name if len(name) <= _METHOD_CHARS and name and _LETTERS.issuperset(name) else None


def _headers(values: Values, headers: Any, notes: Notes) -> Any:
    pairs = _bounded("request.headers", _pairs(values, headers, notes, "headers"), limits.HEADERS_BYTES, notes)
    # An object again where it was one: hooks look headers up by name.
    return dict(pairs) if pairs is not None and is_a(headers, dict) else pairs


def _cookies(values: Values, cookies: Any, notes: Notes) -> Any:
    given = cookies
    if is_a(cookies, str):
        named = [part.strip().partition("=") for part in text_of(cookies).split(";")]
        given = [[name, value] for name, _, value in named if name]
    pairs = _bounded("request.cookies", _pairs(values, given, notes, "cookies"), limits.COOKIES_BYTES, notes)
    return dict(pairs) if pairs is not None and is_a(cookies, dict) else pairs


def _env(values: Values, env: Any, notes: Notes) -> Any:
    return values.data(env, limits.REQUEST_DATA_BYTES, limits.EXTRA_DEPTH - 1) if is_a(env, dict) else None


_PARTS: dict[str, Callable[[Values, Any, Notes], Any]] = {
    "url": _url,
    "query_string": _query_string,
    "method": _method,
    "headers": _headers,
    "cookies": _cookies,
    "env": _env,
}
# What a server counts for each pair besides its texts, at most.
_PAIR_BYTES = 8


def pairs_of(values: Values, given: Any) -> list[list[str]] | None:
    """Return headers or the like as pairs of texts; None if they are none."""
    return _pairs(values, given, None, "")


def _pairs(values: Values, given: Any, notes: Notes | None, part: str) -> list[list[str]] | None:
    """Return name and value of each, secrets hidden; a name with several values is one of each where it can be."""
    repeated = part == "query_string"
    if is_a(given, dict):
        named = list(keyed(given, part).items())
    elif is_a(given, list) or is_a(given, tuple):
        named = []
        for index, pair in enumerate(given):
            if type(pair) in (list, tuple) and len(pair) == 2:
                named.append((values.text(pair[0], limits.NAME_CHARS), pair[1]))
            elif pair is not None and notes is not None:
                notes.misfit(f"request.{part}.{index}", pair)
    else:
        return None
    made: list[list[str]] = []
    for name, value in named:
        if values.hides(name):
            made.append([name, FILTERED])
        elif type(value) in (list, tuple) and repeated:
            made.extend([name, _text(values, one)] for one in value[: limits.DATA_BREADTH])
        elif type(value) in (list, tuple):
            made.append([name, ", ".join([_text(values, one) for one in value[: limits.DATA_BREADTH]])])
        else:
            made.append([name, _text(values, value)])
    return made


def _text(values: Values, value: Any) -> str:
    return "" if value is None else values.text(value, limits.TEXT_CHARS)


def _bounded(path: str, pairs: list[list[str]] | None, max_bytes: int, notes: Notes) -> list[list[str]] | None:
    """Return the pairs that fit; that there were more is marked."""
    if pairs is None:
        return None
    used = 0
    for index, (name, value) in enumerate(pairs):
        used += len(name.encode("utf-8", "replace")) + len(value.encode("utf-8", "replace")) + _PAIR_BYTES
        if used > max_bytes:
            notes.mark(path, {"len": len(pairs)})
            return pairs[:index]
    return pairs
