"""What tests of integrations look at: the hooked places, the events, and what a program left behind."""

from __future__ import annotations

import asyncio.base_events
import json
import logging
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import tocsin


def hooked() -> dict[str, Any]:
    """Everything that the integrations replace, as it is at present."""
    return {
        "sys.excepthook": sys.excepthook,
        "sys.unraisablehook": sys.unraisablehook,
        "threading.excepthook": threading.excepthook,
        "call_exception_handler": vars(asyncio.base_events.BaseEventLoop)["call_exception_handler"],
        "callHandlers": vars(logging.Logger)["callHandlers"],
    }


def events_of(client: tocsin.Client) -> list[dict[str, Any]]:
    """The events that a started client has captured, be it closed or not."""
    events: list[dict[str, Any]] = client.options["transport"].events
    return events


def mechanism_of(event: dict[str, Any]) -> tuple[str, bool]:
    """By whom the event's exception was captured, and whether it was handled."""
    mechanism = event["exception"]["values"][-1]["mechanism"]
    return mechanism["type"], mechanism["handled"]


def breadcrumbs_of(client: tocsin.Client) -> list[dict[str, Any]]:
    """The breadcrumbs so far, by way of an event."""
    tocsin.capture_message("for its breadcrumbs")
    crumbs: list[dict[str, Any]] = events_of(client)[-1].get("breadcrumbs", {}).get("values", [])
    return crumbs


@dataclass
class Outcome:
    """What a program left behind: exit code, its output, and the events that reached the server."""

    code: int
    out: str
    err: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def told(self) -> Any:
        """What the program printed, read as JSON."""
        return json.loads(self.out)
