"""Which categories of data the server wants none of, and until when.

Rules: https://develop.sentry.dev/sdk/expected-features/rate-limiting/. The worker updates, any thread asks.
"""

from __future__ import annotations

import time

from tocsin import limits
from tocsin.importing import late_import
from tocsin.reasons import DataCategory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_RATE_LIMITS, _RETRY_AFTER = "X-Sentry-Rate-Limits", "Retry-After"
# The headers of an answer that matter here.
HEADERS_READ = (_RATE_LIMITS, _RETRY_AFTER)
_KNOWN = frozenset(value for name, value in vars(DataCategory).items() if name.isupper())
# The key of a limit on everything.
_ALL = ""


class RateLimits:
    """The limits in force. Of several for one category, the one that ends last holds.

    Args:
        now: a monotonic clock, in seconds.

    Attributes:
        until: category to the time on that clock when its limit ends; empty while there are no limits. For who has
            no time to call, as on the capturing thread: an empty one says that nothing is limited.
        error_until_s: the time until which errors are limited, on their own or with everything; 0 if they never were.
    """

    __slots__ = ("_now", "error_until_s", "until")

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # Never changed in place: a reader on another thread sees the old limits or the new ones.
        self.until: dict[str, float] = {}
        self.error_until_s = 0.0

    def update(self, status: int, headers: Mapping[str, str]) -> None:
        """Takes up what a response says: `X-Sentry-Rate-Limits` on any status, `Retry-After` on 429.

        A 429 without a readable word on how long limits everything for `limits.RATE_LIMIT_DEFAULT_S`. What cannot be
        read is ignored.
        """
        if not headers and status != 429:
            return
        text = _header(headers, _RATE_LIMITS)
        found = [] if text is None else _parsed(text)
        if status == 429 and not found:
            found = [(_retry_after_s(_header(headers, _RETRY_AFTER)), (_ALL,))]
        if not found:
            return
        now = self._now()
        until = {category: end for category, end in self.until.items() if end > now}
        for seconds, categories in found:
            for category in categories:
                if category == _ALL or category in _KNOWN:
                    until[category] = max(until.get(category, now), now + seconds)
        self.until = until
        self.error_until_s = max(until.get(DataCategory.ERROR, 0.0), until.get(_ALL, 0.0))

    def is_limited(self, category: str) -> bool:
        """Return whether data of this category would be refused at present."""
        until = self.until
        if not until:
            return False
        now = self._now()
        # Relay counts the SDK's own reports as internal, and only a limit on everything stops them.
        own = now if category == DataCategory.INTERNAL else until.get(category, now)
        if own > now or until.get(_ALL, now) > now:
            return True
        if max(until.values()) <= now and self.until is until:
            self.until = {}
        return False


def _header(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    return headers.get(name.lower()) if value is None else value


def _parsed(text: str) -> list[tuple[float, tuple[str, ...]]]:
    """Each limit as seconds and categories; further fields (scope, reason, namespaces) do not matter to an SDK."""
    found = []
    for limit in text.split(","):
        fields = limit.split(":")
        seconds = _seconds(fields[0])
        if seconds is None:
            continue
        named = fields[1].split(";") if len(fields) > 1 else []
        categories = tuple(name for name in map(str.strip, named) if name)
        found.append((seconds, categories or (_ALL,)))
    return found


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0.0 <= seconds < float("inf") else None


def _retry_after_s(text: str | None) -> float:
    seconds = None if text is None else _seconds(text)
    if seconds is None and text is not None:
        seconds = _seconds_until(text)
    return limits.RATE_LIMIT_DEFAULT_S if seconds is None else seconds


def _seconds_until(date: str) -> float | None:
    utils: Any = late_import("email.utils")
    try:
        end_s: float = utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, end_s - time.time())
