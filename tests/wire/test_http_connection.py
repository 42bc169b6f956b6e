"""The connection of the default transport: kept alive, replaced, configured, and never shared by processes."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import threading
import warnings
from typing import Any

import pytest

from support.captures import capture, counts, event_envelope
from support.receiver import Answer, Receiver
from support.transports import Make
from tocsin.transport.connection import Connection


def test_one_connection_is_used_again(server: Receiver, make: Make) -> None:
    """Events that follow each other share one kept-alive connection."""
    transport, stats = make(server.dsn)
    for _ in range(20):
        capture(transport, stats)
    assert transport.flush(20)
    assert len(server.requests) == 20
    assert server.connections == 1


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_was_closed_while_idle_costs_no_event(server: Receiver, make: Make, reset: bool) -> None:
    """A server that hangs up after each answer, without saying so, still gets each event exactly once."""
    transport, stats = make(server.dsn)
    for number in range(1, 11):
        server.script(Answer(close="after", reset=reset))
        capture(transport, stats, event_envelope(str(number)))
        assert transport.flush(20)
        server.wait_until(lambda number=number: server.ended == number)
    assert counts(stats) == (10, 10, 0, {})
    assert [request.envelope.event["message"] for request in server.requests] == [str(n) for n in range(1, 11)]


@pytest.mark.parametrize("reset", [False, True])
def test_a_break_on_a_used_connection_is_retried_once_on_a_fresh_one(server: Receiver, make: Make, reset: bool) -> None:
    """The server closes just as the request comes in: once more on a new connection, and not a third time."""
    transport, stats = make(server.dsn)
    server.script(Answer(), Answer(close="before", reset=reset))
    capture(transport, stats, event_envelope("a"))
    capture(transport, stats, event_envelope("b"))
    assert transport.flush(20)
    assert counts(stats) == (2, 2, 0, {})
    assert [request.envelope.event["message"] for request in server.requests] == ["a", "b", "b"]
    assert server.connections == 2
    server.script(Answer(close="before", reset=reset), Answer(close="before", reset=reset))
    capture(transport, stats, event_envelope("c"))
    assert transport.flush(20)
    assert counts(stats) == (3, 2, 0, {"network_error": 1})
    assert [request.connection for request in server.requests[3:5]] == [2, 3]


def test_a_break_in_the_middle_of_an_answer_is_not_retried(server: Receiver, make: Make) -> None:
    """The server has begun to answer, so it may have taken the event: sending again could double it."""
    transport, stats = make(server.dsn)
    server.script(Answer(), Answer(raw=b"HTTP/1.1 2"), Answer(), Answer())
    capture(transport, stats)
    capture(transport, stats)
    assert transport.flush(20)
    assert len([request for request in server.requests if request.envelope.event]) == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"keep_alive": True}, {(socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1, (6, socket.TCP_NODELAY): 1}),
        ({}, {(socket.SOL_SOCKET, socket.SO_KEEPALIVE): 0, (6, socket.TCP_NODELAY): 1}),
        ({"socket_options": []}, {(6, socket.TCP_NODELAY): 0}),
        (
            {"socket_options": [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]},
            {(socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1, (6, socket.TCP_NODELAY): 0},
        ),
    ],
)
def test_socket_options_reach_the_socket(
    server: Receiver, make: Make, options: dict[str, Any], expected: dict[tuple[int, int], int]
) -> None:
    """`socket_options` replaces the defaults, `keep_alive` adds to them."""
    transport, stats = make(server.dsn, **options)
    capture(transport, stats)
    assert transport.flush(20)
    connection = transport._sender.connection._direct
    found = {key: int(bool(connection.sock.getsockopt(*key))) for key in expected}
    assert found == expected


def test_keep_alive_adds_only_what_the_user_has_not_set(server: Receiver, make: Make) -> None:
    """Options of the user win over those of `keep_alive`."""
    own = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0), (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 42)]
    transport, stats = make(server.dsn, socket_options=own, keep_alive=True)
    capture(transport, stats)
    assert transport.flush(20)
    pool = transport._sender.connection._pool
    assert pool is not None
    merged = pool.conn_kw["socket_options"]
    assert merged[:2] == own
    assert merged[2:] == [
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 45),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6),
    ]


def test_a_connection_that_is_not_urllib3s_own_is_left_to_the_pool(
    server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a recorder or HTTP/2 puts in the place of urllib3's connection sees each request as the pool makes it."""
    import urllib3
    from urllib3.connection import HTTPConnection

    made = []

    class Recording(HTTPConnection):
        def request(self, *args: Any, **kwargs: Any) -> None:
            made.append(args[0])
            super().request(*args, **kwargs)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "ConnectionCls", Recording)
    transport, stats = make(server.dsn)
    for _ in range(3):
        capture(transport, stats)
    assert transport.flush(20)
    assert made == ["POST"] * 3
    assert server.connections == 1


