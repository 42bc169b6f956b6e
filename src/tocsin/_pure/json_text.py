"""JSON strings: valid UTF-8 by construction, within bounds where asked. Called on any thread."""

from __future__ import annotations

from tocsin._pure.describe import mend

try:
    from _json import encode_basestring as _encode
except ImportError:  # an interpreter without the accelerator
    from json.encoder import py_encode_basestring as _encode

# A JSON string in quotes, as text, of what has neither NULs nor lone surrogates.
quote = _encode


class Fragment(bytes):
    """Bytes that are JSON already: a writer passes them on as they are."""

    __slots__ = ()


def json_string(text: str) -> bytes:
    """Return `text` as a JSON string in UTF-8, quotes included.

    What no server can store becomes U+FFFD: lone surrogates are not UTF-8, and a NUL is refused by PostgreSQL.
    """
    if "\0" in text:
        text = mend(text)
    try:
        return quote(text).encode()
    except UnicodeEncodeError:
        return quote(mend(text)).encode()


def bounded_string(text: str, room: int) -> bytes:
    """Return `text` as a JSON string with at most `room` bytes between its quotes, an ellipsis at the end if cut."""
    text = text[: room + 1]
    written = json_string(text)
    if len(written) - 2 <= room:
        return written
    # The longest beginning that leaves room for the ellipsis; a longer one is never shorter in bytes.
    low, high = 0, min(len(text), room - 3)
    while low < high:
        middle = (low + high + 1) // 2
        if len(json_string(text[:middle])) - 2 <= room - 3:
            low = middle
        else:
            high = middle - 1
    return json_string(text[:low])[:-1] + b'..."'
