"""A transport that writes envelopes down, one after another, to be read or sent by somebody else."""

from __future__ import annotations

import os
import sys

from tocsin import diagnostics
from tocsin.reasons import DiscardReason
from tocsin.transport.base import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.envelope import Envelope


class FileTransport(Transport):
    """Writes on the capturing thread, each envelope in one piece; any number of threads and processes may.

    Args:
        path_or_stream: a path, appended to; `-` for standard output; or a stream, of bytes or of text over bytes.
    """

    settles = True
    needs_dsn = False

    def __init__(self, path_or_stream: str | os.PathLike[str] | Any) -> None:
        super().__init__(None)
        self._path: str | None = None
        self._stream: Any = None
        if isinstance(path_or_stream, (str, os.PathLike)):
            self._path = os.fspath(path_or_stream)
        else:
            self._stream = path_or_stream

    def capture_envelope(self, envelope: Envelope) -> None:
        try:
            self._write(envelope.serialize())
        except Exception as error:
            diagnostics.warn_once(("file-transport", self._path), f"events cannot be written down: {error}")
            for item in envelope.items:
                self.record_lost_event(DiscardReason.NETWORK_ERROR, item=item)
        else:
            self.record_delivered(envelope)

    def _write(self, data: bytes) -> None:
        if self._path is None or self._path == "-":
            stream: Any = sys.stdout if self._stream is None else self._stream
            binary = getattr(stream, "buffer", stream)
            if binary is not stream:
                # What was printed before stands before.
                stream.flush()
            binary.write(data)
            binary.flush()
            return
        # O_APPEND makes one write one piece, without a lock that a signal handler or a fork could meet.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        finally:
            os.close(descriptor)
