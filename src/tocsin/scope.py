"""The scope: what is known about the work at hand, to travel with the next event. On the application's threads."""

from __future__ import annotations

from tocsin import breadcrumbs, diagnostics, limits, scope_stack
from tocsin._backend import fence
from tocsin.assembly import prepare
from tocsin.inactive import INACTIVE
from tocsin.scope_data import ScopeData
from tocsin.scope_event import apply_snapshot, run_processors
from tocsin.scope_snapshot import ScopeArgument, ScopeSnapshot, global_event_processors
from tocsin.scope_stack import (
    ScopeType,
    get_client,
    get_current_scope,
    get_global_scope,
    get_isolation_scope,
    isolation_scope,
    new_scope,
    use_isolation_scope,
    use_scope,
)
from tocsin.scope_values import is_a, mapping_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = [
    "Scope",
    "ScopeType",
    "add_global_event_processor",
    "global_event_processors",
    "isolation_scope",
    "new_scope",
    "should_send_default_pii",
    "use_isolation_scope",
    "use_scope",
]


class Scope(ScopeData):
    """Tags, user, contexts, extra data, breadcrumbs, attachments and processors of the work at hand."""

    __slots__ = ()

    def __sentry_repr__(self) -> str:
        """Say no more in an event: all that it holds is there already."""
        return "<tocsin.Scope>"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._type or 'scope'} at {id(self):#x}>"

    get_current_scope = staticmethod(get_current_scope)
    get_isolation_scope = staticmethod(get_isolation_scope)
    get_global_scope = staticmethod(get_global_scope)
    get_client = staticmethod(get_client)
    set_current_scope = staticmethod(scope_stack.set_current_scope)
    set_isolation_scope = staticmethod(scope_stack.set_isolation_scope)

    @staticmethod
    def last_event_id() -> str | None:
        """Return the id of the last event captured in this isolation scope."""
        event_id: str | None = get_isolation_scope()._last_event_id
        return event_id

    @property
    def client(self) -> Any:
        """The client bound to this very scope, or one that does nothing."""
        return INACTIVE if self._client is None else self._client

    def add_breadcrumb(self, /, crumb: Mapping[str, Any] | None = None, hint: Any = None, **fields: Any) -> None:
        """Record what happened, to travel with the next event.

        Fields: message, category, level, type, data (a dict) and timestamp (Unix seconds, a datetime or ISO 8601;
        now by default). They are given as one dict, as keyword arguments, or both. Without an active client, without
        any field, or when `before_breadcrumb` returns None, nothing is recorded.
        """
        client = get_client()
        if client.transport is None:
            return  # no client, or one that has nowhere to send to
        if crumb is not None:
            fields = breadcrumbs.combined(crumb, fields)
        if not fields:
            return
        options = client.options
        before_breadcrumb = options.get("before_breadcrumb")
        if before_breadcrumb is not None:
            if fence.is_fenced():
                return
            made = breadcrumbs.hooked(fields, hint, before_breadcrumb)
            if not made:
                return
            fields = made
        capacity = options.get("max_breadcrumbs", limits.BREADCRUMBS)
        if capacity > 0:
            breadcrumbs.record(self._own_ring(capacity, client.renderer), fields)

    def update_from_scope(self, scope: Scope) -> None:
        """Take over what the other scope says; it wins where both say something."""
        if not is_a(scope, Scope):
            diagnostics.debug("update_from_scope: a scope is needed; ignored")
            return
        if not scope._touched and scope._trace is None:
            return
        snapshot = ScopeSnapshot()
        snapshot.absorb(self)
        snapshot.absorb(scope)
        own = self._ring
        self._take(snapshot)
        self._base_rings = tuple(ring if ring is own else ring.copy() for ring in snapshot.rings if ring is not own)
        if scope._trace is not None:
            self._trace = scope._trace

    def _take(self, snapshot: ScopeSnapshot) -> None:
        self._level, self._user = snapshot.level, snapshot.user
        self._tags, self._extras, self._contexts = snapshot.tags, snapshot.extra, snapshot.contexts
        self._fingerprint = snapshot.fingerprint
        self._transaction, self._transaction_info = snapshot.transaction, snapshot.transaction_info
        self._attachments = snapshot.attachments
        self._event_processors, self._error_processors = snapshot.event_processors, snapshot.error_processors
        if snapshot.flags:
            for flag in snapshot.flags:
                self.flags.set(flag["flag"], flag["result"])
        self._touched = True

    @classmethod
    def of_snapshot(cls, snapshot: ScopeSnapshot) -> Scope:
        """Return a scope that says what the snapshot says, to be written to without consequence for others."""
        scope = cls(ScopeType.MERGED)
        scope._take(snapshot)
        scope._base_rings = snapshot.rings
        scope._trace = snapshot.trace
        return scope

    def apply_to_event(self, event: Any, hint: Any, options: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Return the event with this scope's data, gone through its processors; None if one of them dropped it.

        `event` is not changed; `hint` gets the attachments.
        """
        mapping = mapping_of(event, "event")
        if mapping is None:
            return None
        snapshot = ScopeSnapshot()
        snapshot.event_processors = tuple(global_event_processors)
        snapshot.absorb(self)
        snapshot.trace = self.get_trace_context()
        if not is_a(hint, dict):
            hint = {}
        if snapshot.attachments:
            own = hint.get("attachments")
            hint["attachments"] = [*(own if type(own) in (list, tuple) else ()), *snapshot.attachments]
        return run_processors(apply_snapshot(snapshot, mapping), hint, snapshot)

    def _argument(self, scope: Any, kwargs: dict[str, Any]) -> ScopeArgument | None:
        """Return what the client has to merge besides the scopes in force; None if that is nothing."""
        in_force = self is get_current_scope() or self is get_isolation_scope() or self is get_global_scope()
        if in_force and scope is None and not kwargs:
            return None
        return ScopeArgument(None if in_force else self, scope, kwargs)

    def capture_event(self, /, event: Any, hint: Any = None, scope: Any = None, **scope_kwargs: Any) -> str | None:
        """Capture an event made by hand, see `tocsin.capture_event`."""
        event_id: str | None = get_client().capture_event(event, hint, self._argument(scope, scope_kwargs))
        return _remember(event_id)

    def capture_message(self, /, message: Any, level: Any = None, scope: Any = None, **scope_kwargs: Any) -> str | None:
        """Capture a message, see `tocsin.capture_message`."""
        level = "info" if level is None else level
        event_id: str | None = get_client().capture_message(message, level, self._argument(scope, scope_kwargs))
        return _remember(event_id)

    def capture_exception(self, /, error: Any = None, scope: Any = None, **scope_kwargs: Any) -> str | None:
        """Capture an exception, see `tocsin.capture_exception`."""
        event_id: str | None = get_client().capture_exception(error, self._argument(scope, scope_kwargs))
        return _remember(event_id)


def _remember(event_id: str | None) -> str | None:
    if event_id is not None:
        get_isolation_scope()._last_event_id = event_id
    return event_id


def add_global_event_processor(processor: Callable[[Any, Any], Any]) -> None:
    """Call `processor(event, hint)` for every event of the process, before those of the scopes."""
    prepare(as_dict=True)
    global_event_processors.append(processor)


def should_send_default_pii() -> bool:
    """Whether the active client may send data that identifies persons."""
    return bool(get_client().should_send_default_pii())


scope_stack.install_scope_class(Scope)
