"""Laws of the hottest verbs: through either twin the same call leaves the same behind, and none raises."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faults.hostile import ZOO, watching
from support.concurrency import grown_blocks, outcome
from support.facades import Facade, facade, facades
from support.twins import PROPERTY, TEXTS, VALUES, Text

NOW = "now"
# Each example is tried on both twins, by clients of their own.
FEWER = settings(PROPERTY, max_examples=60)
FIELDS = ("message", "category", "level", "type", "data", "timestamp")
LEVELS = st.sampled_from(["fatal", "error", "warning", "info", "debug", "warn", "CRITICAL", "Info ", "none", "", 20, 0])
TIMES = st.sampled_from([0, 5, 5.5, -1, 1e300, float("nan"), "2024-01-02T03:04:05Z", "2024-01-02 03:04:05.5+01:00", ""])
GIVEN: dict[str, st.SearchStrategy[Any]] = {
    "message": st.none() | TEXTS | VALUES,
    "category": st.none() | TEXTS | VALUES,
    "level": st.none() | LEVELS | LEVELS.filter(lambda level: type(level) is str).map(Text) | VALUES,
    "type": st.none() | st.sampled_from(["http", "default"]) | VALUES,
    "data": st.none() | st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=9) | VALUES,
    "timestamp": st.none() | TIMES | VALUES,
}
OTHERS = st.dictionaries(TEXTS | st.sampled_from(["self", "lane", "fields", "value"]), VALUES, max_size=2)
KEYWORDS = st.builds(
    lambda fields, others: {
        **{name: other for name, other in others.items() if name not in ("crumb", "hint")},
        **fields,
    },
    st.fixed_dictionaries({}, optional=GIVEN),
    st.just({}) | OTHERS,
)
CRUMBS = st.none() | KEYWORDS | st.sampled_from([5, "text", [1], {1: 2}, ()])
HINTS = st.none() | st.just({"a": 1}) | st.sampled_from([5, [], "hint"])


class Hook:
    """A `before_breadcrumb` that notes what it is shown."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.seen: list[tuple[list[str], object]] = []

    def __call__(self, crumb: Any, hint: Any) -> Any:
        self.seen.append((sorted(map(str, crumb)), hint))
        if self.answer == "raises":
            raise LookupError
        return {"kept": crumb, "changed": {**crumb, "message": "changed"}, "dropped": None, "junk": 5}[self.answer]


class Foreign:
    """An active client of somebody's own: it has no fast lane."""

    def __init__(self, renderer: Any) -> None:
        self.renderer = renderer
        self.transport = "somewhere"
        self.options = {"max_breadcrumbs": 3, "before_breadcrumb": None}
        self.captured: list[tuple[Any, ...]] = []

    def is_active(self) -> bool:
        return True

    def capture_exception(self, *given: Any) -> str:
        self.captured.append(("exception", *given))
        return "1" * 32

    def capture_message(self, *given: Any) -> str:
        self.captured.append(("message", *given))
        return "2" * 32


CLIENTS = ("plain", "few", "none kept", "hook kept", "hook changed", "hook dropped", "hook junk", "hook raises")
CLIENTS += ("no client", "no transport", "foreign")


@contextlib.contextmanager
def started(sdk: Facade, kind: str) -> Iterator[Any]:
    """A facade with a client of that kind in force; yields its hook, if it has one."""
    with sdk.in_place():
        hook = None
        if kind == "foreign":
            client: Any = Foreign(sdk._backend.Renderer())
            sdk.scope_stack.get_global_scope().set_client(client)
        elif kind != "no client":
            options: dict[str, Any] = {"few": {"max_breadcrumbs": 2}, "none kept": {"max_breadcrumbs": 0}}.get(kind, {})
            if kind.startswith("hook"):
                options["before_breadcrumb"] = hook = Hook(kind.split()[1])
            if kind == "no transport":
                options["transport"] = None
            sdk.client(**options)
        yield hook


def crumbs_of(sdk: Facade, since_s: float) -> Any:
    """The breadcrumbs of the isolation scope; the time of one that was stamped just now is only told to be so."""
    ring = sdk.scope_stack.get_isolation_scope()._ring
    if ring is None:
        return None
    return [
        (NOW if since_s - 0.001 <= at <= time.time() + 0.001 else at, *others)
        for at, *others in map(tuple, ring.snapshot())
    ], (ring.total, ring.capacity)


