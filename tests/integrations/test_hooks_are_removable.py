"""The hooks come and go without a trace."""

from __future__ import annotations

import asyncio
import asyncio.base_events
import gc
import inspect
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import tocsin
from support.hooks import events_of, hooked

Start = Callable[..., tocsin.Client]


def _error() -> ValueError:
    try:
        raise ValueError("a")
    except ValueError as error:
        return error


def _reach_hooks() -> None:
    """Have each hook reached by an error of its own."""
    error = _error()
    sys.excepthook(type(error), error, error.__traceback__)
    sys.unraisablehook(_unraisable(_error()))
    threading.excepthook(threading.ExceptHookArgs((ValueError, _error(), None, None)))
    loop = asyncio.new_event_loop()
    try:
        loop.set_exception_handler(lambda loop, context: None)
        loop.call_exception_handler({"message": "a", "exception": _error()})
    finally:
        loop.close()
    logging.getLogger("removable").error("a")


def _unraisable(error: BaseException) -> Any:
    args = type("Args", (), {})()
    args.exc_type, args.exc_value, args.exc_traceback = type(error), error, error.__traceback__
    args.err_msg = args.object = None
    return args


def test_closing_restores_the_very_objects(start: Start) -> None:
    """After `close` every hooked place holds the object that it held before `init`."""
    before = hooked()
    client = start()
    assert all(now is not then for now, then in zip(hooked().values(), before.values(), strict=True))
    _reach_hooks()
    assert len(events_of(client)) == 5
    client.close()
    assert all(now is then for now, then in zip(hooked().values(), before.values(), strict=True))


def test_a_closed_client_hears_nothing(start: Start) -> None:
    """After `close` nothing is captured, and nothing raises."""
    client = start()
    client.close()
    _reach_hooks()
    assert events_of(client) == []


def test_two_clients_hook_once(start: Start) -> None:
    """A second client adds no second hook; the hooks go with the last of the two."""
    before = hooked()
    first = start()
    hooks = hooked()
    second = start()
    assert hooked() == hooks
    _reach_hooks()
    assert (len(events_of(first)), len(events_of(second))) == (0, 5)
    second.close()
    assert hooked() == hooks
    first.close()
    assert hooked() == before


def test_a_client_that_was_thrown_away_keeps_no_hooks(start: Start) -> None:
    """A client that was replaced and collected does not hold the hooks in place after the last close."""
    before = hooked()
    tocsin.init("", transport="memory")
    second = start()
    gc.collect()
    second.close()
    assert hooked() == before


_PLACES: dict[str, tuple[Any, str]] = {
    "sys.excepthook": (sys, "excepthook"),
    "sys.unraisablehook": (sys, "unraisablehook"),
    "threading.excepthook": (threading, "excepthook"),
    "call_exception_handler": (asyncio.base_events.BaseEventLoop, "call_exception_handler"),
    "callHandlers": (logging.Logger, "callHandlers"),
}


@pytest.mark.parametrize("place", _PLACES)
def test_who_hooks_after_us_is_left_alone(start: Start, place: str) -> None:
    """A hook put over ours stays when we close; ours calls on and does nothing else, also under the next client."""
    owner, name = _PLACES[place]
    original = vars(owner)[name]
    calls = []
    first = start()
    ours = vars(owner)[name]

    def theirs(*args: Any) -> Any:
        calls.append(args)
        return ours(*args)

    setattr(owner, name, theirs)
    first.close()
    assert vars(owner)[name] is theirs
    second = start()
    _reach_hooks()
    assert len(calls) == 1
    assert len(events_of(second)) == 5
    # Nobody captured, or counted, any of them twice.
    assert second.stats.snapshot()[0] == 5
    second.close()
    assert vars(owner)[name] is theirs
    _reach_hooks()
    assert len(calls) == 2
    assert len(events_of(second)) == 5
    setattr(owner, name, original)


@pytest.mark.parametrize("place", ["call_exception_handler", "callHandlers"])
def test_a_replaced_method_looks_like_the_original(start: Start, place: str) -> None:
    """Name, documentation, module and signature of a hooked method are those of the original."""
    original = hooked()[place]
    start()
    replacement = hooked()[place]
    assert replacement is not original
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        assert getattr(replacement, name) == getattr(original, name)
    assert inspect.signature(replacement) == inspect.signature(original)
    assert inspect.unwrap(replacement) is original
