"""One client: its options, its way of making events, and their way to the transport. On the application's threads."""

from __future__ import annotations

import sys
from types import TracebackType

from tocsin import diagnostics, fork, limits
from tocsin._backend import Renderer, StackExtractor, Stats, fence
from tocsin.assembly import Assembler
from tocsin.client_report import DiscardReason
from tocsin.event_fields import EventFields
from tocsin.gate import Gate, mark
from tocsin.hooks import Hooks
from tocsin.in_app import InAppRules
from tocsin.lanes import Lanes
from tocsin.normalize import Normalizer
from tocsin.options import resolve
from tocsin.scope_snapshot import ScopeSnapshot
from tocsin.scope_values import is_a, keyed, level_of, mapping_of
from tocsin.scrubber import DEFAULT_DENYLIST, DEFAULT_PII_DENYLIST, EventScrubber, key_predicate
from tocsin.synthetic import synthetic_head
from tocsin.transport import Transport, make_transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_WIDE_BREADTH = 10_000
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
        rules = InAppRules(self.options["in_app_include"], self.options["in_app_exclude"], self.options["project_root"])
        self.extractor = StackExtractor(
            self.renderer if self.options["_local_variables"] else None,
            rules.classify,
            self.options["max_stack_frames"] or limits.FRAMES_OUTER + limits.FRAMES_INNER,
            max_chars=max_chars,
        )
        self.assembler = Assembler(self.options["_context_lines"])
        # What the hook lane brings back was cut before, and is not to be cut again.
        wide = Renderer(self._is_secret, represent, breadth=_WIDE_BREADTH, max_chars=max_chars)
        self._normalizer = Normalizer(self.renderer, self._is_secret, wide)
        self.gate = Gate(self.options)
        self.integrations: dict[str, Any] = {}
        self._fields = EventFields(self._normalizer, self.options, self.integrations)
        self.lanes = Lanes(
            self.options,
            make_transport(self.options),
            self.stats,
            self.extractor,
            self.assembler,
            self._normalizer,
            self._fields,
            self.gate,
            Hooks(self.options),
        )
        if self.transport is not None:
            self.transport.bind(self.stats, self.assembler.envelope)
        fork.register(self)

    @property
    def transport(self) -> Transport | None:
        """Where events go; None without a DSN, and once the client is closed."""
        return self.lanes.transport

    @transport.setter
    def transport(self, transport: Transport | None) -> None:
        self.lanes.transport = transport

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
        traceback: TracebackType | None = None
        if error is None:
            error = sys.exc_info()[1]
        elif _is_exc_info(error):
            error, traceback = error[1], error[2] if type(error[2]) is TracebackType else None
        if error is None:
            return None
        try:
            self.stats.record_captured()
            if not is_a(error, BaseException):
                return self._capture_thing(error, scope, mechanism, handled, hint, level)
            if self.lanes.refuses(self.gate.refuses_error(error)):
                return None
            if traceback is None:
                traceback = _traceback_of(error)
            caller = sys._getframe() if traceback is None else None
            full = self.options["add_full_stack"]
            stack = self.extractor.exception(error, traceback, mechanism, handled, caller, full)
            exc_info = (type(error), error, traceback)
            event_id = self.lanes.send(ScopeSnapshot.of(scope), level, b"", stack, "exception", hint, exc_info)
        except BaseException as failure:
            self._failed("capture_exception", failure)
            return None
        if event_id is not None:
            mark(error, event_id)
        return event_id

    def _capture_thing(
        self, thing: object, scope: Any, mechanism: str, handled: bool, hint: Any, level: str
    ) -> str | None:
        if self.lanes.refuses(self.gate.refuses()):
            return None
        head = synthetic_head(thing, self.renderer, mechanism, handled)
        stack = self.extractor.current(sys._getframe(), head)
        return self.lanes.send(ScopeSnapshot.of(scope), level, b"", stack, "exception", hint, None)

    def capture_message(self, message: Any, level: Any = "info", scope: Any = None, hint: Any = None) -> str | None:
        """Make an event of a text; with `attach_stacktrace` it carries the stack of the caller."""
        if self.transport is None:
            return None
        try:
            self.stats.record_captured()
            if self.lanes.refuses(self.gate.refuses()):
                return None
            text = self._normalizer.text(message, limits.TEXT_CHARS)
            stack = None
            if self.options["attach_stacktrace"]:
                stack = self.extractor.current(sys._getframe(), b'"crashed":false,"current":true')
            head = b'"message":' + self.renderer.data(text, limits.EVENT_BYTES, 1)
            name = level_of(level) or "info"
            return self.lanes.send(ScopeSnapshot.of(scope), name, head, stack, "threads", hint, None)
        except BaseException as failure:
            self._failed("capture_message", failure)
            return None

    def capture_event(self, event: Any, hint: Any = None, scope: Any = None) -> str | None:
        """Send an event made by hand; neither it nor the hint is changed.

        A hint may hold `exc_info`, `log_record` and `attachments`.
        """
        if self.transport is None:
            return None
        try:
            self.stats.record_captured()
            given_event = mapping_of(event, "capture_event")
            if given_event is None:
                self.stats.record_dropped(DiscardReason.INVALID)
                return None
            given = keyed(hint, "hint") if hint is not None else {}
            exc_info = given.get("exc_info")
            error = exc_info[1] if type(exc_info) is tuple and len(exc_info) == 3 else None
            if not is_a(error, BaseException):
                error = None
            if self.lanes.refuses(self.gate.refuses() if error is None else self.gate.refuses_error(error)):
                return None
            snapshot = ScopeSnapshot.of(scope)
            event_id = self.lanes.send_dict(self.lanes.completed(given_event, snapshot), given, snapshot)
        except BaseException as failure:
            self._failed("capture_event", failure)
            return None
        if event_id is not None and error is not None:
            mark(error, event_id)
        return event_id

    def _failed(self, where: str, failure: BaseException) -> None:
        """Count a capture that came to nothing; absorb the failure if it is tocsin's own.

        What a signal handler raised, and what was thrown into the thread from outside, has only landed here.
        """
        self.stats.record_dropped(DiscardReason.INTERNAL_SDK_ERROR)
        if not isinstance(failure, Exception) or fence.came_from_signal(failure) or _is_foreign(failure):
            raise failure
        diagnostics.internal_error(where, failure)

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
        self.transport = None
        fork.unregister(self)
        # Known once there is something to remove: nothing below the client is to import what is above it.
        from tocsin.integrations import remove_integrations

        _absorbed(remove_integrations, self)
        _absorbed(transport.kill)

    def after_fork_in_child(self) -> None:
        """Let go of what belongs to the parent: its counts, its queue, its connection."""
        self.stats.reset()
        if self.transport is not None:
            self.transport.after_fork_in_child()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _is_exc_info(value: Any) -> bool:
    """Whether it is what `sys.exc_info()` gives, and not just any three things."""
    if type(value) is not tuple or len(value) != 3:
        return False
    return is_a(value[1], BaseException) or (value[0] is value[1] is value[2] is None)


def _absorbed(function: Callable[..., object], *arguments: object) -> None:
    try:
        function(*arguments)
    except Exception as error:
        diagnostics.internal_error("close", error)


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


def _secret_predicate(options: dict[str, Any]) -> Callable[[str], bool] | None:
    """What tocsin hides while it writes: a scrubber of the user's own class sees the event in the hook lane instead."""
    rule: Callable[[str], bool] | None = options["_local_variables_rule"]
    if rule is not None:
        return rule
    scrubber = options["event_scrubber"]
    if scrubber is None:
        return key_predicate(
            [*DEFAULT_DENYLIST, *([] if options["_user_info"] else DEFAULT_PII_DENYLIST)], by_term=True
        )
    return key_predicate(scrubber.denylist, by_term=True) if type(scrubber) is EventScrubber else None


def _representation(options: dict[str, Any]) -> Callable[[object], str | None] | None:
    represent: Callable[[object], str | None] | None = options["custom_repr"]
    if represent is None and options["value_repr"] == "full":
        return repr
    return represent
