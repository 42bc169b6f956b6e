"""What becomes of what `add_breadcrumb` is given."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.clients import DSN
from support.scopes import Hostile, NotingClient, breadcrumbs_of, snapshot_of, use_client
from tocsin import add_breadcrumb, scope_stack
from tocsin.breadcrumbs import parse_iso, timestamp_of
from tocsin.client import Client
from tocsin.scope import Scope
from tocsin.scrubber import EventScrubber

UTC = datetime.timezone.utc


@pytest.fixture(autouse=True)
def _clean_scopes() -> Iterator[None]:
    scope_stack.reset()
    yield
    scope_stack.reset()


def test_a_breadcrumb_may_be_a_dict_or_fields_or_both() -> None:
    """Fields win over the dict; what is empty is ignored; a type is always there."""
    use_client(NotingClient())
    scope = Scope()
    scope.add_breadcrumb({"message": "a", "category": "c", "level": "info", "data": {"x": 1}, "timestamp": 1.0})
    scope.add_breadcrumb(message="b", type="http", timestamp=2)
    scope.add_breadcrumb({"message": "a", "category": "c"}, message="c", timestamp=3)
    scope.add_breadcrumb(MappingProxyType({"message": "d"}), timestamp=4)
    scope.add_breadcrumb()
    scope.add_breadcrumb({})
    scope.add_breadcrumb(None, {"hint": 1})
    assert breadcrumbs_of(scope) == [
        {"timestamp": 1.0, "type": "default", "category": "c", "level": "info", "message": "a", "data": {"x": 1}},
        {"timestamp": 2.0, "type": "http", "message": "b"},
        {"timestamp": 3.0, "type": "default", "category": "c", "message": "c"},
        {"timestamp": 4.0, "type": "default", "message": "d"},
    ]


def test_fields_that_the_protocol_does_not_have_become_data() -> None:
    """They would be dropped by the server."""
    use_client(NotingClient())
    scope = Scope()
    scope.add_breadcrumb(foo=1)
    scope.add_breadcrumb(foo=1, data={"bar": 2})
    scope.add_breadcrumb(foo=1, data="text")
    assert [crumb["data"] for crumb in breadcrumbs_of(scope)] == [
        {"foo": 1},
        {"bar": 2, "foo": 1},
        {"value": "text", "foo": 1},
    ]


def test_without_an_active_client_there_are_no_breadcrumbs() -> None:
    """Nor when none are to be kept."""
    scope = Scope()
    scope.add_breadcrumb(message="a")
    assert breadcrumbs_of(scope) == []
    use_client(NotingClient(max_breadcrumbs=0))
    scope.add_breadcrumb(message="a")
    assert breadcrumbs_of(scope) == []


def test_the_newest_breadcrumbs_are_kept() -> None:
    """As many as the client says, the number of all of them is known."""
    use_client(NotingClient(max_breadcrumbs=3))
    scope = Scope()
    for number in range(5):
        scope.add_breadcrumb(message=str(number))
    (ring,) = snapshot_of(scope).rings
    assert [crumb["message"] for crumb in ring.to_list()] == ["2", "3", "4"]
    assert ring.total == 5
    scope.clear_breadcrumbs()
    assert breadcrumbs_of(scope) == []


def test_another_client_may_keep_another_number() -> None:
    """The ring is made anew with what fits."""
    use_client(NotingClient(max_breadcrumbs=5))
    scope = Scope()
    for number in range(5):
        scope.add_breadcrumb(message=str(number), data={"n": number}, timestamp=number)
    use_client(NotingClient(max_breadcrumbs=2))
    scope.add_breadcrumb(message="5")
    assert [crumb["message"] for crumb in breadcrumbs_of(scope)] == ["4", "5"]
    assert breadcrumbs_of(scope)[0]["data"] == {"n": 4}


def test_before_breadcrumb_sees_a_complete_copy() -> None:
    """With timestamp and type as in the peer, and the hint as a dict."""
    seen: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def before_breadcrumb(crumb: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        seen.append((dict(crumb), hint))
        return {**crumb, "message": "changed"}

    use_client(NotingClient(before_breadcrumb=before_breadcrumb))
    scope = Scope()
    scope.add_breadcrumb({"foo": 42, "message": "m"}, hint={"bar": 1})
    scope.add_breadcrumb(foo=42)
    assert seen[0][1] == {"bar": 1}
    assert seen[1][1] == {}
    stamp = seen[0][0].pop("timestamp")
    assert seen[0][0] == {"foo": 42, "message": "m", "type": "default"}
    assert stamp.utcoffset() == datetime.timedelta(0)
    assert abs(breadcrumbs_of(scope)[0]["timestamp"] - stamp.timestamp()) < 0.001
    assert [crumb["message"] for crumb in breadcrumbs_of(scope)] == ["changed", "changed"]


@pytest.mark.internal_errors
@pytest.mark.parametrize("made", [None, {}, "x", 3, ValueError("x")])
def test_before_breadcrumb_can_drop(made: Any) -> None:
    """By None, by anything that is no breadcrumb, and by raising: it may be there to keep secrets."""

    def before_breadcrumb(crumb: dict[str, Any], hint: dict[str, Any]) -> Any:
        if isinstance(made, Exception):
            raise made
        return made

    use_client(NotingClient(before_breadcrumb=before_breadcrumb))
    scope = Scope()
    scope.add_breadcrumb(message="m")
    assert breadcrumbs_of(scope) == []


def test_before_breadcrumb_does_not_call_itself() -> None:
    """A hook that logs, and so adds a breadcrumb, ends."""
    scope = Scope()
    calls: list[int] = []

    def before_breadcrumb(crumb: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        calls.append(1)
        scope.add_breadcrumb(message="inner")
        return crumb

    use_client(NotingClient(before_breadcrumb=before_breadcrumb))
    scope.add_breadcrumb(message="outer")
    assert [crumb["message"] for crumb in breadcrumbs_of(scope)] == ["outer"]
    assert len(calls) == 1


def test_an_interrupt_in_before_breadcrumb_goes_through() -> None:
    """Ctrl-C is not the hook's failure."""

    def before_breadcrumb(crumb: dict[str, Any], hint: dict[str, Any]) -> Any:
        raise KeyboardInterrupt

    use_client(NotingClient(before_breadcrumb=before_breadcrumb))
    with pytest.raises(KeyboardInterrupt):
        Scope().add_breadcrumb(message="m")


