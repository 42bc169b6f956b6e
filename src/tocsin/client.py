"""One client: its options, its way of making events, and their way to the transport. On the application's threads."""

from __future__ import annotations

import sys
from time import time

from tocsin import _json, diagnostics, fork, limits
from tocsin._backend import Capture, Renderer, StackExtractor, Stats, dumps, fence, iso_time
from tocsin.assembly import Assembler, PreparedEvent
from tocsin.client_report import DataCategory, DiscardReason
from tocsin.event_fields import EventFields
from tocsin.gate import Gate, mark
from tocsin.hooks import Hooks
from tocsin.in_app import InAppRules
from tocsin.normalize import Normalizer, event_id_of, new_event_id
from tocsin.options import resolve
from tocsin.scope_event import apply_snapshot
from tocsin.scope_snapshot import ScopeSnapshot
from tocsin.scope_values import is_a, keyed, level_of
from tocsin.scrubber import DEFAULT_DENYLIST, DEFAULT_PII_DENYLIST, EventScrubber, key_predicate
from tocsin.synthetic import synthetic_head
from tocsin.transport import Transport, make_transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from tocsin._backend import Stack

_traceback_of = BaseException.__dict__["__traceback__"].__get__


class Client:
    """Captures events and hands them to its transport.

    Args:
        dsn: where events go; None takes it from `SENTRY_DSN`, an empty one sends nothing.
        options: those of `init()`.

    Raises:
        TypeError: an option is unknown or of the wrong type.
        ValueError: an option is malformed (a `BadDsn` for the DSN).
    """

    def __init__(self, dsn: Any = None, **options: Any) -> None:
        self.options: dict[str, Any] = resolve(dsn, options)
        diagnostics.configure(bool(self.options["debug"]))
        self.stats = Stats()
        self._is_secret = _secret_predicate(self.options)
        represent = _representation(self.options)
        max_chars = self.options["max_value_length"] or limits.EVENT_BYTES
        self.renderer = Renderer(self._is_secret, represent, max_chars=max_chars)
        rules = InAppRules(
            self.options["in_app_include"], self.options["in_app_exclude"], self.options["project_root"]
        )
        self.extractor = StackExtractor(
            self.renderer if self.options["_local_variables"] else None,
            rules.classify,
            self.options["max_stack_frames"] or limits.FRAMES_OUTER + limits.FRAMES_INNER,
            max_chars=max_chars,
        )
        self.assembler = Assembler(self.options["_context_lines"])
        self._normalizer = Normalizer(self.renderer, self._is_secret)
        self.gate = Gate(self.options)
        self._hooks = Hooks(self.options)
        self.integrations: dict[str, Any] = {}
        self._fields = EventFields(self._normalizer, self.options, self.integrations)
        self.transport: Transport | None = make_transport(self.options)
        if self.transport is not None:
            self.transport.bind(self.stats, self.assembler.envelope)
        fork.register(self)

    def refresh_fields(self) -> None:
        """Render anew what every event says of the client, after its integrations were set up."""
        self._fields.refresh()

    @property
    def dsn(self) -> str | None:
        """Where events go, as it was given."""
        dsn = self.options["dsn"]
        return None if dsn is None else str(dsn)

    def is_active(self) -> bool:
        """Return True: this is a client, if perhaps one that has nowhere to send to."""
        return True

    def should_send_default_pii(self) -> bool:
        """Whether data that identifies persons may be sent."""
        return bool(self.options["_user_info"])

    def get_integration(self, name_or_class: Any) -> Any:
        """Return the integration of that name or class, if it is set up with this client; else None."""
        name = name_or_class if isinstance(name_or_class, str) else getattr(name_or_class, "identifier", None)
        return self.integrations.get(name) if isinstance(name, str) else None

    def capture_exception(
        self,
        error: Any = None,
        scope: Any = None,
        mechanism: str = "generic",
        handled: bool = True,
        hint: Any = None,
        level: str = "error",
    ) -> str | None:
        """Make an event of an exception, an exc_info tuple, the exception being handled (None), or anything else.

        Returns:
            The event's id, or None if there is none to be sent: nothing was being handled, or it was dropped.
        """
        if self.transport is None:
            return None
        try:
            traceback: TracebackType | None = None
            if error is None:
                error = sys.exc_info()[1]
                if error is None:
                    return None
            elif type(error) is tuple and len(error) == 3:
                _, error, traceback = error
                if error is None:
                    return None
            self.stats.record_captured()
            if not is_a(error, BaseException):
                refused = self._refuses(self.gate.refuses())
                return None if refused else self._capture_thing(error, scope, mechanism, handled, hint, level)
            if self._refuses(self.gate.refuses_error(error)):
                return None
            snapshot = ScopeSnapshot.of(scope)
            caller = None if traceback is not None or _traceback_of(error) is not None else sys._getframe()
            full = self.options["add_full_stack"]
            stack = self.extractor.exception(error, traceback, mechanism, handled, caller, full)
            exc_info = (type(error), error, traceback or _traceback_of(error))
            event_id = self._send(snapshot, level, b"", stack, "exception", hint, exc_info)
            if event_id is not None:
                mark(error, event_id)
            return event_id
        except Exception as failure:
            return self._failed("capture_exception", failure)

    def _capture_thing(
        self, thing: object, scope: Any, mechanism: str, handled: bool, hint: Any, level: str
    ) -> str | None:
        head = synthetic_head(thing, self.renderer, mechanism, handled)
        stack = self.extractor.current(sys._getframe(), head)
        return self._send(ScopeSnapshot.of(scope), level, b"", stack, "exception", hint, None)

    def capture_message(self, message: Any, level: Any = "info", scope: Any = None, hint: Any = None) -> str | None:
        """Make an event of a text; with `attach_stacktrace` it carries the stack of the caller."""
        if self.transport is None:
            return None
        try:
            self.stats.record_captured()
            if self._refuses(self.gate.refuses()):
                return None
            text = self._normalizer.text(message, limits.TEXT_CHARS)
            stack = None
            if self.options["attach_stacktrace"]:
                stack = self.extractor.current(sys._getframe(), b'"crashed":false,"current":true')
            head = b'"message":' + self.renderer.data(text, limits.EVENT_BYTES, 1)
            name = level_of(level) or "info"
            return self._send(ScopeSnapshot.of(scope), name, head, stack, "threads", hint, None)
        except Exception as failure:
            return self._failed("capture_message", failure)

    def capture_event(self, event: Any, hint: Any = None, scope: Any = None) -> str | None:
        """Send an event made by hand; neither it nor the hint is changed.

        A hint may hold `exc_info`, `log_record` and `attachments`.
        """
        if self.transport is None:
            return None
        if not is_a(event, dict):
            diagnostics.debug(f"capture_event: an event is a dict, not {type(event).__name__}; ignored")
            return None
        try:
            self.stats.record_captured()
            given = keyed(hint, "hint") if hint is not None else {}
            exc_info = given.get("exc_info")
            error = exc_info[1] if type(exc_info) is tuple and len(exc_info) == 3 else None
            has_error = is_a(error, BaseException)
            if self._refuses(self.gate.refuses_error(error) if has_error else self.gate.refuses()):
                return None
            snapshot = ScopeSnapshot.of(scope)
            made = self._completed(event, snapshot)
            event_id = self._send_dict(made, given, snapshot)
            if event_id is not None and has_error:
                mark(error, event_id)
            return event_id
        except Exception as failure:
            return self._failed("capture_event", failure)

    def _completed(self, event: dict[Any, Any], snapshot: ScopeSnapshot) -> dict[str, Any]:
        """The event with what scopes and client know; a copy."""
        made = apply_snapshot(snapshot, keyed(event, "event"))
        made["event_id"] = event_id_of(made.get("event_id") or "")
        if made.get("timestamp") is None:
            made["timestamp"] = iso_time(time())
        for key, value in self._fields.defaults().items():
            if made.get(key) is None:
                made[key] = value
        made["contexts"] = {**self._fields.contexts, **(made.get("contexts") or {})}
        if self.options["attach_stacktrace"] and not any(map(made.get, ("exception", "stacktrace", "threads"))):
            stack = self.extractor.current(sys._getframe(), b'"crashed":false,"current":true')
            made["threads"] = self._as_dict(Capture("", 0.0, "", b"", stack, "threads", b"", b"", None, 0, ()))["threads"]
        return made

    def _as_dict(self, capture: Capture) -> dict[str, Any]:
        event: dict[str, Any] = _json.loads(self.assembler.payload(capture))
        return event

    def _send(
        self,
        snapshot: ScopeSnapshot,
        level: str,
        head: bytes,
        stack: Stack | None,
        stack_key: str,
        hint: Any,
        exc_info: Any,
    ) -> str | None:
        """Complete a capture with what the scopes say and pass it on, through the hooks if there are any."""
        rings = snapshot.rings
        breadcrumbs = None
        total = 0
        if rings:
            breadcrumbs = rings[0].snapshot()
            total = rings[0].total
            for ring in rings[1:]:
                breadcrumbs += ring.snapshot()
                total += ring.total
            if len(rings) > 1:
                breadcrumbs.sort(key=_stamp)
        capture = Capture(
            new_event_id(),
            time(),
            snapshot.level or level,
            head,
            stack,
            stack_key,
            self._fields.of(snapshot),
            self._fields.static,
            breadcrumbs,
            total,
            snapshot.attachments,
        )
        if hint is None and not self._hooks.wanted(snapshot):
            return capture.event_id if self._offer(capture) else None
        given = dict(keyed(hint, "hint")) if hint is not None else {}
        if exc_info is not None:
            given.setdefault("exc_info", exc_info)
        return self._send_dict(self._as_dict(capture), given, snapshot)

    def _send_dict(self, event: dict[str, Any], hint: dict[str, Any], snapshot: ScopeSnapshot) -> str | None:
        """The hook lane: run the hooks on the event and pass on what they leave of it."""
        hint = dict(hint)
        hint["attachments"] = [*(hint.get("attachments") or ()), *snapshot.attachments]
        if self._hooks.wanted(snapshot):
            # A copy of its own: a hook may change what it is given, at any depth.
            seen = _json.loads(dumps(self._normalizer.event(event)))
            made, reason = self._hooks.run(seen, hint, snapshot, self.gate)
            if made is None:
                self.stats.record_dropped(reason)
                return None
            event = made
        normal = self._normalizer.event(event)
        event_id = normal.setdefault("event_id", new_event_id())
        attachments = hint.get("attachments")
        kept = tuple(attachments) if type(attachments) is list else ()
        return event_id if self._offer(PreparedEvent(event_id, dumps(normal), kept)) else None

    def _offer(self, item: Capture | PreparedEvent) -> bool:
        """Give an event to the transport; False, counted, if it does not take it."""
        transport = self.transport
        if transport is None:
            self.stats.record_dropped(DiscardReason.INTERNAL_SDK_ERROR)
            return False
        offer = getattr(transport, "offer", None)
        if offer is not None:
            if offer(item, item.size_bytes):
                return True
            self.stats.record_dropped(DiscardReason.QUEUE_OVERFLOW)
            return False
        transport.capture_envelope(self.assembler.envelope(item))
        if not transport.settles:
            self.stats.record_delivered()
        return True

    def _refuses(self, reason: str | None) -> bool:
        """Whether no event is to be built, by the gate's word or for what is known of the transport; counts it."""
        if reason is None:
            transport = self.transport
            if fence.is_fenced():
                # Code that tocsin itself has called captures: it would never end.
                reason = DiscardReason.EVENT_PROCESSOR
            elif transport is None:
                reason = DiscardReason.INTERNAL_SDK_ERROR
            elif transport.is_limited(DataCategory.ERROR):
                reason = DiscardReason.RATELIMIT_BACKOFF
            elif transport.is_full():
                reason = DiscardReason.QUEUE_OVERFLOW
            else:
                return False
        self.stats.record_dropped(reason)
        return True

    def _failed(self, where: str, failure: Exception) -> None:
        diagnostics.internal_error(where, failure)
        self.stats.record_dropped(DiscardReason.INTERNAL_SDK_ERROR)

    def flush(self, timeout: float | None = None, callback: Callable[[int, float], object] | None = None) -> bool:
        """Wait until everything captured before is delivered or counted; return whether it is.

        Args:
            timeout: the longest wait, in seconds; `shutdown_timeout` if None.
            callback: called with the number of pending events and the timeout if it takes a noticeable time.
        """
        if self.transport is None:
            return True
        limit_s = self.options["shutdown_timeout"] if timeout is None else timeout
        try:
            return self.transport.flush(limit_s, callback) is not False
        except Exception as error:
            diagnostics.internal_error("flush", error)
            return False

    def close(self, timeout: float | None = None, callback: Callable[[int, float], object] | None = None) -> None:
        """Flush, then let go of threads, connections and hooks; captures do nothing from then on."""
        transport = self.transport
        if transport is None:
            return
        self.flush(timeout, callback)
        for integration in list(self.integrations.values()):
            integration.remove(self)
        self.transport = None
        fork.unregister(self)
        try:
            transport.kill()
        except Exception as error:
            diagnostics.internal_error("close", error)

    def after_fork_in_child(self) -> None:
        """Let go of what belongs to the parent: its counts, its queue, its connection."""
        self.stats.reset()
        if self.transport is not None:
            self.transport.after_fork_in_child()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _stamp(entry: Any) -> float:
    stamp: float = entry[0]
    return stamp


def _secret_predicate(options: dict[str, Any]) -> Callable[[str], bool] | None:
    """What tocsin hides while it writes: a scrubber of the user's own class sees the event in the hook lane instead."""
    rule: Callable[[str], bool] | None = options["_local_variables_rule"]
    if rule is not None:
        return rule
    scrubber = options["event_scrubber"]
    if scrubber is None:
        return key_predicate([*DEFAULT_DENYLIST, *([] if options["_user_info"] else DEFAULT_PII_DENYLIST)], by_term=True)
    return key_predicate(scrubber.denylist, by_term=True) if type(scrubber) is EventScrubber else None


def _representation(options: dict[str, Any]) -> Callable[[object], str | None] | None:
    represent: Callable[[object], str | None] | None = options["custom_repr"]
    if represent is None and options["value_repr"] == "full":
        return repr
    return represent


