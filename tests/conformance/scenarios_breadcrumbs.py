"""Scenarios: breadcrumbs and attachments, which travel with events."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import tocsin
from conformance.corpus import scenario


@scenario(events=0)
def breadcrumbs_alone() -> None:
    tocsin.add_breadcrumb(message="alone")


@scenario(keeps=("first crumb", "second crumb", "q.category", "http", "warning", "key"))
def breadcrumbs() -> None:
    tocsin.add_breadcrumb({"message": "first crumb", "category": "q.category", "type": "http"})
    tocsin.add_breadcrumb(message="second crumb", level="warning", data={"key": [1, {"n": None}]})
    tocsin.capture_message("with breadcrumbs")


@scenario(keeps=("crumb 50", "crumb 149"))
def more_breadcrumbs_than_the_ring_keeps() -> None:
    for number in range(150):
        tocsin.add_breadcrumb(message=f"crumb {number}")
    tocsin.capture_message("overflown")


@scenario(keeps=("crumb 50", "crumb 149", '"len": 150'))
def more_breadcrumbs_than_the_ring_keeps_and_an_event_by_hand() -> None:
    for number in range(150):
        tocsin.add_breadcrumb(message=f"crumb {number}")
    tocsin.capture_event({"message": "overflown"})


@scenario(keeps=("in an odd shape",))
def breadcrumbs_in_odd_shapes() -> None:
    odd: tuple[Any, ...] = (
        {
            "message": "in an odd shape",
            "timestamp": "now",
            "level": "loud",
            "type": 5,
            "category": None,
            "colour": "red",
        },
        {"message": ["a", "list"], "data": "text", "timestamp": float("nan"), "level": 30},
        {"message": "m" * 20_000, "data": {f"k{n}": "v" * 500 for n in range(50)}, "timestamp": -1},
        {"message": "\ud800", "category": "c" * 500, "type": "t" * 500, "timestamp": datetime.now()},
        {"data": {"nan": float("nan"), 5: object(), "deep": {"a": {"b": {"c": {"d": {"e": 1}}}}}, "password": "x"}},
        {"timestamp": datetime.now(timezone.utc), "data": {}},
        {"timestamp": 1e300, "message": "", "event_id": "x", "origin": "auto"},
        {},
    )
    for crumb in odd:
        tocsin.add_breadcrumb(crumb)
    tocsin.add_breadcrumb(5)  # type: ignore[arg-type]
    tocsin.capture_message("odd breadcrumbs")


@scenario(keeps=("from the event", "from the scope"))
def breadcrumbs_of_event_and_scope() -> None:
    tocsin.add_breadcrumb(message="from the scope")
    crumbs = {"values": [{"message": "from the event", "timestamp": 5.0}, None, "junk", {"level": "odd", "message": 7}]}
    tocsin.capture_event({"message": "both", "breadcrumbs": crumbs})


@scenario(keeps=("with files",))
def attachments() -> None:
    tocsin.add_attachment(bytes=b"content\0", filename="a.bin")
    tocsin.add_attachment(bytes=lambda: b"made late", filename="\ud800/../b\n.txt")
    tocsin.capture_message("with files")


@scenario(keeps=("seen", "'s address"), before_breadcrumb=lambda crumb, hint: {**crumb, "data": {"added": object()}})
def breadcrumbs_changed_by_a_hook() -> None:
    tocsin.add_breadcrumb(message="seen with somebody's address")
    tocsin.capture_message("hooked breadcrumbs")
