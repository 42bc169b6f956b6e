"""Laws of an event's bytes: what stands where, what is marked as left out, and times as the calendar has them."""

from __future__ import annotations

import datetime
import itertools
import math
import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.twins import CHARACTERS, PROPERTY, VALUES, same, strict_json, twins
from tocsin import limits

ID = "0123456789abcdef" * 2


def capture(backend: Any, stack: Any = None, crumbs: Any = None, total: int = 0, **given: Any) -> Any:
    members = {"level": "error", "head": b"", "stack_key": "exception", "fields": b"", "static": b"", **given}
    return backend.Capture(
        ID,
        1.5,
        members["level"],
        members["head"],
        stack,
        members["stack_key"],
        members["fields"],
        members["static"],
        crumbs,
        total,
        (),
    )


def site(backend: Any, number: int, source: str | None = "line") -> Any:
    made = backend.Site(f"f{number}", "module", "file.py", "/file.py", number, None)
    if source is not None:
        made.set_source([f"before{number}"], f"{source}{number}", [f"after{number}"])
    return made


def stack_of(backend: Any, frames: list[Any], total: int, head: bytes = b'"type":"E"') -> Any:
    return backend.Stack([head], [frames], [total])


def test_the_smallest_event(backend: Any) -> None:
    """Byte for byte."""
    assert backend.render(capture(backend)) == (
        b'{"event_id":"' + ID.encode() + b'","timestamp":"1970-01-01T00:00:01.500000Z","platform":"python",'
        b'"level":"error"}'
    )


def test_a_small_event(backend: Any) -> None:
    """Byte for byte: members of the capture, the client and the scopes, a stack, breadcrumbs, and marks at the end."""
    ring = backend.BreadcrumbRing(1)
    ring.add(0.25, message="forgotten")
    ring.add(0.5, "default", "auth", "info", "signed in", {"user": 5})
    stack = stack_of(backend, [site(backend, 3), b'{"a":"1"}', site(backend, 4, None), None], 7)
    made = capture(
        backend, stack, ring.snapshot(), ring.total, head=b'"message":"m"', fields=b'"tags":{"a":"b"}', static=b'"x":1'
    )
    assert backend.render(made) == (
        b'{"event_id":"' + ID.encode() + b'","timestamp":"1970-01-01T00:00:01.500000Z","platform":"python",'
        b'"level":"error","message":"m","x":1,"tags":{"a":"b"},'
        b'"exception":{"values":[{"type":"E","stacktrace":{"frames":['
        b'{"filename":"file.py","abs_path":"/file.py","function":"f3","module":"module","lineno":3,'
        b'"context_line":"line3","pre_context":["before3"],"post_context":["after3"],"vars":{"a":"1"}},'
        b'{"filename":"file.py","abs_path":"/file.py","function":"f4","module":"module","lineno":4}]}}]},'
        b'"breadcrumbs":{"values":[{"timestamp":"1970-01-01T00:00:00.500000Z","type":"default","category":"auth",'
        b'"level":"info","message":"signed in","data":{"user":5}}]},'
        b'"_meta":{"exception":{"values":{"0":{"stacktrace":{"frames":{"":{"len":7}}}}}},'
        b'"breadcrumbs":{"":{"len":2}}}}'
    )


def test_a_messages_stack_stands_where_it_is_told_to(backend: Any) -> None:
    """Under its own key, marks too; a value without members of its own has its stack first."""
    made = capture(backend, stack_of(backend, [site(backend, 1), None], 9, b""), stack_key="threads")
    event = strict_json(backend.render(made))
    assert list(event["threads"]["values"][0]) == ["stacktrace"]
    assert event["_meta"] == {"threads": {"values": {"0": {"stacktrace": {"frames": {"": {"len": 9}}}}}}}
    empty = strict_json(backend.render(capture(backend, stack_of(backend, [], 0))))
    assert empty["exception"] == {"values": [{"type": "E"}]}


