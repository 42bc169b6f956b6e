"""Envelopes and their items: how events and what belongs to them are framed for the wire.

The framing is that of https://develop.sentry.dev/sdk/data-model/envelopes/: a line of headers, then for each item a
line of headers, the payload as it is, and a line feed.
"""

from __future__ import annotations

import os

from tocsin import _json, diagnostics, limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, BinaryIO

    # In PayloadRef the bare name means its property.
    Bytes = bytes

# Item type to the category that rate limits and client reports know it by; every other type is "default".
_CATEGORIES = {
    "event": "error",
    "transaction": "transaction",
    "attachment": "attachment",
    "session": "session",
    "sessions": "session",
    "client_report": "internal",
    "feedback": "feedback",
    "user_report": "feedback",
    "log": "log_item",
    "trace_metric": "trace_metric",
    "profile": "profile",
    "profile_chunk": "profile_chunk",
    "check_in": "monitor",
    "replay_event": "replay",
    "replay_recording": "replay",
}
# A header line that is longer is refused by some servers (Bugsink: 8 KiB); a name is what may grow.
_HEADER_TEXT_CHARS = 1024


class PayloadRef:
    """The payload of an item: given as bytes, as a file to be read, or as a value to be written as JSON.

    Bytes made once are kept.
    """

    __slots__ = ("_bytes", "_json", "path")

    def __init__(
        self, bytes: Bytes | str | None = None, path: str | os.PathLike[str] | None = None, json: Any = None
    ) -> None:
        self._bytes = bytes.encode("utf-8", "replace") if isinstance(bytes, str) else bytes
        self.path = path
        self._json = json

    @property
    def bytes(self) -> Bytes | None:
        """The bytes as far as they are known already."""
        return self._bytes

    @property
    def json(self) -> Any:
        """The value of a JSON payload; None if the bytes are no JSON."""
        if self._json is None and self.path is None and self._bytes:
            try:
                self._json = _json.loads(self._bytes)
            except ValueError:
                return None
        return self._json

    @property
    def inferred_content_type(self) -> str:
        """`application/json` for a value, otherwise the type that says nothing."""
        return "application/json" if self._json is not None else "application/octet-stream"

    @property
    def held_bytes(self) -> int:
        """How much memory the payload takes while it waits; a file that is not yet read takes none."""
        return 0 if self._bytes is None and self.path is not None else len(self.get_bytes())

    def get_bytes(self) -> Bytes:
        """Return the payload, reading or writing it the first time.

        A file gives nothing if it cannot be read, is no plain file, or is larger than `limits.ATTACHMENT_BYTES`.
        """
        if self._bytes is None:
            if self.path is not None:
                self._bytes = _read_file(self.path)
            else:
                self._bytes = b"" if self._json is None else _json.dumps(self._json)
        return self._bytes

    def __repr__(self) -> str:
        return f"<PayloadRef {self.path or self.inferred_content_type!r}>"


class Item:
    """One item of an envelope.

    Args:
        payload: bytes, text, or a `PayloadRef`.
        headers: item headers; copied. `length` is written when the item is serialized.
        type: the item type, such as `event`.
        content_type: media type; for a JSON payload it is `application/json` if left out.
        filename: name of an attachment.
    """

    __slots__ = ("headers", "payload")

    def __init__(
        self,
        payload: bytes | str | PayloadRef,
        headers: Mapping[str, Any] | None = None,
        type: str | None = None,
        content_type: str | None = None,
        filename: str | None = None,
    ) -> None:
        self.payload = payload if isinstance(payload, PayloadRef) else PayloadRef(bytes=payload)
        self.headers: dict[str, Any] = {} if headers is None else dict(headers)
        if type is not None:
            self.headers["type"] = type
        if content_type is not None:
            self.headers["content_type"] = content_type
        elif "content_type" not in self.headers and self.payload.inferred_content_type == "application/json":
            self.headers["content_type"] = "application/json"
        if filename is not None:
            self.headers["filename"] = filename

    @property
    def type(self) -> str | None:
        """The item type, such as `event`."""
        kind = self.headers.get("type")
        return kind if isinstance(kind, str) else None

    @property
    def data_category(self) -> str:
        """The category under which rate limits and client reports count the item."""
        return _CATEGORIES.get(self.type or "", "default")

    def quantity(self) -> int:
        """Return what the item counts as: bytes for an attachment (an empty one counts as 1), otherwise 1."""
        return len(self.get_bytes()) or 1 if self.type == "attachment" else 1

    def get_bytes(self) -> bytes:
        """Return the payload."""
        return self.payload.get_bytes()

    def get_event(self) -> Any:
        """Return the event as a dict, or None if this is no event."""
        return self.payload.json if self.type == "event" else None

    def get_transaction_event(self) -> Any:
        """Return the transaction as a dict, or None if this is none."""
        return self.payload.json if self.type == "transaction" else None

    def parts(self) -> tuple[bytes, bytes]:
        """Return the header line, without its line feed, and the payload."""
        payload = self.get_bytes()
        return _header_line({**self.headers, "length": len(payload)}), payload

    def serialize(self) -> bytes:
        """Return header line, line feed and payload."""
        return b"\n".join(self.parts())

    def serialize_into(self, f: BinaryIO) -> None:
        """Writes what `serialize` returns."""
        f.write(self.serialize())

    @classmethod
    def deserialize(cls, data: bytes) -> Item | None:
        """Return the first item in `data`, or None if there is none.

        Raises:
            ValueError: it is no item.
        """
        found = _read_item(data, 0)
        return None if found is None else found[0]

    @classmethod
    def deserialize_from(cls, f: BinaryIO) -> Item | None:
        """Return the first item of what is left in a binary stream, and leave the stream at the next one."""
        start = f.tell()
        found = _read_item(f.read(), 0)
        if found is None:
            return None
        f.seek(start + found[1])
        return found[0]

    def __repr__(self) -> str:
        return f"<Item {self.type} {self.payload!r}>"


