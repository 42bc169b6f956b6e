"""Client reports: https://develop.sentry.dev/sdk/telemetry/client-reports/"""

from __future__ import annotations

from support.receiver import read_envelope
from tocsin._pure import stats
from tocsin.client_report import DataCategory, DiscardReason, client_report_item
from tocsin.envelope import Envelope


def test_a_report_tells_reason_category_and_quantity() -> None:
    """The item has the type, the timestamp and one row for each count, in the order given."""
    item = client_report_item([("queue_overflow", "error", 3), ("send_error", "attachment", 4096)], 1700000000.5)
    (wire,) = read_envelope(Envelope(items=[item]).serialize()).items
    assert wire.type == "client_report"
    assert wire.json == {
        "timestamp": 1700000000.5,
        "discarded_events": [
            {"reason": "queue_overflow", "category": "error", "quantity": 3},
            {"reason": "send_error", "category": "attachment", "quantity": 4096},
        ],
    }
    assert item.data_category == "internal"


def test_the_names_are_those_that_are_counted() -> None:
    """Reasons and categories here and in the counters are the same, so that no count turns into another."""
    reasons = [value for name, value in vars(DiscardReason).items() if name.isupper()]
    categories = [value for name, value in vars(DataCategory).items() if name.isupper()]
    assert sorted(reasons) == sorted(stats.REASONS)
    assert sorted(categories) == sorted(stats.CATEGORIES)
    assert all(name.lower() == value for name, value in vars(DiscardReason).items() if name.isupper())
    assert all(name.lower() == value for name, value in vars(DataCategory).items() if name.isupper())
