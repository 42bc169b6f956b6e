"""The library that holds all rooms: the interpreter finds this module by its file, and it loads the others from there.

A library of its own for each room would be found, opened and relocated twenty times, a twelfth of what starting costs.
"""

import sys

# What `importlib.machinery` has; that imports `warnings` besides.
from _frozen_importlib_external import ExtensionFileLoader

# Each after those that it imports.
ROOMS = (
    "fence",
    "describe",
    "json_text",
    "keys",
    "leaves",
    "values",
    "breadcrumbs",
    "chain",
    "gate",
    "event_id",
    "scope_state",
    "snapshot",
    "scope_stack",
    "site",
    "walk",
    "heads",
    "stacktrace",
    "serializer",
    "fast_lane",
    "ignored_loggers",
    "log_observer",
    "verbs",
    "handoff",
    "stats",
)


def _load():
    """Load all rooms, or none."""
    package = sys.modules["tocsin._core"]
    loaded = []
    try:
        for room in ROOMS:
            name = f"tocsin._core.{room}"
            loader = ExtensionFileLoader(name, __file__)
            spec = type(__spec__)(name, loader, origin=__file__)
            spec.has_location = True
            module = loader.create_module(spec)
            module.__spec__ = spec
            sys.modules[name] = module
            loaded.append(name)
            loader.exec_module(module)
            setattr(package, room, module)
    except BaseException:
        for name in loaded:
            sys.modules.pop(name, None)
        raise


_load()
