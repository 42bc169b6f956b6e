"""Files that travel in the envelope of an event."""

from __future__ import annotations

import os

from tocsin import diagnostics, limits
from tocsin.importing import Late, late_import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tocsin import envelope
else:
    envelope = Late("tocsin.envelope")

_UNKNOWN_CONTENT = "application/octet-stream"
# For the usual names, so that `mimetypes`, which reads the system's tables, is mostly not needed.
_CONTENT_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".log": "text/plain",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".txt": "text/plain",
    ".xml": "text/xml",
    ".zip": "application/zip",
}


class Attachment:
    """One file, from memory or from disk.

    Args:
        bytes: the content, or a function that returns it and is called when an event is captured.
        filename: the name shown; that of `path` if left out. Directories are cut off.
        path: where to read the content from, when the event is sent.
        content_type: media type; guessed from the name if left out.
        add_to_transactions: accepted for compatibility; tocsin sends no transactions.

    Raises:
        TypeError: neither content nor path, or no name.
    """

    def __init__(
        self,
        bytes: bytes | Callable[[], bytes] | None = None,
        filename: str | None = None,
        path: str | os.PathLike[str] | None = None,
        content_type: str | None = None,
        add_to_transactions: bool = False,
    ) -> None:
        if bytes is None and path is None:
            raise TypeError("an attachment needs bytes or path")
        if path is not None:
            path = os.fspath(path)
        if not filename and path is not None:
            filename = path
        # What came from another system may hold that system's separator.
        filename = os.path.basename(filename or "").rpartition("\\")[2]
        if not filename:
            raise TypeError("an attachment of bytes needs a filename")
        self.bytes = bytes
        self.filename = filename
        self.path = path
        self.content_type = content_type
        self.add_to_transactions = add_to_transactions

    def to_envelope_item(self) -> envelope.Item:
        """Return the item for one event.

        An attachment that cannot be had becomes an empty one, so that the reader of the event learns that there was
        one: a missing or unreadable file, a content function that raises, more than `limits.ATTACHMENT_BYTES`.
        """
        return envelope.Item(
            payload=self._payload(),
            type="attachment",
            content_type=self.content_type or _guessed_type(self.filename),
            filename=self.filename,
        )

    def _payload(self) -> envelope.PayloadRef:
        if self.bytes is None:
            return envelope.PayloadRef(path=self.path)
        try:
            content = _as_bytes(self.bytes() if callable(self.bytes) else self.bytes)
        except Exception as error:
            diagnostics.internal_error(f"attachment {self.filename!r} is sent empty", error)
            content = b""
        if len(content) > limits.ATTACHMENT_BYTES:
            diagnostics.warn_once(
                ("attachment", self.filename), f"attachment {self.filename!r} is too large and is sent empty"
            )
            content = b""
        return envelope.PayloadRef(bytes=content)

    def __repr__(self) -> str:
        return f"<Attachment {self.filename!r}>"


def _as_bytes(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return content.encode("utf-8", "replace") if isinstance(content, str) else memoryview(content).tobytes()


def _guessed_type(filename: str) -> str:
    known = _CONTENT_TYPES.get(os.path.splitext(filename)[1].lower())
    if known is not None:
        return known
    mimetypes: Any = late_import("mimetypes")
    guessed: str | None = mimetypes.guess_type(filename, strict=False)[0]
    return guessed or _UNKNOWN_CONTENT
