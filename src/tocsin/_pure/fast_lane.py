"""The way of most captures: decided, built and handed over on the application's thread, and nowhere a dict.

What somebody must see as a dict, and what is told of scopes besides those in force, is left to the hook lane. One
source for both twins: the core is this file, compiled, with its fields in C.
"""

from __future__ import annotations

import sys
from time import time
from types import TracebackType

from tocsin.reasons import DataCategory, DiscardReason

from .event_id import new_event_id
from .fence import is_fenced
from .gate import Gate, mark
from .scope_stack import get_current_scope, get_global_scope, get_isolation_scope
from .scope_state import lane_types
from .serializer import Capture
from .snapshot import ScopeSnapshot, merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tocsin._pure.breadcrumbs import Breadcrumb
    from tocsin._pure.stacktrace import Stack, StackExtractor
    from tocsin._pure.stats import Stats

# Above every level of a log record.
NO_LEVEL = (1 << 31) - 1

_traceback_of = BaseException.__dict__["__traceback__"].__get__
# Asked for by name at every capture.
_ERROR = DataCategory.ERROR
_EVENT_PROCESSOR = DiscardReason.EVENT_PROCESSOR
_INTERNAL_SDK_ERROR = DiscardReason.INTERNAL_SDK_ERROR
_RATELIMIT_BACKOFF = DiscardReason.RATELIMIT_BACKOFF
_QUEUE_OVERFLOW = DiscardReason.QUEUE_OVERFLOW


