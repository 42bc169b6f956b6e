"""The ring of the newest breadcrumbs of one scope.

Called on the application's threads, from signal handlers and destructors too: adding is one step that nothing can come
between. What is added is reduced to text, numbers and JSON at once, so that the ring keeps no object alive.
"""

from __future__ import annotations

from collections import deque

from tocsin import limits
from tocsin._pure.describe import cut
from tocsin._pure.fence import came_from_signal
from tocsin._pure.json_text import Fragment
from tocsin._pure.values import Renderer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# timestamp_s, type, category, level, message, data as JSON
Breadcrumb = tuple[float, "str | None", "str | None", "str | None", "str | None", "bytes | None"]


class BreadcrumbRing:
    """Keeps the last `capacity` breadcrumbs; older ones are counted and forgotten."""

    def __init__(self, capacity: int, renderer: Renderer | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._capacity = capacity
        self._renderer = Renderer() if renderer is None else renderer
        self._entries: deque[Breadcrumb] = deque(maxlen=capacity)
        self._total = 0

    @property
    def capacity(self) -> int:
        """How many breadcrumbs are kept."""
        return self._capacity

    @property
    def total(self) -> int:
        """How many were added since the ring was made or cleared."""
        return self._total

    def __len__(self) -> int:
        return len(self._entries)

    def add(
        self,
        timestamp_s: float,
        type: object = None,
        category: object = None,
        level: object = None,
        message: object = None,
        data: object = None,
    ) -> None:
        """Add a breadcrumb; `data` is any value, wrapped as `{"value": …}` when it is no dict."""
        renderer = self._renderer
        if data is None:
            rendered = None
        else:
            if not _is_dict(data):
                data = {"value": data}
            rendered = renderer.data(data, limits.BREADCRUMB_DATA_BYTES, limits.BREADCRUMB_DATA_DEPTH)
        entry = (
            timestamp_s,
            _text(type, limits.BREADCRUMB_NAME_CHARS, renderer),
            _text(category, limits.BREADCRUMB_NAME_CHARS, renderer),
            _text(level, limits.NAME_CHARS, renderer),
            _text(message, limits.TEXT_CHARS, renderer),
            rendered,
        )
        self._entries.append(entry)
        self._total += 1

    def snapshot(self) -> list[Breadcrumb]:
        """Return the breadcrumbs, oldest first; they are immutable and safe to hand to another thread."""
        return list(self._entries)

    def add_formatted(
        self,
        timestamp_s: float,
        type: object,
        category: object,
        level: object,
        template: str,
        args: tuple[object, ...],
        data: object = None,
    ) -> None:
        """Add a breadcrumb whose message is `template % args`, all plain values: texts, numbers, None.

        The core formats it when an event is sent, which most breadcrumbs never see.
        """
        try:
            message = template % args
        except Exception as error:
            if came_from_signal(error):
                raise
            # The arguments do not fit the text; a handler would say so on stderr.
            message = template
        self.add(timestamp_s, type, category, level, message, data)

    def copy(self) -> BreadcrumbRing:
        """Return a ring with the same breadcrumbs and count, independent from now on."""
        ring = BreadcrumbRing(self._capacity, self._renderer)
        ring._entries.extend(self._entries)
        ring._total = self._total
        return ring

    def resized(self, capacity: int, renderer: Renderer | None = None) -> BreadcrumbRing:
        """Return a ring of another capacity with the newest breadcrumbs and the same count."""
        ring = BreadcrumbRing(capacity, renderer)
        ring._entries.extend(self._entries)
        ring._total = self._total
        return ring

    def clear(self) -> None:
        """Forget all breadcrumbs and the count."""
        self._entries.clear()
        self._total = 0

    def to_list(self, rendered: bool = False) -> list[dict[str, Any]]:
        """Return the breadcrumbs as dicts, oldest first, their data read back from JSON.

        With `rendered` the data stays JSON, as a `Fragment`.
        """
        found = []
        for timestamp_s, type_, category, level, message, data in self.snapshot():
            crumb: dict[str, Any] = {"timestamp": timestamp_s}
            for key, value in (("type", type_), ("category", category), ("level", level), ("message", message)):
                if value is not None:
                    crumb[key] = value
            if data is not None:
                crumb["data"] = Fragment(data) if rendered else _loaded(data)
            found.append(crumb)
        return found


def _loaded(data: bytes) -> Any:
    from tocsin import _json

    return _json.loads(data)


def _is_dict(value: object) -> bool:
    # By the real type: a lying `__class__` is not asked.
    return issubclass(type(value), dict)


def _text(value: object, max_chars: int, renderer: Renderer) -> str | None:
    if value is None:
        return None
    max_chars = min(max_chars, renderer.max_chars)
    if type(value) is str:
        return cut(value, max_chars)
    return renderer.text(value, max_chars)
