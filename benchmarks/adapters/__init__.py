"""The SDKs that are compared: one module each, found by name."""

from __future__ import annotations

from importlib import import_module

from benchmarks.adapters.base import Adapter

# In the order of the table's columns; the name of each module and its class.
ADAPTERS = {
    "tocsin": ("tocsin_sdk", "TocsinCore"),
    "tocsin-pure": ("tocsin_sdk", "TocsinPure"),
    "sentry-sdk": ("sentry", "Sentry"),
    "rollbar": ("rollbar_sdk", "Rollbar"),
    "bugsnag": ("bugsnag_sdk", "Bugsnag"),
    "elastic-apm": ("elastic", "Elastic"),
    "honeybadger": ("honeybadger_sdk", "Honeybadger"),
}


def adapter_class(name: str) -> type[Adapter]:
    """The adapter of that SDK; its module imports the SDK only when it is started."""
    module, kind = ADAPTERS[name]
    found: type[Adapter] = getattr(import_module(f"benchmarks.adapters.{module}"), kind)
    return found
