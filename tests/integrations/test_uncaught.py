"""Errors that nobody catches: each route to a hook is one event, and goes on as it would have without us."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import tocsin
from support.hooks import Outcome, events_of, mechanism_of
from tocsin.integrations.excepthook import ExcepthookIntegration

Start = Callable[..., tocsin.Client]
Run = Callable[..., Outcome]

_INIT = "import os, sys, tocsin\ntocsin.init(os.environ['DSN'])\n"


def _run(run_program: Run, rest: str, *arguments: str, **options: Any) -> Outcome:
    return run_program(_INIT + rest, *arguments, **options)


_ROUTES = {
    "main thread": ("1 / 0", 1, "excepthook"),
    "thread": (
        "import threading\nthread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()",
        0,
        "threading",
    ),
    "thread of _thread": (
        "import _thread\ndone = _thread.allocate_lock()\ndone.acquire()\n"
        "class Last:\n    def __del__(self):\n        done.release()\n"
        "def run(last):\n    1 / 0\n"
        "_thread.start_new_thread(run, (Last(),))\ndone.acquire(True, 30)\n",
        0,
        "unraisablehook",
    ),
    "destructor": ("class Broken:\n    def __del__(self):\n        1 / 0\nBroken()", 0, "unraisablehook"),
    "exit callback": ("import atexit\natexit.register(lambda: 1 / 0)", 0, "unraisablehook"),
    "exit callback registered before": (
        "tocsin.close()\nimport atexit\natexit.register(lambda: 1 / 0)\ntocsin.init(os.environ['DSN'])",
        0,
        "unraisablehook",
    ),
    "task": (
        "import asyncio\nasync def fail():\n    1 / 0\n"
        "async def main():\n    task = asyncio.create_task(fail())\n    await asyncio.sleep(0)\n"
        "asyncio.run(main())",
        0,
        "asyncio",
    ),
}


@pytest.mark.parametrize("route", _ROUTES)
def test_an_uncaught_error_is_one_delivered_event(run_program: Run, route: str) -> None:
    """Each route gives one event, delivered before the process is gone, with the route's mechanism, unhandled."""
    source, code, mechanism = _ROUTES[route]
    outcome = _run(run_program, source)
    assert outcome.code == code, outcome.err
    assert [mechanism_of(event) for event in outcome.events] == [(mechanism, False)], outcome.err
    (event,) = outcome.events
    assert event["level"] == "error"
    assert event["exception"]["values"][-1]["type"] == "ZeroDivisionError"
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["lineno"] > 0


@pytest.mark.parametrize("route", _ROUTES)
def test_the_program_says_what_it_says_without_us(run_program: Run, route: str) -> None:
    """Exit code and stderr are those of the same program without tocsin."""
    source, code, _ = _ROUTES[route]

    def text(outcome: Outcome) -> list[str]:
        # Addresses differ from run to run, and with them what is in the line.
        return [line.partition(" at 0x")[0] for line in outcome.err.splitlines()]

    stand_in = "import os, sys\nclass tocsin: init = close = staticmethod(lambda *args: None)\n\n"
    without = run_program(stand_in.rstrip("\n") + "\n" + source)
    outcome = _run(run_program, source)
    assert without.code == outcome.code == code
    # The stand-in takes as many lines as the two for tocsin.
    assert text(outcome) == text(without)
    assert "ZeroDivisionError" in outcome.err


def test_sys_exit_is_no_error(run_program: Run) -> None:
    """SystemExit ends the program, or a thread, without an event."""
    outcome = _run(
        run_program,
        "import threading\nthread = threading.Thread(target=sys.exit)\nthread.start()\nthread.join()\nsys.exit(3)\n",
    )
    assert (outcome.code, outcome.err, outcome.events) == (3, "", [])


def test_an_interrupt_is_reported(run_program: Run) -> None:
    """A KeyboardInterrupt that ends the program is an event."""
    outcome = _run(run_program, "import signal\nsignal.raise_signal(signal.SIGINT)\n")
    assert [event["exception"]["values"][-1]["type"] for event in outcome.events] == ["KeyboardInterrupt"]
    assert outcome.err.endswith("KeyboardInterrupt\n")


def test_an_interrupt_can_be_ignored(run_program: Run) -> None:
    """`ignore_errors` keeps interrupts from being events."""
    outcome = run_program(
        "import os, signal, tocsin\n"
        "tocsin.init(os.environ['DSN'], ignore_errors=[KeyboardInterrupt])\n"
        "signal.raise_signal(signal.SIGINT)\n"
    )
    assert outcome.events == []


