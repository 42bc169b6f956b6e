"""What tests of transports and workers share besides envelopes."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import Any

from tocsin._backend import Stats
from tocsin.transport.http import HttpTransport

# Makes a transport for a DSN, perhaps a function that assembles, and options; bound to fresh counts.
Make = Callable[..., tuple[HttpTransport, Stats]]


class Sink:
    """Where the worker delivers to: it remembers, and can be held up at a gate."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def __call__(self, item: Any) -> None:
        self.entered.set()
        assert self.gate.wait(20)
        self.threads.add(_thread.get_ident())
        self.items.append(item)
