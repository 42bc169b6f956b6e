"""Clients that are closed in any case, hooks that are found as they were, and programs with a deadline."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tocsin
from support.hooks import Outcome, hooked
from support.receiver import Receiver
from tocsin.testing import MemoryTransport

_DEADLINE_S = 60.0


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


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger without handlers, at level DEBUG, that tells nobody else."""
    logger = logging.Logger("app.part", logging.DEBUG)
    logger.addHandler(logging.NullHandler())
    yield logger
    logger.handlers.clear()


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