class FastLane:
    """The part of one client that captures.

    Args:
        options: of `init()`.
        stats: where every capture is counted.
        gate: decides what is not captured.
        extractor: makes stacks.
        renderer: renders the data of breadcrumbs.
        fields: renders what scopes and client say: `of(snapshot)`, and `static` for what is the client's alone.
        hook_lane: takes what does not belong here; see `tocsin.hook_lane`.
    """

    __slots__ = (
        "__weakref__",
        "_adds_full_stack",
        "_attaches_stacktrace",
        "_fields",
        "_hook_lane",
        "_is_full",
        "_is_limited",
        "_offer",
        "_remembered",
        "_transport",
        "before_breadcrumb",
        "extractor",
        "gate",
        "has_hooks",
        "is_direct",
        "log_event_level",
        "log_level",
        "max_breadcrumbs",
        "renderer",
        "stats",
    )

    def __init__(
        self,
        options: Mapping[str, Any],
        stats: Stats,
        gate: Gate,
        extractor: StackExtractor,
        renderer: Any,
        fields: Any,
        hook_lane: Any,
    ) -> None:
        self.stats = stats
        self.gate = gate
        self.extractor = extractor
        self.renderer = renderer
        self.before_breadcrumb: Any = options["before_breadcrumb"]
        self.max_breadcrumbs: int = options["max_breadcrumbs"]
        # Whether the verbs may come here without asking the client, whose class might have a say in it.
        self.is_direct = True
        # The least levels of log records that become breadcrumbs and events, as `logging` has them.
        self.log_level = NO_LEVEL
        self.log_event_level = NO_LEVEL
        # Whether every event is to be seen by somebody; those of scopes are asked for event by event.
        self.has_hooks: bool = hook_lane.hooks.are_there
        self._fields = fields
        self._hook_lane = hook_lane
        self._attaches_stacktrace: bool = options["attach_stacktrace"]
        self._adds_full_stack: bool = options["add_full_stack"]
        # The tags and the trace rendered last, the very objects, and what they gave: replaced in one step, as another
        # thread or a signal handler may come between any two.
        self._remembered: tuple[dict[str, Any] | None, dict[str, str] | None, bytes] = (None, None, b"")
        self.set_transport(None)

    def set_transport(self, transport: Any) -> None:
        """Send to this transport from now on; None for none."""
        # First, so that a capture on another thread sees that there is none any more.
        self._transport = transport
        # What is asked of it at every capture, looked up once.
        self._offer: Any = getattr(transport, "offer", None)
        self._is_limited: Any = getattr(transport, "is_limited", None)
        self._is_full: Any = getattr(transport, "is_full", None)

    @property
    def transport(self) -> Any:
        """Where events go; None without a DSN, and once the client is closed."""
        return self._transport

    def capture_exception(
        self,
        error: Any = None,
        argument: Any = None,
        mechanism: str = "generic",
        handled: bool = True,
        hint: Any = None,
        level: str = "error",
    ) -> str | None:
        """Make an event of an exception, an exc_info tuple, the exception being handled (None), or anything else.

        Args:
            error: what to report.
            argument: what `tocsin.scope_snapshot.snapshot_of` takes; None for the scopes in force.
            mechanism: how the error was met: `generic`, or the name of a hook.
            handled: whether the application goes on.
            hint: what hooks are to see besides; None for nothing.
            level: the event's, unless a scope says otherwise.

        Returns:
            The event's id, or None if there is none to be sent: nothing was being handled, or it was dropped.
        """
        if self._transport is None:
            return None
        traceback: Any = None
        if error is None:
            error = sys.exc_info()[1]
        elif type(error) is tuple and _is_exc_info(error):
            traceback = error[2] if type(error[2]) is TracebackType else None
            error = error[1]
        if error is None:
            return None
        try:
            self.stats.record_captured()
            if not issubclass(type(error), BaseException):
                return self._capture_thing(error, argument, mechanism, handled, hint, level)
            if self.refuses(self.gate.refuses_error(error)):
                return None
            if traceback is None:
                traceback = _traceback_of(error)
            caller = sys._getframe() if traceback is None else None
            stack = self.extractor.exception(error, traceback, mechanism, handled, caller, self._adds_full_stack)
            event_id = self.send(
                self._snapshot(argument), level, b"", stack, "exception", hint, (type(error), error, traceback)
            )
        except BaseException as failure:
            self._hook_lane.failed("capture_exception", failure)
            return None
        if event_id is not None:
            mark(error, event_id)
        return event_id

    def _capture_thing(
        self, thing: object, argument: Any, mechanism: str, handled: bool, hint: Any, level: str
    ) -> str | None:
        if self.refuses(self.gate.refuses()):
            return None
        head = self._hook_lane.synthetic_head(thing, mechanism, handled)
        stack = self.extractor.current(sys._getframe(), head)
        return self.send(self._snapshot(argument), level, b"", stack, "exception", hint, None)

    def capture_message(self, message: Any, level: Any = "info", argument: Any = None, hint: Any = None) -> str | None:
        """Make an event of a text; with `attach_stacktrace` it carries the stack of the caller."""
        if self._transport is None:
            return None
        try:
            self.stats.record_captured()
            if self.refuses(self.gate.refuses()):
                return None
            head, name = self._hook_lane.message_head(message, level)
            stack = None
            if self._attaches_stacktrace:
                stack = self.extractor.current(sys._getframe(), b'"crashed":false,"current":true')
            return self.send(self._snapshot(argument), name, head, stack, "threads", hint, None)
        except BaseException as failure:
            self._hook_lane.failed("capture_message", failure)
            return None

    def _snapshot(self, argument: Any) -> ScopeSnapshot:
        if argument is None:
            return merged(get_global_scope(), get_isolation_scope(), get_current_scope())
        return self._hook_lane.snapshot_of(argument)  # type: ignore[no-any-return]

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
        """Complete a capture with what the scopes say and pass it on, through the hooks if there are any.

        Returns the event's id, or None if it was dropped, which is counted.
        """
        breadcrumbs: list[Breadcrumb] | None = None
        total = 0
        attachments = snapshot.attachments
        rings = snapshot.rings
        if rings:
            breadcrumbs = rings[0].snapshot()
            total = rings[0].total
            if len(rings) > 1:
                for ring in rings[1:]:
                    breadcrumbs += ring.snapshot()
                    total += ring.total
                breadcrumbs.sort(key=_stamp)
        if hint is not None:
            attachments = self._hook_lane.attachments_of(hint, snapshot)
        event_id = new_event_id()
        if snapshot.level is not None:
            level = snapshot.level
        capture = Capture(
            event_id,
            time(),
            level,
            head,
            stack,
            stack_key,
            self._members(snapshot),
            self._fields.static,
            breadcrumbs,
            total,
            attachments,
        )
        if self.has_hooks or snapshot.event_processors or snapshot.error_processors:
            return self._hook_lane.send_capture(capture, hint, snapshot, exc_info)  # type: ignore[no-any-return]
        return event_id if self.offer(capture) else None

    def _members(self, snapshot: ScopeSnapshot) -> bytes:
        """What the scopes say as members in JSON; remembered, as most events of a scope are told the same."""
        if not snapshot.says_little():
            return self._fields.of(snapshot)  # type: ignore[no-any-return]
        tags = snapshot.tags
        trace = snapshot.trace
        remembered = self._remembered
        if remembered[0] is tags and remembered[1] is trace:
            return remembered[2]
        made: bytes = self._fields.of(snapshot)
        # Tags are never changed in place; values that are no texts are another's, and might be.
        if _are_texts(tags):
            self._remembered = (tags, trace, made)
        return made

    def offer(self, item: Any) -> bool:
        """Give an event to the transport; False, counted, if it does not take it."""
        if self._offer is None:
            return self._hook_lane.deliver(item)  # type: ignore[no-any-return]
        if self._offer(item, item.size_bytes):
            return True
        self.stats.record_dropped(_QUEUE_OVERFLOW)
        return False

    def refuses(self, reason: str | None) -> bool:
        """Whether no event is to be built, by the gate's word or for what is known of the transport; counts it."""
        if reason is None:
            if is_fenced():
                # Code that tocsin itself has called captures: it would never end.
                reason = _EVENT_PROCESSOR
            elif self._transport is None:
                reason = _INTERNAL_SDK_ERROR
            elif self._is_limited(_ERROR):
                reason = _RATELIMIT_BACKOFF
            elif self._is_full():
                reason = _QUEUE_OVERFLOW
            else:
                return False
        self.stats.record_dropped(reason)
        return True


lane_types.append(FastLane)


def _is_exc_info(value: tuple[Any, ...]) -> bool:
    """Whether it is what `sys.exc_info()` gives, and not just any three things."""
    if len(value) != 3:
        return False
    return issubclass(type(value[1]), BaseException) or (value[0] is value[1] is value[2] is None)


def _are_texts(tags: dict[str, Any]) -> bool:
    return not [value for value in tags.values() if type(value) is not str]


def _stamp(entry: Any) -> float:
    stamp: float = entry[0]
    return stamp
