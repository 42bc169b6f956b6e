"""Puts a snapshot of the scopes onto an event that is a dict, and runs processors. On the application's threads."""

from __future__ import annotations

from tocsin import diagnostics
from tocsin._backend import fence
from tocsin.breadcrumbs import timestamp_of
from tocsin.scope_values import is_a, mapping_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.scope_snapshot import ScopeSnapshot


def apply_snapshot(snapshot: ScopeSnapshot, event: dict[str, Any], rendered: bool = False) -> dict[str, Any]:
    """Return a copy of `event` with what the scopes say.

    The scopes win over the event for level and, by key, for tags, extra and contexts; the event wins for user,
    transaction and fingerprint. Breadcrumbs are added to the event's and all are ordered by time;
    with `rendered` their data is JSON already.
    """
    made = dict(event)
    if snapshot.level is not None:
        made["level"] = snapshot.level
    for key, value in (
        ("user", snapshot.user),
        ("transaction", snapshot.transaction),
        ("transaction_info", snapshot.transaction_info),
        ("fingerprint", snapshot.fingerprint),
    ):
        if value is not None and made.get(key) is None:
            made[key] = value
    if snapshot.tags:
        made["tags"] = {**_pairs(made.get("tags")), **snapshot.tags}
    if snapshot.extra:
        made["extra"] = {**_pairs(made.get("extra")), **snapshot.extra}
    contexts = {**_pairs(made.get("contexts")), **snapshot.contexts}
    if contexts.get("trace") is None and snapshot.trace:
        contexts["trace"] = dict(snapshot.trace)
    if snapshot.flags:
        contexts["flags"] = {**_pairs(contexts.get("flags")), "values": snapshot.flags}
    if contexts:
        made["contexts"] = contexts
    made["breadcrumbs"] = _breadcrumbs(made.get("breadcrumbs"), snapshot, rendered)
    return made


def _pairs(value: Any) -> dict[str, Any]:
    """Return a dict for either of the two shapes that tags may have: an object or a list of pairs."""
    if is_a(value, dict):
        return dict(mapping_of(value, "event") or {})
    found: dict[str, Any] = {}
    if type(value) is list or type(value) is tuple:
        for pair in value:
            if (type(pair) is list or type(pair) is tuple) and len(pair) == 2:
                # The server keeps the first of a name.
                found.setdefault(text_of(pair[0]), pair[1])
    return found


def _breadcrumbs(given: Any, snapshot: ScopeSnapshot, rendered: bool) -> dict[str, Any]:
    made: dict[str, Any] = dict(mapping_of(given, "breadcrumbs") or {}) if is_a(given, dict) else {}
    values: Any = made.get("values") if made else given
    crumbs: list[Any] = list(values) if type(values) is list or type(values) is tuple else []
    for ring in snapshot.rings:
        crumbs.extend(ring.to_list(rendered))
    if all(is_a(crumb, dict) and dict.get(crumb, "timestamp") is not None for crumb in crumbs):
        crumbs.sort(key=lambda crumb: timestamp_of(dict.__getitem__(crumb, "timestamp")))
    made["values"] = crumbs
    return made


def run_processors(event: dict[str, Any], hint: Any, snapshot: ScopeSnapshot) -> dict[str, Any] | None:
    """Run the error processors, if the event is one of an exception, and the event processors of a snapshot.

    One that returns None drops the event, and so does one that raises: it may be there to remove what must not leave
    the process (https://develop.sentry.dev/sdk/foundations/client/hooks/). The caller counts the drop as
    `event_processor`.
    """
    exc_info = dict.get(hint, "exc_info") if is_a(hint, dict) else None
    if exc_info is not None:
        for processor in snapshot.error_processors:
            made = fence.call_fenced(_call_processor, processor, event, exc_info)
            if not is_a(made, dict):
                return None
            event = made  # type: ignore[assignment]
    for processor in snapshot.event_processors:
        made = fence.call_fenced(_call_processor, processor, event, hint)
        if not is_a(made, dict):
            return None
        event = made  # type: ignore[assignment]
    return event


def _call_processor(processor: Any, event: dict[str, Any], context: Any) -> Any:
    try:
        return processor(event, context)
    except Exception as error:
        if fence.came_from_signal(error):
            raise
        name = text_of(getattr(processor, "__qualname__", None))
        diagnostics.warn_once(
            f"processor {name}", f"event processor {name} raised {type(error).__name__}: event dropped"
        )
        diagnostics.internal_error(f"event processor {name}", error)
        return None
