"""The two ways from a capture to the transport. On the application's threads.

On the fast lane a capture goes as it is, to be made bytes by the worker. On the hook lane, taken only when somebody
must see the event as a dict, it is made one first.
"""

from __future__ import annotations

import sys
from time import time

from tocsin import _json, diagnostics
from tocsin._backend import Capture, dumps, fence, iso_time
from tocsin.assembly import PreparedEvent
from tocsin.client_report import DataCategory, DiscardReason
from tocsin.normalize import event_id_of, new_event_id
from tocsin.scope_event import apply_snapshot
from tocsin.scope_values import keyed, mapping_of
from tocsin.transport.base import watch_losses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tocsin._backend import Stack, StackExtractor, Stats
    from tocsin.assembly import Assembler
    from tocsin.event_fields import EventFields
    from tocsin.gate import Gate
    from tocsin.hooks import Hooks
    from tocsin.normalize import Normalizer
    from tocsin.scope_snapshot import ScopeSnapshot
    from tocsin.transport import Transport

# What an event made by hand need not say.
_HAND_MADE = {"platform": "python", "level": "error"}


class Lanes:
    """Completes captures and passes them on, for one client; every event that it does not pass on is counted."""

    def __init__(
        self,
        options: Mapping[str, Any],
        transport: Transport | None,
        stats: Stats,
        extractor: StackExtractor,
        assembler: Assembler,
        normalizer: Normalizer,
        fields: EventFields,
        gate: Gate,
        hooks: Hooks,
    ) -> None:
        self.transport = transport
        self._attaches_stacktrace: bool = options["attach_stacktrace"]
        self._stats = stats
        self._extractor = extractor
        self._assembler = assembler
        self._normalizer = normalizer
        self._fields = fields
        self._gate = gate
        self.hooks = hooks

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

    def send(
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
        given = dict(keyed(hint, "hint")) if hint is not None else {}
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
            (*_listed(given.get("attachments")), *snapshot.attachments) if given else snapshot.attachments,
        )
        if not self.hooks.wanted(snapshot):
            return capture.event_id if self._offer(capture) else None
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
        return event_id if self._offer(PreparedEvent(event_id, dumps(normal), kept)) else None

    def _offer(self, item: Capture | PreparedEvent) -> bool:
        """Give an event to the transport; False, counted, if it does not take it."""
        transport = self.transport
        if transport is None:
            self._stats.record_dropped(DiscardReason.INTERNAL_SDK_ERROR)
            return False
        offer = getattr(transport, "offer", None)
        if offer is not None:
            if offer(item, item.size_bytes):
                return True
            self._stats.record_dropped(DiscardReason.QUEUE_OVERFLOW)
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

    def refuses(self, reason: str | None) -> bool:
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
        self._stats.record_dropped(reason)
        return True


def _listed(attachments: object) -> list[Any]:
    return list(attachments) if isinstance(attachments, (list, tuple)) else []


def _with_breadcrumb_total(meta: Any, total: int) -> dict[str, Any]:
    """The event's `_meta`, saying too how many breadcrumbs there were before the ring let go of the oldest."""
    made = dict(mapping_of(meta, "_meta") or {}) if meta is not None else {}
    return {"breadcrumbs": {"": {"len": total}}, **made}


def _stamp(entry: Any) -> float:
    stamp: float = entry[0]
    return stamp
