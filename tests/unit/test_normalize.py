"""Members of events made by hand: what a server would drop is mended into what it keeps, and nothing is lost."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tocsin import limits
from tocsin._backend import Renderer, dumps
from tocsin.normalize import Normalizer, event_id_of, is_address, is_trace, tag_key
from tocsin.scrubber import key_predicate

IS_SECRET = key_predicate(["password", "token", "cookie", "session"], by_term=True)


def mended(event: dict[Any, Any], is_secret: Any = None) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(dumps(Normalizer(Renderer(is_secret), is_secret).event(event)))
    return made


def test_members_that_no_event_has_go_to_extra() -> None:
    """Servers remove unknown members: they are kept under their names, never in the place of the application's own."""
    assert mended({"colour": "red", 5: "x"}) == {"extra": {"colour": "red", "5": "x"}}
    assert mended({"colour": "red", "extra": {"colour": "blue"}})["extra"] == {"colour": "blue", "colour'": "red"}


@pytest.mark.parametrize(
    "name", ["threads", "sdk", "errors", "debug_meta", "_meta", "request", "modules", "contexts", "tags"]
)
def test_members_of_the_wrong_shape_go_to_extra(name: str) -> None:
    """A number where an object is wanted is told beside the event."""
    assert mended({name: 5}) == {"extra": {name: 5}}


def test_a_member_that_is_none_or_empty_is_left_out() -> None:
    """Nothing is said by nothing."""
    names = ("tags", "extra", "contexts", "user", "request", "fingerprint", "modules", "breadcrumbs", "threads")
    assert mended({**dict.fromkeys(names), "message": "m"}) == {"message": "m"}
    assert mended({**{name: [] for name in names}, "message": "m"}) == {"message": "m"}


def test_what_is_given_is_not_changed() -> None:
    """The event is the application's."""
    event: dict[Any, Any] = {
        "exception": {"type": 5, "mechanism": {"a": 1}, "x": 1},
        "contexts": {"os": {"name": 5}},
        "z": 1,
    }
    before = repr(event)
    mended(event)
    assert repr(event) == before


def test_extra_that_is_no_object_becomes_one() -> None:
    """Under `value`, so that it is kept."""
    assert mended({"extra": ["a"]}) == {"extra": {"value": ["a"]}}


def test_the_mark_of_a_cut_list_fits_too() -> None:
    """What a server would cut of a value is the mark that says how much is missing."""
    extra = mended({"extra": {"grown": ["x" * 1000] * 5000}})["extra"]
    assert len(json.dumps(extra["grown"], separators=(",", ":"))) <= limits.EXTRA_VALUE_BYTES
    assert extra["grown"][-1].endswith(" more")


def test_a_value_that_just_fits_is_not_cut() -> None:
    """The room for marks is taken only where there are some."""
    value = ["x" * 14] * 63
    value.append("y" * (limits.EXTRA_VALUE_BYTES - len(json.dumps(value, separators=(",", ":"))) - 3))
    assert len(json.dumps(value, separators=(",", ":"))) == limits.EXTRA_VALUE_BYTES
    assert mended({"extra": {"a": value}})["extra"]["a"] == value


def test_all_extra_data_together_are_bounded() -> None:
    """The last entry says how many found no room."""
    extra = mended({"extra": {f"k{n:02}": "v" * 16_000 for n in range(40)}})["extra"]
    assert len(json.dumps(extra, separators=(",", ":"))) <= limits.EXTRA_BYTES
    assert extra["..."] == f"{40 - len(extra) + 1} more"


@pytest.mark.parametrize(
    ("given", "kept"), [(" padded ", "padded"), (" ", None), ("", None), ("a\nb", "a b"), (5, "5"), (True, "True")]
)
def test_tag_values_are_one_stripped_line(given: object, kept: str | None) -> None:
    """A tag without a value is an error for servers: it is left out."""
    assert mended({"tags": {"t": given}}) == ({} if kept is None else {"tags": {"t": kept}})


def test_tag_pairs_that_are_none_go_to_extra() -> None:
    """The first of a name counts, as for servers."""
    assert mended({"tags": [("a", 1), ["a", 2], 5]}) == {"tags": {"a": "1"}, "extra": {"tags.2": 5}}


def test_the_longest_value_of_a_client_bounds_its_tags_and_texts() -> None:
    """`max_value_length` is for them too."""
    normal = Normalizer(Renderer(max_chars=10), None)
    assert normal.tags({"t": "v" * 50}) == b'{"t":"vvvvvvv..."}'
    assert normal.text("v" * 50, 100) == "vvvvvvv..."
    assert len(normal.text(["v" * 50], 100)) == 10


def test_containers_as_texts_read_as_they_are_written() -> None:
    """A list given as a message is shown, its secrets hidden."""
    normal = Normalizer(Renderer(IS_SECRET), IS_SECRET)
    assert normal.text([1, ("a", None)], 100) == "[1, ('a', None)]"
    assert normal.text({"password": "x", 1: {2}}, 100) == "{'password': [Filtered], 1: {2}}"
    cycle: list[Any] = []
    cycle.append(cycle)
    assert len(normal.text([cycle, ["x" * 500] * 500], 100)) == 100


def test_tag_keys_are_mended() -> None:
    """Servers drop a tag whose key has other characters."""
    assert tag_key("a b/\u00fc") == "a-b__"
    assert tag_key(5) == "5"
    assert tag_key("k" * 500) == "k" * limits.TAG_KEY_CHARS


