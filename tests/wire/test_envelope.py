"""Envelope framing: https://develop.sentry.dev/sdk/data-model/envelopes/"""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.receiver import read_envelope
from tocsin.envelope import Envelope, Item, PayloadRef

ID = "9ec79c33ec9942ab8353589fcb2e04dc"


def test_an_envelope_is_lines_of_headers_and_payloads() -> None:
    """Headers are compact JSON on one line, payloads are as given, every item ends with a line feed."""
    envelope = Envelope({"event_id": ID})
    envelope.add_event(b'{"message":"h\xc3\xa9"}')
    envelope.add_item(Item(b"\xef\xbb\xbfHello\r\n", type="attachment", filename="hello.txt"))
    assert envelope.serialize() == (
        b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n'
        b'{"type":"event","content_type":"application/json","length":17}\n{"message":"h\xc3\xa9"}\n'
        b'{"type":"attachment","filename":"hello.txt","length":10}\n\xef\xbb\xbfHello\r\n\n'
    )


def test_an_envelope_without_headers_has_an_empty_object() -> None:
    """No headers are `{}`, as client reports alone have them."""
    assert Envelope().serialize() == b"{}\n"


_headers = st.dictionaries(
    st.text(st.characters(exclude_categories=()), max_size=5).filter(lambda name: name != "type"),
    st.none() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=9),
    max_size=3,
)


@given(_headers, st.lists(st.tuples(_headers, st.binary(max_size=30)), max_size=4))
def test_whatever_the_headers_hold_the_frame_is_valid(
    headers: dict[str, Any], items: list[tuple[dict[str, Any], bytes]]
) -> None:
    """Line feeds, quotes, NaN and lone surrogates in headers, and any bytes in payloads, cannot break the frame."""
    envelope = Envelope(headers, [Item(payload, headers=own, type="attachment") for own, payload in items])
    wire = read_envelope(envelope.serialize())
    assert [item.payload for item in wire.items] == [payload for _, payload in items]
    again = Envelope.deserialize(envelope.serialize())
    assert [item.get_bytes() for item in again] == [payload for _, payload in items]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb\r\x00.txt", "a\ufffdb\ufffd\ufffd.txt"),
        ("a\ud800b.txt", "a\ufffdb.txt"),
        ("\u00e9\u2028\U0001f600", "\u00e9\ufffd\U0001f600"),
        ("x" * 5000, "x" * 1024),
        ("plain name.txt", "plain name.txt"),
    ],
)
def test_a_filename_is_one_printable_line(name: str, shown: str) -> None:
    """Controls and lone surrogates in a name become U+FFFD, and its length is bounded; the item is not changed."""
    item = Item(b"", type="attachment", filename=name)
    (wire,) = read_envelope(Envelope(items=[item]).serialize()).items
    assert wire.headers["filename"] == shown
    assert item.headers["filename"] == name


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_sized_and_unsized_items_are_read(end: bytes) -> None:
    """An item without a length ends at the line feed, one with a length after it; the last line feed is optional."""
    data = (
        b'{"event_id":"%b"}\n' % ID.encode()
        + b'{"type":"a"}\n1234\n{"type":"b","length":4}\nab\nd\n{"type":"c"}\n\n{"type":"d","length":0}\n\n'
        + b'{"type":"e"}\nlast'
        + end
    )
    envelope = Envelope.deserialize(data)
    assert envelope.headers == {"event_id": ID}
    assert [(item.type, item.get_bytes()) for item in envelope] == [
        ("a", b"1234"),
        ("b", b"ab\nd"),
        ("c", b""),
        ("d", b""),
        ("e", b"last"),
    ]
    assert [item.type for item in Envelope.deserialize_from(io.BytesIO(data))] == list("abcde")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]\n",
        b"nonsense\n",
        b'{}\n{"type":"a","length":5}\n1234',
        b'{}\n{"type":"a","length":3}\n1234\n',
        b'{}\n{"type":"a","length":-1}\n',
        b'{}\n{"type":"a","length":"4"}\n1234\n',
        b'{}\n{"type":"a","length":true}\n1\n',
        b"{}\n7\n1234\n",
        b"{}\nnonsense\n",
    ],
)
def test_a_broken_envelope_is_a_value_error(data: bytes) -> None:
    """What is no envelope is refused, never half read."""
    with pytest.raises(ValueError):  # noqa: PT011 - several causes, one type
        Envelope.deserialize(data)


