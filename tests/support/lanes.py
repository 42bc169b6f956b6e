"""A fast lane of either twin with all that it needs: what is the facade's is played."""

from __future__ import annotations

import contextlib
import json
import types
from collections.abc import Iterator
from typing import Any

from support.twins import strict_json
from tocsin import testing
from tocsin.reasons import DiscardReason


class Fields:
    """Renders what scopes say, as far as these laws look."""

    static = b'"static":true'

    def __init__(self) -> None:
        self.calls = 0

    def of(self, snapshot: Any) -> bytes:
        self.calls += 1
        tags = {key: str(value) for key, value in snapshot.tags.items()}
        told = {"tags": tags, "trace": snapshot.trace, "user": snapshot.user}
        return json.dumps(told).encode()[1:-1]


class Hooks:
    """What the lane gives to others, noted."""

    def __init__(self) -> None:
        self.hooks = types.SimpleNamespace(are_there=False)
        self.given: list[tuple[Any, ...]] = []
        self.delivers = True
        self.stats: Any = None

    def message_head(self, message: object, level: object) -> tuple[bytes, str]:
        return b'"message":' + json.dumps(str(message)).encode(), "info"

    def synthetic_head(self, thing: object, mechanism: str, handled: bool) -> bytes:
        return b'"value":"synthetic"'

    def attachments_of(self, hint: object, snapshot: Any) -> tuple[Any, ...]:
        return (hint, *snapshot.attachments)

    def snapshot_of(self, argument: Any) -> Any:
        return argument

    def send_capture(self, *given: Any) -> str:
        self.given.append(given)
        return "by the hooks"

    def deliver(self, item: object) -> bool:
        self.given.append((item,))
        return self.delivers

    def failed(self, where: str, failure: BaseException) -> None:
        self.stats.record_dropped(DiscardReason.INTERNAL_SDK_ERROR)
        if not isinstance(failure, (LookupError, TypeError)):
            raise failure
        self.given.append((where, type(failure)))


class Transport:
    """As limited, full or broken as a law wants; keeps what it takes."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.limited = False
        self.full = False
        self.answer: Any = True
        self.asked: list[str] = []

    def is_limited(self, category: str) -> bool:
        self.asked.append(category)
        return self.limited

    def is_full(self) -> bool:
        self.asked.append("full")
        return self.full

    def offer(self, item: Any, size_bytes: int) -> Any:
        assert size_bytes == item.size_bytes
        if callable(self.answer):
            return self.answer()
        if self.answer:
            self.items.append(item)
        return self.answer


class House:
    """A lane with all that it needs, of one twin."""

    def __init__(self, backend: Any, **options: Any) -> None:
        self.backend = backend
        self.stats = backend.Stats()
        self.fields = Fields()
        self.hooks = Hooks()
        self.hooks.stats = self.stats
        self.hooks.hooks.are_there = options.pop("are_there", False)
        self.transport = Transport()
        given = {
            "before_breadcrumb": None,
            "max_breadcrumbs": 100,
            "attach_stacktrace": False,
            "add_full_stack": False,
            "ignore_errors": [],
            "sample_rate": 1.0,
            "error_sampler": None,
            **options,
        }
        self.gate = backend.Gate(given)
        self.renderer = backend.Renderer()
        self.lane = backend.FastLane(
            given,
            self.stats,
            self.gate,
            backend.StackExtractor(self.renderer, None),
            self.renderer,
            self.fields,
            self.hooks,
        )
        self.lane.set_transport(self.transport)

    @property
    def dropped(self) -> dict[str, int]:
        """What was dropped, after checking that the account adds up."""
        captured, _, _, dropped = self.stats.snapshot()
        assert captured == len(self.transport.items) + sum(dropped.values()) + len(self.hooks.given)
        return dict(dropped)

    def events(self) -> list[Any]:
        return [strict_json(self.backend.render(item)) for item in self.transport.items]


@contextlib.contextmanager
def no_facade(backend: Any) -> Iterator[None]:
    """In the block the twin's scopes are fresh and no facade's."""
    stack = backend.scope_stack
    token = stack.scopes_var.set((None, None))
    stack.install(backend.ScopeState, None)
    yield
    stack.scopes_var.reset(token)
    testing.reset()


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught
