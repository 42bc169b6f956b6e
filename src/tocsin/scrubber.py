"""Masks values by the name they are kept under. The predicate runs while values are written, the rest in the hook lane.

Names are compared as a whole, in any case, with `-` and space read as `_`: `X-Api-Key` and `x_api_key` are one name.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

# What stands in for a masked value; `_meta` says that configuration asked for it.
FILTERED = "[Filtered]"

DEFAULT_DENYLIST = [
    # passwords and keys
    "password",
    "passwd",
    "mysql_pwd",
    "secret",
    "credentials",
    "api_key",
    "apikey",
    "x_api_key",
    "private_key",
    "privatekey",
    # who is asking
    "auth",
    "authorization",
    "proxy-authorization",
    "token",
    # sessions and cookies
    "cookie",
    "set_cookie",
    "session",
    "_session",
    "sessionid",
    "user_session",
    "aiohttp_session",
    "connect.sid",
    "PHPSESSID",
    "symfony",
    # forged requests
    "csrf",
    "_csrf",
    "csrf_token",
    "_csrf_token",
    "csrftoken",
    "x_csrftoken",
    "_xsrf",
    "XSRF-TOKEN",
    # where the request came from
    "x_forwarded_for",
]

DEFAULT_PII_DENYLIST = ["ip_address", "remote_addr", "x_forwarded_for", "x_real_ip"]

# Deeper than any event is nested; what is given by hand may contain itself.
_DEPTH = 64
# Names that were looked up are remembered, so many of them and up to this length.
_REMEMBERED = 1024
_NAME_CHARS = 128


def _normal(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def key_predicate(denylist: Iterable[str], by_term: bool = False) -> Callable[[str], bool]:
    """Return the function that says whether the value under a name has to be masked.

    Args:
        denylist: names.
        by_term: a name is also masked when one of the denied names is a term in it, as `password` is in `db_password`
            and in `dbPassword`, but not in `passwordless`.
    """
    names = frozenset(_normal(str(name)) for name in denylist if name)
    longest = max(map(len, names), default=0)
    terms = tuple(f"_{name.strip('_')}_" for name in names) if by_term else ()

    def is_denied(name: str) -> bool:
        if len(name) <= longest and _normal(name) in names:
            return True
        if not terms:
            return False
        spelled = _spelled(name[:_NAME_CHARS])
        return any(term in spelled for term in terms)

    return remembered(is_denied)


def remembered(is_denied: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return a predicate that remembers the names it has met, which are few and come again and again."""
    known: dict[str, bool] = {}

    def is_denied_name(name: str) -> bool:
        denied = known.get(name)
        if denied is None:
            denied = is_denied(name)
            if len(name) <= _NAME_CHARS:
                if len(known) >= _REMEMBERED:
                    known.clear()
                known[name] = denied
        return denied

    return is_denied_name


def _spelled(name: str) -> str:
    """Return the words of a name between underscores: `_db_api_key_` for `dbAPIKey`, `db.api-key` and `db_api_key`."""
    words = [""]
    upper_before = False
    for at, char in enumerate(name):
        if not char.isalnum():
            words.append("")
        elif char.isupper() and (not upper_before or name[at + 1 : at + 2].islower()):
            # A capital begins a word, except within a run of capitals, whose last may begin the next word.
            words.append(char)
        else:
            words[-1] += char
        upper_before = char.isupper()
    return f"_{'_'.join(filter(None, words)).lower()}_"


