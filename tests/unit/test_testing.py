"""What applications test themselves with."""

from __future__ import annotations

import pytest

import tocsin
from tocsin.scope import add_global_event_processor, global_event_processors
from tocsin.testing import MemoryTransport, capture_events, reset


def test_events_of_the_block_are_listed() -> None:
    """As dicts, oldest first; what is captured before and after is not among them."""
    tocsin.capture_message("before")
    with capture_events() as events:
        tocsin.capture_message("first")
        tocsin.capture_exception(ValueError("second"))
        assert [event.get("message") for event in events] == ["first", None]
    assert tocsin.capture_message("after") is None
    assert len(events) == 2


def test_the_client_before_comes_back() -> None:
    """Also when the block raises; what is captured in it does not reach that client."""
    transport = MemoryTransport()
    client = tocsin.init(transport=transport, default_integrations=False)
    captured = []

    def work() -> None:
        with capture_events() as events:
            assert tocsin.get_client() is not client
            tocsin.capture_message("inside")
            captured.extend(events)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert tocsin.get_client() is client
    assert len(captured) == 1
    assert transport.events == []
    assert tocsin.capture_message("after") is not None
    assert len(transport.events) == 1


def test_blocks_nest() -> None:
    """Each has its own events."""
    with capture_events() as outer:
        with capture_events() as inner:
            tocsin.capture_message("inner")
        tocsin.capture_message("outer")
    assert [event["message"] for event in inner] == ["inner"]
    assert [event["message"] for event in outer] == ["outer"]


def test_options_are_those_of_init() -> None:
    """Checked as there, and in force in the block."""
    with capture_events(release="a@1", before_send=lambda event, hint: None if "x" in event["message"] else event) as e:
        tocsin.capture_message("x")
        tocsin.capture_message("y")
    assert [(event["message"], event["release"]) for event in e] == [("y", "a@1")]
    with pytest.raises(TypeError):
        capture_events(sample_rat=1).__enter__()


def test_nothing_leaves_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment's DSN nor one that is given is used."""
    monkeypatch.setenv("SENTRY_DSN", "http://key@127.0.0.1:9/1")
    with capture_events() as events:
        tocsin.capture_message("x")
        assert isinstance(tocsin.get_client().transport, MemoryTransport)
    with capture_events(dsn="http://key@127.0.0.1:9/1") as more:
        tocsin.capture_message("x")
        assert isinstance(tocsin.get_client().transport, MemoryTransport)
    assert len(events) == len(more) == 1


def test_reset_forgets_everything() -> None:
    """Client, scopes, processors of the process."""
    client = tocsin.init(transport=MemoryTransport(), default_integrations=False)
    tocsin.set_tag("a", "b")
    tocsin.get_global_scope().set_tag("c", "d")
    add_global_event_processor(lambda event, hint: None)
    reset()
    assert not tocsin.is_initialized()
    assert client.transport is None
    assert global_event_processors == []
    with capture_events() as events:
        tocsin.capture_message("x")
    assert "tags" not in events[0]


def test_reset_without_a_client_does_nothing() -> None:
    """However often."""
    reset()
    reset()
    assert not tocsin.is_initialized()