def test_users_have_texts_in_their_known_fields() -> None:
    """What does not fit stays beside its field; unknown places and odd addresses too."""
    user = {"name": 5, "geo": {"city": 5, "odd": 1}, "ip_address": "nowhere", "data": "x", "username": "u" * 500}
    assert mended({"user": user})["user"] == {
        "name": "5", "geo": {"city": "5"}, "geo_given": {"odd": 1}, "ip_address_given": "nowhere", "data_given": "x",
        "username": "u" * 125 + "...",
    }  # fmt: skip
    assert mended({"user": {"geo": "Berlin"}})["user"] == {"geo_given": "Berlin"}
    assert mended({"user": "bob"})["user"] == {"id": "bob"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.3.4", True),
        ("1.2.3", False),
        ("01.2.3.4", False),
        ("::1", True),
        ("::1::", False),
        ("{{auto}}", True),
        ("fe80::1.2.3.4", True),
    ],
)
def test_addresses_are_told_from_others(text: str, expected: bool) -> None:
    """As servers do it."""
    assert is_address(text) is expected


def test_ids_are_kept_or_made() -> None:
    """Dashes and capitals are understood; anything else is replaced."""
    assert event_id_of("DEADBEEF-" * 3 + "deadbeef") == "deadbeef" * 4
    made = event_id_of("junk")
    assert len(made) == 32
    assert made != event_id_of("junk")


def test_a_time_that_servers_refuse_is_now() -> None:
    """In the future, or older than servers keep events; what was given is told."""
    for given in (time.time() + 1000, 5.0):
        event = mended({"timestamp": given})
        assert event["timestamp"][:10] == time.strftime("%Y-%m-%d", time.gmtime())
        assert event["extra"] == {"timestamp": given}


def test_modules_are_as_many_as_a_server_keeps() -> None:
    """It counts the versions; that there were more is marked."""
    event = mended({"modules": {f"m{n}": "1.0" for n in range(3000)}})
    assert len(event["modules"]) == limits.MODULES_BYTES // len('"1.0",')
    assert event["_meta"] == {"modules": {"": {"len": 3000}}}
    assert mended({"modules": {"a": 5, "b": None}})["modules"] == {"a": "5", "b": ""}


def test_marks_of_the_application_are_kept_where_they_are_valid() -> None:
    """A server drops all of `_meta` for one fault."""
    marks = {
        "extra": {
            "a": {"": {"len": 7, "rem": [["!limit", "s", 0, 3], ["odd"]], "odd": 1}},
            "b": {"": {"len": "x"}},
            "c": 5,
        }
    }
    assert mended({"_meta": marks})["_meta"] == {"extra": {"a": {"": {"len": 7, "rem": [["!limit", "s", 0, 3]]}}}}


def test_breadcrumbs_keep_what_they_have_no_field_for_as_data() -> None:
    """As `add_breadcrumb` does it; type and category are as long as servers keep them."""
    event = mended(
        {
            "breadcrumbs": [
                {"message": 5, "data": "x", "odd": 1, "timestamp": 5, "event_id": "no", "type": "t" * 500},
                "junk",
            ]
        }
    )
    (crumb,) = event["breadcrumbs"]["values"]
    assert crumb.pop("timestamp").startswith("1970-01-01T00:00:05")
    assert crumb == {"message": "5", "type": "t" * 125 + "...", "data": {"value": "x", "odd": 1, "event_id": "no"}}
    assert event["extra"] == {"breadcrumbs.values.1": "junk"}


def test_transaction_info_and_sdk_have_what_servers_want() -> None:
    """A text is the source; an SDK has a name and a version."""
    assert mended({"transaction_info": "custom"}) == {"transaction_info": {"source": "custom"}}
    sdk = {"name": "mine", "packages": [{"name": "p", "version": 1}, 5], "integrations": ["a", 5]}
    assert mended({"sdk": sdk}) == {
        "sdk": {
            "name": "mine",
            "version": "unknown",
            "integrations": ["a", "5"],
            "packages": [{"name": "p", "version": "1"}],
        },
        "extra": {"sdk.packages.1": 5},
    }


def test_a_platform_is_one_that_servers_know() -> None:
    """Any other is told beside it."""
    assert mended({"platform": "python"}) == {"platform": "python"}
    assert mended({"platform": 3}) == {"platform": "other", "extra": {"platform": 3}}


def test_a_message_without_a_text_is_none() -> None:
    """A server has an error for parameters alone; they are kept where it takes them."""
    for key in ("message", "logentry"):
        made = mended({key: {"params": [1]}})
        assert key not in made
        assert made["extra"] == {f"{key}.params": [1]}
        assert key not in mended({key: {}})


def test_a_message_under_both_names_is_kept_twice() -> None:
    """A server takes only one of them."""
    assert mended({"message": "a", "logentry": {"message": "b"}}) == {
        "logentry": {"message": "b"},
        "extra": {"message": "a"},
    }


def test_a_trace_has_two_valid_ids() -> None:
    """Zeros are none."""
    assert is_trace({"trace_id": "A" * 32, "span_id": "b" * 16})
    assert not is_trace({"trace_id": "a" * 32})
    assert not is_trace({"trace_id": "0" * 32, "span_id": "b" * 16})
    assert not is_trace("a" * 32)