@given(totals=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=5))
@PROPERTY
def test_each_stack_that_was_shortened_is_marked(totals: list[tuple[int, int]]) -> None:
    """At the index of its exception, with the length it had; the others are not."""
    found = []
    for modules in zip(twins("serializer"), twins("stacktrace"), twins("site"), strict=True):
        serializer, stacktrace, sites = modules
        places = [sites.Site("f", "m", "f.py", "/f.py", 1, None) for _ in range(4)]
        frames = [[each for place in places[:shown] for each in (place, None)] for shown, _ in totals]
        stack = stacktrace.Stack([b'"type":"E"'] * len(totals), frames, [shown + left for shown, left in totals])
        made = serializer.Capture(ID, 1.0, "error", b"", stack, "exception", b"", b"", None, 0, ())
        found.append(serializer.render(made))
    assert found[0] == found[1]
    event = strict_json(found[0])
    expected = {
        str(index): {"stacktrace": {"frames": {"": {"len": shown + left}}}}
        for index, (shown, left) in enumerate(totals)
        if left
    }
    assert event.get("_meta", {}).get("exception", {}).get("values", {}) == expected
    assert [len(value.get("stacktrace", {}).get("frames", [])) for value in event["exception"]["values"]] == [
        shown for shown, _ in totals
    ]


@pytest.mark.parametrize("count", [1, 24, 25, 26, 49, 50, 51, 52, 120, 250])
def test_source_around_a_line_is_sent_for_the_ends_only(backend: Any, count: int) -> None:
    """All frames have their line; only so many at either end, as a server keeps, the lines around it."""
    frames = [each for number in range(count) for each in (site(backend, number), None)]
    event = strict_json(backend.render(capture(backend, stack_of(backend, frames, count))))
    shown = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame["context_line"] for frame in shown] == [f"line{number}" for number in range(count)]
    outer, inner = limits.DETAILED_OUTER, limits.DETAILED_INNER
    detailed = [number for number in range(count) if number < outer or number >= count - inner]
    assert [number for number, frame in enumerate(shown) if "pre_context" in frame] == detailed
    assert [number for number, frame in enumerate(shown) if "post_context" in frame] == detailed


def test_a_frame_without_source_has_none_of_its_members(backend: Any) -> None:
    """Looked for in vain, or not looked for."""
    without = site(backend, 1, None)
    without.set_no_source()
    frames = [without, None, site(backend, 2, None), b'{"a":"1"}']
    event = strict_json(backend.render(capture(backend, stack_of(backend, frames, 2))))
    for frame in event["exception"]["values"][0]["stacktrace"]["frames"]:
        assert not frame.keys() & {"context_line", "pre_context", "post_context"}


def test_breadcrumbs_are_marked_if_some_were_forgotten(backend: Any) -> None:
    """And only then; an empty list is not sent."""
    ring = backend.BreadcrumbRing(3)
    assert b"breadcrumbs" not in backend.render(capture(backend, None, ring.snapshot(), 0))
    for number in range(5):
        ring.add(float(number), message=str(number))
        event = strict_json(backend.render(capture(backend, None, ring.snapshot(), ring.total)))
        shown = [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
        assert shown == [str(each) for each in range(number + 1)][-3:]
        assert event.get("_meta") == ({"breadcrumbs": {"": {"len": number + 1}}} if number > 2 else None)


EPOCH = datetime.datetime(1970, 1, 1)
FIRST, LAST = -62135596800.0, 253402300800.0
TIMES = st.floats(FIRST, LAST, exclude_max=True) | st.integers(int(FIRST), int(LAST) - 1).map(float)


@given(timestamp_s=TIMES)
@example(timestamp_s=-0.0)
@example(timestamp_s=-1e-7)
@example(timestamp_s=-0.5)
@example(timestamp_s=951782400.0)
@example(timestamp_s=4107542399.999999)
@example(timestamp_s=math.nextafter(LAST, 0))
@example(timestamp_s=FIRST)
@PROPERTY
def test_a_time_is_the_calendars(timestamp_s: float) -> None:
    """In years 1 to 9999, within a microsecond of the number given, or what such a number can tell apart."""
    text = same("serializer", lambda twin: twin.iso_time(timestamp_s))
    assert isinstance(text, str)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    shown = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ") - EPOCH
    micros = (shown.days * 86400 + shown.seconds) * 10**6 + shown.microseconds
    assert abs(micros - Fraction(timestamp_s) * 10**6) <= 1 + Fraction(math.ulp(timestamp_s)) * 10**6
    if timestamp_s.is_integer():
        assert micros == int(timestamp_s) * 10**6


@given(number=st.floats() | st.integers() | st.sampled_from([math.nan, math.inf, -math.inf, LAST, 10**400, -(10**400)]))
@PROPERTY
def test_a_time_outside_the_calendar_is_the_epoch(number: float) -> None:
    """Whatever number it is, in both twins alike."""
    text = same("serializer", lambda twin: twin.iso_time(number))
    if not FIRST <= number < LAST:
        assert text == "1970-01-01T00:00:00.000000Z"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # What JSON cannot say is another law's; what is a plain key is values'.
    | st.text(CHARACTERS.filter(lambda char: char != "\0" and not "\ud800" <= char <= "\udfff"), max_size=9),
    lambda members: (
        st.lists(members, max_size=5)
        | st.dictionaries(st.text(st.characters(categories=["L", "N"]), max_size=9), members, max_size=5)
    ),
    max_leaves=20,
)


