"""From a capture to the envelope that is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.clients import raised
from support.receiver import read_envelope
from tocsin import limits, source_context
from tocsin._backend import Capture, Renderer, StackExtractor
from tocsin.assembly import Assembler, PreparedEvent
from tocsin.attachments import Attachment


def captured(extractor: Any = None, attachments: tuple[Any, ...] = (), head: bytes = b"") -> Capture:
    extractor = extractor or StackExtractor(Renderer(), None)
    stack = extractor.exception(raised(ValueError("x")), None, "generic", True)
    return Capture("ab" * 16, 1.5, "error", head, stack, "exception", b"", b"", None, 0, attachments)


def last_frame(payload: bytes) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(payload)["exception"]["values"][-1]["stacktrace"]["frames"][-1]
    return frame


def test_a_capture_becomes_an_envelope() -> None:
    """Its header names the event, its one item is the event."""
    found = read_envelope(Assembler(5).envelope(captured()).serialize())
    assert found.headers["event_id"] == "ab" * 16
    assert found.types == ["event"]
    assert found.event["event_id"] == "ab" * 16
    assert found.event["timestamp"] == "1970-01-01T00:00:01.500000Z"
    assert found.event["exception"]["values"][0]["type"] == "ValueError"


def test_a_prepared_event_becomes_one_as_it_is() -> None:
    """Its bytes are not touched."""
    payload = b'{"event_id": "' + b"cd" * 16 + b'" , "message":"x"}'
    found = read_envelope(Assembler(5).envelope(PreparedEvent("cd" * 16, payload, ())).serialize())
    assert found.headers["event_id"] == "cd" * 16
    assert found.items[0].payload == payload


def test_a_prepared_event_says_how_much_it_holds() -> None:
    """At least its payload: the queue is bounded in bytes."""
    small, large = (PreparedEvent("", b"x" * size, ()).size_bytes for size in (1, 100_000))
    assert 1 < small < 1000
    assert large - small == 99_999


@pytest.mark.parametrize("lines", [0, 1, 3, 7])
def test_as_many_lines_are_shown_on_either_side_as_wanted(lines: int) -> None:
    """With 0 there is no source at all."""
    frame = last_frame(Assembler(lines).payload(captured()))
    if lines == 0:
        assert not frame.keys() & {"context_line", "pre_context", "post_context"}
    else:
        assert frame["context_line"].strip() == "raise error"
        assert len(frame["pre_context"]) == lines
        assert 0 < len(frame["post_context"]) <= lines


def test_source_is_read_once_for_each_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second event of the same place reads nothing."""
    reads: list[Any] = []
    read = source_context.read
    monkeypatch.setattr(source_context, "read", lambda *given: reads.append(given) or read(*given))
    extractor, assembler = StackExtractor(Renderer(), None), Assembler(5)
    first = assembler.payload(captured(extractor))
    count = len(reads)
    assert count > 0
    assert assembler.payload(captured(extractor)) == first
    assert len(reads) == count


def test_a_place_without_source_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its frames are sent without lines."""
    reads: list[Any] = []
    monkeypatch.setattr(source_context, "read", lambda *given: reads.append(given))
    extractor, assembler = StackExtractor(Renderer(), None), Assembler(5)
    for _ in range(3):
        assert "context_line" not in last_frame(assembler.payload(captured(extractor)))
    assert len(reads) == 1


def test_an_event_that_is_too_large_is_cut() -> None:
    """On its way into the envelope, whichever lane it came by."""
    monstrous = b'"extra":{"a":"' + b"x" * 2_000_000 + b'"}'
    prepared = PreparedEvent("ab" * 16, b'{"event_id":"' + b"ab" * 16 + b'",' + monstrous + b"}", ())
    for item in (captured(head=monstrous), prepared):
        (event,) = read_envelope(Assembler(5).envelope(item).serialize()).items
        assert len(event.payload) <= limits.EVENT_CUT_BYTES
        assert event.json["event_id"] == "ab" * 16
        assert event.json["_meta"]["extra"][""]["rem"] == [["!limit", "x"]]


def test_an_event_at_the_limit_is_not_cut() -> None:
    """Not a byte less than a server takes."""
    payload = b'{"event_id":"' + b"ab" * 16 + b'","message":"%s"}'
    payload %= b"x" * (limits.EVENT_CUT_BYTES - len(payload) + 2)
    assert len(payload) == limits.EVENT_CUT_BYTES
    (item,) = Assembler(5).envelope(PreparedEvent("ab" * 16, payload, ())).items
    assert item.get_bytes() == payload


@pytest.mark.internal_errors
def test_attachments_follow_the_event_and_bad_ones_are_left_out() -> None:
    """Whatever stands among them, the event and the good ones arrive."""

    class Failing:
        def to_envelope_item(self) -> Any:
            raise RuntimeError

    attachments = (Attachment(b"1", "1"), 5, None, Failing(), "x", Attachment(b"2", "2"))
    found = read_envelope(Assembler(5).envelope(captured(attachments=attachments)).serialize())
    assert found.types == ["event", "attachment", "attachment"]
    assert [item.payload for item in found.items[1:]] == [b"1", b"2"]
