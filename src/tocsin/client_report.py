"""What tells the server how much was discarded on this side, and why.

https://develop.sentry.dev/sdk/telemetry/client-reports/
"""

from __future__ import annotations

from tocsin.envelope import Item, PayloadRef
from tocsin.reasons import DataCategory, DiscardReason

__all__ = ["DataCategory", "DiscardReason", "client_report_item"]


def client_report_item(discarded: list[tuple[str, str, int]], timestamp_s: float) -> Item:
    """Return the item for what was discarded.

    Args:
        discarded: reason, category and quantity; what `Stats.take_discarded` returns.
        timestamp_s: Unix time of the report.
    """
    rows = [{"reason": reason, "category": category, "quantity": quantity} for reason, category, quantity in discarded]
    return Item(PayloadRef(json={"timestamp": timestamp_s, "discarded_events": rows}), type="client_report")
