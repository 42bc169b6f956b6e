"""What reaches the exception handler of an event loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import weakref
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest

import tocsin
from support.hooks import events_of, mechanism_of

Start = Callable[..., tocsin.Client]


async def _fail(text: str = "a") -> None:
    await asyncio.sleep(0)
    raise ValueError(text)


async def _abandon(coroutine: Any) -> None:
    """Start a task and let go of it once it is done."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.wait([task])
    del task


@pytest.mark.parametrize("disabled", [[], ["logging"]])
def test_an_error_nobody_retrieves_is_one_event(
    start: Start, caplog: pytest.LogCaptureFixture, disabled: list[str]
) -> None:
    """A task that is thrown away with its exception is one event by asyncio, and logged as ever."""
    client = start(disabled_integrations=disabled)
    asyncio.run(_abandon(_fail()))
    gc.collect()
    assert [mechanism_of(event) for event in events_of(client)] == [("asyncio", False)]
    assert [record.message.splitlines()[0] for record in caplog.records] == ["Task exception was never retrieved"]


def test_a_retrieved_error_is_no_event(start: Start) -> None:
    """Whoever awaits the task gets the exception; nothing is captured."""
    client = start()
    with pytest.raises(ValueError, match="a"):
        asyncio.run(_fail())
    assert events_of(client) == []


def test_the_handler_of_the_loop_still_runs(start: Start) -> None:
    """A loop's own exception handler gets the very context, after the capture; what it captures is no second event."""
    client = start()
    handled: list[Any] = []

    def handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        handled.append((loop, context, len(events_of(client))))
        tocsin.capture_exception(context["exception"])

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(handler)
        loop.call_exception_handler(context)

    context = {"message": "a", "exception": ValueError("b"), "mine": object()}
    asyncio.run(main())
    ((_, seen, count),) = handled
    assert seen is context
    assert count == 1
    assert [mechanism_of(event) for event in events_of(client)] == [("asyncio", False)]


def test_an_error_in_a_callback_is_an_event(start: Start) -> None:
    """A callback of the loop that raises is one event."""
    client = start()

    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0.001)

    asyncio.run(main())
    assert [mechanism_of(event) for event in events_of(client)] == [("asyncio", False)]


def test_what_is_no_exception_is_no_error_of_asyncio(start: Start) -> None:
    """A context without an exception is left to the loop, which logs it."""
    client = start()

    async def main() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "just so"})

    asyncio.run(main())
    assert [event["logger"] for event in events_of(client)] == ["asyncio"]
    assert "exception" not in events_of(client)[0]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_what_ends_the_loop_is_not_reported_from_it(start: Start, error: BaseException) -> None:
    """KeyboardInterrupt and SystemExit go through the loop to whoever runs it; the loop's handler makes no event."""
    client = start(disabled_integrations=["logging"])

    async def main() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "a", "exception": error})

    asyncio.run(main())
    assert events_of(client) == []


def test_the_event_has_the_scope_of_the_callback(start: Start) -> None:
    """An error in a callback is captured in the context in which the callback ran."""
    client = start()

    def fail() -> None:
        tocsin.set_tag("callback", "yes")
        raise ValueError("a")

    async def main() -> None:
        with tocsin.isolation_scope():
            tocsin.set_tag("callback", "not yet")
            context = copy_context()
        asyncio.get_running_loop().call_soon(fail, context=context)
        await asyncio.sleep(0.001)

    asyncio.run(main())
    assert events_of(client)[0]["tags"] == {"callback": "yes"}


@pytest.mark.parametrize("handle", [object(), type("Odd", (), {"get_context": lambda self: 3})(), None])
def test_a_handle_without_a_context_is_no_obstacle(start: Start, handle: Any) -> None:
    """Where the context cannot be told, or cannot be entered, the error is captured in the present one."""
    client = start()

    async def main() -> None:
        tocsin.set_tag("where", "here")
        asyncio.get_running_loop().call_exception_handler({"message": "a", "exception": ValueError(), "handle": handle})

    asyncio.run(main())
    assert [event["tags"] for event in events_of(client)] == [{"where": "here"}]


def test_a_context_that_is_in_force_already_is_no_obstacle(start: Start) -> None:
    """The present context cannot be entered again: the error is captured in it all the same."""
    client = start()

    class Handle:
        def __init__(self, context: Any) -> None:
            self._context = context

    async def main() -> None:
        loop = asyncio.get_running_loop()
        context = copy_context()
        context.run(loop.call_exception_handler, {"message": "a", "exception": ValueError(), "handle": Handle(context)})

    asyncio.run(main())
    assert [mechanism_of(event) for event in events_of(client)] == [("asyncio", False)]


def test_what_a_signal_handler_raises_comes_out(start: Start) -> None:
    """A RuntimeError of a signal handler is not mistaken for a context that cannot be entered: it comes out."""

    def handler(number: int, frame: Any) -> None:
        raise RuntimeError("time limit")

    def before_send(event: Any, hint: Any) -> Any:
        calls.append(event)
        signal.raise_signal(signal.SIGUSR1)
        return event

    calls: list[Any] = []
    start(before_send=before_send, disabled_integrations=["logging"])
    loop = asyncio.new_event_loop()
    handle = loop.call_soon(lambda: None)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(RuntimeError, match="time limit"):
            loop.call_exception_handler({"message": "a", "exception": ValueError(), "handle": handle})
    finally:
        signal.signal(signal.SIGUSR1, before)
        loop.close()
    assert len(calls) == 1


def test_no_task_is_kept_alive(start: Start) -> None:
    """Task and exception can go once the loop has been told."""
    start()
    logging.getLogger("asyncio").disabled = True
    try:
        alive: list[weakref.ref[Any]] = []

        class Tracked(Exception):
            pass

        async def fail() -> None:
            error = Tracked()
            alive.append(weakref.ref(error))
            raise error

        async def main() -> None:
            task = asyncio.ensure_future(fail())
            alive.append(weakref.ref(task))
            await asyncio.wait([task])

        asyncio.run(main())
        gc.collect()
        assert [reference() for reference in alive] == [None, None]
    finally:
        logging.getLogger("asyncio").disabled = False
