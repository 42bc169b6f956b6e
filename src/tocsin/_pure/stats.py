"""Counts of what became of every capture; any thread may count, at any moment.

No lock is taken. CPython switches threads, runs signal handlers and (from 3.12) collects garbage only at
calls and at jumps, and adding two ints creates nothing that the collector tracks. So each statement below
that changes a count runs as a whole: it calls nothing, and every call it needs is made before it.
"""

from __future__ import annotations

from _operator import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Why something was discarded: https://develop.sentry.dev/sdk/telemetry/client-reports/
REASONS = (
    "queue_overflow",
    "cache_overflow",
    "buffer_overflow",
    "ratelimit_backoff",
    "network_error",
    "send_error",
    "sample_rate",
    "before_send",
    "callback_error",
    "event_processor",
    "internal_sdk_error",
    "insufficient_data",
    "backpressure",
    "ignored",
    "invalid",
)
# What was discarded: https://develop.sentry.dev/sdk/expected-features/rate-limiting/
CATEGORIES = (
    "default",
    "error",
    "transaction",
    "span",
    "attachment",
    "session",
    "internal",
    "feedback",
    "log_item",
    "log_byte",
    "profile",
    "profile_chunk",
    "replay",
    "monitor",
    "trace_metric",
    "trace_metric_byte",
    "security",
)
# The most that one call counts; a counter of 64 bits then takes millions of the largest.
QUANTITY_MAX = 2**40

_REASON_INDEX = {reason: number for number, reason in enumerate(REASONS)}
_CATEGORY_INDEX = {category: number for number, category in enumerate(CATEGORIES)}
_REASON_UNKNOWN = REASONS.index("internal_sdk_error")
_CATEGORY_UNKNOWN = CATEGORIES.index("default")
_CATEGORY_ERROR = CATEGORIES.index("error")
_WIDTH = len(CATEGORIES)

# Places in the list of event counts; the drops follow, one for each reason.
_CAPTURED = 0
_DELIVERED = 1
_DROPPED = 2


class Stats:
    """The counters of one client.

    Three promises hold if an event is counted as captured before it is counted as delivered or dropped:
    no count is lost, `snapshot` never shows more settled events than captured ones, and what
    `take_discarded` moves out is told exactly once.

    A quantity that is no integer raises TypeError. Zero and less is ignored; more than `QUANTITY_MAX` in one
    call counts as `QUANTITY_MAX`.
    """

    __slots__ = ("_counts", "_unreported")

    _counts: list[int]
    _unreported: list[int]

    def __init__(self) -> None:
        self.reset()

    def record_captured(self, quantity: int = 1) -> None:
        """Counts events that entered the pipeline."""
        quantity = _checked(quantity)
        self._counts[_CAPTURED] += quantity

    def record_delivered(self, quantity: int = 1) -> None:
        """Counts events that the server, or another sink, has accepted."""
        quantity = _checked(quantity)
        self._counts[_DELIVERED] += quantity

    def record_dropped(self, reason: str, category: str = "error", quantity: int = 1, told: bool = True) -> None:
        """Counts what was discarded, and why.

        Args:
            reason: one of `REASONS`; any other counts as "internal_sdk_error".
            category: one of `CATEGORIES`; any other counts as "default". Only "error" counts as events.
            quantity: items, or bytes for an attachment.
            told: whether the next client report shall say so too (it must not for what the server itself refused).
        """
        quantity = _checked(quantity)
        row = _REASON_INDEX.get(reason, _REASON_UNKNOWN)
        column = _CATEGORY_INDEX.get(category, _CATEGORY_UNKNOWN)
        if column == _CATEGORY_ERROR:
            self._counts[_DROPPED + row] += quantity
        if told:
            self._unreported[row * _WIDTH + column] += quantity

    def snapshot(self) -> tuple[int, int, int, dict[str, int]]:
        """One consistent reading of the events: captured, delivered, pending, and dropped by reason.

        captured = delivered + pending + the sum of dropped. Reasons that never occurred are left out.
        """
        counts = self._counts[:]
        captured = counts[_CAPTURED]
        delivered = counts[_DELIVERED]
        dropped = {reason: count for reason, count in zip(REASONS, counts[_DROPPED:], strict=True) if count}
        return captured, delivered, captured - delivered - sum(dropped.values()), dropped

    def take_discarded(self) -> list[tuple[str, str, int]]:
        """Moves out what no client report has told yet: (reason, category, quantity), sorted."""
        fresh = [0] * (len(REASONS) * _WIDTH)
        # One statement, so that two callers get two different lists and no count falls between them.
        taken, self._unreported = self._unreported, fresh
        try:
            discarded = [
                (REASONS[place // _WIDTH], CATEGORIES[place % _WIDTH], count)
                for place, count in enumerate(taken)
                if count
            ]
            discarded.sort()
        except BaseException:
            # Out of memory, or cut short by a signal handler: what nobody was told is not lost.
            for place, count in enumerate(taken):
                self._unreported[place] += count
            raise
        return discarded

    def restore_discarded(self, discarded: Iterable[tuple[str, str, int]]) -> None:
        """Puts back what `take_discarded` gave, after the report that carried it has failed."""
        for reason, category, quantity in discarded:
            quantity = _checked(quantity)
            row = _REASON_INDEX.get(reason, _REASON_UNKNOWN)
            column = _CATEGORY_INDEX.get(category, _CATEGORY_UNKNOWN)
            self._unreported[row * _WIDTH + column] += quantity

    def reset(self) -> None:
        """Sets every count to zero; what another thread counts meanwhile may be lost."""
        self._counts = [0] * (_DROPPED + len(REASONS))
        self._unreported = [0] * (len(REASONS) * _WIDTH)

    def __reduce__(self) -> str:
        raise TypeError("a Stats cannot be copied or pickled")


def _checked(quantity: int) -> int:
    if type(quantity) is not int:
        quantity = index(quantity)
    if quantity <= 0:
        return 0
    return quantity if quantity < QUANTITY_MAX else QUANTITY_MAX