@pytest.mark.parametrize("in_a_cycle", [False, True])
@pytest.mark.parametrize("posts", [1, 2])
def test_a_connection_that_nobody_closed_closes_with_its_owner(
    server: Receiver, posts: int, in_a_cycle: bool, recwarn: pytest.WarningsRecorder
) -> None:
    """A transport that is simply dropped leaves no open socket behind, nor a complaint about one."""
    warnings.simplefilter("always")
    options: dict[str, Any] = {}
    connection = Connection(f"{server.url}/api/1/envelope/", "127.0.0.1", 80, {}, options, environ={})
    if in_a_cycle:
        options["owner"] = connection
    for _ in range(posts):
        answer = connection.post(event_envelope().serialize(), 20, is_compressed=False)
        assert answer is not None
        assert answer[0] == 200
    assert (server.connections, server.ended) == (1, 0)
    del connection, options
    gc.collect()
    server.wait_until(lambda: server.ended == 1)
    assert list(recwarn) == []


def test_a_connection_idle_for_long_is_replaced(server: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Middle boxes forget idle connections silently, so after a while a new one is opened rather than trusted."""
    monkeypatch.setattr("tocsin.transport.connection._IDLE_S", 0.0)
    transport, stats = make(server.dsn)
    for _ in range(3):
        capture(transport, stats)
        assert transport.flush(20)
    assert server.connections == 3
    assert counts(stats) == (3, 3, 0, {})


_FORK = """
import os, sys
sys.path[:0] = {path!r}
from support.captures import bound, capture, counts, event_envelope
from tocsin.transport.http import HttpTransport

transport, stats = bound(HttpTransport({{"dsn": {dsn!r}}}), event_envelope)
capture(transport, stats, event_envelope("warm"))
assert transport.flush(20)
held_in_queue = {held!r}
if held_in_queue:
    # Something the parent has queued and not sent: the server holds the request before it back.
    capture(transport, stats, event_envelope("held"))
    capture(transport, stats, event_envelope("queued"))
print("go on?", flush=True)
sys.stdin.readline()
children = []
for number in range(3):
    pid = os.fork()
    if pid == 0:
        {hook}
        assert not transport._worker.is_alive
        stats.reset()
        capture(transport, stats, event_envelope(f"child {{number}} 0"))
        for one in range(1, 5):
            stats.record_captured()
            assert transport.offer(f"child {{number}} {{one}}", 1)
        assert transport.flush(20)
        assert counts(stats) == (5, 5, 0, {{}}), counts(stats)
        os._exit(0)
    children.append(pid)
for one in range(5):
    capture(transport, stats, event_envelope(f"parent {{one}}"))
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
print("children are done", flush=True)
assert transport.flush(20)
assert counts(stats)[1:] == (counts(stats)[0], 0, {{}})
transport.kill()
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the platform cannot fork")
@pytest.mark.parametrize("hook", ["transport.after_fork_in_child()", "pass"])
@pytest.mark.parametrize("held", [False, True])
def test_parent_and_children_send_each_event_once(server: Receiver, hook: str, held: bool) -> None:
    """After a fork no connection is shared, nothing that the parent has queued goes out twice, and nobody hangs;
    whether or not a client passes the word of the fork on to its transport once more."""
    release = threading.Event()
    if held:
        server.script(Answer(), Answer(until=release))
    code = _FORK.format(path=sys.path, dsn=server.dsn, hook=hook, held=held)
    command = [sys.executable, "-W", "ignore", "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "go on?\n"
        server.wait_for(2 if held else 1)
        process.stdin.write("yes\n")
        process.stdin.flush()
        assert process.stdout.readline() == "children are done\n"
        release.set()
        assert process.wait(60) == 0
    expected = ["warm", *(f"child {number} {one}" for number in range(3) for one in range(5))]
    expected += [f"parent {one}" for one in range(5)] + (["held", "queued"] if held else [])
    messages = [request.envelope.event["message"] for request in server.requests]
    assert sorted(messages) == sorted(expected)
    owners: dict[int, set[str]] = {}
    for request in server.requests:
        owner = request.envelope.event["message"].rpartition(" ")[0] or "parent"
        owners.setdefault(request.connection, set()).add(owner)
    assert all(len(names) == 1 for names in owners.values()), owners


_UNTOLD = """
import ctypes, os, sys
sys.path[:0] = {path!r}
from support.captures import bound, counts
from tocsin.transport.http import HttpTransport

transport, stats = bound(HttpTransport({{"dsn": {dsn!r}}}))
if {warm}:
    stats.record_captured()
    assert transport.offer('parent', 1)
    assert transport.flush(20)
    stats.reset()
pid = ctypes.PyDLL(None).fork()
if pid == 0:
    stats.record_captured()
    assert {capture}
    assert transport.flush(20)
    assert counts(stats) == (1, 1, 0, {{}}), counts(stats)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the platform cannot fork")
@pytest.mark.parametrize(
    "capture",
    ["transport.offer('hi', 1)", "transport.capture_envelope(transport._assemble('hi')) is None"],
)
@pytest.mark.parametrize("warm", [False, True])
def test_a_child_that_the_interpreter_was_not_told_of_delivers(server: Receiver, capture: str, warm: bool) -> None:
    """A host in C that loads the application and forks, as some application servers do, runs no hooks.

    So it is where the parent has delivered before (`warm`): the thread that did stays behind.
    """
    code = _UNTOLD.format(path=sys.path, dsn=server.dsn, capture=capture, warm=warm)
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=60, check=True)
    messages = [request.envelope.event["message"] for request in server.requests]
    assert messages == ["parent"] * warm + ["hi"]
