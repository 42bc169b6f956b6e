"""The rule for tags, and for the names that servers write like those of tags."""

from __future__ import annotations

from tocsin import limits
from tocsin._backend import Fragment, json_string
from tocsin.scope_values import is_a, mapping_of, text_of
from tocsin.scrubber import FILTERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.normalize.notes import Notes
    from tocsin.normalize.values import Values

_TAG_KEY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-")


def tag_key(key: object) -> str:
    """Return the key that a tag can have."""
    text = key if type(key) is str else text_of(key)
    text = text[: limits.TAG_KEY_CHARS]
    if _TAG_KEY.issuperset(text):
        return text
    return "".join([char if char in _TAG_KEY else "-" if char == " " else "_" for char in text])


def mend_tags(values: Values, tags: object, notes: Notes | None = None) -> Fragment | None:
    """Tags: keys of letters, digits and `_.:-`, values in one line, both at most 200 characters.

    A character that a key cannot have becomes `_` (a space `-`). A tag without a value, which a server drops with an
    error, is left out.
    """
    parts: list[bytes] = []
    seen: set[str] = set()
    is_secret = values.is_secret
    for key, value in _pairs(tags, notes):
        name = tag_key(key)
        text = value if type(value) is str else "" if value is None else values.text(value, limits.TAG_VALUE_CHARS)
        # No white space but the plain space is printable.
        text = text.strip() if text.isprintable() else " ".join(text[: 2 * limits.TAG_VALUE_CHARS].split())
        if not text or not name or name in seen:
            continue
        seen.add(name)
        if is_secret is not None and is_secret(name):
            text = FILTERED
        elif len(text) > values.tag_chars:
            text = text[: max(values.tag_chars - 3, 0)] + "..."
        parts.append(b'"%s":%s' % (name.encode(), json_string(text)))
    return Fragment(b"{" + b",".join(parts) + b"}") if parts else None


def _pairs(tags: object, notes: Notes | None) -> list[tuple[Any, Any]]:
    """Tags as pairs, from a mapping or a list of pairs."""
    if is_a(tags, list) or is_a(tags, tuple):
        pairs = []
        for index, pair in enumerate(tags):  # type: ignore[arg-type, var-annotated]
            if type(pair) in (list, tuple) and len(pair) == 2:
                pairs.append((pair[0], pair[1]))
            elif pair is not None and notes is not None:
                notes.misfit(f"tags.{index}", pair)
        return pairs
    mapping = mapping_of(tags, "tags")
    if mapping is None and notes is not None:
        notes.misfit("tags", tags)
    return list((mapping or {}).items())
