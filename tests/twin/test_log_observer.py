"""Laws of what is made of log records: the same by both twins, what a handler would show, and nobody's code is run."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
import signal
import sys
import time
import types
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faults.hostile import HostileDict, HostileMeta, HostileObject, HostileStr, watching
from support.concurrency import Interruption, grown_blocks, interrupt
from support.facades import Facade, facade, facades
from support.twins import PROPERTY, TEXTS, VALUES, Mapped, Text
from tocsin import limits

FEWER = settings(PROPERTY, max_examples=250)
LEVELS = st.sampled_from([0, 5, 10, 20, 30, 40, 50, 25, 60, -1, True, 20.0, None, "20", 2**70])
NAMES = st.sampled_from(["root", "a.b", "tocsin", "tocsin.x", "ignored", "", "x" * 300]) | TEXTS
ODD_NAMES = st.none() | st.integers() | st.builds(Text, TEXTS) | st.just(("a",))
PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from(["x" * 8192, "x" * 8193, 2**600])
)
ARGS = st.lists(PLAIN, max_size=3).map(tuple) | st.lists(PLAIN | VALUES, max_size=2).map(tuple)
ARGS |= st.sampled_from([None, (), {}, {"a": 1}, [1], 5, "text", tuple(range(16)), tuple(range(17))])
TEMPLATES = st.sampled_from(
    ["m", "%s", "%s %s", "%d", "%(a)s", "100%", "%.2f", " %s" * 16, " %s" * 17, "x" * 8193, "%r"]
)
EXTRAS = st.sampled_from([{}, {}, {}, {"own": 1}, {"own": object}, {"_private": 1}, {"taskName": None}, {5: 1}])


@st.composite
def records(draw: Any) -> dict[str, Any]:
    """What is to be changed in a record that `logging` would make."""
    changed: dict[str, Any] = {"msg": draw(TEMPLATES | TEXTS | VALUES), "args": draw(ARGS), "levelno": draw(LEVELS)}
    changed["name"] = draw(NAMES if draw(st.booleans()) else NAMES | ODD_NAMES)
    changed.update(draw(EXTRAS))
    if draw(st.booleans()):
        changed["message"] = draw(TEXTS | st.builds(Text, TEXTS) | VALUES)
    if draw(st.booleans()):
        changed["asctime"] = "now"
    changed["created"] = draw(st.sampled_from([5.0, 5.0, 5.0, 5, None, "5", float("nan"), -1.0, 2**70, 1e300]))
    return changed


def record_of(changed: dict[Any, Any]) -> logging.LogRecord:
    record = logging.LogRecord("name", 20, "path", 1, "m", (), None)
    record.__dict__.update(changed)
    return record


@contextlib.contextmanager
def observing(sdk: Facade, event_level: int | None = None, level: int | None = 10, **options: Any) -> Iterator[Any]:
    """Yields what is called with each record, with a client in force that makes breadcrumbs of some."""
    room = sdk.integrations.logging
    with sdk.in_place():
        lane = sdk.client(**options).fast_lane
        lane.log_level = room.NO_LEVEL if level is None else level
        lane.log_event_level = room.NO_LEVEL if event_level is None else event_level
        room.ignore_logger("ignored")
        try:
            yield room._observer.observe
        finally:
            room.unignore_logger("ignored")


def crumbs_of(sdk: Facade, since_s: float) -> list[tuple[Any, ...]]:
    """The breadcrumbs of the isolation scope; a time of just now is only told to be so."""
    ring = sdk.scope_stack.get_isolation_scope()._ring
    entries = [] if ring is None else [tuple(entry) for entry in ring.snapshot()]
    return [("now" if since_s <= at <= time.time() + 0.001 else repr(at), *others) for at, *others in entries]


@given(changes=st.lists(records(), min_size=1, max_size=3), event_level=st.sampled_from([None, None, 40, 0]))
@FEWER
@pytest.mark.internal_errors
def test_both_twins_make_the_same_of_a_record(changes: list[dict[str, Any]], event_level: int | None) -> None:
    """Breadcrumbs and events, of whatever is in the record."""
    found = []
    since_s = time.time() - 0.001
    for sdk in facades():
        with observing(sdk, event_level) as observe:
            for changed in changes:
                assert observe(record_of(changed)) is None
            crumbs = crumbs_of(sdk, since_s)
            events = sdk.scope_stack.get_global_scope()._client.transport.events
            found.append((crumbs, [(event.get("logger"), event.get("logentry"), event["level"]) for event in events]))
    texts = [re.sub("0x[0-9a-f]+", "", repr(each)) for each in found]
    assert texts[0] == texts[-1]


@given(changed=records())
@FEWER
@pytest.mark.internal_errors
def test_the_short_way_gives_what_the_long_one_gives(backend: Any, changed: dict[str, Any]) -> None:
    """A breadcrumb by the integration's own way, as with a hook, says the same."""
    sdk = facade(backend.name)
    found = []
    since_s = time.time() - 0.001
    for is_short in (True, False):
        with observing(sdk) as observe:
            if is_short:
                observe(record_of(changed))
            elif not _is_refused(changed):
                client = sdk.scope_stack.get_client()
                sdk.integrations.log_record.add_breadcrumb(client, record_of(changed))
            found.append([crumb[1:] for crumb in crumbs_of(sdk, since_s)])
    texts = [re.sub("0x[0-9a-f]+", "", repr(each)) for each in found]
    assert texts[0] == texts[1]


