"""Where envelopes go: the transports, and the choice of one."""

from __future__ import annotations

from tocsin.transport.base import Transport
from tocsin.transport.http import HttpTransport, spotlight_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["HttpTransport", "Transport", "make_transport"]


def make_transport(options: Mapping[str, Any]) -> Transport | None:
    """Return the transport that the options of `init()` ask for, or None if there is nowhere to send to.

    The option `transport` may be a `Transport`, an object with `capture_envelope`, a class of transports (called
    with the options), a function that takes an event as a dict, or one of the words `http`, `sync`, `memory`,
    `stdout` and `file:PATH`. Without it, events go to the DSN over HTTP, or to Spotlight alone.

    Raises:
        TypeError: the option is none of these.
        BadDsn: the DSN cannot be used.
    """
    wanted = options.get("transport")
    if wanted is None:
        return _default(options)
    if isinstance(wanted, Transport):
        return wanted
    if isinstance(wanted, str):
        return _named(wanted, options)
    if isinstance(wanted, type):
        return _instance(wanted, options)
    if callable(getattr(wanted, "capture_envelope", None)):
        from tocsin.transport.adapters import ForeignTransport

        return ForeignTransport(wanted, options)
    if callable(wanted):
        from tocsin.transport.adapters import FunctionTransport

        return FunctionTransport(wanted, options) if options.get("dsn") else None
    raise _unusable(wanted)


def _default(options: Mapping[str, Any]) -> Transport | None:
    if options.get("dsn"):
        return HttpTransport(options)
    return spotlight_of(options)


def _instance(kind: type, options: Mapping[str, Any]) -> Transport | None:
    if not callable(getattr(kind, "capture_envelope", None)):
        raise _unusable(kind)
    if getattr(kind, "needs_dsn", True) and not options.get("dsn"):
        return None
    made = kind(options)
    if isinstance(made, Transport):
        return made
    from tocsin.transport.adapters import ForeignTransport

    return ForeignTransport(made, options)


def _named(name: str, options: Mapping[str, Any]) -> Transport | None:
    if name == "http":
        return _default(options)
    if name == "sync":
        from tocsin.transport.sync import SyncHttpTransport

        return SyncHttpTransport(options) if options.get("dsn") else None
    if name == "memory":
        from tocsin.transport.memory import MemoryTransport

        return MemoryTransport(options)
    path = "-" if name == "stdout" else name.removeprefix("file:")
    if path and path != name:
        from tocsin.transport.file import FileTransport

        return FileTransport(path)
    raise _unusable(name)


def _unusable(value: object) -> TypeError:
    return TypeError(
        f"the option transport cannot be {value!r}: give a Transport, a class of one, a function that takes an "
        "event, or one of 'http', 'sync', 'memory', 'stdout' and 'file:PATH'"
    )
