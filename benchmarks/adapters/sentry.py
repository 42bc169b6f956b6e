"""sentry-sdk.

On the caller's side its events end in a transport of ours that does nothing, which is its best case: by then all of
its work for the event itself is done, and what it would do to queue it is left out.
"""

from __future__ import annotations

from typing import Any

from benchmarks.adapters.base import Seen
from benchmarks.adapters.verbs import VerbsAdapter


def _sink() -> Any:
    from sentry_sdk.transport import Transport

    class Sink(Transport):
        """Takes envelopes and forgets them, but for as many as are to be kept."""

        def __init__(self) -> None:
            super().__init__()
            self.kept: list[Any] = []
            self.room = 0

        def capture_envelope(self, envelope: Any) -> None:
            if self.room:
                self.room -= 1
                self.kept.append(envelope)

    return Sink()


class Sentry(VerbsAdapter):
    name = "sentry-sdk"
    package = "sentry_sdk"
    distribution = "sentry-sdk"

    def make_sink(self) -> Any:
        return _sink()

    def keep(self, count: int) -> None:
        self._sink.room = count
        self._sink.kept.clear()

    def sent(self) -> list[Seen]:
        kept = list(self._sink.kept)
        self._sink.kept.clear()
        return [seen for envelope in kept for seen in self.decode(envelope.serialize())]