def _is_refused(changed: dict[str, Any]) -> bool:
    """Whether the observer makes nothing of it, whichever way."""
    name, level = changed["name"], changed["levelno"]
    if not isinstance(name, str) or name.strip() in ("tocsin", "ignored") or name.strip().startswith("tocsin."):
        return True
    return level is None or isinstance(level, str) or level < 10


@pytest.mark.parametrize(
    "args", [(1, "two"), (), None, (None, 2.5), ("x" * 8192, True)], ids=lambda args: str(args)[:20]
)
def test_a_plain_record_says_what_a_handler_would_show(backend: Any, args: Any) -> None:
    """Formatted, with the logger's name, the level and the time of the record."""
    sdk = facade(backend.name)
    record = logging.LogRecord("a.b", 30, "path", 1, "%s and %s" if args else "100%", args, None)
    with observing(sdk) as observe:
        observe(record)
        ((_, *told),) = crumbs_of(sdk, 0.0)
        ring = sdk.scope_stack.get_isolation_scope()._ring
        assert ring.snapshot()[0][0] == record.created
    shown = record.getMessage()
    shown = shown if len(shown) <= limits.TEXT_CHARS else shown[: limits.TEXT_CHARS - 3] + "..."
    assert told == ["log", "a.b", "warning", shown, None]


