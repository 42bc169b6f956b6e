"""Laws of keys: every member of a dict keeps a key of its own, whatever the dict's keys were."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.twins import KEYS, PROPERTY, TEXTS, same
from tocsin import limits


@given(key=KEYS | TEXTS | st.just("x" * limits.KEY_CHARS) | st.just("x" * (limits.KEY_CHARS + 1)))
@PROPERTY
def test_a_plain_key_is_a_short_text_that_nothing_is_done_to(key: object) -> None:
    """Only an exact, printable text of bounded length stands in JSON as it is."""
    is_plain = same("keys", lambda twin: twin.is_plain_key(key))
    assert is_plain is (type(key) is str and len(key) <= limits.KEY_CHARS and key.isprintable())


@given(
    texts=st.lists(st.sampled_from(["a", "a~1", "a~2", "b", "..."]), max_size=12), plain=st.sets(st.sampled_from("ab"))
)
@PROPERTY
def test_texts_are_made_unique(texts: list[str], plain: set[str]) -> None:
    """A text that came before, or is somebody's own, is numbered; the first of its kind stays as it is."""

    def made(twin: Any) -> list[str]:
        known = twin.plain_keys(dict.fromkeys(sorted(plain)), 10)
        return [twin.unique_text(text, known) for text in texts]

    unique = same("keys", made)
    assert isinstance(unique, list)
    assert len(set(unique)) == len(unique)
    assert plain.isdisjoint(unique)
    for text, name in zip(texts, unique, strict=True):
        assert name == text or name.startswith(f"{text}~")


def test_many_equal_texts_cost_no_more_than_they_are(backend: Any) -> None:
    """Numbering goes on where it left off: ten thousand of one text end at ten thousand."""
    known: dict[str, int] = {}
    names = [backend.keys.unique_text("same", known) for _ in range(10_000)]
    assert len(set(names)) == 10_000
    assert names[-1] == "same~9999"


def test_members_of_a_dict_that_changes_are_none(backend: Any) -> None:
    """An iteration that another thread has disturbed gives nothing, and does not raise."""
    disturbed = {"a": 1, "b": 2}
    iterator = iter(disturbed.items())
    next(iterator)
    disturbed["c"] = 3
    assert backend.keys.members(iterator, 10) == []
    assert backend.keys.members(iter([1, 2, 3]), 2) == [1, 2]
