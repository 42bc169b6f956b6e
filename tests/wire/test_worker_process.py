"""The worker among patched threads, late imports and the interpreter's end."""

from __future__ import annotations

import _thread
import subprocess
import sys

import pytest

from tocsin import native


def test_patched_threads_are_seen_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under gevent's monkey patching the interpreter's own functions are used."""

    class Monkey:
        @staticmethod
        def get_original(module: str, name: str) -> tuple[str, str]:
            return module, name

    assert native.native("allocate_lock") is _thread.allocate_lock
    monkeypatch.setitem(sys.modules, "gevent.monkey", Monkey)
    assert native.native("allocate_lock") == ("_thread", "allocate_lock")


_AT_EXIT = """
import atexit, sys
from tocsin._backend import Handoff
from tocsin.transport.worker import Worker
worker = Worker(Handoff(10, 10), lambda item: print(item))
{before}
@atexit.register
def late():
    worker.offer("late", 1)
    print(worker.flush(20))
"""


@pytest.mark.parametrize("before", ["", "worker.offer('early', 1); worker.flush(20)"])
def test_the_interpreters_end_is_no_obstacle(before: str) -> None:
    """At exit, where some versions start no threads any more, offers are still flushed, without a traceback."""
    done = subprocess.run(
        [sys.executable, "-c", _AT_EXIT.format(before=before)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == (["early"] if before else []) + ["late", "True"]
    assert "Traceback" not in done.stderr


_IMPORTS_THREADING = """
import _thread, sys
main = _thread.get_ident()
from tocsin._backend import Handoff
from tocsin.transport.worker import Worker
def deliver(item):
    import threading
    print(threading.main_thread().ident == main)
worker = Worker(Handoff(10, 10), deliver)
worker.offer(1, 1)
assert worker.flush(20)
"""


def test_threading_may_be_imported_by_a_delivery_first() -> None:
    """An application without `threading` whose worker imports it still knows its main thread, and ends."""
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{_IMPORTS_THREADING}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)
