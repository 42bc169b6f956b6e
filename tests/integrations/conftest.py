"""Clients that are closed in any case, hooks that are found as they were, and programs with a deadline."""

from __future__ import annotations

import asyncio.base_events
import json
import logging
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.receiver import Receiver

import tocsin
from tocsin.testing import MemoryTransport

_DEADLINE_S = 60.0


def hooked() -> dict[str, Any]:
    """Everything that the integrations replace, as it is at present."""
    return {
        "sys.excepthook": sys.excepthook,
        "sys.unraisablehook": sys.unraisablehook,
        "threading.excepthook": threading.excepthook,
        "call_exception_handler": vars(asyncio.base_events.BaseEventLoop)["call_exception_handler"],
        "callHandlers": vars(logging.Logger)["callHandlers"],
    }


@pytest.fixture(autouse=True)
def _hooks_as_found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test of integrations leaves behind the very hooks and finders that it found."""
    # pytest's own would turn what these tests provoke into failures.
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, traceback: None)
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    before = hooked(), sys.meta_path, list(sys.meta_path)
    yield
    assert hooked() == before[0]
    assert list(sys.meta_path) == before[2]


@pytest.fixture
def start(_hooks_as_found: None) -> Iterator[Callable[..., tocsin.Client]]:
    """Call `init` with a memory transport; what was started is closed after the test."""
    started = []

    def start(**options: Any) -> tocsin.Client:
        client = tocsin.init("", **{"transport": MemoryTransport(), **options})
        started.append(client)
        return client

    yield start
    for client in started:
        client.close(0.0)


def events_of(client: tocsin.Client) -> list[dict[str, Any]]:
    """The events that a started client has captured, be it closed or not."""
    events: list[dict[str, Any]] = client.options["transport"].events
    return events


def mechanism_of(event: dict[str, Any]) -> tuple[str, bool]:
    """By whom the event's exception was captured, and whether it was handled."""
    mechanism = event["exception"]["values"][-1]["mechanism"]
    return mechanism["type"], mechanism["handled"]


@dataclass
class Outcome:
    """What a program left behind: exit code, its output, and the events that reached the server."""

    code: int
    out: str
    err: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def told(self) -> Any:
        """What the program printed, read as JSON."""
        return json.loads(self.out)


@pytest.fixture
def run_program(tmp_path: Any) -> Iterator[Callable[..., Outcome]]:
    """Run a program in an interpreter of its own, `DSN` being that of a server that takes everything."""
    with Receiver() as receiver:

        def run(source: str, *arguments: str, stdin: str | None = None, **environment: str) -> Outcome:
            program = tmp_path / "program.py"
            program.write_text(textwrap.dedent(source))
            known = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
            done = subprocess.run(
                [sys.executable, *arguments, str(program)],
                env={**known, "DSN": receiver.dsn, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
                input=stdin,
                capture_output=True,
                text=True,
                timeout=_DEADLINE_S,
                check=False,
            )
            sent = [request.envelope.event for request in list(receiver.requests)]
            return Outcome(done.returncode, done.stdout, done.stderr, [event for event in sent if event is not None])

        yield run
