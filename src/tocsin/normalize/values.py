"""Renders the single values of an event's members. On the application's threads."""

from __future__ import annotations

from itertools import islice

from tocsin import limits
from tocsin._backend import Fragment, Renderer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("{", "}"),
}
_SHOWN_DEPTH = 4
_LEAST_CHARS = 8
_VARIABLES = 10_000
# What the marks of cut containers take, one within the other, where a value ends at its bound.
_MARKS_BYTES = 192


class Values:
    """Renders values for one client; `renderer` does the work and `is_secret` says which names hide theirs."""

    def __init__(self, renderer: Renderer, is_secret: Callable[[str], bool] | None) -> None:
        self._renderer = renderer
        self.is_secret = is_secret
        self._variables = Renderer(is_secret, breadth=_VARIABLES)
        # A client may keep less of a text than a server does.
        self.tag_chars = len(renderer.text("x" * limits.TAG_VALUE_CHARS, limits.TAG_VALUE_CHARS))

    def text(self, value: object, max_chars: int) -> str:
        """Return any value as text of at most so many characters."""
        if type(value) in _BRACKETS:
            value = self._shown(value, max_chars, _SHOWN_DEPTH)
        return self._renderer.text(value, max_chars)

    def line(self, value: object, max_chars: int) -> str:
        """Return any value as text in one line."""
        return " ".join(self.text(value, max_chars).split())

    def data(self, value: object, max_bytes: int, max_depth: int) -> Fragment:
        """Return any value as JSON of at most so many bytes, what stands for the rest of it included.

        What was rendered before fits and stays as it is: hooks are shown what comes out here, and it comes in again.
        """
        return _bounded(self._renderer, value, max_bytes, max_depth, 0)

    def variables(self, variables: dict[Any, Any], max_bytes: int, max_depth: int, slack_bytes: int) -> Fragment:
        """Return the locals of a frame as JSON: as `data`, but the client's bound for texts is none for them."""
        return _bounded(self._variables, variables, max_bytes, max_depth, slack_bytes)

    def hides(self, name: str) -> bool:
        """Whether what is under this name is secret."""
        return self.is_secret is not None and self.is_secret(name[: limits.KEY_CHARS])

    def _shown(self, value: Any, room: int, depth: int) -> str:
        """A container of the language's own as it writes itself."""
        kind = type(value)
        if kind is str:
            return repr(self._renderer.text(value, max(room, _LEAST_CHARS)))
        if kind not in _BRACKETS or depth == 0:
            return self._renderer.text(value, max(room, _LEAST_CHARS))
        try:
            items = list(islice(value.items() if kind is dict else value, limits.DATA_BREADTH))
        except RuntimeError:
            items = []  # another thread is changing it
        parts: list[str] = []
        used = 0
        for item in items:
            if used >= room:
                break
            if kind is dict:
                name = self._shown(item[0], room - used, depth - 1)
                hidden = type(item[0]) is str and self.hides(item[0])
                text = f"{name}: {'[Filtered]' if hidden else self._shown(item[1], room - used, depth - 1)}"
            else:
                text = self._shown(item, room - used, depth - 1)
            used += len(text) + 2
            parts.append(text)
        if len(parts) < len(value):
            parts.append(f"... {len(value) - len(parts)} more")
        opening, closing = _BRACKETS[kind]
        return opening + ", ".join(parts) + closing


def _bounded(renderer: Renderer, value: object, max_bytes: int, max_depth: int, slack_bytes: int) -> Fragment:
    rendered = renderer.data(value, max_bytes + slack_bytes, max_depth)
    if len(rendered) > max_bytes + slack_bytes:
        rendered = renderer.data(value, max(max_bytes - _MARKS_BYTES, 0), max_depth)
    return Fragment(rendered)
