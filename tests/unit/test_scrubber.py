"""Masking by name: the predicate, and the scrubber of events."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.scrubber import DEFAULT_DENYLIST, DEFAULT_PII_DENYLIST, FILTERED, EventScrubber, key_predicate

MARK = {"": {"rem": [["!config", "s"]]}}

_PEER_NAMES = """
password passwd secret api_key apikey auth credentials mysql_pwd privatekey private_key token session csrftoken
sessionid x_csrftoken x_forwarded_for set_cookie cookie authorization proxy-authorization x_api_key aiohttp_session
connect.sid csrf_token csrf _csrf _csrf_token PHPSESSID _session symfony user_session _xsrf XSRF-TOKEN
"""
PEER_NAMES = set(_PEER_NAMES.split())


def test_the_default_names_are_those_that_people_rely_on() -> None:
    """33 names, and 4 that identify persons."""
    assert set(DEFAULT_DENYLIST) == PEER_NAMES
    assert len(DEFAULT_DENYLIST) == 33
    assert set(DEFAULT_PII_DENYLIST) == {"x_forwarded_for", "x_real_ip", "ip_address", "remote_addr"}


@pytest.mark.parametrize(
    "name", ["password", "PASSWORD", "X-Api-Key", "x_api_key", "X API KEY", "xsrf-token", "XSRF_TOKEN", "PhpSessId"]
)
def test_a_name_is_known_in_any_spelling(name: str) -> None:
    """Case, and what separates the words, do not matter."""
    assert key_predicate(DEFAULT_DENYLIST)(name)


@pytest.mark.parametrize("name", ["", "my_password", "passwords", "pass_word", "tokenizer", "secretary", "x" * 10_000])
def test_a_name_is_compared_as_a_whole(name: str) -> None:
    """A name that merely contains a denied one is another name."""
    assert not key_predicate(DEFAULT_DENYLIST)(name)


@pytest.mark.parametrize(
    "name",
    ["db_password", "dbPassword", "DBPassword", "userAPIKey", "api-key-2", "x.token.y", "PASSWORD_OLD", "connect.sid"],
)
def test_by_term_a_name_that_contains_a_denied_one_is_denied(name: str) -> None:
    """On request, words are found in compound names."""
    assert key_predicate(DEFAULT_DENYLIST, by_term=True)(name)


@pytest.mark.parametrize("name", ["passwordless", "tokenizer", "author", "secretary", "obsession", "keyapi", ""])
def test_by_term_half_a_word_is_no_term(name: str) -> None:
    """`author` has nothing to do with `auth`."""
    assert not key_predicate(DEFAULT_DENYLIST, by_term=True)(name)


@given(st.lists(st.text(max_size=12), max_size=30), st.booleans())
def test_the_predicate_is_pure(names: list[str], by_term: bool) -> None:
    """What it remembers does not change what it says."""
    shared = key_predicate(DEFAULT_DENYLIST, by_term)
    for name in names + names:
        assert shared(name) is key_predicate(DEFAULT_DENYLIST, by_term)(name)


def test_the_predicate_remembers_a_bounded_number_of_names() -> None:
    """Names made of data do not pile up."""
    predicate = key_predicate(["password"])
    known = predicate.__closure__[1].cell_contents  # type: ignore[index]
    assert isinstance(known, dict)
    for number in range(5000):
        predicate(f"name{number}")
        predicate("x" * 1000 + str(number))
    assert len(known) <= 1024
    assert max(map(len, known)) <= 128


def test_all_areas_of_an_event_are_masked_and_marked() -> None:
    """Request, extra, user, breadcrumbs, frame variables and spans; `_meta` says where and why."""
    event: dict[str, Any] = {
        "request": {
            "headers": {"COOKIE": "s", "Origin": "o", "X-Api-Key": "k"},
            "cookies": {"sessionid": "s", "a": "b"},
            "data": [{"token": "s", "a": "b"}],
            "query_string": "token=s",
        },
        "extra": {"auth": "s", "a": {"secret": "s"}},
        "user": {"id": "1", "password": "s", "ip_address": "1.2.3.4"},
        "breadcrumbs": {"values": [{"message": "m", "data": {"password": "s"}}]},
        "exception": {"values": [{"stacktrace": {"frames": [{"vars": {"token": "s", "n": "1"}}]}}]},
        "threads": {"values": [{"stacktrace": {"frames": [{}, {"vars": {"token": "s"}}]}}]},
        "stacktrace": {"frames": [{"vars": {"token": "s"}}]},
        "spans": [{"data": {"csrf": "s"}}],
        "contexts": {"app": {"token": "kept"}},
        "tags": {"token": "kept"},
    }
    EventScrubber().scrub_event(event)
    assert event.pop("_meta") == {
        "request": {
            "headers": {"COOKIE": MARK, "X-Api-Key": MARK},
            "cookies": {"sessionid": MARK},
            "data": {"0": {"token": MARK}},
        },
        "extra": {"auth": MARK, "a": {"secret": MARK}},
        "user": {"password": MARK},
        "breadcrumbs": {"values": {"0": {"data": {"password": MARK}}}},
        "exception": {"values": {"0": {"stacktrace": {"frames": {"0": {"vars": {"token": MARK}}}}}}},
        "threads": {"values": {"0": {"stacktrace": {"frames": {"1": {"vars": {"token": MARK}}}}}}},
        "stacktrace": {"frames": {"0": {"vars": {"token": MARK}}}},
        "spans": {"0": {"data": {"csrf": MARK}}},
    }
    assert event == {
        "request": {
            "headers": {"COOKIE": FILTERED, "Origin": "o", "X-Api-Key": FILTERED},
            "cookies": {"sessionid": FILTERED, "a": "b"},
            "data": [{"token": FILTERED, "a": "b"}],
            "query_string": "token=s",
        },
        "extra": {"auth": FILTERED, "a": {"secret": FILTERED}},
        "user": {"id": "1", "password": FILTERED},
        "breadcrumbs": {"values": [{"message": "m", "data": {"password": FILTERED}}]},
        "exception": {"values": [{"stacktrace": {"frames": [{"vars": {"token": FILTERED, "n": "1"}}]}}]},
        "threads": {"values": [{"stacktrace": {"frames": [{}, {"vars": {"token": FILTERED}}]}}]},
        "stacktrace": {"frames": [{"vars": {"token": FILTERED}}]},
        "spans": [{"data": {"csrf": FILTERED}}],
        "contexts": {"app": {"token": "kept"}},
        "tags": {"token": "kept"},
    }


def test_an_event_without_secrets_gets_no_meta() -> None:
    """Nothing is noted where nothing was done."""
    event = {"extra": {"a": {"b": [1, {"c": 2}]}}}
    before = copy.deepcopy(event)
    EventScrubber().scrub_event(event)
    assert event == before


@pytest.mark.parametrize("recursive", [False, True])
def test_nested_values_are_masked_whatever_is_asked(recursive: bool) -> None:
    """A secret is no less secret one level down."""
    bag = {"deep": {"deeper": [{"password": "s"}]}}
    EventScrubber(recursive=recursive).scrub_dict(bag)
    assert bag == {"deep": {"deeper": [{"password": FILTERED}]}}


def test_a_list_is_masked() -> None:
    """`scrub_list` looks into the dicts of a list."""
    items: list[Any] = [{"token": "s"}, [{"token": "s"}], "token"]
    EventScrubber().scrub_list(items)
    assert items == [{"token": FILTERED}, [{"token": FILTERED}], "token"]


def test_headers_may_be_pairs() -> None:
    """The protocol also has headers as a list of pairs."""
    event: dict[str, Any] = {"request": {"headers": [["Cookie", "s"], ["Host", "h"], "odd"]}}
    EventScrubber().scrub_event(event)
    assert event["request"]["headers"] == [["Cookie", FILTERED], ["Host", "h"], "odd"]
    assert event["_meta"] == {"request": {"headers": {"0": {"1": MARK}}}}


def test_breadcrumbs_may_be_a_bare_list() -> None:
    """The protocol has both shapes."""
    event: dict[str, Any] = {"breadcrumbs": [{"data": {"token": "s"}}]}
    EventScrubber().scrub_event(event)
    assert event["breadcrumbs"][0]["data"]["token"] == FILTERED


def test_personal_names_count_only_while_personal_data_is_off() -> None:
    """`send_default_pii` switches the second list off."""
    event: dict[str, Any] = {"user": {"ip_address": "1.2.3.4"}, "request": {"headers": {"ip_address": "1.2.3.4"}}}
    EventScrubber(send_default_pii=True).scrub_event(event)
    assert event == {"user": {"ip_address": "1.2.3.4"}, "request": {"headers": {"ip_address": "1.2.3.4"}}}
    EventScrubber().scrub_event(event)
    assert event["user"] == {}
    assert event["request"]["headers"]["ip_address"] == FILTERED


def test_own_lists_replace_the_default_ones() -> None:
    """Both lists can be given."""
    scrubber = EventScrubber(denylist=["My_Var"], pii_denylist=["my_pii"])
    bag = {"my-var": "s", "my_pii": "s", "password": "kept"}
    scrubber.scrub_dict(bag)
    assert bag == {"my-var": FILTERED, "my_pii": FILTERED, "password": "kept"}


def test_a_mark_replaces_what_was_noted_about_the_masked_value() -> None:
    """What `_meta` said below a value that is gone would dangle; what it says elsewhere stays."""
    event: dict[str, Any] = {
        "extra": {"token": {"a": "..."}, "b": "..."},
        "_meta": {"extra": {"token": {"a": {"": {"len": 9}}}, "b": {"": {"len": 9}}}},
    }
    EventScrubber().scrub_event(event)
    assert event["_meta"] == {"extra": {"token": MARK, "b": {"": {"len": 9}}}}


@pytest.mark.parametrize("junk", [None, "x", 3, [], [None], {"values": 3}, {"values": [None, 3]}, {"frames": [3]}])
def test_junk_is_no_error(junk: object) -> None:
    """An event that a hook has made a mess of does not raise."""
    areas = ("request", "extra", "user", "breadcrumbs", "exception", "threads", "stacktrace", "spans", "_meta")
    event: dict[str, Any] = {area: copy.deepcopy(junk) for area in areas}
    event["request"] = {"headers": copy.deepcopy(junk), "data": {"token": "s"}}
    EventScrubber().scrub_event(event)
    assert event["request"]["data"] == {"token": FILTERED}


def test_a_bag_that_contains_itself_ends() -> None:
    """Depth is bounded."""
    bag: dict[str, Any] = {"token": "s"}
    bag["self"] = bag
    EventScrubber().scrub_dict(bag)
    assert bag["token"] == FILTERED


_json = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.sampled_from(["token", "a", "Cookie", "b"]), children, max_size=4)
    ),
    max_leaves=20,
)


@given(_json)
def test_no_denied_name_keeps_its_value(value: Any) -> None:
    """Whatever the shape, no value under a denied name survives."""

    def denied_values(item: Any) -> list[Any]:
        if isinstance(item, dict):
            own = [below for name, below in item.items() if name in ("token", "Cookie")]
            return own + [found for name, below in item.items() for found in denied_values(below)]
        return [found for below in item for found in denied_values(below)] if isinstance(item, list) else []

    event = {"extra": {"bag": value}}
    EventScrubber().scrub_event(event)
    assert all(found == FILTERED for found in denied_values(event["extra"]))
