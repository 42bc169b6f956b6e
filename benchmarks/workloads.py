"""All workloads, in the order of the table.

Missing is what a hello-world over WSGI and ASGI costs with and without the SDK: it belongs here from the moment
tocsin has integrations for them.
"""

from __future__ import annotations

from importlib import import_module

from benchmarks.bench import Workload

_NOUNS = [
    "breadcrumbs",
    "logging",
    "scopes",
    "message",
    "exception",
    "refused",
    "startup",
    "delivery",
    "memory",
    "floors",
]


def all_workloads() -> list[Workload]:
    """Every workload there is."""
    return [one for noun in _NOUNS for one in import_module(f"benchmarks.bench_{noun}").WORKLOADS]
