"""Chooses the compiled core or its pure twin, all or nothing, once, at import.

`TOCSIN_BACKEND` is `auto` (the default), `core` or `pure`. An absent core is silent in `auto`; a core that is there
and does not load is told once on stderr, as it points at a broken installation.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin._pure import describe, fence
    from tocsin._pure.breadcrumbs import BreadcrumbRing
    from tocsin._pure.chain import MARK
    from tocsin._pure.handoff import Handoff
    from tocsin._pure.json_text import Fragment, json_string
    from tocsin._pure.serializer import Capture, dumps, iso_time, render
    from tocsin._pure.site import Site
    from tocsin._pure.stacktrace import Stack, StackExtractor
    from tocsin._pure.stats import Stats
    from tocsin._pure.values import Renderer

__all__ = [
    "MARK",
    "BreadcrumbRing",
    "Capture",
    "Fragment",
    "Handoff",
    "Renderer",
    "Site",
    "Stack",
    "StackExtractor",
    "Stats",
    "backend",
    "backend_reason",
    "describe",
    "dumps",
    "fence",
    "iso_time",
    "json_string",
    "render",
]

_ROOMS = ("breadcrumbs", "handoff", "serializer", "stacktrace", "stats")


def _choose() -> tuple[str, str]:
    """Return which twin to use and why; loads the core where it is wanted."""
    wanted = os.environ.get("TOCSIN_BACKEND", "auto") or "auto"
    if wanted not in ("auto", "core", "pure"):
        raise ImportError(f"TOCSIN_BACKEND is {wanted!r}; it can be 'auto', 'core' or 'pure'")
    if wanted == "pure":
        return "pure", "TOCSIN_BACKEND=pure"
    try:
        for room in _ROOMS:
            __import__(f"tocsin._core.{room}")
    except ImportError as error:
        if wanted == "core":
            raise ImportError(f"TOCSIN_BACKEND=core, but the compiled core cannot be loaded: {error}") from error
        if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("tocsin._core."):
            return "pure", "this installation was built without the compiled core"
        _warn(f"tocsin: the compiled core cannot be loaded, the pure twin takes over: {error}")
        return "pure", f"the compiled core cannot be loaded: {error}"
    return "core", "the compiled core is installed" if wanted == "auto" else "TOCSIN_BACKEND=core"


def _warn(line: str) -> None:
    try:
        sys.stderr.write(line + "\n")
    except Exception:
        return


_backend, _reason = _choose()

if not TYPE_CHECKING:
    if _backend == "core":
        from tocsin._core import describe, fence
        from tocsin._core.breadcrumbs import BreadcrumbRing
        from tocsin._core.chain import MARK
        from tocsin._core.handoff import Handoff
        from tocsin._core.json_text import Fragment, json_string
        from tocsin._core.serializer import Capture, dumps, iso_time, render
        from tocsin._core.site import Site
        from tocsin._core.stacktrace import Stack, StackExtractor
        from tocsin._core.stats import Stats
        from tocsin._core.values import Renderer
    else:
        from tocsin._pure import describe, fence
        from tocsin._pure.breadcrumbs import BreadcrumbRing
        from tocsin._pure.chain import MARK
        from tocsin._pure.handoff import Handoff
        from tocsin._pure.json_text import Fragment, json_string
        from tocsin._pure.serializer import Capture, dumps, iso_time, render
        from tocsin._pure.site import Site
        from tocsin._pure.stacktrace import Stack, StackExtractor
        from tocsin._pure.stats import Stats
        from tocsin._pure.values import Renderer


def backend() -> str:
    """Return which twin runs: `"core"` (compiled) or `"pure"`."""
    return _backend


def backend_reason() -> str:
    """Return in words why this twin was chosen."""
    return _reason