@pytest.mark.internal_errors
@pytest.mark.parametrize("kind", CLIENTS)
def test_both_twins_keep_the_same_breadcrumbs(kind: str) -> None:
    """Of the same calls with whatever arguments, whatever client is in force; what is given is not changed."""

    @given(calls=st.lists(st.tuples(CRUMBS, HINTS, KEYWORDS), min_size=1, max_size=4))
    @FEWER
    def law(calls: list[tuple[Any, Any, dict[str, Any]]]) -> None:
        found = []
        since_s = time.time()
        for sdk in facades():
            with started(sdk, kind) as hook:
                for crumb, hint, keywords in calls:
                    before = (len(crumb) if isinstance(crumb, dict) else None, len(keywords))
                    assert sdk.tocsin.add_breadcrumb(crumb, hint, **keywords) is None
                    assert before == (len(crumb) if isinstance(crumb, dict) else None, len(keywords))
                found.append((crumbs_of(sdk, since_s), hook and [names for names, _ in hook.seen]))
        assert found[0] == found[-1]
        if kind in ("none kept", "no client", "no transport"):
            assert found[0][0] is None

    law()


@given(keywords=st.fixed_dictionaries({}, optional=GIVEN))
@PROPERTY
@pytest.mark.internal_errors
def test_one_dict_is_as_good_as_keywords(backend: Any, keywords: dict[str, Any]) -> None:
    """The verb's own way and the scope's give the same breadcrumb."""
    sdk = facade(backend.name)
    found = []
    since_s = time.time()
    for call in (
        lambda: sdk.tocsin.add_breadcrumb(**keywords),
        lambda: sdk.tocsin.add_breadcrumb(keywords),
        lambda: sdk.tocsin.get_isolation_scope().add_breadcrumb(**keywords),
    ):
        with started(sdk, "plain"):
            call()
            found.append(crumbs_of(sdk, since_s))
    if any(value is not None for value in keywords.values()):
        assert found[0] == found[1] == found[2]


def test_other_names_go_into_the_data(backend: Any) -> None:
    """Whatever they are called."""
    sdk = facade(backend.name)
    with started(sdk, "plain"):
        for name in ("self", "lane", "ring", "value", "others", "scope"):
            sdk.tocsin.add_breadcrumb(message="m", **{name: 1})
            sdk.tocsin.get_isolation_scope().add_breadcrumb(message="m", **{name: 1})
            for crumb in sdk.tocsin.get_isolation_scope()._ring.to_list()[-2:]:
                assert crumb["data"] == {name: 1}


def test_other_names_are_ignored_by_captures(backend: Any) -> None:
    """They name nothing that a scope could say."""
    sdk = facade(backend.name)
    with started(sdk, "plain"):
        for name in ("self", "lane", "argument", "anything"):
            assert sdk.tocsin.capture_message("m", **{name: 1})
            assert sdk.tocsin.capture_exception(ValueError("x"), **{name: 1})
            assert sdk.tocsin.capture_event({"message": "m"}, **{name: 1})


@pytest.mark.parametrize("name", ZOO)
def test_no_code_of_an_argument_is_run_and_nothing_is_raised(name: str) -> None:
    """In whatever place it stands; both twins keep the same."""
    value = ZOO[name]()
    found: list[Any] = []
    since_s = time.time()
    for sdk in facades():
        with started(sdk, "plain"):
            add = sdk.tocsin.add_breadcrumb
            with watching() as calls:
                for field in FIELDS:
                    if field != "timestamp":
                        assert add(message="m", **{field: value} if field != "message" else {}) is None
                        assert add(**{field: value}) is None
                assert add(message=value, category=value, level=value, type=value, data=value) is None
                assert add(message="m", data={"a": value, "b": [value]}) is None
                assert add(message="m", other=value) is None
            assert calls == [], name
            found.append(crumbs_of(sdk, since_s))
    pattern = re.compile(rb"0x[0-9a-f]+")
    texts = [pattern.sub(b"", repr(each).encode("utf-8", "surrogatepass")) for each in found]
    assert texts[0] == texts[-1]


@pytest.mark.parametrize("level", ["a class", "a class that lies"])
def test_a_level_is_known_by_its_real_type(backend: Any, level: str) -> None:
    """What it says of itself is not asked."""

    class Saying:
        @property
        def __class__(self) -> Any:
            if level == "a class":
                raise RuntimeError
            return str

        def __hash__(self) -> int:
            raise RuntimeError

    sdk = facade(backend.name)
    with started(sdk, "plain"):
        sdk.tocsin.add_breadcrumb(message="m", level=Saying())
        (crumb,) = sdk.tocsin.get_isolation_scope()._ring.to_list()
        assert "level" not in crumb


