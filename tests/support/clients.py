"""What tests of the client share: clients that keep what they send, errors to capture, a watch on building."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tocsin
from tocsin.testing import MemoryTransport

DSN = "http://key@127.0.0.1:9/1"
ID = "0" * 32
TIME = "1970-01-01T00:00:00Z"


class Keeping(MemoryTransport):
    """Keeps envelopes; as limited or as full as a test wants."""

    limited = False
    full = False

    def is_limited(self, category: str) -> bool:
        return self.limited

    def is_full(self) -> bool:
        return self.full


class Sent:
    """A client that was put in force, with what it has sent."""

    def __init__(self, **options: Any) -> None:
        self.transport = Keeping()
        self.client = tocsin.init(**{"default_integrations": False, "transport": self.transport, **options})

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.transport.events

    @property
    def event(self) -> dict[str, Any]:
        """The only event."""
        (event,) = self.transport.events
        return event

    @property
    def dropped(self) -> dict[str, int]:
        """What was dropped, after checking that the account adds up."""
        return balanced(self.client).dropped


def balanced(client: tocsin.Client | None = None) -> tocsin.Account:
    """The account of a client, by default of the one in force, after checking the promise that it adds up."""
    account = tocsin.stats() if client is None else tocsin.Account(*client.stats.snapshot())
    assert account.pending >= 0
    assert account.captured == account.delivered + account.pending + sum(account.dropped.values())
    return account


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """The error with a traceback."""
    value = "a local"
    try:
        if cause is not None:
            raise error from cause
        raise error
    except BaseException as caught:
        assert value
        return caught


def masked(event: dict[str, Any]) -> dict[str, Any]:
    """A copy of an event without what differs from one capture to the next: its id and its times."""
    made = copy.deepcopy(event)
    assert len(made["event_id"]) == 32
    assert made["timestamp"].endswith("Z")
    made["event_id"], made["timestamp"] = ID, TIME
    for crumb in made.get("breadcrumbs", {}).get("values", []):
        crumb["timestamp"] = TIME
    return made


class Watched:
    """Stands in front of a client's extractor and notes what is asked of it."""

    def __init__(self, extractor: Any) -> None:
        self._extractor = extractor
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self.calls.append(name)
        method: Callable[..., Any] = getattr(self._extractor, name)
        return method


@contextmanager
def building(client: tocsin.Client) -> Iterator[list[str]]:
    """Yields the list of what was extracted of stacks in the block: empty as long as no event was built."""
    watched = Watched(client.extractor)
    client.extractor = client.fast_lane.extractor = client.hook_lane._extractor = watched  # type: ignore[assignment]
    try:
        yield watched.calls
    finally:
        client.extractor = client.fast_lane.extractor = client.hook_lane._extractor = watched._extractor