MOMENT = datetime.datetime(2021, 3, 4, 5, 6, 7, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "stamp",
    [
        MOMENT,
        MOMENT.timestamp(),
        MOMENT.astimezone(datetime.timezone(datetime.timedelta(hours=-5, minutes=-30))),
        MOMENT.astimezone().replace(tzinfo=None),
        "2021-03-04T05:06:07.25Z",
        "2021-03-04T05:06:07.250000+0000",
        "2021-03-04T05:06:07.250000-00:00",
        "2021-03-04T07:36:07.250+02:30",
        "2021-03-04T00:06:07,25-05",
        "2021-03-04 05:06:07.25",
    ],
)
def test_a_timestamp_in_any_form(stamp: Any) -> None:
    """Numbers, datetimes (naive: local time) and ISO 8601 (naive: UTC) become Unix time."""
    assert timestamp_of(stamp) == pytest.approx(MOMENT.timestamp(), abs=1e-6)


@pytest.mark.parametrize(
    "stamp",
    [
        *(
            "",
            "yesterday",
            "2021-13-01T00:00:00Z",
            "2021-03-04T25:00:00Z",
            "2021-03-04",
            "2021-03-04T05:06:07+1",
            "²" * 19,
        ),
        *(math.nan, math.inf, -1, 10**400, True, [], Hostile, datetime.date(2021, 1, 1), "datetime"),
    ],
)
@pytest.mark.internal_errors
def test_a_timestamp_that_cannot_be_read_is_now(stamp: Any) -> None:
    """A breadcrumb is not lost over it."""
    stamp = Hostile() if stamp is Hostile else stamp
    now = datetime.datetime.now().timestamp()
    assert abs(timestamp_of(stamp) - now) < 60


@given(
    st.datetimes(datetime.datetime(1970, 1, 2), timezones=st.just(UTC)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["T", " "]),
)
def test_iso_texts_are_read_as_datetime_reads_them(moment: datetime.datetime, offset: int, separator: str) -> None:
    """Any moment, in any zone, agrees with the standard library."""
    if moment.year == 9999:
        moment = moment.replace(year=9998)
    local = moment.astimezone(datetime.timezone(datetime.timedelta(minutes=offset)))
    found = parse_iso(local.isoformat(separator))
    assert found is None if local.year < 1970 else found == pytest.approx(moment.timestamp(), abs=1e-5)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_timestamps(text: str) -> None:
    """Junk is None."""
    assert parse_iso(text) is None or parse_iso(text) >= 0  # type: ignore[operator]


def test_without_anywhere_to_send_to_nothing_is_recorded() -> None:
    """A client without a DSN keeps no breadcrumbs: no event could ever carry them."""
    client = NotingClient()
    client.transport = None
    use_client(client)
    scope = Scope()
    scope.add_breadcrumb(message="heard by nobody")
    assert scope._ring is None


def test_secrets_are_those_of_the_client_that_is_told() -> None:
    """Where another client has taken over, its own rules count for what is added to the scopes that are there."""
    name = "plan"
    scrubber = EventScrubber(denylist=[name])
    with Client(DSN, transport="memory") as before, Client(DSN, transport="memory", event_scrubber=scrubber) as after:
        for client in (before, after):
            scope_stack.get_global_scope().set_client(client)
            add_breadcrumb(data={name: "a"})
            add_breadcrumb({"data": {name: "b"}})
    crumbs = breadcrumbs_of(scope_stack.get_isolation_scope())
    assert [crumb["data"][name] for crumb in crumbs] == ["a", "b", "[Filtered]", "[Filtered]"]
