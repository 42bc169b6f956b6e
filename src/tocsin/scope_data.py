"""What a scope says: the setters and what they keep. Runs on the application's threads.

Dicts and tuples are replaced when they change and never changed in place, so that a fork or a snapshot of a scope is a
handful of references, and no other thread sees one half written.
"""

from __future__ import annotations

import os

from tocsin import _json, diagnostics, limits
from tocsin.attachments import Attachment
from tocsin.flags import FlagBuffer
from tocsin.scope_stack import get_client
from tocsin.scope_values import context_of, fingerprint_of, keyed, level_of, text_of, user_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from typing_extensions import Self

    from tocsin._backend import BreadcrumbRing

_NOTHING: dict[str, Any] = {}


class ScopeData:
    """Tags, user, contexts, extra data, breadcrumbs, attachments and processors. No setter raises."""

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
        self._client = client
        # Whether the scope was put in force by a setter, not by a `with` block.
        self._set_by_hand = False
        self._event_processors: tuple[Any, ...] = ()
        self._error_processors: tuple[Any, ...] = ()
        self.clear()

    def clear(self) -> None:
        """Forget everything but the processors and the client."""
        # Whether a snapshot has anything to look for here: most scopes hold nothing.
        self._touched = bool(self._event_processors or self._error_processors)
        self._level: str | None = None
        self._user: dict[Any, Any] | None = None
        self._tags: dict[str, Any] = _NOTHING
        self._extras: dict[str, Any] = _NOTHING
        self._contexts: dict[str, dict[Any, Any]] = _NOTHING
        self._fingerprint: list[Any] | None = None
        self._transaction: str | None = None
        self._transaction_info: dict[str, Any] | None = None
        self._attachments: tuple[Attachment, ...] = ()
        self._flags: FlagBuffer | None = None
        self._trace: dict[str, str] | None = None
        self._last_event_id: str | None = None
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
        copied = object.__new__(type(self))
        copied._type = self._type
        copied._client = self._client
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
        self._tags = {**self._tags, (key if type(key) is str else text_of(key)): value}
        self._touched = True

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set several tags at once."""
        self._tags = {**self._tags, **keyed(tags, "set_tags")}
        self._touched = True

    def remove_tag(self, key: str) -> None:
        """Remove a tag, if it is there."""
        self._tags = _without(self._tags, key)

    def set_extra(self, key: str, value: Any) -> None:
        """Set a value of any kind to be shown with the event."""
        self._extras = {**self._extras, (key if type(key) is str else text_of(key)): value}
        self._touched = True

    def remove_extra(self, key: str) -> None:
        """Remove an extra value, if it is there."""
        self._extras = _without(self._extras, key)

    def set_context(self, key: str, value: Any) -> None:
        """Set a context, a dict of values that belong together; None removes it."""
        if value is None:
            self.remove_context(key)
            return
        self._contexts = {**self._contexts, (key if type(key) is str else text_of(key)): context_of(value)}
        self._touched = True

    def remove_context(self, key: str) -> None:
        """Remove a context, if it is there."""
        self._contexts = _without(self._contexts, key)

    @property
    def user(self) -> dict[Any, Any] | None:
        """The user the work is done for: `id`, `email`, `username`, `ip_address` and anything else."""
        return self._user

    @user.setter
    def user(self, value: Any) -> None:
        self.set_user(value)

    def set_user(self, value: Any) -> None:
        """Set the user; None takes back what this scope said, not what an outer one says."""
        if value is None:
            self._user = None
            return
        user = user_of(value)
        if user is not None:
            self._user = user
            self._touched = True

    @property
    def level(self) -> str | None:
        """The level that events get, whatever their own."""
        return self._level

    @level.setter
    def level(self, value: Any) -> None:
        self.set_level(value)

    def set_level(self, value: Any) -> None:
        """Set the level: fatal, error, warning, info or debug; None takes it back."""
        level = level_of(value)
        if level is None and value is not None:
            diagnostics.debug("set_level: no such level; ignored")
            return
        self._level = level
        self._touched = True

    @property
    def fingerprint(self) -> list[Any] | None:
        """What events are grouped by instead of their stack."""
        return self._fingerprint

    @fingerprint.setter
    def fingerprint(self, value: Any) -> None:
        self._fingerprint = None if value is None else fingerprint_of(value)
        self._touched = True

    @property
    def transaction(self) -> Any:
        """Always None: there is no tracing. Assigning a text sets the transaction's name, as `set_transaction_name`."""
        return None

    @transaction.setter
    def transaction(self, value: Any) -> None:
        self._transaction = None if value is None else text_of(value)
        self._touched = True

    def set_transaction_name(self, name: str, source: str | None = None) -> None:
        """Name what the work is: a route, a task. `source` says how it was named: url, route, task, custom, ..."""
        self._transaction = text_of(name)
        if source is not None:
            self._transaction_info = {**(self._transaction_info or _NOTHING), "source": text_of(source)}
        self._touched = True

    @property
    def span(self) -> Any:
        """Always None: there is no tracing. Assigning does nothing."""
        return None

    @span.setter
    def span(self, value: Any) -> None:
        return None

    @property
    def flags(self) -> FlagBuffer:
        """The feature flags evaluated last."""
        flags = self._flags
        if flags is None:
            experiments = get_client().options.get("_experiments") or _NOTHING
            capacity = experiments.get("max_flags")
            self._flags = flags = FlagBuffer(capacity if type(capacity) is int else limits.FLAGS)
            self._touched = True
        return flags

    def set_attribute(self, attribute: str, value: Any) -> None:
        """Do nothing: attributes belong to logs, metrics and spans."""

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Do nothing: attributes belong to logs, metrics and spans."""

    def remove_attribute(self, attribute: str) -> None:
        """Do nothing: attributes belong to logs, metrics and spans."""

    def get_trace_context(self) -> dict[str, str]:
        """Return `trace_id` and `span_id` (and `parent_span_id` if known), made on first use.

        They are what relates the events of one request with each other.
        """
        trace = self._trace
        if trace is None:
            self._trace = trace = {"trace_id": os.urandom(16).hex(), "span_id": os.urandom(8).hex()}
        return trace

    def set_trace(self, trace_id: str, parent_span_id: str) -> None:
        """Continue the trace of a caller in another process; both are lower-case hex, 32 and 16 digits."""
        self._trace = {"trace_id": trace_id, "span_id": os.urandom(8).hex(), "parent_span_id": parent_span_id}

    def set_new_propagation_context(self) -> None:
        """Begin a new trace."""
        self._trace = None

    def add_attachment(
        self,
        bytes: bytes | Callable[[], bytes] | None = None,
        filename: str | None = None,
        path: str | None = None,
        content_type: str | None = None,
        add_to_transactions: bool = False,
    ) -> None:
        """Attach a file, given by content or by path, to the events of this scope."""
        try:
            attachment = Attachment(bytes, filename, path, content_type, add_to_transactions)
        except Exception as error:
            diagnostics.internal_error("add_attachment", error)
            return
        self._attachments = (*self._attachments, attachment)
        self._touched = True

    def add_event_processor(self, func: Callable[[Any, Any], Any]) -> None:
        """Call `func(event, hint)` for each event; it returns the event, changed or not, or None to drop it."""
        _json.prepare()
        self._event_processors = (*self._event_processors, func)
        self._touched = True

    def add_error_processor(self, func: Callable[[Any, Any], Any], cls: type[BaseException] | None = None) -> None:
        """Call `func(event, exc_info)` for each event made of an exception, of type `cls` if one is given."""
        _json.prepare()
        self._error_processors = (*self._error_processors, func if cls is None else _only_for(cls, func))
        self._touched = True

    def update_from_kwargs(
        self,
        user: Any = None,
        level: Any = None,
        extras: Mapping[str, Any] | None = None,
        contexts: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        fingerprint: Any = None,
        attributes: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> None:
        """Take over what is given; anything else is ignored, with a word to those who debug."""
        if user is not None:
            self.set_user(user)
        if level is not None:
            self.set_level(level)
        # Meant for `extras` by everybody who writes it.
        extra = others.pop("extra", None)
        for values in (extra, extras):
            if values is not None:
                self._extras = {**self._extras, **keyed(values, "extras")}
        for key, value in keyed(contexts, "contexts").items() if contexts is not None else ():
            self.set_context(key, value)
        if tags is not None:
            self.set_tags(tags)
        if fingerprint is not None:
            self.fingerprint = fingerprint
        self._touched = True
        for name in others:
            diagnostics.debug(f"scope: there is nothing called {name!r} to set; ignored")


def _without(values: dict[str, Any], key: object) -> dict[str, Any]:
    name = key if type(key) is str else text_of(key)
    return {kept: value for kept, value in values.items() if kept != name} if name in values else values


def _only_for(cls: type[BaseException], func: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def processor(event: Any, exc_info: Any) -> Any:
        return func(event, exc_info) if isinstance(exc_info[1], cls) else event

    return processor
