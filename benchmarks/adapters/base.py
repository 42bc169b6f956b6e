"""What the workloads ask of an SDK, and what an SDK's adapter must tell of itself.

An adapter uses what its SDK offers in public, with the defaults that a service would have, but for what the workload
asks for. On the caller's side events end in a sink within the process, which the SDK accepts officially as a transport
or a delivery; for the workloads over HTTP the SDK's own transport posts to a server on this machine.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

# Identifies nobody; every SDK wants one.
KEY = "0123456789abcdef0123456789abcdef"
RELEASE = "shop@1.4.2"
MESSAGE = "the northern shop is out of order"


@dataclass(frozen=True)
class Settings:
    """How the SDK is to be started.

    Attributes:
        url: of the server to send to, such as `http://127.0.0.1:4000`; None for the sink within the process.
        has_locals: whether frames are to carry local variables.
        sample_rate: the share of errors to be sent.
        ignored: classes of exceptions that are not to be reported.
        queue_size: how many events may wait; None for the SDK's default.
    """

    url: str | None = None
    has_locals: bool = True
    sample_rate: float = 1.0
    ignored: tuple[type[BaseException], ...] = ()
    queue_size: int | None = None


@dataclass(frozen=True)
class Operation:
    """One statement to be timed, and the names in it.

    It is a statement and no function, because the call of one more function would weigh as much as what it calls.
    """

    statement: str
    names: dict[str, Any]

    def run(self, **names: Any) -> None:
        """Execute it once, with further names."""
        exec(self.statement, {**self.names, **names})


@dataclass(frozen=True)
class SeenException:
    """An exception as an event tells it: frames outermost first, locals of each by name."""

    kind: str
    value: str
    functions: list[str]
    locals: list[dict[str, Any]]


@dataclass(frozen=True)
class Seen:
    """An event as the server would get it, in words that hold for every SDK.

    Attributes:
        exceptions: the one that was captured stands last, what it hangs on before it.
        message: the text, of an event that is no exception.
        breadcrumbs: their messages, oldest first.
        tags: by name.
        raw: the whole, as it would be sent.
    """

    exceptions: list[SeenException] = field(default_factory=list)
    message: str = ""
    breadcrumbs: list[str] = field(default_factory=list)
    tags: dict[str, Any] = field(default_factory=dict)
    raw: Any = None


class Absent(Exception):
    """The SDK has no such notion; the text says what it lacks."""


class Adapter:
    """One SDK. A subclass answers with `Absent` for what its SDK has not.

    Attributes:
        name: as in the table.
        distribution: to be installed.
        environment: variables of the processes it runs in.
        has_breadcrumbs: whether events carry them.
        has_chains: whether an event tells of causes, with their frames.
        batches: whether one request may bring several events.
        notes: what its events lack, to be said with its numbers.
        status: what the SDK's server answers when all is well.
        capture: reports an exception that was raised and caught; set by `start`.
    """

    name = ""
    distribution = ""
    environment: ClassVar[dict[str, str]] = {}
    has_breadcrumbs = True
    has_chains = True
    batches = False
    notes = ""
    status = 200
    capture: Callable[[BaseException], object]

    @classmethod
    def version(cls) -> str | None:
        """The installed version; None where the SDK is not installed."""
        try:
            return importlib.metadata.version(cls.distribution)
        except importlib.metadata.PackageNotFoundError:
            return None

    def start(self, settings: Settings) -> None:
        """Import the SDK and start it; called again, it starts anew with other settings."""
        raise NotImplementedError

    def keep(self, count: int) -> None:
        """Let the sink within the process keep that many events; 0 for the timing."""
        raise NotImplementedError

    def sent(self) -> list[Seen]:
        """What the sink has kept since the last call."""
        raise NotImplementedError

    def decode(self, body: bytes) -> list[Seen]:
        """The events in the body of a request, uncompressed."""
        raise NotImplementedError

    def flush(self, timeout_s: float) -> None:
        """Ask for everything captured to be delivered, and wait for it as far as the SDK can."""
        return

    def has_locals_at(self, index: int, frames: int) -> bool:
        """Whether the frame at that place of a stack, 0 for the outermost, is sent with its locals."""
        return True

    def need_rate_limits(self) -> None:
        """Refuse if the SDK goes on capturing while its server wants a pause."""
        raise Absent("captures all the same while its server wants a pause")

    def need_bounded_queue(self) -> None:
        """Refuse if the SDK has no queue whose size can be set."""
        raise Absent("has no queue whose size can be set")

    def breadcrumb(self, has_data: bool) -> Operation:
        """Record the breadcrumb `paid` with category and level; perhaps with data of two keys."""
        raise Absent("has no breadcrumbs")

    def scope(self, inside: str = "pass") -> Operation:
        """Enter a scope, set its tag `shop` to `north`, execute `inside`, leave."""
        raise Absent("has no scopes")

    def isolation_scope(self, inside: str = "pass") -> Operation:
        """Enter the scope of a request, execute `inside`, leave."""
        raise Absent("has no scopes of requests")

    def tag(self) -> Operation:
        """Set the tag `shop` to `north`."""
        raise Absent("has no tags")

    def message(self) -> Operation:
        """Report the text `MESSAGE`."""
        raise Absent("has no messages")

    def hook_logging(self, logger: Any) -> None:
        """Let the SDK make breadcrumbs of what is logged; nothing to do where it hooks itself in."""
        raise Absent("makes no breadcrumbs of log records")

    def startup(self, url: str) -> str:
        """Source that imports and starts the SDK with its defaults."""
        raise NotImplementedError

    def startup_message(self) -> str:
        """Source that reports one message after `startup`, and waits until it is delivered."""
        raise Absent("has no messages")
