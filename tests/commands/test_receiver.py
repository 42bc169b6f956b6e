"""The demo's receiver takes what servers of the protocol take, and says so when something else comes in."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator

import pytest

from tocsin.commands.receiver import Receiver
from tocsin.dsn import Dsn
from tocsin.envelope import Envelope


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def _post(receiver: Receiver, body: bytes, encoding: str = "gzip", path: str = "", key: str = "") -> tuple[int, bytes]:
    dsn = Dsn(receiver.dsn)
    headers = {"X-Sentry-Auth": key or dsn.auth_header("test/1")}
    if encoding:
        headers["Content-Encoding"] = encoding
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    try:
        connection.request("POST", path or f"/api/{dsn.project_id}/envelope/", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _body(event_id: str = "ab" * 16) -> bytes:
    envelope = Envelope({"event_id": event_id})
    envelope.add_event({"event_id": event_id, "message": "hello"})
    return envelope.serialize()


@pytest.mark.parametrize("encoding", ["gzip", ""])
def test_an_event_is_kept_and_answered_with_its_id(receiver: Receiver, encoding: str) -> None:
    """It is read as it was sent, compressed or not, and both sizes are counted."""
    plain = _body()
    sent = gzip.compress(plain) if encoding else plain
    status, answer = _post(receiver, sent, encoding)
    assert (status, json.loads(answer)) == (200, {"id": "ab" * 16})
    assert receiver.events["ab" * 16]["message"] == "hello"
    assert (receiver.wire_bytes, receiver.plain_bytes) == (len(sent), len(plain))
    assert receiver.problems == []


@pytest.mark.parametrize(
    ("body", "encoding", "path", "key"),
    [
        (b"no gzip", "gzip", "", ""),
        (gzip.compress(_body())[:-9], "gzip", "", ""),
        (gzip.compress(bytes(8 * 1024 * 1024)), "gzip", "", ""),
        (_body(), "br", "", ""),
        (b"{}\n{not json}\n", "", "", ""),
        (_body(), "", "/api/2/envelope/", ""),
        (_body(), "", "", "Sentry sentry_key=another"),
    ],
    ids=["no_gzip", "cut_off", "bomb", "encoding", "no_envelope", "project", "key"],
)
def test_what_cannot_be_read_is_refused_and_told(
    receiver: Receiver, body: bytes, encoding: str, path: str, key: str
) -> None:
    """The sender gets status 400, the demo a line to print; nothing is kept."""
    status, _ = _post(receiver, body, encoding, path, key)
    assert status == 400
    assert len(receiver.problems) == 1
    assert receiver.events == {}


def test_it_listens_on_the_loopback_interface_alone(receiver: Receiver) -> None:
    """Nobody else can send to it."""
    assert receiver._server.server_address[0] == "127.0.0.1"
