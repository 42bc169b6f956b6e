"""The keys that a dict's members get in JSON: texts, no two of them equal. Called on the capturing thread."""

from __future__ import annotations

from itertools import islice

from tocsin import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def members(members: Iterator[Any], breadth: int) -> list[Any]:
    """The first members of a container, taken at once: a user's renderer, called for one, may change it."""
    try:
        return list(islice(members, breadth))
    except RuntimeError:
        return []  # it was changed while they were taken


def is_plain_key(key: object) -> bool:
    """Whether `key` stands in JSON as it is, so that no other key of its dict can become equal to it."""
    return type(key) is str and len(key) <= limits.KEY_CHARS and key.isprintable()


def plain_keys(value: dict[object, object], breadth: int) -> dict[str, int]:
    """Return the plain ones among the first keys of a dict, for `unique_text`."""
    return {key: 0 for key in members(iter(dict.keys(value)), breadth) if is_plain_key(key)}


def unique_text(text: str, texts: dict[str, int]) -> str:
    """Return `text`, numbered if it is in `texts` already (1 and "1" may be keys of one dict), and note it there.

    `texts` says of each text how often it came again.
    """
    if text not in texts:
        texts[text] = 0
        return text
    count = texts[text]
    while True:
        count += 1
        numbered = f"{text}~{count}"
        if numbered not in texts:
            texts[text] = count
            texts[numbered] = 0
            return numbered
