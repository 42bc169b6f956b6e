"""Laws of the fence around calls into foreign code: failures stay inside, what is meant for the application passes."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from support.concurrency import PATIENCE_S, Interruption, deadline, interrupt, signals, threads


def raising(error: BaseException | type[BaseException]) -> Callable[[], NoReturn]:
    def function() -> NoReturn:
        raise error

    return function


@pytest.mark.parametrize("value", [None, 5, "text", [1], ValueError, object()])
def test_an_answer_is_passed_on(backend: Any, value: object) -> None:
    """Whatever it is, the same object; arguments are the function's."""
    assert backend.fence.call_fenced(lambda: value) is value
    assert backend.fence.call_fenced(lambda *arguments: arguments, 1, value) == (1, value)
    assert backend.fence.call_fenced(str, 5) == "5"


@pytest.mark.parametrize("kind", [Exception, ValueError, RecursionError, MemoryError, StopIteration, Interruption])
def test_an_exception_is_no_answer(backend: Any, kind: type[Exception]) -> None:
    """Raised by the function, or below it; from a function that is no Python one, too."""
    assert backend.fence.call_fenced(raising(kind)) is None
    assert backend.fence.call_fenced(lambda: raising(kind)()) is None
    assert backend.fence.call_fenced(int, "text") is None
    assert backend.fence.call_fenced(5) is None
    assert not backend.fence.is_fenced()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, BaseException])
def test_what_is_no_exception_passes(backend: Any, kind: type[BaseException]) -> None:
    """As itself, with its own frames only; the fence is down afterwards."""
    error = kind("text")
    with pytest.raises(kind) as caught:
        backend.fence.call_fenced(raising(error))
    assert caught.value is error
    assert not backend.fence.is_fenced()


def test_an_exit_by_the_function_itself_is_no_answer(backend: Any) -> None:
    """A `__str__` that calls `sys.exit` cannot end the application."""
    assert backend.fence.call_fenced(raising(SystemExit)) is None
    assert backend.fence.call_fenced(lambda: sys.exit(3)) is None
    assert not backend.fence.is_fenced()


def test_an_exit_from_below_passes(backend: Any) -> None:
    """Somebody whom the function called wishes to exit: a shutdown, as likely as not."""

    def ending() -> None:
        sys.exit(3)

    with pytest.raises(SystemExit) as caught:
        backend.fence.call_fenced(lambda: ending())
    assert caught.value.code == 3
    with pytest.raises(SystemExit):
        backend.fence.call_fenced(sys.exit, 3)
    assert not backend.fence.is_fenced()


def test_a_thread_is_fenced_inside_only(backend: Any) -> None:
    """Before, inside, in nested calls, between and after them."""
    is_fenced, call = backend.fence.is_fenced, backend.fence.call_fenced
    seen = [is_fenced()]

    def inner() -> None:
        seen.append(is_fenced())
        raise ValueError

    def outer() -> None:
        seen.append(is_fenced())
        call(inner)
        seen.append(is_fenced())
        call(call, inner)
        seen.append(is_fenced())

    call(outer)
    seen.append(is_fenced())
    assert seen == [False, True, True, True, True, True, False]


def test_a_thread_is_fenced_by_its_own_calls_only(backend: Any) -> None:
    """While one is inside, another is not; each leaves for itself."""
    is_fenced, call = backend.fence.is_fenced, backend.fence.call_fenced
    inside, leave = threading.Event(), threading.Event()
    seen: list[bool] = []

    def stay() -> None:
        inside.set()
        assert leave.wait(PATIENCE_S)
        seen.append(is_fenced())

    def other() -> None:
        call(stay)
        seen.append(is_fenced())

    with threads(other):
        assert inside.wait(PATIENCE_S)
        assert not is_fenced()
        assert call(is_fenced) is True
        assert not is_fenced()
        leave.set()
    assert seen == [True, False]


