"""The hook lane: where somebody must see the event as a dict before it is sent. On the application's threads.

What the hooks see is what would be sent; what they return is brought into shape again.
"""

from __future__ import annotations

from tocsin import diagnostics
from tocsin._backend import fence
from tocsin.assembly import prepare
from tocsin.reasons import DiscardReason
from tocsin.scope_event import run_processors
from tocsin.scope_values import is_a
from tocsin.scrubber import EventScrubber

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tocsin._backend import Gate
    from tocsin.scope_snapshot import ScopeSnapshot


class Hooks:
    """The hooks of one client: its scrubber where it is the user's own, `error_sampler` and `before_send`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._before_send: Callable[[Any, Any], Any] | None = options["before_send"]
        self._error_sampler: Callable[[Any, Any], Any] | None = options["error_sampler"]
        scrubber = options["event_scrubber"]
        # The rules of tocsin's own scrubber are applied while values are written.
        self._scrubber = None if scrubber is None or type(scrubber) is EventScrubber else scrubber
        self.are_there = not (self._before_send is self._error_sampler is self._scrubber is None)
        if self.are_there:
            # Their first event is not the moment to import a library.
            prepare(as_dict=True)

    def wanted(self, snapshot: ScopeSnapshot) -> bool:
        """Whether anybody wants to see an event captured under these scopes."""
        return self.are_there or bool(snapshot.event_processors) or bool(snapshot.error_processors)

    def run(
        self, event: dict[str, Any], hint: dict[str, Any], snapshot: ScopeSnapshot, gate: Gate
    ) -> tuple[dict[str, Any] | None, str]:
        """Return the event as the hooks leave it, or None and the reason for which it is dropped."""
        made = run_processors(event, hint, snapshot)
        if made is None:
            return None, DiscardReason.EVENT_PROCESSOR
        if self._scrubber is not None and not _fenced("event_scrubber", self._scrub, made):
            # A scrubber that fails may have left a secret where it is.
            return None, DiscardReason.EVENT_PROCESSOR
        if self._error_sampler is not None and not self._samples(made, hint, gate):
            return None, DiscardReason.SAMPLE_RATE
        if self._before_send is not None:
            answer = _fenced("before_send", self._before_send, made, hint)
            if not is_a(answer, dict):
                return None, DiscardReason.BEFORE_SEND
            made = answer
        return made, ""

    def _scrub(self, event: dict[str, Any]) -> bool:
        assert self._scrubber is not None
        self._scrubber.scrub_event(event)
        return True

    def _samples(self, event: dict[str, Any], hint: dict[str, Any], gate: Gate) -> bool:
        rate = _fenced("error_sampler", self._error_sampler, event, hint)
        if type(rate) is bool:
            return rate
        if type(rate) in (int, float) and 0.0 <= rate <= 1.0:
            return gate.draws(float(rate))
        if rate is not None:
            diagnostics.warn_once("error_sampler", f"error_sampler returned {type(rate).__name__}: sample_rate is used")
        return gate.draws(gate.sample_rate)


def _fenced(name: str, hook: Any, *arguments: Any) -> Any:
    """Call a hook of the user's; None, said once on stderr, if it raises."""
    return fence.call_fenced(_told, name, hook, *arguments)


def _told(name: str, hook: Any, *arguments: Any) -> Any:
    try:
        return hook(*arguments)
    except Exception as error:
        if fence.came_from_signal(error):
            raise
        diagnostics.warn_once(name, f"{name} raised {type(error).__name__}: {error}")
        diagnostics.internal_error(name, error)
        return None