class Envelope:
    """What is sent in one request: headers and items, in order. Both are copied."""

    __slots__ = ("headers", "items")

    def __init__(self, headers: Mapping[str, Any] | None = None, items: Iterable[Item] | None = None) -> None:
        self.headers: dict[str, Any] = {} if headers is None else dict(headers)
        self.items: list[Item] = [] if items is None else list(items)

    @property
    def description(self) -> str:
        """What it holds, for a diagnostic line."""
        return f"envelope with {len(self.items)} items ({', '.join(item.type or '?' for item in self.items)})"

    def add_event(self, event: Any) -> None:
        """Appends an event, given as a dict or as the bytes of its JSON."""
        if isinstance(event, (bytes, str)):
            self.add_item(Item(PayloadRef(bytes=event), type="event", content_type="application/json"))
        else:
            self.add_item(Item(PayloadRef(json=event), type="event"))

    def add_item(self, item: Item) -> None:
        """Appends an item."""
        self.items.append(item)

    def get_event(self) -> Any:
        """Return the event as a dict, or None if there is none."""
        return next((item.get_event() for item in self.items if item.type == "event"), None)

    def get_transaction_event(self) -> Any:
        """Return the transaction as a dict, or None if there is none."""
        return next((item.get_transaction_event() for item in self.items if item.type == "transaction"), None)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def serialize(self) -> bytes:
        """Return the bytes for the wire."""
        parts = [_header_line(self.headers)]
        for item in self.items:
            parts.extend(item.parts())
        parts.append(b"")
        return b"\n".join(parts)

    def serialize_into(self, f: BinaryIO) -> None:
        """Writes what `serialize` returns."""
        f.write(self.serialize())

    @classmethod
    def deserialize(cls, data: bytes) -> Envelope:
        """Return the envelope that `data` holds.

        Raises:
            ValueError: it holds none.
        """
        line, newline, _ = data.partition(b"\n")
        envelope = cls(_read_headers(line))
        position = len(line) + len(newline)
        while (found := _read_item(data, position)) is not None:
            item, position = found
            envelope.items.append(item)
        return envelope

    @classmethod
    def deserialize_from(cls, f: BinaryIO) -> Envelope:
        """Return the envelope that the rest of a binary stream holds; errors as in `deserialize`."""
        return cls.deserialize(f.read())

    def __repr__(self) -> str:
        return f"<Envelope {self.description}>"


def _read_item(data: bytes, position: int) -> tuple[Item, int] | None:
    """Return the item at `position` and the position after it, or None at the end."""
    # Empty lines between items are tolerated, as by Relay.
    while data.startswith(b"\n", position):
        position += 1
    if position >= len(data):
        return None
    end = data.find(b"\n", position)
    end = len(data) if end < 0 else end
    headers = _read_headers(data[position:end])
    start = end + 1
    length = headers.pop("length", None)
    if length is None:
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
    else:
        if type(length) is not int or length < 0 or (length and start + length > len(data)):
            raise ValueError(f"item of length {length!r} in an envelope that ends before")
        end = start + length
        if data[end : end + 1] not in (b"", b"\n"):
            raise ValueError("item goes on past its length")
    return Item(data[start:end], headers=headers), end + 1


def _read_headers(line: bytes) -> dict[str, Any]:
    headers = _json.loads(line)
    if not isinstance(headers, dict):
        raise ValueError("envelope and item headers must be JSON objects")
    return headers


def _header_line(headers: dict[str, Any]) -> bytes:
    name = headers.get("filename")
    if isinstance(name, str):
        headers = {**headers, "filename": _header_text(name)}
    return _json.dumps(headers)


def _header_text(text: str) -> str:
    """A name of one printable line: servers put it into paths, pages and further headers."""
    text = _json.mended_text(text)[:_HEADER_TEXT_CHARS]
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)


def _read_file(path: str | os.PathLike[str]) -> bytes:
    import stat

    try:
        # A pipe or a device could keep the reader waiting, or never end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OSError("not a plain file")
        with open(path, "rb") as file:
            content = file.read(limits.ATTACHMENT_BYTES + 1)
        if len(content) > limits.ATTACHMENT_BYTES:
            raise OSError("too large")
    except (OSError, ValueError) as error:
        diagnostics.warn_once(("file", str(path)), f"attachment {str(path)!r} is sent empty: {error}")
        return b""
    return content