def test_a_forked_child_reports_its_own_errors(run_program: Run) -> None:
    """In a forked child the hooks work, and deliver before it is gone; the parent's errors are the parent's."""
    outcome = _run(
        run_program,
        "tocsin.capture_message('before')\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    raise ValueError('child')\n"
        "assert os.waitpid(pid, 0)[1] >> 8 == 1\n"
        "raise ValueError('parent')\n",
    )
    told = sorted(
        event["exception"]["values"][-1]["value"] if "exception" in event else event["message"]
        for event in outcome.events
    )
    assert told == ["before", "child", "parent"]


@pytest.mark.parametrize(("always_run", "count"), [(False, 0), (True, 1)])
def test_what_is_typed_is_reported_only_on_demand(run_program: Run, always_run: bool, count: int) -> None:
    """In an interactive interpreter errors are not captured unless `always_run` is set."""
    outcome = run_program(
        "import os, sys, tocsin\n"
        "from tocsin.integrations.excepthook import ExcepthookIntegration\n"
        f"tocsin.init(os.environ['DSN'], integrations=[ExcepthookIntegration(always_run={always_run})])\n"
        "sys.ps1 = '> '\n"
        "raise ValueError('typed')\n"
    )
    assert len(outcome.events) == count
    assert "ValueError: typed" in outcome.err


def test_always_run_is_a_bool() -> None:
    """Anything but a bool for `always_run` raises."""
    with pytest.raises(ValueError, match="always_run is 'yes'; it has to be True or False"):
        ExcepthookIntegration(always_run="yes")  # type: ignore[arg-type]


def _error(text: str = "a") -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def _via_excepthook(error: BaseException) -> None:
    sys.excepthook(type(error), error, error.__traceback__)


def _via_threading(error: BaseException) -> None:
    threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, None)))


class _Unraisable:
    """What `sys.unraisablehook` is called with."""

    def __init__(self, error: BaseException) -> None:
        self.exc_type, self.exc_value, self.exc_traceback = type(error), error, error.__traceback__
        self.err_msg = None
        self.object = self


def _via_unraisablehook(error: BaseException) -> None:
    sys.unraisablehook(_Unraisable(error))  # type: ignore[arg-type]


_HOOKS = {
    "excepthook": (sys, "excepthook", _via_excepthook),
    "threading": (threading, "excepthook", _via_threading),
    "unraisablehook": (sys, "unraisablehook", _via_unraisablehook),
}


@pytest.fixture(params=_HOOKS)
def hook(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _hooks_as_found: None) -> Any:
    """One of the hooks: its name, a way to reach it, and what the hook that was there before was called with."""
    owner, name, reach = _HOOKS[request.param]
    calls: list[Any] = []
    previous: Any = lambda *args: calls.append(args)  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, previous)
        yield request.param, reach, calls
        # Closed before the patch is undone, so that what was there is what is put back.
        tocsin.close(0.0)


def test_the_previous_hook_is_called_with_the_same(start: Start, hook: Any) -> None:
    """What was hooked before gets what it would have got, once, after the event was captured."""
    name, reach, calls = hook
    client = start()
    error = _error()
    reach(error)
    assert [mechanism_of(event) for event in events_of(client)] == [(name, False)]
    assert len(calls) == 1
    args = (
        calls[0] if name == "excepthook" else (calls[0][0].exc_type, calls[0][0].exc_value, calls[0][0].exc_traceback)
    )
    assert args == (ValueError, error, error.__traceback__)