@pytest.mark.parametrize("kind", ["plain", "few", "no client", "no transport", "foreign"])
def test_captures_give_an_id_where_something_is_sent(backend: Any, kind: str) -> None:
    """Of 32 digits, remembered as the last one; None where there is nowhere to send to."""
    sdk = facade(backend.name)
    with started(sdk, kind):
        captures = [
            lambda: sdk.tocsin.capture_message("m"),
            lambda: sdk.tocsin.capture_message("m", "fatal"),
            lambda: sdk.tocsin.capture_message("m", level=None, scope=sdk.scope.Scope()),
            lambda: sdk.tocsin.capture_message("m", tags={"a": 1}),
            lambda: sdk.tocsin.capture_exception(ValueError("x")),
            lambda: sdk.tocsin.capture_exception(ValueError("x"), level="debug"),
            lambda: sdk.tocsin.capture_exception("a text"),
        ]
        for capture in captures:
            event_id = capture()
            if kind.startswith("no "):
                assert event_id is None
            else:
                assert re.fullmatch("[0-9a-f]{32}", event_id)
                assert sdk.tocsin.last_event_id() == event_id
        assert sdk.tocsin.capture_exception() is None or kind == "foreign"


@given(
    message=TEXTS | VALUES,
    level=GIVEN["level"],
    crumbs=st.lists(st.fixed_dictionaries({}, optional=GIVEN), max_size=3),
    keywords=st.fixed_dictionaries({}, optional={"tags": VALUES, "user": VALUES, "level": LEVELS, "extras": VALUES}),
)
@FEWER
@pytest.mark.internal_errors
def test_both_twins_send_the_same_events(
    message: object, level: object, crumbs: list[dict[str, Any]], keywords: dict[str, Any]
) -> None:
    """Of messages and errors with breadcrumbs, with and without what is said for one event alone."""
    found = []
    for sdk in facades():
        with started(sdk, "plain"):
            for crumb in crumbs:
                sdk.tocsin.add_breadcrumb(**{**crumb, "timestamp": 5})
            sdk.tocsin.get_isolation_scope().set_trace("0" * 32, "0" * 16)
            ids = [sdk.tocsin.capture_message(message, level), sdk.tocsin.capture_message(message, level)]
            given_level = {"level": level} if "level" not in keywords else {}
            ids.append(sdk.tocsin.capture_message(message, **{**keywords, **given_level}))
            ids.append(sdk.tocsin.capture_exception(LookupError("x"), **keywords))
            events = sdk.scope_stack.get_global_scope()._client.transport.events
            assert [event["event_id"] for event in events] == [each for each in ids if each is not None]
            for event in events:
                event["event_id"] = event["timestamp"] = ""
                event["contexts"]["trace"]["span_id"] = ""
                for values in (event.get("exception", {}), event.get("threads", {})):
                    values.pop("values", None)
            found.append(events)
    pattern = re.compile(r"0x[0-9a-f]+")
    assert pattern.sub("", repr(found[0])) == pattern.sub("", repr(found[-1]))


def test_calls_that_python_refuses_are_refused_alike() -> None:
    """A field that is no keyword, too many arguments, none where one is needed."""
    found = []
    for sdk in facades():
        with sdk.in_place():
            tocsin = sdk.tocsin
            calls = (
                lambda: tocsin.add_breadcrumb(None, None, "message"),  # noqa: B023
                lambda: tocsin.capture_message(),  # noqa: B023
                lambda: tocsin.capture_exception(None, None, None),  # noqa: B023
                lambda: tocsin.capture_message("a", "info", None, None),  # noqa: B023
            )
            found.append([outcome(call)[0] for call in calls])
    assert found[0] == found[-1] == ["TypeError"] * 4


def test_breadcrumbs_leave_no_memory_behind(backend: Any) -> None:
    """Once the ring is full, and in scopes that end."""
    sdk = facade(backend.name)
    with started(sdk, "few"):
        tocsin = sdk.tocsin

        def cycle() -> None:
            tocsin.add_breadcrumb(message="m", category="c", level="info", data={"a": 1, "b": "text"})
            tocsin.add_breadcrumb({"message": "m", "own": 1}, {"a": 1})
            with tocsin.isolation_scope():
                tocsin.add_breadcrumb(message="m", data={"a": object()})

        for _ in range(20):
            cycle()
        assert grown_blocks(cycle, 3000) <= 30
