"""The choice of a transport from the options, and what every transport can do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.captures import bound, capture, counts, event_envelope
from support.receiver import Answer, Receiver
from tocsin.dsn import BadDsn
from tocsin.envelope import Envelope
from tocsin.transport import HttpTransport, Transport, make_transport
from tocsin.transport.file import FileTransport
from tocsin.transport.memory import MemoryTransport
from tocsin.transport.spotlight import DEFAULT_URL, SpotlightTransport, spotlight_url
from tocsin.transport.sync import SyncHttpTransport

DSN = "https://k@localhost/1"


class Own(Transport):
    """As users write them: without calling `super().__init__`, and with a flush that returns nothing."""

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self.seen: list[Envelope] = []
        self.given = options

    def capture_envelope(self, envelope: Envelope) -> None:
        self.seen.append(envelope)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"dsn": DSN}, HttpTransport),
        ({"dsn": DSN, "transport": "http"}, HttpTransport),
        ({"dsn": DSN, "transport": "sync"}, SyncHttpTransport),
        ({"dsn": None}, type(None)),
        ({"dsn": ""}, type(None)),
        ({}, type(None)),
        ({"transport": "http"}, type(None)),
        ({"transport": "sync"}, type(None)),
        ({"transport": "memory"}, MemoryTransport),
        ({"transport": "stdout"}, FileTransport),
        ({"transport": "file:/nowhere/x"}, FileTransport),
        ({"spotlight": True}, SpotlightTransport),
        ({"spotlight": False}, type(None)),
        ({"dsn": DSN, "spotlight": True}, HttpTransport),
        ({"dsn": DSN, "transport": Own}, Own),
        ({"dsn": DSN, "transport": SyncHttpTransport}, SyncHttpTransport),
        ({"transport": Own}, type(None)),
        ({"transport": MemoryTransport}, MemoryTransport),
    ],
)
def test_the_options_choose(options: dict[str, Any], kind: type) -> None:
    """A DSN means HTTP, no DSN no transport; words, classes and Spotlight mean themselves."""
    assert type(make_transport(options)) is kind


def test_an_instance_is_taken_as_it_is() -> None:
    """A transport that the user has made is used, with or without a DSN."""
    own = Own()
    assert make_transport({"transport": own}) is own
    assert make_transport({"transport": own, "dsn": DSN}) is own


def test_a_class_is_called_with_the_options() -> None:
    """And its base class knows the DSN, if it is asked to."""
    options = {"dsn": DSN, "transport": Own, "release": "x"}
    made = make_transport(options)
    assert isinstance(made, Own)
    assert made.given is options

    class Proper(Transport):
        pass

    proper = make_transport({"dsn": DSN, "transport": Proper})
    assert proper is not None
    assert str(proper.parsed_dsn) == DSN


def test_a_function_gets_each_event_as_a_dict() -> None:
    """It is called with events alone; what it raises is counted, not raised."""
    seen: list[Any] = []
    transport = make_transport({"dsn": DSN, "transport": seen.append})
    transport, stats = bound(transport)
    capture(transport, stats, event_envelope("hello", attachment=b"x"))
    assert [event["message"] for event in seen] == ["hello"]
    assert counts(stats) == (1, 1, 0, {})


@pytest.mark.internal_errors
def test_a_function_that_raises_loses_the_event_and_nothing_else() -> None:
    """Its error stays inside, under the reason for errors inside."""

    def fail(event: Any) -> None:
        raise LookupError

    transport, stats = bound(make_transport({"dsn": DSN, "transport": fail}))
    capture(transport, stats)
    assert counts(stats) == (1, 0, 0, {"internal_sdk_error": 1})


def test_an_object_with_capture_envelope_is_completed() -> None:
    """What looks like a transport is one; what it lacks is supplied, what it has is its own."""

    class Lookalike:
        def __init__(self) -> None:
            self.seen: list[Envelope] = []
            self.flag = "mine"

        def capture_envelope(self, envelope: Envelope) -> None:
            self.seen.append(envelope)

    class Full(Lookalike):
        flushed: tuple[Any, ...] = ()
        killed = False

        def flush(self, timeout: float, callback: Any = None) -> bool:
            self.flushed = (timeout, callback)
            return False

        def kill(self) -> None:
            self.killed = True

    for target in (Lookalike(), Full()):
        transport, _ = bound(make_transport({"transport": target}))
        envelope = event_envelope()
        transport.capture_envelope(envelope)
        assert target.seen == [envelope]
        assert transport.flag == "mine"
        assert transport.flush(1.5) is not isinstance(target, Full)
        transport.kill()
        assert transport.is_healthy()
        assert not hasattr(transport, "no_such_thing")
    assert target.flushed == (1.5, None)
    assert target.killed


@pytest.mark.parametrize("wanted", [7, "", "carrier pigeon", "file:", object(), int, b"http", []])
def test_anything_else_is_misuse_that_names_the_option(wanted: object) -> None:
    """Only a mistake at init raises, and it says which option is wrong."""
    with pytest.raises(TypeError, match="option transport"):
        make_transport({"dsn": DSN, "transport": wanted})


def test_a_bad_dsn_is_misuse() -> None:
    """It is found at init, not when the first error is lost."""
    with pytest.raises(BadDsn):
        make_transport({"dsn": "https://nokey/1"})
    with pytest.raises(TypeError, match="dsn"):
        HttpTransport({})


def test_a_subclass_need_not_call_init() -> None:
    """Every method of the base class works on a subclass that never called `super().__init__`."""
    transport = Own()
    assert transport.options is None
    assert transport.parsed_dsn is None
    assert transport.flush(1) is True
    assert transport.is_healthy()
    assert not transport.is_limited("error")
    assert not transport.is_full()
    transport.record_lost_event("before_send", "error")
    transport.after_fork_in_child()
    transport.kill()
    # One that settles counts its own losses; for another they are told to the server alone.
    transport.settles = True
    _, stats = bound(transport)
    stats.record_captured(2)
    transport.record_lost_event("before_send", "error")
    transport.record_lost_event("sample_rate", item=event_envelope().items[0])
    transport.record_lost_event("sample_rate", item=event_envelope(attachment=b"12345").items[1])
    transport.record_lost_event("sample_rate", quantity=3)
    assert counts(stats) == (2, 0, 0, {"before_send": 1, "sample_rate": 1})
    assert ("sample_rate", "attachment", 5) in stats.take_discarded()
    with pytest.raises(NotImplementedError):
        Transport().capture_envelope(event_envelope())


def test_a_file_word_writes_to_that_path(tmp_path: Path) -> None:
    """`file:PATH` is the path as it stands."""
    transport = make_transport({"transport": f"file:{tmp_path}/a:b"})
    assert transport is not None
    transport.capture_envelope(event_envelope())
    assert (tmp_path / "a:b").stat().st_size > 0


@pytest.mark.parametrize(
    ("option", "variable", "url"),
    [
        (None, None, None),
        (None, "F", None),
        (None, "", None),
        (None, "t", DEFAULT_URL),
        (None, "YES", DEFAULT_URL),
        (None, "http://env/s", "http://env/s"),
        (True, None, DEFAULT_URL),
        (True, "no", DEFAULT_URL),
        (True, "http://env/s", "http://env/s"),
        (False, None, None),
        (False, "1", None),
        (False, "http://env/s", None),
        ("http://opt/s", None, "http://opt/s"),
        ("http://opt/s", "f", "http://opt/s"),
        ("http://opt/s", "http://env/s", "http://opt/s"),
        ("", "on", None),
    ],
)
def test_spotlight_is_found_by_option_then_environment(
    option: object, variable: str | None, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option decides; the environment says where, or whether if the option is silent."""
    environ = {} if variable is None else {"SENTRY_SPOTLIGHT": variable}
    assert spotlight_url(option, environ) == url
    if variable is not None:
        monkeypatch.setenv("SENTRY_SPOTLIGHT", variable)
    transport = make_transport({"spotlight": option})
    assert getattr(transport, "url", None) == url


def test_spotlight_is_a_second_sink() -> None:
    """With a DSN, server and sidecar both get the event; the sidecar's fate does not count."""
    with Receiver() as server, Receiver(Answer(status=500)) as sidecar:
        transport, stats = bound(make_transport({"dsn": server.dsn, "spotlight": f"{sidecar.url}/stream"}))
        capture(transport, stats, event_envelope("both"))
        assert transport.flush(10)
        (request,) = sidecar.wait_for(1)
        assert (request.path, request.envelope.event["message"]) == ("/stream", "both")
        assert "x-sentry-auth" not in request.headers
        assert "content-encoding" not in request.headers
        assert server.requests[0].envelope.event["message"] == "both"
        assert counts(stats) == (1, 1, 0, {})
        transport.kill()


def test_spotlight_alone_counts() -> None:
    """Without a DSN the sidecar is the transport, and what becomes of its events is counted."""
    with Receiver(Answer(), Answer(status=500)) as sidecar:
        transport, stats = bound(make_transport({"spotlight": sidecar.url}))
        for _ in range(2):
            capture(transport, stats)
        assert transport.flush(10)
        assert sidecar.requests[0].path == "/"
        assert counts(stats) == (2, 1, 0, {"send_error": 1})
        transport.kill()
