"""What a scope says: the setters. Runs on the application's threads.

They replace dicts and tuples and never change them in place; see the room `scope_state`.
"""

from __future__ import annotations

from tocsin import diagnostics, limits
from tocsin._backend import ScopeState, new_span_id
from tocsin.assembly import prepare
from tocsin.attachments import Attachment
from tocsin.flags import FlagBuffer
from tocsin.scope_stack import get_client
from tocsin.scope_values import context_of, fingerprint_of, keyed, level_of, text_of, user_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_NOTHING: dict[str, Any] = {}


class ScopeData(ScopeState):
    """Tags, user, contexts, extra data, breadcrumbs, attachments and processors. No setter raises."""

    __slots__ = ()

    _text_of = staticmethod(text_of)

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
        flags: FlagBuffer | None = self._flags
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

    def set_trace(self, trace_id: str, parent_span_id: str) -> None:
        """Continue the trace of a caller in another process; both are lower-case hex, 32 and 16 digits."""
        self._trace = {"trace_id": trace_id, "span_id": new_span_id(), "parent_span_id": parent_span_id}

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
        prepare(as_dict=True)
        self._event_processors = (*self._event_processors, func)
        self._touched = True

    def add_error_processor(self, func: Callable[[Any, Any], Any], cls: type[BaseException] | None = None) -> None:
        """Call `func(event, exc_info)` for each event made of an exception, of type `cls` if one is given."""
        prepare(as_dict=True)
        self._error_processors = (*self._error_processors, func if cls is None else _only_for(cls, func))
        self._touched = True

    def update_from_kwargs(
        self,
        /,
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
