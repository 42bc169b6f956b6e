"""Transports that were not written as such: plain functions, and objects that merely look like one."""

from __future__ import annotations

from tocsin import diagnostics
from tocsin.reasons import DiscardReason
from tocsin.transport.base import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tocsin.envelope import Envelope


class FunctionTransport(Transport):
    """Hands each event, as a dict, to a function; other items go nowhere."""

    settles = True

    def __init__(self, function: Callable[[Any], object], options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        self._function = function

    def capture_envelope(self, envelope: Envelope) -> None:
        try:
            event = envelope.get_event()
            if event is not None:
                self._function(event)
        except Exception as error:
            diagnostics.internal_error("the function given as transport", error)
            for item in envelope.items:
                self.record_lost_event(DiscardReason.INTERNAL_SDK_ERROR, item=item)
        else:
            self.record_delivered(envelope)


class ForeignTransport(Transport):
    """Completes an object that has `capture_envelope`; whatever else it has is used, and seen, as its own."""

    def __init__(self, target: Any, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        self.target = target

    def capture_envelope(self, envelope: Envelope) -> None:
        self.target.capture_envelope(envelope)

    def flush(self, timeout: float, callback: Callable[[int, float], object] | None = None) -> bool:
        flush = getattr(self.target, "flush", None)
        # Most return nothing: then nobody knows better.
        return flush is None or flush(timeout, callback) is not False

    def kill(self) -> None:
        kill = getattr(self.target, "kill", None)
        if kill is not None:
            kill()

    def __getattr__(self, name: str) -> Any:
        if name == "target":
            # Not yet set, as in a copy under construction.
            raise AttributeError(name)
        return getattr(self.target, name)
