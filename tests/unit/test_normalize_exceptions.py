"""Exceptions, stacktraces and threads made by hand: what a server would drop is mended into what it keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tocsin import limits
from tocsin._backend import Renderer, dumps
from tocsin.normalize import Normalizer


def mended(event: dict[Any, Any]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(dumps(Normalizer(Renderer(), None).event(event)))
    return made


def one_exception(exception: object) -> dict[str, Any]:
    made: dict[str, Any] = mended({"exception": exception})["exception"]["values"][0]
    return made


def frames_of(frames: list[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    event = mended({"exception": {"type": "T", "stacktrace": {"frames": frames}}})
    return event["exception"]["values"][0]["stacktrace"]["frames"], event


@pytest.mark.parametrize("shape", [{"values": [{"type": "A"}]}, [{"type": "A"}], {"type": "A"}])
def test_an_exception_is_understood_in_every_shape(shape: object) -> None:
    """An object with values, a list and a single exception are one thing."""
    assert mended({"exception": shape}) == {"exception": {"values": [{"type": "A"}]}}


def test_places_that_say_nothing_are_left_out() -> None:
    """Servers make errors of empty exceptions."""
    assert mended({"exception": [{}, None, "", {"value": "v"}]})["exception"]["values"] == [{"value": "v"}]
    assert mended({"exception": []}) == {}


def test_an_exception_that_is_a_text_is_its_value() -> None:
    """A bare value is what the exception said."""
    assert mended({"exception": "an error"})["exception"]["values"] == [{"value": "an error"}]


def test_an_exception_without_type_and_value_gets_a_type() -> None:
    """Servers drop one that has neither, and all that it carries."""
    assert one_exception({"module": "m"}) == {"module": "m", "type": "Exception"}


def test_scalars_become_texts_and_ids_stay() -> None:
    """Texts are wanted for type, value and module; a thread's id is a number or a text."""
    made = one_exception({"type": 5, "value": [1, "a"], "module": 7, "thread_id": 3})
    assert made == {"type": "5", "value": "[1, 'a']", "module": "7", "thread_id": 3}
    assert mended({"exception": {"type": "T", "thread_id": {}}})["extra"] == {"exception.values.0.thread_id": {}}


def test_a_mechanism_has_a_type_and_keeps_the_rest_as_data() -> None:
    """What servers do not know of a mechanism is its data; without a type they would fold all of it away."""
    assert one_exception({"type": "T", "mechanism": "odd"})["mechanism"] == {"type": "odd"}
    made = one_exception(
        {"type": "T", "mechanism": {"handled": "yes", "meta": 5, "a": 1, "help_link": "x", "data": {"b": 2}}}
    )
    assert made["mechanism"] == {
        "type": "generic",
        "handled": True,
        "data": {"b": 2, "meta": 5, "a": 1, "help_link": "x"},
    }


def test_the_numbers_of_the_system_are_kept() -> None:
    """`meta` stays where it is as the protocol has it."""
    meta = {"errno": {"number": 2, "name": "ENOENT"}}
    assert one_exception({"type": "T", "mechanism": {"type": "g", "meta": meta}})["mechanism"]["meta"] == meta


def test_what_an_exception_has_no_field_for_is_data_of_its_mechanism() -> None:
    """Servers remove unknown keys of an exception."""
    made = one_exception({"type": "T", "colour": "red"})
    assert made == {"type": "T", "mechanism": {"type": "generic", "data": {"colour": "red"}}}


def test_fields_of_frames_get_their_types() -> None:
    """Numbers from digits, booleans from words, lists of lines from a text, texts from the rest."""
    given = {
        "function": 5,
        "lineno": "12",
        "in_app": "yes",
        "pre_context": "a\nb",
        "post_context": [1, None],
        "vars": [1],
    }
    made, _ = frames_of([{**given, "context_line": 7, "instruction_addr": 16}])
    assert made == [
        {
            "function": "5", "lineno": 12, "in_app": True, "pre_context": ["a", "b"], "post_context": ["1", ""],
            "vars": {"value": [1]}, "context_line": "7", "instruction_addr": "0x10",
        }
    ]  # fmt: skip


def test_what_a_frame_cannot_hold_is_told_in_extra() -> None:
    """Unknown keys and impossible numbers go to `extra`, under their place."""
    made, event = frames_of([None, {"function": "f", "lineno": -1, "colno": 1 << 80, "colour": "red"}, "junk"])
    assert made == [{"function": "f"}]
    at = "exception.values.0.stacktrace.frames"
    assert event["extra"] == {
        f"{at}.0.lineno": -1, f"{at}.0.colno": str(1 << 80), f"{at}.0.colour": "red", f"{at}.1": "junk",
    }  # fmt: skip


def test_a_frame_without_a_name_gets_one() -> None:
    """A server wants a function, a file, a module or an address."""
    assert frames_of([{"lineno": 5}])[0] == [{"lineno": 5, "function": "<unknown>"}]


def test_a_stacktrace_without_frames_is_left_out() -> None:
    """An empty list of frames is an error for servers; a text is no stacktrace, but not lost."""
    assert one_exception({"type": "T", "stacktrace": {"frames": []}}) == {"type": "T"}
    event = mended({"exception": {"type": "T", "stacktrace": "odd"}})
    assert event["extra"] == {"exception.values.0.stacktrace": "odd"}


def test_more_frames_than_a_server_keeps_are_cut_as_it_would() -> None:
    """The outer 50 and the inner 200 stay, and `_meta` says of how many."""
    made, event = frames_of([{"function": f"f{n}"} for n in range(400)])
    expected = [*range(limits.FRAMES_OUTER), *range(400 - limits.FRAMES_INNER, 400)]
    assert [frame["function"] for frame in made] == [f"f{n}" for n in expected]
    assert event["_meta"]["exception"]["values"]["0"]["stacktrace"]["frames"][""] == {"len": 400}


def test_only_the_frames_of_either_end_keep_their_details() -> None:
    """Locals and source around are for the outer and the inner 25; that there were locals is marked."""
    made, event = frames_of([{"function": "f", "vars": {"n": n}, "pre_context": ["p"]} for n in range(60)])
    kept = [index for index, frame in enumerate(made) if "vars" in frame]
    assert kept == [index for index, frame in enumerate(made) if "pre_context" in frame]
    assert kept == [*range(limits.DETAILED_OUTER), *range(60 - limits.DETAILED_INNER, 60)]
    marks = event["_meta"]["exception"]["values"]["0"]["stacktrace"]["frames"]
    assert marks["25"]["vars"] == {"": {"rem": [["!limit", "x"]]}}


def test_locals_are_as_many_bytes_as_a_server_keeps() -> None:
    """A server cuts the locals of a frame; so they are cut here, with a word on how many."""
    made, _ = frames_of([{"function": "f", "vars": {f"v{n}": "x" * 300 for n in range(90)}}])
    assert len(json.dumps(made[0]["vars"], separators=(",", ":"))) <= limits.VARS_BYTES
    assert made[0]["vars"]["..."].endswith("more")


def test_threads_keep_their_fields() -> None:
    """Both shapes of the list, with stacks; what is none goes to `extra`."""
    given = [{"id": "7", "name": 5, "crashed": "no", "stacktrace": {"frames": [{"function": "f"}]}, "odd": 1}, None]
    event = mended({"threads": given})
    thread = {"id": "7", "name": "5", "crashed": False, "stacktrace": {"frames": [{"function": "f"}]}}
    assert event == {"threads": {"values": [thread]}, "extra": {"threads.values.0.odd": 1}}
    assert mended({"threads": 7}) == {"extra": {"threads": 7}}
