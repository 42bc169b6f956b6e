"""What a workload works with, in the process that measures one SDK."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from benchmarks import gate
from benchmarks.adapters.base import Absent, Adapter, Seen, Settings
from benchmarks.failures import Failures
from benchmarks.results import Row
from benchmarks.server import Server
from benchmarks.timing import Effort, per_call, per_item

RING = 100
_DELIVERY_S = 60.0


@dataclass(frozen=True)
class Workload:
    """Something to be measured, in a process of its own for each SDK and round.

    Attributes:
        name: for `--only`.
        rows: of the table, which it fills.
        measure: gives a value for each row, by name; raises `Void` or `Absent`. None where there is only a floor.
        floor: the same without an SDK; None where nothing is the floor.
        is_long: takes seconds, and is left out of quick runs.
    """

    name: str
    rows: tuple[Row, ...]
    measure: Callable[[Bench], dict[str, float]] | None
    floor: Callable[[Bench], dict[str, float]] | None = None
    is_long: bool = False


@dataclass
class Bench:
    """One SDK, and the means to measure it.

    Attributes:
        native: the folder of the compiled programs.
    """

    adapter: Adapter
    failures: Failures
    effort: Effort
    native: str
    server: Server | None = None

    def start(self, **settings: Any) -> None:
        """Start the SDK with a sink within the process."""
        self.adapter.start(Settings(**settings))

    def start_http(self, **settings: Any) -> Server:
        """Start a server, and the SDK so that it sends there."""
        if self.server is None:
            self.server = Server(self.native)
            self.server.control(f"status/{self.adapter.status}")
        self.adapter.start(Settings(url=self.server.url, **settings))
        return self.server

    def seen(self, function: Callable[[], object]) -> list[Seen]:
        """Call the function; return the events that the sink got of it."""
        self.adapter.keep(RING)
        function()
        found = self.adapter.sent()
        self.adapter.keep(0)
        return found

    def one_event(self, function: Callable[[], object]) -> Seen:
        """The one event that the function makes."""
        found = self.seen(function)
        gate.check_count(found, 1)
        return found[0]

    def captured(self, frames: int = 1) -> Seen:
        """The event of a new exception."""
        return self.one_event(lambda: self.adapter.capture(self.failures.raised(frames)))

    def fill_ring(self) -> None:
        """Record as many breadcrumbs as are kept; nothing where the SDK has none."""
        if self.adapter.has_breadcrumbs:
            operation = self.adapter.breadcrumb(False)
            exec(f"for _ in range({RING}): {operation.statement}", dict(operation.names))

    def need_breadcrumbs(self) -> None:
        """Refuse what makes no sense without breadcrumbs."""
        if not self.adapter.has_breadcrumbs:
            raise Absent("has no breadcrumbs")

    def time_call(self, statement: str, names: dict[str, Any]) -> float:
        """The microseconds of one execution."""
        return per_call(statement, names, self.effort) / 1000

    def time_captures(self, frames: int = 20, make: Callable[[int], Any] | None = None) -> float:
        """The microseconds of capturing one exception that was raised before."""
        return (
            per_item(self.adapter.capture, make or (lambda count: self.failures.pool(count, frames)), self.effort)
            / 1000
        )

    def delivered(self, server: Server) -> list[Seen]:
        """The events that the server got."""
        bodies = (_UNPACKERS[encoding](body) for encoding, body in server.bodies())
        return [seen for body in bodies for seen in self.adapter.decode(body)]

    def wait_for(self, server: Server, posts: int) -> None:
        """Flush, and wait until the server has got that many posts."""
        deadline = monotonic() + _DELIVERY_S
        self.adapter.flush(_DELIVERY_S)
        while not self.adapter.batches and server.posts() < posts:
            if monotonic() > deadline:
                raise gate.Void(f"after {_DELIVERY_S:.0f} s the server has {server.posts()} posts of {posts}")
            sleep(0.001)


def _unbrotli(body: bytes) -> bytes:
    import brotli

    unpacked: bytes = brotli.decompress(body)
    return unpacked


_UNPACKERS: list[Callable[[bytes], bytes]] = [bytes, gzip.decompress, _unbrotli, zlib.decompress]
