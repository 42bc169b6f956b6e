"""Programs that try to make tocsin raise, swallow what is not its own, or change what is the application's."""

from __future__ import annotations

import asyncio
import copy
import inspect
import itertools
import os
import random
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import tocsin
from faults.hostile import ZOO, watching
from tocsin import scope_stack
from tocsin.testing import MemoryTransport

_SCOPE_KWARGS = ("user", "level", "extras", "contexts", "tags", "fingerprint")
_NOT_VERBS = {"init"}
_HITS = 3000


def _verbs() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every public function, and every method of a scope that is one."""
    for name in tocsin.__all__:
        if inspect.isfunction(getattr(tocsin, name)) and name not in _NOT_VERBS:
            yield name, getattr(tocsin, name)
    for name, _ in inspect.getmembers(tocsin.Scope, inspect.isfunction):
        if not name.startswith("_"):
            yield f"scope.{name}", lambda *args, _name=name, **kwargs: getattr(tocsin.Scope(), _name)(*args, **kwargs)


def _junk() -> dict[str, object]:
    made: dict[str, object] = {
        "none": None,
        "bool": True,
        "zero": 0,
        "negative": -5,
        "nan": float("nan"),
        "empty text": "",
        "text": "x",
    }
    made |= {"surrogate": "\ud800\0", "bytes": b"\xff", "list": [1, None], "dict": {"a": {1: object()}}, "empty": {}}
    made |= {
        "keys": {None: 1, 5: 2, (1, 2): 3},
        "class": ValueError,
        "function": lambda *_, **__: 1 // 0,
        "never": iter,
    }
    made |= {"error": ValueError("junk"), "exc_info": (ValueError, ValueError("junk"), None), "bad exc_info": (1, 2, 3)}
    made |= {"nothing handled": (None, None, None), "generator": (n for n in "ab")}
    return made


def _calls(verb: Callable[..., object], junk: object) -> Iterator[Callable[[], object]]:
    """The verb with junk in one place, in all, and among the keyword arguments that scopes take."""
    for count in (1, 3):
        yield lambda count=count: verb(*[junk] * count)  # type: ignore[misc]
    yield lambda: verb("text", junk)
    yield lambda: verb(None, junk)
    yield lambda: verb({"message": "m", "key": junk}, {"hint": junk, "exc_info": junk, "attachments": junk})
    yield lambda: verb("text", **dict.fromkeys(_SCOPE_KWARGS, junk))
    yield lambda: verb("text", scope=junk)
    yield lambda: verb({"message": junk, "tags": junk, "exception": junk, "breadcrumbs": junk, "extra": junk})
    yield lambda: verb({"exception": {"values": [junk, {"stacktrace": junk, "mechanism": junk}]}, "level": junk})


def _called(call: Callable[[], object]) -> list[str]:
    """What a call raised, but for a wrong number or name of arguments, which Python itself refuses."""
    try:
        made = call()
        if inspect.iscoroutine(made):
            asyncio.run(made)
        elif hasattr(made, "__enter__"):
            with made:
                pass
    except Exception as error:
        *_, last = traceback.extract_tb(error.__traceback__)
        if isinstance(error, TypeError) and last.filename == __file__:
            return []
        ours = [at for at in traceback.extract_tb(error.__traceback__) if "tocsin" in at.filename.split(os.sep)]
        where = f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}" if ours else "?"
        return [f"{type(error).__name__}: {error} (in {where})"]
    return []


def misuse(client: str, kind: str) -> Any:
    """Every verb with things of every kind in every place; returns what was raised and how many calls there were."""
    things = _junk() if kind == "junk" else {name: make() for name, make in ZOO.items()}
    if client == "with hooks":
        tocsin.init("", transport=MemoryTransport(), before_send=lambda event, hint: event, default_integrations=False)
    elif client == "with a client":
        tocsin.init("", transport=MemoryTransport(), default_integrations=False, attach_stacktrace=True)
    escaped: dict[str, list[str]] = {}
    count = 0
    for name, verb in _verbs():
        for thing, junk in things.items():
            for number, call in enumerate(_calls(verb, junk)):
                if name.endswith(("flush", "flush_async", "close")) and number:
                    continue
                count += 1
                with watching():
                    raised = _called(call)
                    # Whatever a call has left in force must not hurt the next one.
                    raised += _called(lambda: tocsin.set_tag("a", "b")) + _called(lambda: tocsin.capture_message("m"))
                for what in raised:
                    escaped.setdefault(f"{name}: {what}", []).append(f"{thing}, call {number}")
                scope_stack.set_current_scope(None)
                scope_stack.set_isolation_scope(None)
    account = tocsin.stats()
    return {"escaped": escaped, "count": count, "events": account.captured, "lost": account.dropped}


class Refusing:
    """A transport whose every method raises."""

    def capture_envelope(self, envelope: object) -> None:
        raise OSError("no")

    def flush(self, *_: object) -> None:
        raise OSError("no")

    kill = flush


def _raises(error: BaseException) -> Callable[..., Any]:
    def raises(*_: object, **__: object) -> Any:
        raise error

    return raises


class Unspeakable(Exception):
    """Raises what it is given instead of saying what it is."""

    def __str__(self) -> str:
        raise self.args[0]


def hooks_that_raise() -> Any:
    """Everything that tocsin calls raises an error; returns what came out, and what was counted."""
    failure = RuntimeError("a hook fails")
    told = {}
    for name in ("before_send", "before_breadcrumb", "error_sampler", "custom_repr", "transport", "processor", "text"):
        options: dict[str, Any] = {name: _raises(failure)} if name not in ("transport", "processor", "text") else {}
        transport = Refusing() if name == "transport" else MemoryTransport()
        client = tocsin.init("", transport=transport, default_integrations=False, **options)
        escaped = []
        for capture in (tocsin.capture_exception, tocsin.capture_message, tocsin.capture_event, tocsin.add_breadcrumb):
            error = Unspeakable(failure) if name == "text" else ValueError("v")
            thing = {"capture_exception": error, "capture_message": "m"}.get(capture.__name__, {"message": "m"})
            with tocsin.new_scope() as scope:
                if name == "processor":
                    scope.add_event_processor(_raises(failure))
                escaped += _called(lambda capture=capture, thing=thing: capture(thing))
        escaped += _called(tocsin.flush) + _called(client.close)
        captured, delivered, pending, dropped = client.stats.snapshot()
        told[name] = [escaped, captured, delivered, pending, sum(dropped.values())]
    return told


def interrupts_go_through() -> Any:
    """Hooks and texts raise what is meant for the application; returns what did not come out as itself."""
    wrong = []
    for error in (KeyboardInterrupt(), SystemExit(3), GeneratorExit()):
        for name in ("before_send", "error_sampler", "processor", "text", "transport"):
            options: dict[str, Any] = {name: _raises(error)} if name in ("before_send", "error_sampler") else {}
            transport: Any = MemoryTransport()
            if name == "transport":
                transport.capture_envelope = _raises(error)
            if name == "text" and isinstance(error, SystemExit):
                # A text that exits has failed to be one; so it is documented.
                continue
            tocsin.init("", transport=transport, default_integrations=False, **options)
            with tocsin.new_scope() as scope:
                if name == "processor":
                    scope.add_event_processor(_raises(error))
                try:
                    tocsin.capture_exception(Unspeakable(error) if name == "text" else ValueError("v"))
                    wrong.append(f"{name}: {error!r} was swallowed")
                except BaseException as came:
                    if came is not error:
                        wrong.append(f"{name}: {error!r} became {came!r}")
    return wrong


def mutations() -> Any:
    """What is given, before and after; returns the names of what has changed."""

    def spoil(event: Any, hint: Any) -> Any:
        event["extra"] = {}
        event.setdefault("tags", {})["spoilt"] = "yes"
        for value in event.get("exception", {}).get("values", []):
            value.clear()
        hint["spoilt"] = True
        return event

    changed = []
    for options in ({}, {"before_send": spoil}):
        tocsin.init("", transport=MemoryTransport(), default_integrations=False, **options)
        inner = {"list": [1, {"password": "p"}], "tuple": (1, 2), "set": {1}, "long": "x" * 100_000}
        exception = {"values": [{"type": "T", "value": "v", "stacktrace": {"frames": [{"vars": inner}]}}]}
        event = {"message": "m", "extra": inner, "tags": {"a": 1}, "contexts": {"c": inner}, "exception": exception}
        hint = {"attachments": [], "mine": inner}
        crumb = {"message": "m", "data": inner}
        given = {"event": event, "hint": hint, "crumb": crumb, "user": {"id": 5, "data": inner}, "tags": {"a": [1]}}
        before = copy.deepcopy(given)
        tocsin.add_breadcrumb(crumb, hint)
        tocsin.set_user(given["user"])
        tocsin.set_tags(given["tags"])
        tocsin.set_context("c", inner)
        tocsin.capture_event(event, hint, user=given["user"], tags=given["tags"], extras=inner, contexts={"c": inner})
        changed += [name for name in given if given[name] != before[name]]
        changed += _changed_by_capturing(inner)
    return changed


def _changed_by_capturing(local: object) -> list[str]:
    cause = OSError(5, "cause")
    try:
        try:
            raise cause
        except OSError:
            raise ValueError("text", local) from cause
    except ValueError as caught:
        error = caught
        vars(error)["mine"] = "mine"
        looks = (
            lambda: [id(getattr(error, name)) for name in ("args", "__cause__", "__context__", "__traceback__")],
            lambda: [link.tb_lineno for link in _links(error.__traceback__)],
            lambda: list(map(id, sys.exc_info())),
            lambda: {name: value for name, value in vars(error).items() if not name.startswith("__tocsin")},
            lambda: (copy.deepcopy(vars(cause)), cause.args),
        )
        before = [look() for look in looks]
        marks = set(vars(error))
        event_id = tocsin.capture_exception(error)
        changed = [f"exception {number}" for number, look in enumerate(looks) if look() != before[number]]
        if {vars(error)[name] for name in set(vars(error)) - marks} != {event_id}:
            changed.append(f"more than the mark: {vars(error)}")
        return changed


def _links(trace: Any) -> Iterator[Any]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def signals_at_any_instant(dsn: str) -> Any:
    """A handler raises at random instants of captures; each error has to come out as itself.

    The signal goes to the process, and only this thread takes it: the others are started while it is blocked.
    """
    # A handler may raise between the opening of a file and the block that closes it: the interpreter leaves no way out.
    warnings.simplefilter("ignore", ResourceWarning)
    seed = random.randrange(1 << 32)
    draw = random.Random(seed)
    raised: list[BaseException] = []
    is_armed = False

    def handler(*_: object) -> None:
        nonlocal is_armed
        if is_armed:
            is_armed = False
            raised.append(TimeoutError("time is up"))
            raise raised[-1]

    signal.signal(signal.SIGALRM, handler)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    tocsin.init(dsn, default_integrations=False, send_client_reports=False)
    tocsin.capture_message("the first, which starts the worker")
    tocsin.flush(10)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    faults = []
    swallowed = []
    calls = itertools.cycle(_captures())

    def capture_until_hit() -> None:
        # A function of its own: 3.13.0 may take an error that interrupts a loop past the `try` around it.
        nonlocal is_armed
        is_armed = True
        signal.setitimer(signal.ITIMER_REAL, draw.uniform(5e-6, 6e-4))
        for call in calls:
            call()
            if not is_armed:
                break
        # Here it was disarmed, and yet nothing was raised.
        swallowed.append("".join(traceback.format_tb(raised[-1].__traceback__)[-6:]))

    while len(raised) < _HITS:
        try:
            capture_until_hit()
        except BaseException as error:
            if error is not raised[-1] or str(error) != "time is up" or type(error) is not TimeoutError:
                faults.append(repr(error))
    signal.setitimer(signal.ITIMER_REAL, 0)
    settled = tocsin.flush(20)
    account = tocsin.stats()
    return {
        "seed": seed,
        "hits": len(raised),
        "swallowed": swallowed,
        "faults": faults[:5],
        "settled": settled,
        "pending": account.pending,
        "account": repr(account),
    }


def _captures() -> list[Callable[[], object]]:
    def chain() -> None:
        try:
            try:
                raise KeyError("inner", {"a": [1, 2]})
            except KeyError as error:
                raise ValueError("outer") from error
        except ValueError:
            tocsin.capture_exception()

    def hooked() -> None:
        with tocsin.new_scope() as scope:
            scope.add_event_processor(lambda event, hint: event)
            tocsin.capture_message("hooked")

    return [
        chain,
        lambda: tocsin.capture_message("message"),
        lambda: tocsin.add_breadcrumb(message="crumb", data={"a": 1}),
        hooked,
        lambda: tocsin.capture_event({"message": "by hand", "extra": {"a": [1]}}),
        lambda: tocsin.set_tag("a", "b"),
        lambda: tocsin.capture_exception(Unspeakable(ValueError("v"))),
    ]