def test_an_item_can_be_read_alone() -> None:
    """`Item.deserialize_from` reads one item and leaves the stream at the next."""
    stream = io.BytesIO(b'{"type":"a","length":2}\nxy\n{"type":"b"}\nz')
    first, second = Item.deserialize_from(stream), Item.deserialize_from(stream)
    assert first is not None
    assert second is not None
    assert (first.type, first.get_bytes(), second.type, second.get_bytes()) == ("a", b"xy", "b", b"z")
    assert Item.deserialize_from(stream) is None
    assert Item.deserialize(b"") is None
    written = io.BytesIO()
    first.serialize_into(written)
    assert written.getvalue() == first.serialize() == b'{"type":"a","length":2}\nxy'


def test_an_event_can_be_given_as_dict_or_bytes_and_is_seen_as_a_dict() -> None:
    """`get_event` gives the dict of either; what is no event is none."""
    for event in ({"message": "hi"}, b'{"message":"hi"}', '{"message":"hi"}'):
        envelope = Envelope()
        envelope.add_item(Item(b"x", type="attachment"))
        assert envelope.get_event() is None
        envelope.add_event(event)
        assert envelope.get_event() == {"message": "hi"}
        assert envelope.get_transaction_event() is None
        assert read_envelope(envelope.serialize()).event == {"message": "hi"}
    transaction = Envelope(items=[Item(PayloadRef(json={"a": 1}), type="transaction")])
    assert transaction.get_transaction_event() == {"a": 1}


def test_an_event_with_values_that_json_lacks_is_mended() -> None:
    """A dict that somebody filled with anything still becomes a valid payload."""
    envelope = Envelope()
    envelope.add_event({"extra": {"n": math.nan, "s": "\ud800", "o": object(), 1: 2}})
    assert read_envelope(envelope.serialize()).event == {"extra": {"n": None, "s": "\ufffd", "o": "<object>", "1": 2}}


def test_payloads_know_what_they_are() -> None:
    """Bytes, text and JSON give their bytes; `json` of what is no JSON is None."""
    assert PayloadRef(bytes=b"x").get_bytes() == b"x"
    assert PayloadRef(bytes="\u00e9").get_bytes() == "\u00e9".encode()
    assert PayloadRef(json={"a": [1]}).get_bytes() == b'{"a":[1]}'
    assert PayloadRef(bytes=b'{"a":1}').json == {"a": 1}
    assert PayloadRef(bytes=b"\xff").json is None
    assert PayloadRef().get_bytes() == b""
    assert PayloadRef(json={}).inferred_content_type == "application/json"
    assert PayloadRef(bytes=b"").inferred_content_type == "application/octet-stream"
    assert PayloadRef(path="/nowhere").held_bytes == 0
    assert PayloadRef(json=[1, 2]).held_bytes == 5


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("event", "error"),
        ("transaction", "transaction"),
        ("attachment", "attachment"),
        ("session", "session"),
        ("sessions", "session"),
        ("client_report", "internal"),
        ("feedback", "feedback"),
        ("log", "log_item"),
        ("profile", "profile"),
        ("check_in", "monitor"),
        ("unheard_of", "default"),
        (None, "default"),
    ],
)
def test_every_item_type_has_a_category(kind: str | None, category: str) -> None:
    """Rate limits and reports know an item by its category."""
    assert Item(b"", type=kind).data_category == category


def test_attachments_count_in_bytes() -> None:
    """A lost attachment counts as its bytes, an empty one as 1, anything else as 1."""
    assert Item(b"abc", type="attachment").quantity() == 3
    assert Item(b"", type="attachment").quantity() == 1
    assert Item(b"abc", type="event").quantity() == 1


def test_what_was_given_is_copied() -> None:
    """Headers and items that belong to the caller are not changed by additions."""
    headers, items = {"a": 1}, [Item(b"")]
    envelope = Envelope(headers, items)
    envelope.headers["b"] = 2
    envelope.add_item(Item(b""))
    assert headers == {"a": 1}
    assert len(items) == 1
    own = {"x": 1}
    Item(b"", headers=own, type="t").serialize()
    assert own == {"x": 1}


def test_the_description_names_the_items() -> None:
    """For a diagnostic line."""
    assert Envelope(items=[Item(b"", type="event"), Item(b"")]).description == "envelope with 2 items (event, ?)"
    stream = io.BytesIO()
    Envelope().serialize_into(stream)
    assert stream.getvalue() == b"{}\n"
