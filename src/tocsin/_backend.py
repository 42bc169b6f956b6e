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
    from tocsin._pure.event_id import new_event_id, new_span_id
    from tocsin._pure.fast_lane import NO_LEVEL, FastLane
    from tocsin._pure.gate import Gate, mark
    from tocsin._pure.handoff import Handoff
    from tocsin._pure.ignored_loggers import IgnoredLoggers
    from tocsin._pure.json_text import Fragment, json_string
    from tocsin._pure.log_observer import LOG_LEVELS, LOG_RECORD_FIELDS, LogObserver
    from tocsin._pure.scope_stack import (
        ScopeSwitch,
        get_client,
        get_current_scope,
        get_global_scope,
        get_isolation_scope,
        get_lane,
        install,
        isolation_scope,
        left_scopes_var,
        new_scope,
        scopes_var,
        set_current_scope,
        set_isolation_scope,
    )
    from tocsin._pure.scope_state import ScopeState
    from tocsin._pure.serializer import Capture, dumps, iso_time, render
    from tocsin._pure.site import Site
    from tocsin._pure.snapshot import ScopeSnapshot, global_event_processors, merged
    from tocsin._pure.stacktrace import Stack, StackExtractor
    from tocsin._pure.stats import Stats
    from tocsin._pure.values import Renderer
    from tocsin._pure.verbs import add_breadcrumb, capture_exception, capture_message

__all__ = [
    "LOG_LEVELS",
    "LOG_RECORD_FIELDS",
    "MARK",
    "NO_LEVEL",
    "BreadcrumbRing",
    "Capture",
    "FastLane",
    "Fragment",
    "Gate",
    "Handoff",
    "IgnoredLoggers",
    "LogObserver",
    "Renderer",
    "ScopeSnapshot",
    "ScopeState",
    "ScopeSwitch",
    "Site",
    "Stack",
    "StackExtractor",
    "Stats",
    "add_breadcrumb",
    "backend",
    "backend_reason",
    "capture_exception",
    "capture_message",
    "describe",
    "dumps",
    "fence",
    "get_client",
    "get_current_scope",
    "get_global_scope",
    "get_isolation_scope",
    "get_lane",
    "global_event_processors",
    "install",
    "iso_time",
    "isolation_scope",
    "json_string",
    "left_scopes_var",
    "mark",
    "merged",
    "new_event_id",
    "new_scope",
    "new_span_id",
    "render",
    "scopes_var",
    "set_current_scope",
    "set_isolation_scope",
]


def _choose() -> tuple[str, str]:
    """Return which twin to use and why; loads the core where it is wanted."""
    wanted = os.environ.get("TOCSIN_BACKEND", "auto") or "auto"
    if wanted not in ("auto", "core", "pure"):
        raise ImportError(f"TOCSIN_BACKEND is {wanted!r}; it can be 'auto', 'core' or 'pure'")
    if wanted == "pure":
        return "pure", "TOCSIN_BACKEND=pure"
    try:
        __import__("tocsin._core")
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
        from tocsin._core.event_id import new_event_id, new_span_id
        from tocsin._core.fast_lane import NO_LEVEL, FastLane
        from tocsin._core.gate import Gate, mark
        from tocsin._core.handoff import Handoff
        from tocsin._core.ignored_loggers import IgnoredLoggers
        from tocsin._core.json_text import Fragment, json_string
        from tocsin._core.log_observer import LOG_LEVELS, LOG_RECORD_FIELDS, LogObserver
        from tocsin._core.scope_stack import (
            ScopeSwitch,
            get_client,
            get_current_scope,
            get_global_scope,
            get_isolation_scope,
            get_lane,
            install,
            isolation_scope,
            left_scopes_var,
            new_scope,
            scopes_var,
            set_current_scope,
            set_isolation_scope,
        )
        from tocsin._core.scope_state import ScopeState
        from tocsin._core.serializer import Capture, dumps, iso_time, render
        from tocsin._core.site import Site
        from tocsin._core.snapshot import ScopeSnapshot, global_event_processors, merged
        from tocsin._core.stacktrace import Stack, StackExtractor
        from tocsin._core.stats import Stats
        from tocsin._core.values import Renderer
        from tocsin._core.verbs import add_breadcrumb, capture_exception, capture_message
    else:
        from tocsin._pure import describe, fence
        from tocsin._pure.breadcrumbs import BreadcrumbRing
        from tocsin._pure.chain import MARK
        from tocsin._pure.event_id import new_event_id, new_span_id
        from tocsin._pure.fast_lane import NO_LEVEL, FastLane
        from tocsin._pure.gate import Gate, mark
        from tocsin._pure.handoff import Handoff
        from tocsin._pure.ignored_loggers import IgnoredLoggers
        from tocsin._pure.json_text import Fragment, json_string
        from tocsin._pure.log_observer import LOG_LEVELS, LOG_RECORD_FIELDS, LogObserver
        from tocsin._pure.scope_stack import (
            ScopeSwitch,
            get_client,
            get_current_scope,
            get_global_scope,
            get_isolation_scope,
            get_lane,
            install,
            isolation_scope,
            left_scopes_var,
            new_scope,
            scopes_var,
            set_current_scope,
            set_isolation_scope,
        )
        from tocsin._pure.scope_state import ScopeState
        from tocsin._pure.serializer import Capture, dumps, iso_time, render
        from tocsin._pure.site import Site
        from tocsin._pure.snapshot import ScopeSnapshot, global_event_processors, merged
        from tocsin._pure.stacktrace import Stack, StackExtractor
        from tocsin._pure.stats import Stats
        from tocsin._pure.values import Renderer
        from tocsin._pure.verbs import add_breadcrumb, capture_exception, capture_message


def backend() -> str:
    """Return which twin runs: `"core"` (compiled) or `"pure"`."""
    return _backend


def backend_reason() -> str:
    """Return in words why this twin was chosen."""
    return _reason
