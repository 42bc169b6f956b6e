"""Contexts, flags and requests: known fields get the types that servers want, the rest is kept beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tocsin import limits
from tocsin._backend import Renderer, dumps
from tocsin.normalize import Normalizer
from tocsin.scrubber import key_predicate

IS_SECRET = key_predicate(["password", "token", "cookie", "session", "authorization"], by_term=True)
TRACE = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"}


def mended(event: dict[Any, Any], is_secret: Any = None) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(dumps(Normalizer(Renderer(is_secret), is_secret).event(event)))
    return made


def context(name: str, given: object) -> Any:
    return mended({"contexts": {name: given}})["contexts"]


def request(given: dict[str, Any], is_secret: Any = None) -> Any:
    return mended({"request": given}, is_secret)["request"]


def test_known_contexts_have_texts_in_their_text_fields() -> None:
    """Numbers, tuples and the like become texts; other members stay as they are."""
    assert context("os", {"name": 5, "version": 6.1, "odd": [1]}) == {"os": {"name": "5", "version": "6.1", "odd": [1]}}
    assert context("runtime", {"version": (3, 11)}) == {"runtime": {"version": "(3, 11)"}}


def test_what_does_not_fit_a_field_of_a_context_stays_beside_it() -> None:
    """Under `<field>_given`; what can be understood is understood."""
    made = context(
        "device", {"online": "yes", "charging": "half", "memory_size": "100", "free_memory": -1, "name": None}
    )
    assert made["device"] == {
        "online": True,
        "charging_given": "half",
        "memory_size": 100,
        "free_memory_given": -1,
        "name": None,
    }


def test_a_context_is_known_by_its_type_too() -> None:
    """Servers go by `type`; one that is no text is theirs to write."""
    assert context("mine", {"type": "os", "name": 5}) == {"mine": {"type": "os", "name": "5"}}
    assert context("mine", {"type": 5}) == {"mine": {"type_given": 5}}


def test_a_context_that_is_no_object_becomes_one() -> None:
    """Under `value`."""
    assert context("odd", 5) == {"odd": {"value": 5}}


def test_a_trace_that_is_none_is_kept_under_another_name() -> None:
    """Its place is left to the scope's; a valid one stays, its odd fields beside."""
    junk = {"trace_id": "xyz", "span_id": 5}
    assert context("trace", junk) == {"trace_given": junk}
    made = context("trace", {**TRACE, "op": 5, "status": "odd", "trace_id": TRACE["trace_id"].upper()})
    assert made == {"trace": {**TRACE, "op": "5", "status_given": "odd"}}


def test_contexts_that_servers_keep_for_themselves_are_renamed() -> None:
    """They would drop every member of them."""
    assert context("profile", {"a": 1}) == {"profile_given": {"a": 1}}


def test_flags_have_names_like_tags() -> None:
    """A name that is mended is told beside it; odd flags are not lost."""
    normal = Normalizer(Renderer(), None)
    given = [{"flag": "on", "result": True}, {"flag": "a flag", "result": "x"}, {"flag": 5, "result": None}]
    assert json.loads(dumps(normal.flags(given))) == [
        {"flag": "on", "result": True},
        {"flag": "a-flag", "result": "x", "given": "a flag"},
        {"flag": "5", "result": None, "given": "5"},
    ]
    assert normal.flags([{"flag": "n" * 500, "result": True}])[0]["flag"] == "n" * limits.TAG_KEY_CHARS
    assert context("flags", {"values": given[:1]}) == {"flags": {"values": given[:1]}}
    assert context("flags", {"values": "odd"}) == {"flags": {"values_given": "odd"}}


def test_an_address_is_as_long_as_a_server_keeps_it() -> None:
    """Each part for itself; the cut is marked."""
    event = mended({"request": {"url": "http://x/" + "u" * 5000 + "?a=b#f"}})
    url = event["request"]["url"]
    assert url.endswith("u...?a=b#f")
    assert len(url.partition("?")[0]) == limits.URL_CHARS
    assert event["_meta"]["request"]["url"][""]["len"] == 5009
    long = request({"url": "http://x/?" + "q=1&" * 3000})["url"]
    assert 100 < len(long) <= limits.QUERY_BYTES


def test_the_fragment_survives_a_secret_parameter() -> None:
    """Only the value of the parameter is hidden."""
    url = "https://example.org/?page=2&token=secret#frag"
    assert request({"url": url}, IS_SECRET)["url"] == "https://example.org/?page=2&token=[Filtered]#frag"


@pytest.mark.parametrize(
    ("part", "given", "kept"),
    [
        ("query_string", "a=1&token=x", "a=1&token=[Filtered]"),
        ("query_string", {"a": [1, 2], "token": "x"}, [["a", "1"], ["a", "2"], ["token", "[Filtered]"]]),
        ("headers", {"H": ["a", "b"], "X-Token": "x", "N": None}, {"H": "a, b", "X-Token": "[Filtered]", "N": ""}),
        ("headers", [["A", 5]], [["A", "5"]]),
        ("cookies", "a=b; c; session=x", [["a", "b"], ["c", ""], ["session", "[Filtered]"]]),
        ("cookies", {"a": 5}, {"a": "5"}),
        ("method", "get", "GET"),
        ("env", {"A": [1]}, {"A": [1]}),
        ("data", [1, {"password": "x"}], [1, {"password": "[Filtered]"}]),
        ("fragment", 5, "5"),
        ("body_size", "12", 12),
    ],
)
def test_the_parts_of_a_request_get_their_shapes(part: str, given: object, kept: object) -> None:
    """Pairs or objects of texts, with the values of secret names hidden."""
    assert request({part: given}, IS_SECRET) == {part: kept}


@pytest.mark.parametrize(
    ("part", "given"), [("method", 7), ("method", "a b"), ("env", 5), ("headers", 5), ("cookies", 5), ("odd", 1)]
)
def test_what_is_no_part_of_a_request_goes_to_extra(part: str, given: object) -> None:
    """Servers would drop it."""
    assert mended({"request": {part: given}}) == {"extra": {f"request.{part}": given}}


def test_a_header_that_is_no_pair_goes_to_extra() -> None:
    """The others stay."""
    event = mended({"request": {"headers": [["A", "b"], 5]}})
    assert event == {"request": {"headers": [["A", "b"]]}, "extra": {"request.headers.1": 5}}


def test_headers_are_as_many_as_a_server_keeps() -> None:
    """That there were more is marked."""
    event = mended({"request": {"headers": {f"H{n}": "v" * 100 for n in range(200)}}})
    assert len(event["request"]["headers"]) < 80
    assert event["_meta"]["request"]["headers"][""] == {"len": 200}
