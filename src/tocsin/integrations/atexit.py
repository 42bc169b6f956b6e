"""Delivers what is still queued when the program ends."""

from __future__ import annotations

import atexit
from _weakrefset import WeakSet
from time import monotonic

from tocsin import diagnostics
from tocsin.integrations import uncaught
from tocsin.integrations.base import Integration
from tocsin.integrations.on_import import exclusive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.client import Client


class AtexitIntegration(Integration):
    """Flushes its clients from one `atexit` callback, for at most their `shutdown_timeout`, counted for all at once.

    The callbacks that were registered before the first `init()` run after it. An uncaught error in one of them is
    delivered there and then, as long as time is left; what such a callback captures itself is sent if the
    program takes long enough to end, so a callback that captures calls `flush()`.

    Args:
        callback: called with the number of pending events and the timeout in seconds if it takes a noticeable time.
            By default that is told on stderr if the `debug` option is on.
    """

    identifier = "atexit"

    def __init__(self, callback: Callable[[int, float], object] | None = None) -> None:
        self.callback = _tell if callback is None else callback

    def install(self, client: Client) -> None:
        with exclusive:
            if not _clients:
                # Not twice, should a client have gone without being removed.
                atexit.unregister(_at_exit)
                atexit.register(_at_exit)
            _clients.add(client)

    def remove(self, client: Client) -> None:
        with exclusive:
            _clients.discard(client)
            if not _clients:
                atexit.unregister(_at_exit)


_clients: WeakSet[Client] = WeakSet()


def _tell(pending: int, timeout_s: float) -> None:
    diagnostics.debug(f"waits up to {timeout_s:.1f} s for {pending} pending; Ctrl-C to quit")


def _at_exit() -> None:
    started_s = monotonic()

    def deliver() -> None:
        for client in list(_clients):
            integration = client.get_integration(AtexitIntegration)
            left_s = client.options["shutdown_timeout"] - (monotonic() - started_s)
            client.flush(max(left_s, 0.0), getattr(integration, "callback", None))

    # Before the wait: an error that ends another thread during it is to be waited for as well.
    uncaught.deliver_now = deliver
    deliver()
