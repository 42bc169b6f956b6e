"""The server keeps what is posted, and does as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from benchmarks.server import Server

_WAIT_S = 30.0


@pytest.fixture
def server(compiled: Path) -> Iterator[Server]:
    started = Server(str(compiled))
    yield started
    started.close()


def _post(server: Server, body: bytes, **headers: str) -> int:
    with urllib3.HTTPConnectionPool("127.0.0.1", server.port, timeout=_WAIT_S, retries=False) as pool:
        return pool.request("POST", "/api/1/envelope/", body=body, headers=headers).status


def test_bodies_are_kept_as_they_came(server: Server) -> None:
    """Encoding and bytes of each post, in order, on one connection or several."""
    assert _post(server, b"one") == 200
    assert _post(server, b"\x1f\x8b" * 100_000, **{"Content-Encoding": "gzip"}) == 200
    assert server.posts() == 2
    assert server.bodies() == [(0, b"one"), (1, b"\x1f\x8b" * 100_000)]
    server.control("clear")
    assert server.posts() == 0
    assert server.bodies() == []


def test_chunks_are_joined(server: Server) -> None:
    """A body without a length arrives whole, however it was cut."""
    with socket.create_connection(("127.0.0.1", server.port), _WAIT_S) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        connection.sendall(b"4\r\n two\r\n0\r\n\r\n")
        assert connection.recv(1024).startswith(b"HTTP/1.1 200 ")
    assert server.bodies() == [(0, b"one two")]


def test_a_status_is_answered_until_another_is_wanted(server: Server) -> None:
    """429 too, with the pause that SDKs obey."""
    server.control("status/429")
    assert _post(server, b"one") == 429
    server.control("status/200")
    assert _post(server, b"two") == 200


def test_answers_are_held_until_released(server: Server) -> None:
    """Requests arrive meanwhile, and are all answered in the end."""
    server.control("hold")
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(_post(server, b"one"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    waiter = threading.Event()
    while server.posts() < 3:
        waiter.wait(0.001)
    assert answers == []
    server.control("release")
    for thread in threads:
        thread.join(_WAIT_S)
    assert answers == [200] * 3
