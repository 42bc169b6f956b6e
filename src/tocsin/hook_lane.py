"""What the fast lane leaves to others: events that somebody must see as a dict, and what is told of scopes besides.

On the application's threads. An event on this lane is made a dict, shown to the hooks and made bytes again.
"""

from __future__ import annotations

import sys
from time import time

from tocsin import diagnostics, limits
from tocsin._backend import Capture, dumps, fence, iso_time, mark, new_event_id
from tocsin.assembly import PreparedEvent, prepare
from tocsin.importing import Late
from tocsin.normalize import event_id_of
from tocsin.reasons import DiscardReason
from tocsin.scope_event import apply_snapshot
from tocsin.scope_snapshot import snapshot_of
from tocsin.scope_values import is_a, keyed, level_of, mapping_of
from tocsin.synthetic import synthetic_head
from tocsin.transport.base import watch_losses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tocsin import _json
    from tocsin._backend import FastLane, Gate, Renderer, StackExtractor, Stats
    from tocsin.assembly import Assembler
    from tocsin.event_fields import EventFields
    from tocsin.hooks import Hooks
    from tocsin.normalize import Normalizer
    from tocsin.scope_snapshot import ScopeSnapshot
else:
    _json = Late("tocsin._json")

# What an event made by hand need not say.
_HAND_MADE = {"platform": "python", "level": "error"}