@given(event=st.dictionaries(st.sampled_from(["message", "extra", "tags", "contexts", "user"]), JSON))
@PROPERTY
def test_an_event_that_is_json_is_written_as_it_is(event: dict[str, object]) -> None:
    """Both twins alike; read back it is itself."""
    data = same("serializer", lambda twin: twin.dumps(event))
    assert isinstance(data, bytes)
    assert strict_json(data) == event


@given(event=VALUES)
@PROPERTY
def test_any_event_is_strict_json(event: object) -> None:
    """Whatever a hook has put into it."""
    data = same("serializer", lambda twin: twin.dumps({"extra": event, "list": [event]}))
    assert isinstance(data, bytes)
    strict_json(data)


def test_a_wide_event_is_written_whole(backend: Any) -> None:
    """Made by hand it may hold more than a databag: the size guard has the last word, not the writer."""
    event = {"modules": {f"package{number}": "1.0" for number in range(3000)}, "list": list(range(5000))}
    assert strict_json(backend.dumps(event)) == event


def test_what_is_json_already_is_passed_on(backend: Any) -> None:
    """A Fragment, as a value anywhere, of whatever content; bytes that are none are text."""
    fragment = backend.Fragment(b'{ "a":[1, 2] }')
    assert backend.dumps({"extra": fragment, "list": [fragment]}) == (
        b'{"extra":{ "a":[1, 2] },"list":[{ "a":[1, 2] }]}'
    )
    assert backend.dumps(fragment) == fragment
    assert backend.dumps({"extra": b"[1]"}) == b'{"extra":"[1]"}'
    derived = type("Derived", (backend.Fragment,), {})(b"[1]")
    assert backend.dumps({"extra": derived}) == b'{"extra":"[1]"}'


def test_a_captures_size_is_about_what_it_holds(backend: Any) -> None:
    """It grows with what is its own, by at least as much."""
    sizes = [capture(backend).size_bytes, capture(backend, head=b"x" * 1000).size_bytes]
    sizes.append(capture(backend, head=b"x" * 1000, fields=b"x" * 1000).size_bytes)
    stack = stack_of(backend, [site(backend, 1), b"x" * 1000], 1, b"x" * 1000)
    sizes.append(capture(backend, stack, head=b"x" * 1000, fields=b"x" * 1000).size_bytes)
    assert sizes[0] > 0
    assert [later - before for before, later in itertools.pairwise(sizes)][:2] == [1000, 1000]
    assert 2000 <= sizes[3] - sizes[2] <= 2200


@pytest.mark.parametrize("level", ["fatal", 'quo"te', "\ud800"])
def test_level_and_id_are_written_as_texts(backend: Any, level: str) -> None:
    """Whatever they hold, the event is strict JSON."""
    made = capture(backend, level=level)
    assert strict_json(backend.render(made))["level"] == level.replace("\ud800", "\ufffd")
    made.level = "info"
    assert strict_json(backend.render(made))["level"] == "info"
