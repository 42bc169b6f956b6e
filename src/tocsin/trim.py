"""Cuts an event that is larger than a server takes. On the worker's thread, or in the hook lane.

An event over the limit would be discarded whole and unread, so what helps least goes first: breadcrumbs, the source
lines around the failing one, locals, then frames. What was left out is told in `_meta`, as the protocol has it
(https://develop.sentry.dev/sdk/data-model/event-payloads/types/).
"""

from __future__ import annotations

from tocsin import _json, limits
from tocsin._backend import Renderer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_FEWER_BREADCRUMBS = 20
_FEWER_FRAMES = 50
# For an event that is still too large when all else has gone.
_SKELETON_DEPTH = 8
_SHORT = Renderer(breadth=20, max_chars=1024)


def fit(payload: bytes, max_bytes: int = limits.EVENT_CUT_BYTES) -> bytes:
    """Return an event's JSON in at most `max_bytes`, cut by priority where it is longer."""
    if len(payload) <= max_bytes:
        return payload
    event = _json.loads(payload)
    for cut in _CUTS:
        cut(event)
        payload = _json.dumps(event)
        if len(payload) <= max_bytes:
            return payload
    return _skeleton(event)


def _cut_breadcrumbs(event: dict[str, Any]) -> None:
    crumbs = _values(event.get("breadcrumbs"))
    _keep_last(event, ["breadcrumbs"], event.get("breadcrumbs"), crumbs, _FEWER_BREADCRUMBS)


def _cut_source(event: dict[str, Any]) -> None:
    for _, stacktrace in _stacktraces(event):
        for frame in _frames(stacktrace):
            frame.pop("pre_context", None)
            frame.pop("post_context", None)


def _cut_locals(event: dict[str, Any]) -> None:
    for path, stacktrace in _stacktraces(event):
        for index, frame in enumerate(_frames(stacktrace)):
            if frame.pop("vars", None) is not None:
                _remark(event, [*path, "frames", str(index), "vars"], {"rem": [["!limit", "x"]]})


def _cut_extra(event: dict[str, Any]) -> None:
    for key in ("extra", "modules", "request", "debug_meta"):
        if event.pop(key, None) is not None:
            _remark(event, [key], {"rem": [["!limit", "x"]]})


def _cut_frames(event: dict[str, Any]) -> None:
    for path, stacktrace in _stacktraces(event):
        frames = _frames(stacktrace)
        if len(frames) > _FEWER_FRAMES:
            stacktrace["frames"] = frames[: _FEWER_FRAMES // 2] + frames[-(_FEWER_FRAMES // 2) :]
            _remark(event, [*path, "frames"], {"len": len(frames)})


def _cut_exceptions(event: dict[str, Any]) -> None:
    values = _values(event.get("exception"))
    _keep_last(event, ["exception"], event.get("exception"), values, 1)
    _keep_last(event, ["breadcrumbs"], event.get("breadcrumbs"), _values(event.get("breadcrumbs")), 0)


_CUTS: tuple[Callable[[dict[str, Any]], None], ...] = (
    _cut_breadcrumbs,
    _cut_source,
    _cut_locals,
    _cut_extra,
    _cut_frames,
    _cut_exceptions,
)


def _skeleton(event: dict[str, Any]) -> bytes:
    """What says which event it was, all of it cut short."""
    kept = ("event_id", "timestamp", "platform", "level", "release", "environment", "server_name", "message", "sdk")
    # The mark comes first: what is last may have no room.
    made: dict[str, Any] = {"_meta": {"": {"rem": [["!limit", "x"]]}}}
    made.update({key: event[key] for key in kept if key in event})
    values = _values(event.get("exception"))
    if values and isinstance(values[-1], dict):
        made["exception"] = {"values": [{key: values[-1].get(key) for key in ("type", "value", "mechanism")}]}
    return _SHORT.data(made, limits.EVENT_SKELETON_BYTES, _SKELETON_DEPTH)


def _values(interface: Any) -> list[Any]:
    """The list in either of the two shapes that lists have in an event."""
    if isinstance(interface, dict):
        interface = interface.get("values")
    return interface if isinstance(interface, list) else []


def _keep_last(event: dict[str, Any], path: list[str], interface: Any, values: list[Any], count: int) -> None:
    if len(values) <= count:
        return
    kept = values[len(values) - count :]
    if isinstance(interface, dict):
        interface["values"] = kept
    else:
        event[path[0]] = kept
    _remark(event, [*path, "values"] if isinstance(interface, dict) else path, {"len": len(values)})


def _stacktraces(event: dict[str, Any]) -> Iterator[tuple[list[str], dict[str, Any]]]:
    for key in ("exception", "threads"):
        interface = event.get(key)
        for index, value in enumerate(_values(interface)):
            stacktrace = value.get("stacktrace") if isinstance(value, dict) else None
            if isinstance(stacktrace, dict):
                step = ["values"] if isinstance(interface, dict) else []
                yield [key, *step, str(index), "stacktrace"], stacktrace


def _frames(stacktrace: dict[str, Any]) -> list[dict[str, Any]]:
    frames = stacktrace.get("frames")
    return [frame for frame in frames if isinstance(frame, dict)] if isinstance(frames, list) else []


def _remark(event: dict[str, Any], path: list[str], note: dict[str, Any]) -> None:
    """Leave a note at `path` in the event's `_meta`; one that is there already says more and stays."""
    node = event
    for step in ["_meta", *path, ""]:
        if not isinstance(node.get(step), dict):
            node[step] = {}
        node = node[step]
    for key, value in note.items():
        node.setdefault(key, value)
