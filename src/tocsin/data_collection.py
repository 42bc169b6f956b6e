"""The `data_collection` option: what may be collected, by kind of data.

The rules are those of https://develop.sentry.dev/sdk/foundations/client/data-collection/. Resolved at `init()`; they
are then applied while values are written.
"""

from __future__ import annotations

from tocsin import limits
from tocsin.scrubber import FILTERED, remembered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

MODES = ("off", "denylist", "allowlist")
HTTP_BODIES = ("incoming_request", "outgoing_request", "outgoing_response")

# A name that contains one of these is masked whatever the mode.
SENSITIVE_TERMS = (
    *("password", "passwd", "pwd", "secret", "credentials", "key"),
    *("auth", "token", "bearer", "jwt", "sso", "saml", "identity"),
    *("session", "sid", "csrf", "xsrf"),
)
# Names that tell who somebody is, masked as well while `send_default_pii` is off.
_PERSONAL_TERMS = ("forwarded", "-ip", "remote-", "via", "-user")

_FLAGS = ("user_info", "database_query_data", "queues")
_FLAG_GROUPS = {"graphql": ("document", "variables"), "gen_ai": ("inputs", "outputs")}
_RULES = ("cookies", "url_query_params")
KEYS = frozenset(
    (*_FLAGS, *_FLAG_GROUPS, *_RULES, "http_headers", "http_bodies", "stack_frame_variables", "frame_context_lines")
)


def from_pii(send_default_pii: bool, include_local_variables: bool, include_source_context: bool) -> dict[str, Any]:
    """Return what is collected when the application does not set `data_collection`."""
    terms = [] if send_default_pii else list(_PERSONAL_TERMS)
    resolved: dict[str, Any] = {"provided_by_user": False}
    resolved.update(dict.fromkeys(_FLAGS, send_default_pii))
    for group, names in _FLAG_GROUPS.items():
        resolved[group] = dict.fromkeys(names, send_default_pii)
    for name in _RULES:
        resolved[name] = {"mode": "denylist", "terms": list(terms)}
    resolved["http_headers"] = {"request": {"mode": "denylist", "terms": list(terms)}}
    resolved["http_bodies"] = list(HTTP_BODIES)
    resolved["stack_frame_variables"] = include_local_variables
    resolved["frame_context_lines"] = limits.CONTEXT_LINES if include_source_context else 0
    return resolved


def from_option(given: Any) -> dict[str, Any]:
    """Return what is collected under the option as given, complete; what it does not name is collected.

    Raises:
        TypeError: it is no dict.
        ValueError: a key is unknown or a value is not what the key wants; the text names it.
    """
    if not isinstance(given, dict):
        raise TypeError(f"option data_collection is {_shown(given)}; it has to be a dict")
    for key in given:
        if key not in KEYS:
            raise ValueError(f"option data_collection has no key {_shown(key)}; it has {', '.join(sorted(KEYS))}")
    resolved: dict[str, Any] = {"provided_by_user": True}
    for name in _FLAGS:
        resolved[name] = _flag(given.get(name), name)
    for group, names in _FLAG_GROUPS.items():
        flags = _dict(given.get(group), group, names)
        resolved[group] = {name: _flag(flags.get(name), f"{group}.{name}") for name in names}
    for name in _RULES:
        resolved[name] = _rule(given.get(name), name)
    headers = _dict(given.get("http_headers"), "http_headers", ("request",))
    resolved["http_headers"] = {"request": _rule(headers.get("request"), "http_headers.request")}
    resolved["http_bodies"] = _bodies(given.get("http_bodies"))
    variables = given.get("stack_frame_variables")
    is_rule = isinstance(variables, dict)
    resolved["stack_frame_variables"] = (_rule if is_rule else _flag)(variables, "stack_frame_variables")
    resolved["frame_context_lines"] = _lines(given.get("frame_context_lines"))
    return resolved


def rule_predicate(rule: Mapping[str, Any]) -> Callable[[str], bool]:
    """Return the function that says whether the value under a name has to be masked by a rule.

    A denylist masks names that contain one of the sensitive terms or one of its own; an allowlist masks all names but
    those that contain one of its terms, and these too if they are sensitive.
    """
    terms = tuple(str(term).lower() for term in rule.get("terms") or () if term)
    is_allowlist = rule.get("mode") == "allowlist"

    def is_denied(name: str) -> bool:
        lowered = name.lower()
        is_listed = any(term in lowered for term in terms)
        return is_listed != is_allowlist or any(term in lowered for term in SENSITIVE_TERMS)

    return remembered(is_denied)


def apply_rule(rule: Mapping[str, Any], items: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items as a rule has them: none when it is off, else masked where it says so."""
    if rule.get("mode") == "off":
        return {}
    is_denied = rule_predicate(rule)
    return {key: FILTERED if is_denied(str(key)) else value for key, value in items.items()}


def _shown(value: object) -> str:
    return repr(value)[:100]


def _wrong(name: str, value: object, wants: str) -> ValueError:
    return ValueError(f"option data_collection: {name} is {_shown(value)}; it has to be {wants}")


def _flag(value: Any, name: str) -> bool:
    if value is None:
        return True
    if isinstance(value, (bool, int)):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("yes", "y", "true", "t", "on", "1"):
            return True
        if word in ("no", "n", "false", "f", "off", "0", ""):
            return False
    raise _wrong(name, value, "True or False")


def _dict(value: Any, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
    wants = f"a dict with the keys {', '.join(keys)}"
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(name, value, wants)
    for key in value:
        if key not in keys:
            raise _wrong(name, value, wants)
    return value


def _rule(value: Any, name: str) -> dict[str, Any]:
    given = _dict(value, name, ("mode", "terms"))
    mode = given.get("mode", "denylist")
    if mode not in MODES:
        raise _wrong(f"{name}.mode", mode, f"one of {', '.join(MODES)}")
    terms = given.get("terms")
    if terms is None:
        return {"mode": mode}
    if isinstance(terms, str) or not all(isinstance(term, str) for term in terms):
        raise _wrong(f"{name}.terms", terms, "a list of texts")
    return {"mode": mode, "terms": list(terms)}


def _bodies(value: Any) -> list[str]:
    if value is None:
        return list(HTTP_BODIES)
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(body, str) for body in value):
        raise _wrong("http_bodies", value, f"a list of some of {', '.join(HTTP_BODIES)}")
    return list(value)


def _lines(value: Any) -> int:
    if value is None or value is True:
        return limits.CONTEXT_LINES
    if not isinstance(value, int) or value < 0:
        raise _wrong("frame_context_lines", value, "a number of lines, 0 or more")
    return int(value)
