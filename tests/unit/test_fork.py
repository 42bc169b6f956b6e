"""What a forked child lets go of, and what it keeps."""

from __future__ import annotations

import gc
import os
import weakref

import pytest

import tocsin
from support.commands import run_script
from support.receiver import Answer, Receiver
from tocsin import fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

# A child's verdict is its exit code: 0 if all it asserted holds.
SCRIPT = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import tocsin
def in_child(work):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
"""


def run(script: str, **environment: str) -> str:
    done = run_script(tocsin.backend(), SCRIPT + script, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class Noting:
    def __init__(self, calls: list[object], error: Exception | None = None) -> None:
        self._calls = calls
        self._error = error

    def after_fork_in_child(self) -> None:
        self._calls.append(self)
        if self._error is not None:
            raise self._error


def test_those_registered_are_called_as_long_as_they_live() -> None:
    """Registration keeps nobody alive, and can be taken back."""
    calls: list[object] = []
    gone, left, kept = Noting(calls), Noting(calls), Noting(calls)
    for one in (gone, left, kept):
        fork.register(one)
    fork.unregister(left)
    fork.unregister(left)
    ref = weakref.ref(gone)
    del gone, one
    gc.collect()
    assert ref() is None
    fork._after_fork_in_child()
    assert calls == [kept]


@pytest.mark.internal_errors
def test_one_that_fails_does_not_keep_the_others_from_being_called() -> None:
    """Each is fenced by itself."""
    calls: list[object] = []
    all_of_them = [Noting(calls, RuntimeError()) for _ in range(3)]
    for one in all_of_them:
        fork.register(one)
    fork._after_fork_in_child()
    assert set(calls) == set(all_of_them)


def test_there_is_one_hook_however_many_clients() -> None:
    """Nobody can unregister one, so a process would gather them."""
    out = run(
        """
hooks = []
original = os.register_at_fork
os.register_at_fork = lambda **given: hooks.append(given) or original(**given)
tocsin.init("http://k@127.0.0.1:9/1", default_integrations=False).close()
print(sum(hook.__module__ == "tocsin.fork" for given in hooks for hook in given.values()))
hooks.clear()
for _ in range(50):
    tocsin.init("http://k@127.0.0.1:9/1", default_integrations=False).close()
print(len(hooks))
"""
    )
    assert out == "1\n0\n"


def test_a_closed_client_is_forgotten() -> None:
    """Though the application holds on to it."""
    client = tocsin.Client("http://k@127.0.0.1:9/1")
    assert client in fork._registered
    client.close()
    assert client not in fork._registered


def test_a_child_starts_with_nothing_counted_and_an_empty_queue() -> None:
    """The parent's pending events are its own to deliver; each arrives once."""
    with Receiver(Answer(status=200)) as server:
        out = run(
            """
client = tocsin.init(os.environ["TEST_DSN"], default_integrations=False)
tocsin.set_tag("kept", "by the child")
for number in range(3):
    tocsin.capture_message(f"parent {number}")
def work():
    assert tocsin.stats() == tocsin.Account(0, 0, 0, {}), tocsin.stats()
    assert tocsin.flush(10)
    assert tocsin.capture_message("child")
    assert tocsin.stats().captured == 1
    assert tocsin.flush(20)
    assert tocsin.stats() == tocsin.Account(1, 1, 0, {}), tocsin.stats()
in_child(work)
assert tocsin.flush(20)
print(tocsin.stats())
""",
            TEST_DSN=server.dsn,
        )
        assert out == "Account(captured=3, delivered=3, pending=0, dropped={})\n"
        events = [request.envelope.event for request in server.wait_for(4)]
    assert sorted(event["message"] for event in events) == ["child", "parent 0", "parent 1", "parent 2"]
    assert all(event["tags"] == {"kept": "by the child"} for event in events)


def test_a_child_of_a_child_does_too() -> None:
    """And the parent's own counts stay as they are."""
    assert (
        run(
            """
from tocsin.testing import MemoryTransport
tocsin.init(transport=MemoryTransport(), default_integrations=False)
def deeper():
    assert tocsin.stats().captured == 0
    assert tocsin.capture_message("x")
def work():
    assert tocsin.stats().captured == 0
    assert tocsin.capture_message("x")
    in_child(deeper)
    assert tocsin.stats().captured == 1
tocsin.capture_message("x")
in_child(work)
print(tocsin.stats().captured)
"""
        )
        == "1\n"
    )


def test_a_closed_client_stays_closed_in_a_child() -> None:
    """Nothing wakes up again."""
    run(
        """
client = tocsin.init("http://k@127.0.0.1:9/1", default_integrations=False)
client.close(0)
def work():
    assert client.transport is None
    assert tocsin.capture_message("x") is None
in_child(work)
"""
    )


def test_a_fork_in_the_middle_of_captures_leaves_both_able() -> None:
    """Threads that capture at the moment of the fork hold no lock that the child would wait for."""
    run(
        """
import threading
from tocsin.testing import MemoryTransport
tocsin.init("http://k@127.0.0.1:9/1", default_integrations=False)
stop = threading.Event()
def capture():
    while not stop.is_set():
        tocsin.add_breadcrumb(message="x")
        tocsin.capture_exception(ValueError("x"))
threads = [threading.Thread(target=capture) for _ in range(3)]
for thread in threads:
    thread.start()
def work():
    tocsin.add_breadcrumb(message="x")
    assert tocsin.capture_exception(ValueError("x"))
    account = tocsin.stats()
    assert account.captured == 1 == account.delivered + account.pending + sum(account.dropped.values()), account
for _ in range(6):
    in_child(work)
stop.set()
for thread in threads:
    thread.join(30)
tocsin.close(0)
"""
    )


def test_ids_are_others_in_a_child_that_the_interpreter_was_not_told_of() -> None:
    """A host in C that forks runs no hooks; and two events of one id are one to a server."""
    ids = run(
        """
import ctypes
from tocsin._backend import new_event_id, new_span_id
new_event_id(), new_span_id()
pids = []
for make in (new_event_id, new_span_id) * 2:
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        os.write(1, (make() + " ").encode())
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
print(new_event_id(), new_span_id())
"""
    ).split()
    # Of equal generators the first ids begin alike.
    assert len({one[:16] for one in ids}) == len(ids) == 6
