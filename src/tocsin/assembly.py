"""From a capture to the envelope that is sent. On the worker's thread; in the hook lane on the capturing one."""

from __future__ import annotations

from tocsin import diagnostics, limits
from tocsin._backend import Capture, render
from tocsin.importing import Late, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tocsin import _json, envelope, source_context, trim
    from tocsin._backend import Stack
else:
    _json = Late("tocsin._json")
    envelope, source_context, trim = Late("tocsin.envelope"), Late("tocsin.source_context"), Late("tocsin.trim")


def prepare(as_dict: bool = False) -> None:
    """Import what an `Assembler` needs, before threads that must not import call one.

    That is where the thread that captures gives the event to a transport, or, `as_dict`, to hooks.
    """
    load(envelope, source_context, trim)
    if as_dict:
        _json.prepare()


class PreparedEvent:
    """An event whose bytes are made already, as it leaves the hook lane."""

    __slots__ = ("attachments", "event_id", "payload")

    def __init__(self, event_id: str, payload: bytes, attachments: tuple[Any, ...]) -> None:
        self.event_id = event_id
        self.payload = payload
        self.attachments = attachments

    @property
    def size_bytes(self) -> int:
        """About how much memory it holds."""
        return 256 + len(self.payload)


class Assembler:
    """Makes envelopes for one client; `context_lines` lines of source are shown on either side of a frame's own.

    With 0 no source is shown at all.
    """

    def __init__(self, context_lines: int) -> None:
        self._context_lines = context_lines
        self._is_prepared = False

    def payload(self, capture: Capture) -> bytes:
        """Return the event of a capture as JSON, its source lines read if they were not yet."""
        if capture.stack is not None:
            self._read_sources(capture.stack)
        return render(capture)

    def envelope(self, item: Capture | PreparedEvent) -> envelope.Envelope:
        """Return the envelope of a captured event, small enough for the server, with its attachments."""
        if not self._is_prepared:
            # With the first all at once: nothing is left for a thread of the application's to import in the middle.
            prepare()
            self._is_prepared = True
        payload = item.payload if isinstance(item, PreparedEvent) else self.payload(item)
        made = envelope.Envelope(headers={"event_id": item.event_id})
        made.add_event(trim.fit(payload) if len(payload) > limits.EVENT_CUT_BYTES else payload)
        for attachment in _usable(item.attachments):
            made.add_item(attachment)
        return made

    def _read_sources(self, stack: Stack) -> None:
        for site in stack.sites():
            if site.line is not None:
                continue
            found = None
            if self._context_lines:
                found = source_context.read(site.abs_path, site.module, site.lineno, self._context_lines)
            if found is None:
                site.set_no_source()
            else:
                site.set_source(*found)


def _usable(attachments: Iterable[Any]) -> Iterable[Any]:
    """The items of the attachments; one that cannot be made is left out, the event is worth more."""
    for attachment in attachments:
        try:
            yield attachment.to_envelope_item()
        except Exception as error:
            diagnostics.internal_error("attachment", error)
