"""The rule for the user."""

from __future__ import annotations

from tocsin import limits
from tocsin._backend import Fragment, json_string
from tocsin.normalize.identity import is_address
from tocsin.scope_values import is_a, keyed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.normalize.values import Values

_USER_CHARS = {
    "id": limits.USER_ID_CHARS,
    "email": limits.USER_EMAIL_CHARS,
    "username": limits.USER_ID_CHARS,
    "name": limits.USER_ID_CHARS,
    "segment": limits.USER_ID_CHARS,
}
_PLACES = ("city", "country_code", "region", "subdivision")


def mend_user(values: Values, user: object) -> Fragment | None:
    """The user: what servers know as text, the address only if it is one, all else as data.

    An address is left out where the scrubber hides it: half of it would be no address. What does not fit a field is
    kept beside it, as `<field>_given`.
    """
    parts: list[bytes] = []
    is_secret = values.is_secret
    for key, value in keyed(user, "user").items():
        if value is None:
            continue
        if key == "ip_address":
            if is_secret is not None and is_secret(key):
                continue
            text = values.line(value, 64)
            name = key if is_address(text) else "ip_address_given"
            parts.append(json_string(name) + b":" + json_string(text))
        elif is_secret is not None and is_secret(key):
            parts.append(json_string(key[: limits.KEY_CHARS]) + b':"[Filtered]"')
        elif key in _USER_CHARS:
            parts.append(json_string(key) + b":" + json_string(values.text(value, _USER_CHARS[key])))
        elif key == "geo":
            parts.extend(_geo(values, value))
        else:
            # `data` is where servers put the rest; what only they may say goes there under another name.
            taken = key == "sentry_user" or (key == "data" and not is_a(value, dict))
            parts.append(_other(values, f"{key}_given" if taken else key, value))
    return Fragment(b"{" + b",".join(parts) + b"}") if parts else None


def _other(values: Values, key: str, value: object) -> bytes:
    data = values.data(value, limits.CONTEXT_BYTES, limits.CONTEXT_DEPTH)
    return json_string(key[: limits.KEY_CHARS]) + b":" + data


def _geo(values: Values, geo: Any) -> list[bytes]:
    """Where the user is: four texts."""
    if not is_a(geo, dict):
        return [_other(values, "geo_given", geo)]
    given = keyed(geo, "geo")
    places = {key: values.text(given.pop(key), limits.NAME_CHARS) for key in _PLACES if given.get(key) is not None}
    parts = [_other(values, "geo", places)] if places else []
    if given:
        parts.append(_other(values, "geo_given", given))
    return parts
