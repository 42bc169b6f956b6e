"""The compiled leg of the suite tests compiled code."""

from __future__ import annotations

import importlib.machinery
from typing import Any


def test_each_room_is_of_the_kind_its_twin_says(backend: Any) -> None:
    """Every room of the core is a compiled library, every room of the pure twin is Python source."""
    core, pure = tuple(importlib.machinery.EXTENSION_SUFFIXES), tuple(importlib.machinery.SOURCE_SUFFIXES)
    assert {"breadcrumbs", "handoff", "serializer", "stacktrace", "stats"} <= set(backend.rooms)
    for room in backend.rooms:
        assert getattr(backend, room).__file__.endswith(core if backend.name == "core" else pure)
