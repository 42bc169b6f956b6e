"""Laws of JSON strings: the twins agree byte for byte, and no string is ever one that a server refuses."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from support.twins import CHARACTERS, PROPERTY, TEXTS, Text, same


@given(text=st.text(CHARACTERS, max_size=3000) | TEXTS | TEXTS.map(Text))
@PROPERTY
def test_json_string_is_the_same_in_both_and_reads_back(text: str) -> None:
    """A text reads back as itself, but for NULs and lone surrogates: those are U+FFFD."""
    data = same("json_text", lambda twin: twin.json_string(text))
    assert isinstance(data, bytes)
    mended = "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)
    assert json.loads(data) == mended
    assert json.dumps(mended, ensure_ascii=False).encode() == data


@given(text=st.text(CHARACTERS, max_size=300) | TEXTS, room=st.integers(3, 400))
@PROPERTY
def test_a_bounded_string_takes_the_bytes_it_may_and_says_where_it_was_cut(text: str, room: int) -> None:
    """What fits stays whole; of all else the longest beginning that leaves room for an ellipsis."""
    data = same("json_text", lambda twin: twin.bounded_string(text, room))
    whole = same("json_text", lambda twin: twin.json_string(text))
    assert isinstance(data, bytes)
    assert isinstance(whole, bytes)
    if len(whole) - 2 <= room:
        assert data == whole
        return
    shown = json.loads(data)
    assert len(data) - 2 <= room
    assert shown.endswith("...")
    assert json.loads(whole).startswith(shown[:-3])
    one_more = json.dumps(json.loads(whole)[: len(shown) - 2], ensure_ascii=False).encode()
    assert len(one_more) - 2 > room - 3
