"""Lets an error be one event, however many hear of it."""

from __future__ import annotations

from tocsin.integrations.base import Integration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin.client import Client


class DedupeIntegration(Integration):
    """Makes its client refuse an exception that it has captured already, and count it as dropped.

    The exception itself remembers, so that it is recognised after others, on another thread, and by every client.
    """

    identifier = "dedupe"

    def install(self, client: Client) -> None:
        client.gate.dedupes = True

    def remove(self, client: Client) -> None:
        client.gate.dedupes = False
