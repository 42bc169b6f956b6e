"""tocsin, compiled and pure.

On the caller's side a capture ends where the queue would take it: in the `offer` of a transport, which keeps the last
few and drops the rest. So what a capture costs the caller is in, freeing it again included; making it an event, which
is the worker's, is not, as with any SDK that has a thread. What both cost together is measured over HTTP.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from benchmarks.adapters.base import Seen, Settings
from benchmarks.adapters.verbs import VerbsAdapter

# What is taken is freed a little later, on the caller's thread.
_DROPPED_LATER = 16
# More than any workload queues: the count alone is the limit.
_QUEUE_BYTES = 1 << 30
# A server keeps the locals of that many frames at each end of a stack, and tocsin sends no others.
_LOCALS_AT_EACH_END = 25


def _sink() -> Any:
    import tocsin

    class Sink(tocsin.Transport):
        """Takes captures as the default transport does, and forgets them."""

        settles = True

        def __init__(self) -> None:
            super().__init__()
            self.kept: deque[Any] = deque(maxlen=_DROPPED_LATER)
            self.assemble: Any = None

        def bind(self, stats: Any, assemble: Any) -> None:
            super().bind(stats, assemble)
            self.assemble = assemble

        def offer(self, item: Any, size_bytes: int) -> bool:
            self.kept.append(item)
            return True

    return Sink()


class TocsinCore(VerbsAdapter):
    name = "tocsin"
    package = "tocsin"
    environment: ClassVar[dict[str, str]] = {"TOCSIN_BACKEND": "core"}

    @classmethod
    def version(cls) -> str | None:
        # Built in place, it has no metadata.
        try:
            import tocsin
        except ImportError:
            return None
        return tocsin.VERSION

    def start(self, settings: Settings) -> None:
        import tocsin

        wanted = self.environment["TOCSIN_BACKEND"]
        if tocsin.backend() != wanted:
            raise RuntimeError(f"this is the {tocsin.backend()} twin, not the {wanted} one")
        super().start(settings)

    def options(self, settings: Settings) -> dict[str, Any]:
        return {**super().options(settings), "transport_queue_bytes": _QUEUE_BYTES}

    def make_sink(self) -> Any:
        return _sink()

    def keep(self, count: int) -> None:
        self._sink.kept = deque(maxlen=count or _DROPPED_LATER)

    def sent(self) -> list[Seen]:
        items = list(self._sink.kept)
        self._sink.kept.clear()
        return [seen for item in items for seen in self.decode(self._sink.assemble(item).serialize())]

    def has_locals_at(self, index: int, frames: int) -> bool:
        return index < _LOCALS_AT_EACH_END or index >= frames - _LOCALS_AT_EACH_END


class TocsinPure(TocsinCore):
    name = "tocsin-pure"
    environment: ClassVar[dict[str, str]] = {"TOCSIN_BACKEND": "pure"}