class EventScrubber:
    """Masks the values of denied names in an event, in place.

    It looks at request headers, cookies and body, extra, user, breadcrumb data, frame variables and span data, at any
    depth. The client hands it events of its own making, never an object of the application's.

    Args:
        denylist: names; `DEFAULT_DENYLIST` if None.
        recursive: taken for compatibility; nested values are always looked at.
        send_default_pii: whether data that identifies persons may be sent, which makes `pii_denylist` void.
        pii_denylist: further names; `DEFAULT_PII_DENYLIST` if None.
    """

    def __init__(
        self,
        denylist: list[str] | None = None,
        recursive: bool = False,
        send_default_pii: bool = False,
        pii_denylist: list[str] | None = None,
    ) -> None:
        names = list(DEFAULT_DENYLIST if denylist is None else denylist)
        if not send_default_pii:
            names += DEFAULT_PII_DENYLIST if pii_denylist is None else pii_denylist
        self.denylist = [str(name).lower() for name in names]
        self.recursive = recursive
        self.is_denied = key_predicate(self.denylist)

    def scrub_event(self, event: dict[str, Any]) -> None:
        """Mask all areas of an event."""
        self.scrub_request(event)
        self.scrub_extra(event)
        self.scrub_user(event)
        self.scrub_breadcrumbs(event)
        self.scrub_frames(event)
        self.scrub_spans(event)

    def scrub_dict(self, d: object) -> None:
        """Mask the values of denied names in a dict, and in what it contains."""
        self._scrub(d, _Marks(None))

    def scrub_list(self, lst: object) -> None:
        """Mask the values of denied names in the dicts of a list."""
        self._scrub(lst, _Marks(None))

    def scrub_request(self, event: dict[str, Any]) -> None:
        """Mask headers, cookies and body of the request."""
        request = event.get("request")
        if isinstance(request, dict):
            for area in ("headers", "cookies", "data"):
                pairs = request.get(area) if area != "data" else None
                if isinstance(pairs, list):
                    self._scrub_pairs(pairs, _Marks(event, "request", area))
                self._scrub(request.get(area), _Marks(event, "request", area))

    def scrub_extra(self, event: dict[str, Any]) -> None:
        """Mask extra data."""
        self._scrub(event.get("extra"), _Marks(event, "extra"))

    def scrub_user(self, event: dict[str, Any]) -> None:
        """Mask the user's data; a denied `ip_address` is taken out, as the server accepts nothing but an address."""
        user = event.get("user")
        if isinstance(user, dict):
            if "ip_address" in user and self.is_denied("ip_address"):
                del user["ip_address"]
            self._scrub(user, _Marks(event, "user"))

    def scrub_breadcrumbs(self, event: dict[str, Any]) -> None:
        """Mask the data of breadcrumbs."""
        for marks, breadcrumb in _values(event, "breadcrumbs"):
            self._scrub(breadcrumb.get("data"), marks.below("data"))

    def scrub_frames(self, event: dict[str, Any]) -> None:
        """Mask the variables of all frames."""
        holders = [(_Marks(event), event)]
        holders += _values(event, "exception")
        holders += _values(event, "threads")
        for marks, holder in holders:
            stacktrace = holder.get("stacktrace")
            frames = stacktrace.get("frames") if isinstance(stacktrace, dict) else None
            for index, frame in enumerate(frames if isinstance(frames, list) else ()):
                if isinstance(frame, dict):
                    self._scrub(frame.get("vars"), marks.below("stacktrace", "frames", str(index), "vars"))

    def scrub_spans(self, event: dict[str, Any]) -> None:
        """Mask the data of spans."""
        spans = event.get("spans")
        for index, span in enumerate(spans if isinstance(spans, list) else ()):
            if isinstance(span, dict):
                self._scrub(span.get("data"), _Marks(event, "spans", str(index), "data"))

    def _scrub_pairs(self, pairs: list[Any], marks: _Marks) -> None:
        for index, pair in enumerate(pairs):
            is_pair = isinstance(pair, (list, tuple)) and len(pair) == 2
            if is_pair and isinstance(pair[0], str) and self.is_denied(pair[0]):
                pairs[index] = [pair[0], FILTERED]
                marks.below(str(index)).add("1")

    def _scrub(self, value: Any, marks: _Marks, depth: int = _DEPTH) -> None:
        if depth == 0:
            return
        if isinstance(value, dict):
            for key, item in value.items():
                if isinstance(key, str) and self.is_denied(key):
                    # Values only: the dict's size does not change while it is walked.
                    value[key] = FILTERED
                    marks.add(key)
                elif isinstance(item, (dict, list)):
                    self._scrub(item, marks.below(str(key)), depth - 1)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, (dict, list)):
                    self._scrub(item, marks.below(str(index)), depth - 1)


class _Marks:
    """A place in the event's `_meta`, which mirrors the event; made only when something is noted there."""

    __slots__ = ("_event", "_path")

    def __init__(self, event: dict[str, Any] | None, *path: str) -> None:
        self._event = event
        self._path = path

    def below(self, *path: str) -> _Marks:
        return self if self._event is None else _Marks(self._event, *self._path, *path)

    def add(self, key: str) -> None:
        if self._event is None:
            return
        node = self._event
        for name in ("_meta", *self._path):
            below = node.get(name)
            if not isinstance(below, dict):
                node[name] = below = {}
            node = below
        # Replaces what was noted about the value: it is gone.
        node[key] = {"": {"rem": [["!config", "s"]]}}


def _values(event: dict[str, Any], key: str) -> list[tuple[_Marks, dict[str, Any]]]:
    """Return the dicts of a list that may stand by itself or under `values`, with their places."""
    holder = event.get(key)
    path: tuple[str, ...] = (key,)
    if isinstance(holder, dict):
        path = (key, "values")
        holder = holder.get("values")
    if not isinstance(holder, list):
        return []
    return [(_Marks(event, *path, str(at)), item) for at, item in enumerate(holder) if isinstance(item, dict)]
