"""The ids of events, traces and spans: random, so that no two are the same. Called on any thread."""

from __future__ import annotations

import os


def new_event_id() -> str:
    """Return a random id: 32 hexadecimal digits."""
    return os.urandom(16).hex()


def new_span_id() -> str:
    """Return a random id: 16 hexadecimal digits."""
    return os.urandom(8).hex()


def after_fork_in_child() -> None:
    """Go on with other ids than the parent: nothing to do where the system is asked for each."""
