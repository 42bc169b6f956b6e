"""Late imports and forks."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib

import pytest

from tocsin.importing import late_import

_FORK = """
import os, sys, threading
from tocsin import importing

reached, go = threading.Event(), threading.Event()

def hold():
    with importing.Importing():
        with importing.Importing():
            reached.set()
            assert go.wait(20)

holder = threading.Thread(target=hold)
holder.start()
assert reached.wait(20)
threading.Timer(0.2, go.set).start()
pid = os.fork()
if pid == 0:
    # The fork has waited, and the child can import.
    importing.late_import("colorsys")
    os._exit(0 if go.is_set() else 1)
assert os.waitpid(pid, 0)[1] == 0
holder.join(20)

# An import that does not end holds up a fork for a bounded time, and the child not at all.
reached.clear(), go.clear()
importing._WAIT_S = 0.05
holder = threading.Thread(target=hold)
holder.start()
assert reached.wait(20)
pid = os.fork()
if pid == 0:
    importing._WAIT_S = 60
    importing.late_import("colorsys")
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
importing.late_import("colorsys")
go.set()
holder.join(20)
assert importing._forking == []

# Forking while importing, on one thread, does not wait for itself.
with importing.Importing():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform cannot fork")
def test_a_fork_waits_for_an_import_of_another_thread() -> None:
    """A child never inherits a half-made import, and waiting for one has a bound."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", _FORK], timeout=60, check=True)


_LOGGING = """
import os, sys, threading
from tocsin import importing

assert "logging" not in sys.modules
reached, go = threading.Event(), threading.Event()

class Finder:
    # Stands for a module that asks for a logger in the middle of its import.
    def find_spec(self, name, path=None, target=None):
        if name == "wants_loggers":
            import importlib.util
            return importlib.util.spec_from_loader(name, self)
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        import logging
        reached.set()
        assert go.wait(20)
        logging.getLogger("a.b.c")

sys.meta_path.insert(0, Finder())
importer = threading.Thread(target=importing.import_with_loggers, args=("wants_loggers",))
importer.start()
assert reached.wait(20)
threading.Timer(0.1, go.set).start()
importing._WAIT_S = 20
pid = os.fork()
if pid == 0:
    import wants_loggers, logging
    logging.getLogger("x")
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
importer.join(20)

# Nothing is held any more, for whichever thread asks.
def ask(lock):
    free.append(lock.acquire(True, 20))
    lock.release()

for lock in (importing._lock, sys.modules["logging"]._lock):
    free = []
    asker = threading.Thread(target=ask, args=(lock,))
    asker.start()
    asker.join(30)
    assert free == [True]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform cannot fork")
def test_a_fork_and_an_import_that_wants_loggers_do_not_wait_for_each_other() -> None:
    """`logging` holds its lock through a fork; an import that needs it comes first all the same."""
    command = [sys.executable, "-I", "-S", "-W", "ignore", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{_LOGGING}"]
    done = subprocess.run(command, timeout=60, check=False, capture_output=True, text=True)
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_late_import_is_an_import() -> None:
    """It gives the module itself, a submodule for a dotted name, and ImportError for none."""
    assert late_import("zlib") is zlib
    assert late_import("os.path") is os.path
    with pytest.raises(ImportError):
        late_import("no_such_module_anywhere")
