"""One client: its options, its way of making events, and their way to the transport. On the application's threads."""

from __future__ import annotations

from tocsin import diagnostics, fork, limits
from tocsin._backend import FastLane, Gate, Renderer, StackExtractor, Stats
from tocsin.assembly import Assembler, prepare
from tocsin.event_fields import EventFields
from tocsin.hook_lane import HookLane
from tocsin.hooks import Hooks
from tocsin.in_app import InAppRules
from tocsin.normalize import Normalizer
from tocsin.options import resolve
from tocsin.scrubber import DEFAULT_DENYLIST, DEFAULT_PII_DENYLIST, EventScrubber, key_predicate
from tocsin.transport import HttpTransport, Transport, make_transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

_WIDE_BREADTH = 10_000


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
        # Those that an integration is set up for as soon as they are imported, and what is called then.
        self.awaited_libraries: list[tuple[str, Callable[[ModuleType], object]]] = []
        self._fields = EventFields(self._normalizer, self.options, self.integrations)
        self.hook_lane = HookLane(
            self.options,
            self.stats,
            self.gate,
            self.extractor,
            self.renderer,
            self.assembler,
            self._normalizer,
            self._fields,
            Hooks(self.options),
        )
        self.fast_lane = FastLane(
            self.options, self.stats, self.gate, self.extractor, self.renderer, self._fields, self.hook_lane
        )
        kind = type(self)
        self.fast_lane.is_direct = (kind.capture_exception, kind.capture_message) == _OWN_CAPTURES
        self.hook_lane.fast_lane = self.fast_lane
        self.transport = make_transport(self.options)
        if self.transport is not None:
            if not isinstance(self.transport, HttpTransport):
                prepare()
            self.transport.bind(self.stats, self.assembler.envelope)
        fork.register(self)

    @property
    def transport(self) -> Transport | None:
        """Where events go; None without a DSN, and once the client is closed."""
        transport: Transport | None = self.fast_lane.transport
        return transport

    @transport.setter
    def transport(self, transport: Transport | None) -> None:
        self.fast_lane.set_transport(transport)

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
        event_id: str | None = self.fast_lane.capture_exception(error, scope, mechanism, handled, hint, level)
        return event_id

    def capture_message(self, message: Any, level: Any = "info", scope: Any = None, hint: Any = None) -> str | None:
        """Make an event of a text; with `attach_stacktrace` it carries the stack of the caller."""
        event_id: str | None = self.fast_lane.capture_message(message, level, scope, hint)
        return event_id

    def capture_event(self, event: Any, hint: Any = None, scope: Any = None) -> str | None:
        """Send an event made by hand; neither it nor the hint is changed.

        A hint may hold `exc_info`, `log_record` and `attachments`.
        """
        if self.transport is None:
            return None
        try:
            return self.hook_lane.capture_event(event, hint, scope)
        except BaseException as failure:
            self.hook_lane.failed("capture_event", failure)
            return None

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


# What a subclass may have put something of its own in the place of.
_OWN_CAPTURES = (Client.capture_exception, Client.capture_message)


def _absorbed(function: Callable[..., object], *arguments: object) -> None:
    try:
        function(*arguments)
    except Exception as error:
        diagnostics.internal_error("close", error)


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