def test_a_child_process_forgets_other_threads_only(backend: Any) -> None:
    """Their numbers will be given to threads of the child; the one that forked is inside still."""
    inside, leave = threading.Event(), threading.Event()
    seen: list[bool] = []

    def stay() -> None:
        inside.set()
        assert leave.wait(PATIENCE_S)
        seen.append(backend.fence.is_fenced())

    with threads(lambda: backend.fence.call_fenced(stay)):
        assert inside.wait(PATIENCE_S)
        backend.fence.call_fenced(lambda: (backend.fence.after_fork_in_child(), seen.append(backend.fence.is_fenced())))
        leave.set()
    assert seen == [True, False]
    assert not backend.fence.is_fenced()


def wait_for_a_signal() -> NoReturn:
    """Nothing but a signal handler's exception ends it in time."""
    is_time = deadline()
    while is_time():
        time.sleep(0.001)
    raise AssertionError("no signal came")


class Waiting(Exception):
    def __str__(self) -> str:
        wait_for_a_signal()


class Catching(Exception):
    def __str__(self) -> str:
        try:
            wait_for_a_signal()
        except Interruption:
            return "caught"


def test_what_a_signal_handler_raises_passes(backend: Any) -> None:
    """It is meant for the application, wherever it has landed: as itself, out of the fence."""
    with signals(interrupt, 0.01), pytest.raises(Interruption) as caught:
        backend.fence.call_fenced(wait_for_a_signal)
    assert caught.value.__cause__ is None
    assert not backend.fence.is_fenced()


def test_what_a_method_that_handles_a_signal_raises_passes(backend: Any) -> None:
    """Handlers are functions and methods alike, and may raise from below."""

    class Handler:
        def handle(self, *_: object) -> None:
            interrupt()

    with signals(Handler().handle, 0.01), pytest.raises(Interruption):
        backend.fence.call_fenced(wait_for_a_signal)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_handler_that_ends_the_program_ends_it(backend: Any, kind: type[BaseException]) -> None:
    """The usual handlers of SIGINT and SIGTERM."""

    def handler(*_: object) -> None:
        raise kind

    with signals(handler, 0.01), pytest.raises(kind):
        backend.fence.call_fenced(wait_for_a_signal)
    assert not backend.fence.is_fenced()


def test_a_signal_during_an_errors_own_text_passes(backend: Any) -> None:
    """A whole capture is left as the handler wishes, and the next one is made as ever."""
    extractor = backend.StackExtractor(backend.Renderer(), None)
    with signals(interrupt, 0.01), pytest.raises(Interruption):
        extractor.exception(Waiting(), None, "generic", True)
    with signals(interrupt, 0.01):
        stack = extractor.exception(Catching(), None, "generic", True)
    assert b'"value":"caught"' in stack.heads[0]


def test_a_signal_during_a_users_renderer_passes(backend: Any) -> None:
    """Wherever it stands: in a local, in data, in a breadcrumb."""
    renderer = backend.Renderer(None, lambda _: wait_for_a_signal())
    ring = backend.BreadcrumbRing(3, renderer)
    for call in (
        lambda: renderer.variables({"value": object()}),
        lambda: renderer.data([{"value": object()}], 100, 5),
        lambda: renderer.text(object(), 100),
        lambda: ring.add(1.0, data={"value": object()}),
    ):
        with signals(interrupt, 0.01), pytest.raises(Interruption):
            call()
    assert len(ring) == 0


def test_an_exception_that_a_handler_caught_is_not_its_own(backend: Any) -> None:
    """The function's own failure is no answer, though a handler ran meanwhile and one is installed."""
    ran = []

    def handler(*_: object) -> None:
        ran.append(1)

    def fail() -> None:
        is_time = deadline()
        while not ran and is_time():
            time.sleep(0.001)
        raise Interruption

    with signals(handler, 0.01):
        assert backend.fence.call_fenced(fail) is None
    assert ran


def test_odd_handlers_are_survived(backend: Any) -> None:
    """A handler that is a callable object, or a builtin, has no code to look for."""

    class Handler:
        def __call__(self, *_: object) -> None: ...

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(name)

    before = signal.getsignal(signal.SIGUSR1)
    try:
        for handler in (Handler(), print, signal.SIG_IGN, signal.SIG_DFL):
            signal.signal(signal.SIGUSR1, handler)  # type: ignore[arg-type]
            assert backend.fence.call_fenced(raising(ValueError)) is None
    finally:
        signal.signal(signal.SIGUSR1, before)
