"""A server, and transports that end with the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.captures import bound
from support.receiver import Receiver
from support.transports import Make
from tocsin._backend import Stats
from tocsin.transport.http import HttpTransport


@pytest.fixture
def server() -> Iterator[Receiver]:
    """A server that answers 200 until it is told otherwise."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes `HttpTransport`s with their counts, and kills them at the end."""
    made: list[HttpTransport] = []

    def build(dsn: str, assemble: Any = None, **options: Any) -> tuple[HttpTransport, Stats]:
        transport, stats = bound(HttpTransport({"dsn": dsn, **options}), assemble)
        made.append(transport)
        return transport, stats

    yield build
    for transport in made:
        transport.kill()