def test_what_the_previous_hook_raises_comes_out(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of the previous hook is not swallowed; the event is captured all the same."""

    def broken(*args: Any) -> None:
        raise LookupError("previous")

    with monkeypatch.context() as patch:
        patch.setattr(sys, "excepthook", broken)
        client = start()
        with pytest.raises(LookupError, match="previous"):
            _via_excepthook(_error())
        client.close()
    assert len(events_of(client)) == 1


def test_without_an_exception_the_previous_hook_is_called(start: Start, hook: Any) -> None:
    """A hook that is told of no exception object captures nothing and calls on."""
    name, _, calls = hook
    client = start()
    if name == "excepthook":
        sys.excepthook(ValueError, None, None)  # type: ignore[arg-type]
    elif name == "threading":
        threading.excepthook(threading.ExceptHookArgs((ValueError, None, None, None)))
    else:
        unraisable = _Unraisable(_error())
        unraisable.exc_value = None  # type: ignore[assignment]
        sys.unraisablehook(unraisable)  # type: ignore[arg-type]
    assert len(calls) == 1
    assert events_of(client) == []


@pytest.mark.parametrize("option", ["disabled", "closed", "dropped"])
def test_the_previous_hook_is_called_whatever_becomes_of_the_event(start: Start, hook: Any, option: str) -> None:
    """With the integration disabled, the client closed or the event dropped, the hook is passed through."""
    name, reach, calls = hook
    options: dict[str, Any] = {"before_send": lambda event, hint: None} if option == "dropped" else {}
    client = start(disabled_integrations=[name] if option == "disabled" else [], **options)
    if option == "closed":
        client.close()
    reach(_error())
    assert len(calls) == 1
    assert events_of(client) == []


def test_hooks_keep_no_exception_alive(start: Start, hook: Any) -> None:
    """Once a hook has returned, exception, frames and locals can go; what it was told of can, too."""
    _, reach, calls = hook

    class Tracked(Exception):
        pass

    class Local:
        pass

    def fail() -> Tracked:
        local = Local()
        alive.append(weakref.ref(local))
        try:
            raise Tracked
        except Tracked as error:
            return error

    alive: list[weakref.ref[Any]] = []
    start()
    error = fail()
    alive.append(weakref.ref(error))
    reach(error)
    calls.clear()
    del error
    gc.collect()
    assert [reference() for reference in alive] == [None, None]


def test_the_unraisable_object_is_not_resurrected(start: Start) -> None:
    """An object whose destructor failed is gone after the hook, and its code was not run."""
    looked: list[str] = []

    class Broken:
        def __repr__(self) -> str:
            looked.append("repr")
            return "broken"

        def __del__(self) -> None:
            raise ValueError("a")

    client = start()
    broken = Broken()
    reference = weakref.ref(broken)
    del broken
    assert reference() is None
    assert [mechanism_of(event) for event in events_of(client)] == [("unraisablehook", False)]
    assert looked == []


def test_a_storm_of_unraisable_errors_is_survived(start: Start) -> None:
    """Thousands of failing destructors at once are as many captures, all accounted for."""

    class Broken:
        def __del__(self) -> None:
            raise ValueError("a")

    client = start()
    broken = [Broken() for _ in range(2000)]
    broken.clear()
    captured, delivered, pending, dropped = client.stats.snapshot()
    assert captured == 2000 == delivered + pending + sum(dropped.values())


def test_errors_of_errors_come_to_an_end(start: Start) -> None:
    """An event processor that leaves behind an object with a failing destructor, each time, does not recurse."""

    class Broken:
        def __del__(self) -> None:
            raise ValueError("again")

    calls = []

    def processor(event: Any, hint: Any) -> Any:
        calls.append(event)
        Broken()
        return event

    client = start()
    tocsin.get_isolation_scope().add_event_processor(processor)
    _via_excepthook(_error("first"))
    assert [event["exception"]["values"][-1]["value"] for event in events_of(client)] == ["first"]
    # The error of the first destructor was refused before a processor could see it.
    assert len(calls) == 1


@pytest.mark.internal_errors
def test_a_failing_transport_does_not_fail_the_hook(start: Start, hook: Any) -> None:
    """A transport that raises costs the event and nothing else."""
    _, reach, calls = hook

    class Broken(tocsin.Transport):
        def capture_envelope(self, envelope: Any) -> None:
            raise RuntimeError("broken")

    client = tocsin.init("http://key@127.0.0.1:1/1", transport=Broken())
    reach(_error())
    assert len(calls) == 1
    assert client.stats.snapshot()[3] == {"internal_sdk_error": 1}


def test_what_a_signal_handler_raises_comes_out_of_the_hook(start: Start, hook: Any) -> None:
    """An exception that a signal handler raises while a hook captures is not swallowed; the previous hook is called."""
    import signal

    _, reach, calls = hook

    class TimeLimit(Exception):
        pass

    def handler(number: int, frame: Any) -> None:
        raise TimeLimit

    def before_send(event: Any, hint: Any) -> Any:
        signal.raise_signal(signal.SIGUSR1)
        return event

    start(before_send=before_send)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        reach(_error())
        raised = None
    except TimeLimit as error:
        raised = error
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(calls) == 1
    assert raised is not None
