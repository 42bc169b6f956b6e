"""Programs that capture where little may be taken for granted: in forks, signal handlers, destructors, at exit."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import warnings
import weakref
from typing import Any

import tocsin

_PATIENCE_S = 20.0
_CHILDREN = 6
_OF_A_CHILD = 3


def forks_in_mid_traffic(dsn: str) -> Any:
    """Four threads capture while the main one forks; each child captures a little, flushes and tells its counts."""
    # Python 3.12 warns of what is to be tested.
    warnings.simplefilter("ignore", DeprecationWarning)
    tocsin.init(dsn, default_integrations=False, transport_queue_size=1000, transport_queue_bytes=100_000_000)
    stop = threading.Event()

    def capture(number: int) -> None:
        count = 0
        while not stop.is_set() and count < 1500:
            tocsin.capture_message(f"parent {number}.{count}")
            count += 1
            time.sleep(0)

    threads = [threading.Thread(target=capture, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    codes = []
    pending = []
    for number in range(_CHILDREN):
        pending.append(tocsin.stats().pending)
        child = os.fork()
        if child == 0:
            os._exit(_in_child(number))
        codes.append(_code_of(child))
    stop.set()
    for thread in threads:
        thread.join(_PATIENCE_S)
    settled = tocsin.flush(_PATIENCE_S)
    account = tocsin.stats()
    counts = [account.captured, account.delivered, account.pending, sum(account.dropped.values())]
    return {"codes": codes, "settled": settled, "counts": counts, "pending": max(pending)}


def _in_child(number: int) -> int:
    """Returns 0 if all went as it should, else the line that says what did not."""
    before = tocsin.stats()
    for count in range(_OF_A_CHILD):
        tocsin.capture_message(f"child {number}.{count}")
    settled = tocsin.flush(_PATIENCE_S)
    account = tocsin.stats()
    if before.captured or before.pending or before.dropped:
        return 1
    if not settled:
        return 2
    if (account.captured, account.delivered, account.pending) != (_OF_A_CHILD, _OF_A_CHILD, 0):
        return 3
    return 0


def _code_of(child: int) -> int:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def _raise_and_capture(text: str) -> str | None:
    try:
        raise ValueError(text)
    except ValueError:
        return tocsin.capture_exception()


def _init_with_room(dsn: str) -> None:
    tocsin.init(dsn, default_integrations=False, transport_queue_size=100_000, transport_queue_bytes=1_000_000_000)


def _counts() -> dict[str, Any]:
    settled = tocsin.flush(_PATIENCE_S)
    account = tocsin.stats()
    return {
        "settled": settled,
        "captured": account.captured,
        "delivered": account.delivered,
        "pending": account.pending,
        "dropped": account.dropped,
    }


def captures_in_signal_handlers(dsn: str) -> Any:
    """A handler captures while captures are being made."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    _init_with_room(dsn)
    ids = [tocsin.capture_message("the first, which starts the worker")]
    in_handler = []

    def handler(*_: object) -> None:
        in_handler.append(_raise_and_capture("in the handler"))
        tocsin.add_breadcrumb(message="in the handler")
        signal.setitimer(signal.ITIMER_REAL, 3e-4)

    signal.signal(signal.SIGALRM, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    signal.setitimer(signal.ITIMER_REAL, 3e-4)
    while len(in_handler) < 150:
        ids.append(_raise_and_capture("outside"))
        ids.append(tocsin.capture_message("outside"))
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return {**_counts(), "made": len(ids) + len(in_handler), "refused": (ids + in_handler).count(None)}


class Capturing:
    """Captures when it is destroyed, by the collector at whatever moment."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        of_destructors.append(_raise_and_capture("in a destructor"))


of_destructors: list[str | None] = []


class Watched:
    """Something that a weak reference can watch, in a cycle."""

    def __init__(self) -> None:
        self.itself = self


def captures_in_destructors(dsn: str) -> Any:
    """Destructors and callbacks of weak references capture, while the collector runs at nearly every allocation."""
    _init_with_room(dsn)
    ids = []
    of_callbacks: list[str | None] = []
    references = []

    def called(_: object) -> None:
        of_callbacks.append(tocsin.capture_message("in a callback"))

    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    for _ in range(150):
        Capturing()
        references.append(weakref.ref(Watched(), called))
        ids.append(_raise_and_capture("outside"))
        tocsin.add_breadcrumb(message="outside", data={"a": [1]})
        ids.append(tocsin.capture_message("outside"))
    gc.set_threshold(*thresholds)
    # The worker's thread may be at it, and a collection does not wait for another.
    deadline = time.monotonic() + _PATIENCE_S
    while len(of_destructors) + len(of_callbacks) < 300 and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.001)
    made = ids + of_destructors + of_callbacks
    ends = [len(of_destructors), len(of_callbacks)]
    return {**_counts(), "made": len(made), "refused": made.count(None), "ends": ends}


def captures_in_what_is_called(dsn: str) -> Any:
    """Code that tocsin itself calls captures: that would never end, and is refused."""
    _init_with_room(dsn)

    class Recursive(Exception):
        def __str__(self) -> str:
            inner.append(tocsin.capture_exception(self))
            return "recursive"

    inner: list[str | None] = []
    outer = tocsin.capture_exception(Recursive())
    return {**_counts(), "outer": outer is not None, "inner": inner}


def ends_without_a_flush(dsn: str) -> Any:
    """Captures on two threads, and ends."""
    tocsin.init(dsn, shutdown_timeout=_PATIENCE_S)
    thread = threading.Thread(target=_raise_and_capture, args=("in a thread",))
    thread.start()
    thread.join(_PATIENCE_S)
    _raise_and_capture("at the end")
    sys.modules["__main__"].kept = Capturing()  # type: ignore[attr-defined]
    return True
