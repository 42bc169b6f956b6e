"""What a scope holds, and how it is forked. Runs on the application's threads, a few times per request.

Dicts and tuples are replaced when they change and never changed in place, so that a fork or a snapshot of a scope is a
handful of references, and no other thread sees one half written. One source for both twins: the core is this file,
compiled, with its fields in C.
"""

from __future__ import annotations

from .breadcrumbs import BreadcrumbRing
from .event_id import new_event_id, new_span_id
from .fence import came_from_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

NOTHING: dict[str, Any] = {}
# Filled by the room that makes them: the compiled rooms take what is in `_lane` for one, unseen.
lane_types: list[type] = []


class ScopeState:
    """The data of a scope; the facade's `Scope` adds what is done with it."""

    __slots__ = (
        "_attachments",
        "_base_rings",
        "_client",
        "_contexts",
        "_error_processors",
        "_event_processors",
        "_extras",
        "_fingerprint",
        "_flags",
        "_lane",
        "_last_event_id",
        "_level",
        "_ring",
        "_ring_shared",
        "_set_by_hand",
        "_tags",
        "_touched",
        "_trace",
        "_transaction",
        "_transaction_info",
        "_type",
        "_user",
    )

    def __init__(self, ty: str | None = None, client: Any = None) -> None:
        self._type = ty
        self.set_client(client)
        # Whether the scope was put in force by a setter, not by a `with` block.
        self._set_by_hand = False
        self._event_processors: tuple[Any, ...] = ()
        self._error_processors: tuple[Any, ...] = ()
        self.clear()

    def set_client(self, client: Any = None) -> None:
        """Bind a client to this scope; None unbinds."""
        self._client = client
        # The part of a client that captures, if it is one of ours: asked for at every capture.
        self._lane = _lane_of(client)

    def clear(self) -> None:
        """Forget everything but the processors and the client."""
        # Whether a snapshot has anything to look for here: most scopes hold nothing.
        self._touched = bool(self._event_processors or self._error_processors)
        self._level: str | None = None
        self._user: dict[Any, Any] | None = None
        self._tags: dict[str, Any] = NOTHING
        self._extras: dict[str, Any] = NOTHING
        self._contexts: dict[str, dict[Any, Any]] = NOTHING
        self._fingerprint: list[Any] | None = None
        self._transaction: str | None = None
        self._transaction_info: dict[str, Any] | None = None
        self._attachments: tuple[Any, ...] = ()
        self._flags: Any = None
        self._trace: dict[str, str] | None = None
        self._last_event_id: Any = None
        self.clear_breadcrumbs()

    def clear_breadcrumbs(self) -> None:
        """Forget the breadcrumbs."""
        self._ring: BreadcrumbRing | None = None
        # Whether a fork holds the same ring, which is then copied before it is added to.
        self._ring_shared = False
        # Rings taken over from other scopes, which this one only reads.
        self._base_rings: tuple[BreadcrumbRing, ...] = ()

    def fork(self) -> Self:
        """Return a scope with the same data, independent from now on."""
        kind = type(self)
        copied = kind.__new__(kind)
        copied._type = self._type
        copied._client = self._client
        copied._lane = self._lane
        copied._set_by_hand = False
        copied._touched = self._touched
        copied._level = self._level
        copied._user = self._user
        copied._tags = self._tags
        copied._extras = self._extras
        copied._contexts = self._contexts
        copied._fingerprint = self._fingerprint
        copied._transaction = self._transaction
        copied._transaction_info = self._transaction_info
        copied._attachments = self._attachments
        copied._event_processors = self._event_processors
        copied._error_processors = self._error_processors
        copied._flags = None if self._flags is None else self._flags.copy()
        copied._trace = self._trace
        copied._last_event_id = self._last_event_id
        copied._ring = self._ring
        self._ring_shared = copied._ring_shared = self._ring is not None
        copied._base_rings = self._base_rings
        return copied

    __copy__ = fork

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag; events can be searched by tags."""
        if type(key) is not str:
            key = self._text_of(key)
        tags = dict(self._tags)
        tags[key] = value
        self._tags = tags
        self._touched = True

    @staticmethod
    def _text_of(value: object) -> str:
        """Return the text for a key that is none; the facade knows better."""
        return str(type(value).__name__)

    def _own_ring(self, capacity: int, renderer: Any) -> BreadcrumbRing:
        """Return a ring of this capacity that no other scope holds, with the breadcrumbs of this scope in it.

        What is added next is rendered by `renderer`: the client that adds says what is a secret.
        """
        ring = self._ring
        if ring is None:
            ring = BreadcrumbRing(capacity, renderer)
        elif ring.capacity != capacity:
            ring = ring.resized(capacity, renderer)
        elif self._ring_shared:
            ring = ring.copy()
        elif ring._renderer is renderer:
            return ring
        if renderer is not None:
            ring._renderer = renderer
        self._ring = ring
        self._ring_shared = False
        self._touched = True
        return ring

    def get_trace_context(self) -> dict[str, str]:
        """Return `trace_id` and `span_id` (and `parent_span_id` if known), made on first use.

        They are what relates the events of one request with each other.
        """
        trace = self._trace
        if trace is None:
            self._trace = trace = {"trace_id": new_event_id(), "span_id": new_span_id()}
        return trace


def _lane_of(client: object) -> Any:
    try:
        lane = getattr(client, "fast_lane", None)
    except Exception as error:
        if came_from_signal(error):
            raise
        return None
    for kind in lane_types:
        if type(lane) is kind:
            return lane
    return None
