"""A transport that keeps everything, for tests and first steps."""

from __future__ import annotations

from tocsin.transport.base import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tocsin.envelope import Envelope


class MemoryTransport(Transport):
    """Keeps the envelopes, without bound, until `clear`.

    Attributes:
        envelopes: what was captured, oldest first.
        events: the events in them, as dicts.
    """

    settles = True
    needs_dsn = False

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        self.envelopes: list[Envelope] = []
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)
        event = envelope.get_event()
        if event is not None:
            self.events.append(event)
        self.record_delivered(envelope)

    def clear(self) -> None:
        """Forgets everything."""
        self.envelopes.clear()
        self.events.clear()
