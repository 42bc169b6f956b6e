"""A timing counts only if what is sent is right: each way of sending less makes the row void."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from traceback import walk_tb
from typing import Any

import pytest

from benchmarks import child
from benchmarks.adapters.base import Adapter, Operation, Seen, SeenException, Settings


class FakeSdk(Adapter):
    """An SDK that sends what it should, once `spoil` has had its way with it."""

    name = "fake"

    def __init__(self, spoil: Callable[[Seen], list[Seen]] = lambda seen: [seen]) -> None:
        self.spoil = spoil
        self.crumbs: deque[str] = deque(maxlen=100)
        self.capture = self._capture

    def start(self, settings: Settings) -> None:
        self.settings = settings
        self.kept: list[Seen] = []

    def keep(self, count: int) -> None:
        self.kept.clear()

    def sent(self) -> list[Seen]:
        return list(self.kept)

    def breadcrumb(self, has_data: bool) -> Operation:
        return Operation("add('paid')", {"add": self.crumbs.append})

    def _capture(self, error: BaseException) -> None:
        if isinstance(error, self.settings.ignored) or not self.settings.sample_rate:
            return
        frames = [frame for frame, _ in walk_tb(error.__traceback__)]
        told = SeenException(
            type(error).__name__,
            str(error),
            [frame.f_code.co_name for frame in frames],
            [dict(frame.f_locals) if self.settings.has_locals else {} for frame in frames],
        )
        self.kept += self.spoil(Seen([told], breadcrumbs=list(self.crumbs)))


def changed(**fields: Any) -> Callable[[Seen], list[Seen]]:
    """Spoils the exception of each event by these fields."""
    return lambda seen: [replace(seen, exceptions=[replace(seen.exceptions[0], **fields)])]


def _run(monkeypatch: pytest.MonkeyPatch, shop: Path, workload: str, spoil: Callable[[Seen], list[Seen]]) -> Any:
    monkeypatch.setattr(child, "adapter_class", lambda name: lambda: FakeSdk(spoil))
    effort = {"repeats": 1, "loop_ns": 1, "items": 4}
    return child.run({"sdk": "fake", "workload": workload, "effort": effort, "folder": str(shop), "native": os.devnull})


def _honest(seen: Seen) -> list[Seen]:
    return [seen]


@pytest.mark.parametrize("workload", ["exception-1", "exception-20", "exception-20-bare", "exception-20-crumbs"])
def test_an_sdk_that_sends_everything_is_timed(monkeypatch: pytest.MonkeyPatch, shop: Path, workload: str) -> None:
    """The gate lets pass what is right."""
    found = _run(monkeypatch, shop, workload, _honest)
    assert found["values"][workload] > 0


BROKEN: dict[str, tuple[str, Callable[[Seen], list[Seen]], str]] = {
    "no event": ("exception-20", lambda seen: [], "0 events"),
    "two events": ("exception-20", lambda seen: [seen, seen], "2 events"),
    "another type": ("exception-20", changed(kind="Exception"), "type"),
    "no text": ("exception-20", changed(value=""), "text"),
    "a frame less": (
        "exception-20",
        lambda seen: changed(functions=seen.exceptions[0].functions[1:])(seen),
        "19 frames instead of 20",
    ),
    "frames upside down": (
        "exception-20",
        lambda seen: changed(functions=seen.exceptions[0].functions[::-1])(seen),
        "frames",
    ),
    "a local less": (
        "exception-20",
        lambda seen: changed(
            locals=[{k: v for k, v in one.items() if k != "flag"} for one in seen.exceptions[0].locals]
        )(seen),
        "lacks the locals flag",
    ),
    "every frame's locals are the last one's": (
        "exception-20",
        lambda seen: changed(locals=[seen.exceptions[0].locals[-1]] * 20)(seen),
        "other locals",
    ),
    "locals that were not wanted": (
        "exception-20-bare",
        changed(locals=[{"depth": 1}] * 20),
        "not wanted",
    ),
    "a breadcrumb less": (
        "exception-20-crumbs",
        lambda seen: [Seen(seen.exceptions, breadcrumbs=seen.breadcrumbs[1:])],
        "99 breadcrumbs instead of 100",
    ),
    "other breadcrumbs": (
        "exception-20-crumbs",
        lambda seen: [Seen(seen.exceptions, breadcrumbs=["something"] * 100)],
        "a breadcrumb says",
    ),
    "nothing even where nothing is in the way": ("sampled-out", lambda seen: [], "0 events"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_sdk_that_sends_less_is_not_timed(monkeypatch: pytest.MonkeyPatch, shop: Path, name: str) -> None:
    """What is wrong is said, and no value is given."""
    workload, spoil, words = BROKEN[name]
    found = _run(monkeypatch, shop, workload, spoil)
    assert words in found["void"]
    assert "values" not in found


def test_an_sdk_that_sends_what_it_should_refuse_is_not_timed(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    """A capture that is not refused cannot pass for a cheap refusal."""
    monkeypatch.setattr(FakeSdk, "start", _deaf_start)
    assert "1 events were sent instead of 0" in _run(monkeypatch, shop, "sampled-out", _honest)["void"]


def _deaf_start(self: Any, settings: Any) -> None:
    self.settings = type(settings)()
    self.kept = []


def test_an_sdk_that_raises_is_void(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    """An SDK that cannot do it is said to, and does not end the run."""

    def fail(seen: Seen) -> list[Seen]:
        raise OSError("no more")

    assert _run(monkeypatch, shop, "exception-20", fail)["void"] == "OSError: no more"


def test_what_an_sdk_has_not_is_absent(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    """A missing notion is no fault."""
    assert _run(monkeypatch, shop, "scope", _honest) == {"absent": "has no scopes"}