class HookLane:
    """Completes events that are dicts and passes them on, for one client; what it does not pass on is counted."""

    fast_lane: FastLane

    def __init__(
        self,
        options: Mapping[str, Any],
        stats: Stats,
        gate: Gate,
        extractor: StackExtractor,
        renderer: Renderer,
        assembler: Assembler,
        normalizer: Normalizer,
        fields: EventFields,
        hooks: Hooks,
    ) -> None:
        self._attaches_stacktrace: bool = options["attach_stacktrace"]
        if self._attaches_stacktrace:
            prepare(as_dict=True)
        self._stats = stats
        self._gate = gate
        self._extractor = extractor
        self._renderer = renderer
        self._assembler = assembler
        self._normalizer = normalizer
        self._fields = fields
        self.hooks = hooks

    snapshot_of = staticmethod(snapshot_of)

    def capture_event(self, event: Any, hint: Any = None, argument: Any = None) -> str | None:
        """Send an event made by hand; see `Client.capture_event`."""
        self._stats.record_captured()
        given_event = mapping_of(event, "capture_event")
        if given_event is None:
            self._stats.record_dropped(DiscardReason.INVALID)
            return None
        given = keyed(hint, "hint") if hint is not None else {}
        exc_info = given.get("exc_info")
        error = exc_info[1] if type(exc_info) is tuple and len(exc_info) == 3 else None
        if not is_a(error, BaseException):
            error = None
        if self.fast_lane.refuses(self._gate.refuses() if error is None else self._gate.refuses_error(error)):
            return None
        snapshot = snapshot_of(argument)
        event_id = self.send_dict(self.completed(given_event, snapshot), given, snapshot)
        if event_id is not None and error is not None:
            mark(error, event_id)
        return event_id

    def synthetic_head(self, thing: object, mechanism: str, handled: bool) -> bytes:
        """Return the members of the exception that stands for what is none."""
        return synthetic_head(thing, self._renderer, mechanism, handled)

    def message_head(self, message: object, level: object) -> tuple[bytes, str]:
        """Return the members of an event that is a text, and its level by the protocol's name."""
        text = self._normalizer.text(message, limits.TEXT_CHARS)
        return b'"message":' + self._renderer.data(text, limits.EVENT_BYTES, 1), level_of(level) or "info"

    @staticmethod
    def attachments_of(hint: object, snapshot: ScopeSnapshot) -> tuple[Any, ...]:
        """Return the attachments of a hint and those of the scopes."""
        return (*_listed(keyed(hint, "hint").get("attachments")), *snapshot.attachments)

    def completed(self, event: dict[Any, Any], snapshot: ScopeSnapshot) -> dict[str, Any]:
        """The event with what scopes and client know; a copy."""
        made = apply_snapshot(snapshot, keyed(event, "event"), rendered=True)
        total = sum([ring.total for ring in snapshot.rings])
        if total > sum(map(len, snapshot.rings)):
            made["_meta"] = _with_breadcrumb_total(made.get("_meta"), total)
        made["event_id"] = event_id_of(made.get("event_id") or "")
        if made.get("timestamp") is None:
            made["timestamp"] = iso_time(time())
        for key, value in _HAND_MADE.items():
            if made.get(key) is None:
                made[key] = value
        for key, value in self._fields.defaults().items():
            if made.get(key) is None:
                made[key] = value
        made["contexts"] = {**self._fields.contexts, **(made.get("contexts") or {})}
        if self._attaches_stacktrace and not any(map(made.get, ("exception", "stacktrace", "threads"))):
            stack = self._extractor.current(sys._getframe(), b'"crashed":false,"current":true')
            made["threads"] = self._as_dict(Capture("", 0.0, "", b"", stack, "threads", b"", b"", None, 0, ()))[
                "threads"
            ]
        return made

    def _as_dict(self, capture: Capture) -> dict[str, Any]:
        event: dict[str, Any] = _json.loads(self._assembler.payload(capture))
        return event

    def send_capture(self, capture: Capture, hint: Any, snapshot: ScopeSnapshot, exc_info: Any) -> str | None:
        """Show a capture to the hooks and pass on what they leave of it."""
        given = dict(keyed(hint, "hint")) if hint is not None else {}
        if exc_info is not None:
            given.setdefault("exc_info", exc_info)
        return self.send_dict(self._as_dict(capture), given, snapshot, is_rendered=True)

    def send_dict(
        self, event: dict[str, Any], hint: dict[str, Any], snapshot: ScopeSnapshot, is_rendered: bool = False
    ) -> str | None:
        """The hook lane: run the hooks on the event and pass on what they leave of it.

        One that `is_rendered` comes from a capture: it is in shape, and nobody else's.
        """
        hint = dict(hint)
        given = hint.get("attachments")
        hint["attachments"] = [*_listed(given), *snapshot.attachments]
        if self.hooks.wanted(snapshot):
            # A copy of its own: a hook may change what it is given, at any depth.
            seen = event if is_rendered else _json.loads(dumps(self._normalizer.event(event)))
            made, reason = self.hooks.run(seen, hint, snapshot, self._gate)
            if made is None:
                self._stats.record_dropped(reason)
                return None
            event = made
        normal = self._normalizer.event(event)
        event_id = normal.setdefault("event_id", new_event_id())
        attachments = hint.get("attachments")
        kept = tuple(attachments) if type(attachments) is list else ()
        return event_id if self.fast_lane.offer(PreparedEvent(event_id, dumps(normal), kept)) else None

    def deliver(self, item: Capture | PreparedEvent) -> bool:
        """Give an event to a transport that takes envelopes, on this thread; False, counted, if it does not take it."""
        transport = self.fast_lane.transport
        if transport is None:
            self._stats.record_dropped(DiscardReason.INTERNAL_SDK_ERROR)
            return False
        envelope = self._assembler.envelope(item)
        watch = watch_losses()
        try:
            transport.capture_envelope(envelope)
        except Exception as error:
            if fence.came_from_signal(error):
                raise
            diagnostics.warn_once("transport", f"the transport raised {type(error).__name__}: {error}")
            if not watch.lost:
                self._stats.record_dropped(DiscardReason.INTERNAL_SDK_ERROR)
            return False
        finally:
            lost = watch.end()
        if not transport.settles and not lost:
            self._stats.record_delivered()
        return True

    def failed(self, where: str, failure: BaseException) -> None:
        """Count a capture that came to nothing; absorb the failure if it is tocsin's own.

        What a signal handler raised, and what was thrown into the thread from outside, has only landed here.
        """
        self._stats.record_dropped(DiscardReason.INTERNAL_SDK_ERROR)
        if not isinstance(failure, Exception) or fence.came_from_signal(failure) or _is_foreign(failure):
            raise failure
        diagnostics.internal_error(where, failure)


def _listed(attachments: object) -> list[Any]:
    return list(attachments) if isinstance(attachments, (list, tuple)) else []


def _with_breadcrumb_total(meta: Any, total: int) -> dict[str, Any]:
    """The event's `_meta`, saying too how many breadcrumbs there were before the ring let go of the oldest."""
    made = dict(mapping_of(meta, "_meta") or {}) if meta is not None else {}
    return {"breadcrumbs": {"": {"len": total}}, **made}


def _is_foreign(failure: Exception) -> bool:
    """Whether the error was thrown into the thread from outside while it was in code of tocsin's own.

    That code raises none but the interpreter's own exceptions; code of the application's that is met on the way, in a
    mapping say, may raise what it likes, and has its own frame in the traceback.
    """
    module = type(failure).__module__
    if module == "builtins" or str(module).partition(".")[0] in ("tocsin", "json", "orjson"):
        return False
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith("tocsin.")