ARGUMENTS: dict[str, Any] = {
    "object": HostileObject,
    "text": lambda: HostileStr("text"),
    "error of a metaclass": lambda: type.__call__(HostileMeta("Odd", (Exception,), {}), "x"),
    "class": lambda: HostileObject,
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_no_code_of_an_argument_is_run(backend: Any, name: str) -> None:
    """Wherever it stands in the arguments, and as the arguments themselves."""
    sdk = facade(backend.name)
    value = ARGUMENTS[name]()
    for args in ((value,), (1, value), (value, 2, value)):
        template = " ".join(["%s"] * len(args))
        record = record_of({"msg": template, "args": args})
        with observing(sdk) as observe:
            with watching() as calls:
                observe(record)
            # An exception is asked for its text, as one that is captured is.
            assert [call for call in calls if not call.endswith("error.__str__")] == []
            assert len(crumbs_of(sdk, 0.0)) == 1
    for args in (HostileDict(a=1), value):
        with observing(sdk) as observe:
            with watching() as calls:
                observe(record_of({"msg": "%(a)s", "args": args}))
            assert calls == []


def test_what_is_no_record_harms_nobody() -> None:
    """One without attributes, or with a dict of its own kind."""
    found = []
    for sdk in facades():
        with observing(sdk) as observe:
            record = record_of({"msg": "own dict"})
            record.__dict__ = Mapped(record.__dict__)
            observe(record)
            found.append([crumb[4] for crumb in crumbs_of(sdk, 0.0)])
    assert found[0] == found[-1] == ["own dict"]


@pytest.mark.internal_errors
@pytest.mark.parametrize("thing", [None, 5, object(), types.SimpleNamespace(levelno=20)], ids=repr)
def test_what_has_no_attributes_of_a_record_is_a_failure_of_ours(backend: Any, thing: Any) -> None:
    """Absorbed."""
    with observing(facade(backend.name)) as observe:
        assert observe(thing) is None


@pytest.mark.parametrize("created", [None, "junk", 10**400, 5, Text("5"), True], ids=lambda value: repr(value)[:9])
def test_a_time_that_is_none_is_now_and_spoils_no_event(backend: Any, created: Any) -> None:
    """With breadcrumbs of two scopes, which are put in order."""
    sdk = facade(backend.name)
    since_s = time.time() - 0.001
    with observing(sdk) as observe:
        sdk.tocsin.get_global_scope().add_breadcrumb(message="global")
        observe(record_of({"created": created}))
        (crumb,) = crumbs_of(sdk, since_s)
        assert crumb[0] == ("5.0" if type(created) is int and created == 5 else "now")
        assert sdk.tocsin.capture_message("m") is not None
        (event,) = sdk.scope_stack.get_global_scope()._client.transport.events
        assert len(event["breadcrumbs"]["values"]) == 2


def test_what_is_kept_of_a_record_is_bounded(backend: Any) -> None:
    """Neither the record nor an argument that is not plain, long or huge stays alive."""
    sdk = facade(backend.name)
    watches = []

    class Watched(logging.LogRecord):
        pass

    class Local:
        pass

    with observing(sdk) as observe:
        for args in ((Local(),), (1, "two"), ({"a": Local()},)):
            record = Watched("name", 20, "path", 1, "%s", args, None)
            watches.append(weakref.ref(record))
            watches += [weakref.ref(value) for value in args if isinstance(value, Local)]
            observe(record)
        del record, args
        assert [watch() for watch in watches if watch() is not None] == []
        huge = 1 << 50_000_000
        before = sys.getrefcount(huge)
        observe(record_of({"msg": "%x", "args": (huge,)}))
        observe(record_of({"msg": "%s", "args": (huge, huge)}))
        assert sys.getrefcount(huge) == before


class Failing:
    """What the observer calls: notes it, or raises."""

    def __init__(self, **raising: BaseException) -> None:
        self.raising = raising
        self.calls: list[str] = []

    def _called(self, name: str, answer: Any = None) -> Any:
        self.calls.append(name)
        if name in self.raising:
            raise self.raising[name]
        return answer

    @property
    def depths(self) -> object:
        return self._called("is_busy", {})

    def observer(self, twin: str) -> Any:
        base = importlib.import_module(f"tocsin._{twin}.ignored_loggers").IgnoredLoggers
        ignored = type("Ignored", (base,), {"holds": lambda _, name: self._called("is_ignored", False)})
        return importlib.import_module(f"tocsin._{twin}.log_observer").LogObserver(
            ignored(),
            self,
            lambda record: self._called("make_event"),
            lambda record: self._called("make_breadcrumb"),
            lambda failure: self._called(f"absorbed {type(failure).__name__}"),
        )


@pytest.mark.parametrize("name", ["is_ignored", "is_busy", "make_event", "make_breadcrumb"])
def test_failures_are_told_once_and_interruptions_come_out(name: str) -> None:
    """What the integration's own calls raise goes where they were called from."""
    for error in (LookupError(), KeyboardInterrupt(), SystemExit()):
        found = []
        for sdk in facades():
            with observing(sdk, event_level=10):
                failing = Failing(**{name: error})
                observer = failing.observer(sdk.tocsin.backend())
                raised = None
                try:
                    observer.observe(record_of({"msg": object}))
                except BaseException as caught:
                    raised = type(caught)
                found.append((raised, failing.calls))
        assert found[0] == found[-1]
        if not isinstance(error, LookupError):
            assert found[0][0] is type(error)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
def test_what_a_signal_handler_raises_on_the_way_comes_out(backend: Any) -> None:
    """It is no failure of ours."""

    class Name(str):
        def strip(self, *_: object) -> str:  # type: ignore[override]
            os.kill(os.getpid(), signal.SIGUSR1)
            return "name"

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with observing(facade(backend.name)) as observe, pytest.raises(Interruption):
            observe(record_of({"name": Name("never seen before")}))
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_records_leave_no_memory_behind(backend: Any) -> None:
    """Of those that become breadcrumbs, either way, and of those that do not."""
    sdk = facade(backend.name)
    plain = record_of({"msg": "%s of %d", "args": ("text", 5)})
    odd = record_of({"msg": "%s", "args": (object(),), "own": 1})
    low = record_of({"levelno": 5})
    with observing(sdk, max_breadcrumbs=5) as observe:

        def cycle() -> None:
            observe(plain)
            observe(odd)
            observe(low)

        for _ in range(20):
            cycle()
        assert grown_blocks(cycle, 3000) <= 20
