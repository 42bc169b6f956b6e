"""Helpers for laws about threads, signals and memory."""

from __future__ import annotations

import _thread
import contextlib
import gc
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

# Longer than anything here takes on a slow machine; whatever waits gives up then.
PATIENCE_S = 60.0


class Interruption(Exception):
    """What `interrupt` raises."""


def interrupt(*_: object) -> None:
    """A signal handler that raises."""
    raise Interruption


@contextlib.contextmanager
def rapid_switching() -> Iterator[None]:
    """Threads take turns as often as the interpreter lets them."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval_s)


@contextlib.contextmanager
def threads(*targets: Callable[[], object]) -> Iterator[None]:
    """Runs the targets beside the block; a target that is not done in time, or raises, fails the test."""
    errors: list[BaseException] = []

    def guarded(target: Callable[[], object]) -> None:
        try:
            target()
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=guarded, args=(target,), daemon=True) for target in targets]
    for thread in running:
        thread.start()
    yield
    for thread in running:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in running)
    assert errors == []


@contextlib.contextmanager
def signals(handler: Callable[[int, object], object], delay_s: float, repeat: bool = False) -> Iterator[None]:
    """Sends SIGALRM to the main thread, which must be the caller, after `delay_s`; again and again if `repeat`.

    Sent by a thread to a thread: a signal of the process may be served by a thread that the interpreter does not
    know, and until 3.12 the main thread then learns of it late. Without `repeat` the block must outlast the delay.
    """
    main = threading.get_ident()
    stop = threading.Event()
    sent = _thread.allocate_lock()
    sent.acquire()

    def send() -> None:
        try:
            while not stop.wait(delay_s):
                signal.pthread_kill(main, signal.SIGALRM)
                if not repeat:
                    break
        finally:
            sent.release()

    before = signal.signal(signal.SIGALRM, handler)
    try:
        _thread.start_new_thread(send, ())
        yield
    finally:
        stop.set()
        assert sent.acquire(timeout=PATIENCE_S)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def eager_collector() -> Iterator[None]:
    """The garbage collector runs as often as it can."""
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def deadline() -> Callable[[], bool]:
    """Gives a function that says whether there is still time."""
    end_s = time.monotonic() + PATIENCE_S
    return lambda: time.monotonic() < end_s


def grown_blocks(cycle: Callable[[], object], cycles: int) -> int:
    """How many more blocks of memory are allocated after `cycles` calls; the least of three runs, past a warm-up."""
    if not sys.getallocatedblocks():
        pytest.skip("PYTHONMALLOC=malloc: the interpreter does not count blocks that it does not manage itself")
    growths = []
    for _ in range(4):
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(cycles):
            cycle()
        gc.collect()
        growths.append(sys.getallocatedblocks() - before)
    return min(growths[1:])


def failing_allocations(attempt: Callable[[], object], most: int = 400) -> Iterator[bool]:
    """Calls `attempt` with its first allocation failing, then its second, up to `most`; yields after each.

    What is yielded says whether a MemoryError came out; anything else that comes out is an error. Skips the test
    where CPython was built without its test modules.
    """
    memory = pytest.importorskip("_testcapi", reason="this Python has no _testcapi, which makes allocations fail")
    for count in range(most):
        has_failed = False
        memory.set_nomemory(count, count + 1)
        try:
            attempt()
        except MemoryError:
            has_failed = True
        finally:
            memory.remove_mem_hooks()
        yield has_failed


def outcome(call: Callable[[], object]) -> tuple[str, object]:
    """What a call returned, or the type and text of what it raised."""
    try:
        return ("returned", call())
    except Exception as error:
        return (type(error).__name__, str(error))
