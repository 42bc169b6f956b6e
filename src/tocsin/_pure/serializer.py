"""Makes the bytes of an event: from a capture, or from a dict.

Called on the worker thread for captures and on the capturing thread for dicts. What it writes is valid UTF-8 JSON by
construction.
"""

from __future__ import annotations

from time import gmtime

from tocsin import limits
from tocsin._pure.breadcrumbs import Breadcrumb
from tocsin._pure.json_text import Fragment, json_string
from tocsin._pure.stacktrace import Stack
from tocsin._pure.values import Renderer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# An event written by hand may be wide and deep where no databag is; the size guard has the last word.
_EVENT_DEPTH = 24
_EVENT_BREADTH = 10_000
_EVENT_BYTES = 8 * limits.EVENT_BYTES


class Capture:
    """All that is to be said of one event, with no object of the application's in it.

    `head` holds members of the event in JSON that belong to this capture alone, `fields` those of the scopes and
    `static` those of the client, each without braces and possibly empty. `stack` is put under `stack_key`:
    `"exception"`, or `"threads"` for the stack of a message. `breadcrumbs` are oldest first, of `breadcrumb_total`.
    """

    __slots__ = (
        "attachments",
        "breadcrumb_total",
        "breadcrumbs",
        "event_id",
        "fields",
        "head",
        "level",
        "stack",
        "stack_key",
        "static",
        "timestamp_s",
    )

    def __init__(
        self,
        event_id: str,
        timestamp_s: float,
        level: str,
        head: bytes,
        stack: Stack | None,
        stack_key: str,
        fields: bytes,
        static: bytes,
        breadcrumbs: list[Breadcrumb] | None,
        breadcrumb_total: int,
        attachments: tuple[object, ...],
    ) -> None:
        self.event_id = event_id
        self.timestamp_s = timestamp_s
        self.level = level
        self.head = head
        self.stack = stack
        self.stack_key = stack_key
        self.fields = fields
        self.static = static
        self.breadcrumbs = breadcrumbs
        self.breadcrumb_total = breadcrumb_total
        self.attachments = attachments

    @property
    def size_bytes(self) -> int:
        """About how much memory the capture holds, what it shares with others not counted."""
        size = 512 + len(self.head) + len(self.fields)
        if self.stack is not None:
            size += self.stack.size_bytes
        if self.breadcrumbs is not None:
            size += 8 * len(self.breadcrumbs)
        return size


def iso_time(timestamp_s: float) -> str:
    """Return a unix time as RFC 3339 in UTC with microseconds; a time outside years 1 to 9999 as the epoch."""
    if not -62135596800.0 <= timestamp_s < 253402300800.0:
        timestamp_s = 0.0
    micros = int(timestamp_s * 1_000_000.0)
    seconds, micros = divmod(micros, 1_000_000)
    now = gmtime(seconds)
    return (
        f"{now.tm_year:04d}-{now.tm_mon:02d}-{now.tm_mday:02d}"
        f"T{now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d}.{micros:06d}Z"
    )


def dumps(value: object) -> bytes:
    """Return any value as JSON: an event whose databags were rendered before, as `Fragment`s, or are small."""
    return Renderer(breadth=_EVENT_BREADTH).data(value, _EVENT_BYTES, _EVENT_DEPTH)


def render(capture: Capture) -> bytes:
    """Return the event of a capture as JSON."""
    out = [
        b'{"event_id":',
        json_string(capture.event_id),
        b',"timestamp":"%s","platform":"python","level":' % iso_time(capture.timestamp_s).encode(),
        json_string(capture.level),
    ]
    for members in (capture.head, capture.static, capture.fields):
        if members:
            out.append(b",")
            out.append(members)
    meta = []
    stack = capture.stack
    if stack is not None:
        out.append(b',"%s":{"values":[' % capture.stack_key.encode())
        for index, head in enumerate(stack.heads):
            if index:
                out.append(b",")
            out.append(b"{")
            out.append(head)
            frames = stack.frames[index]
            if frames:
                out.append(b',"stacktrace":{"frames":[' if head else b'"stacktrace":{"frames":[')
                _render_frames(out, frames)
                out.append(b"]}")
            out.append(b"}")
            if stack.totals[index] > len(frames) // 2:
                meta.append(b'"%d":{"stacktrace":{"frames":{"":{"len":%d}}}}' % (index, stack.totals[index]))
        out.append(b"]}")
        if meta:
            meta = [b'"%s":{"values":{%s}}' % (capture.stack_key.encode(), b",".join(meta))]
    crumbs = capture.breadcrumbs
    if crumbs:
        out.append(b',"breadcrumbs":{"values":[')
        for index, crumb in enumerate(crumbs):
            if index:
                out.append(b",")
            _render_breadcrumb(out, crumb)
        out.append(b"]}")
        if capture.breadcrumb_total > len(crumbs):
            meta.append(b'"breadcrumbs":{"":{"len":%d}}' % capture.breadcrumb_total)
    if meta:
        out.append(b',"_meta":{%s}' % b",".join(meta))
    out.append(b"}")
    return b"".join(out)


def _render_frames(out: list[bytes], frames: Sequence[object]) -> None:
    shown = len(frames) // 2
    for index in range(shown):
        site, variables = frames[2 * index], frames[2 * index + 1]
        out.append(b",{" if index else b"{")
        out.append(site.head)  # type: ignore[attr-defined]
        if site.line:  # type: ignore[attr-defined]
            out.append(b",")
            out.append(site.line)  # type: ignore[attr-defined]
            if index < limits.DETAILED_OUTER or index >= shown - limits.DETAILED_INNER:
                out.append(b",")
                out.append(site.around)  # type: ignore[attr-defined]
        if variables is not None:
            out.append(b',"vars":')
            out.append(variables)  # type: ignore[arg-type]
        out.append(b"}")


def _render_breadcrumb(out: list[bytes], crumb: Breadcrumb) -> None:
    timestamp_s, type_, category, level, message, data = crumb
    out.append(b'{"timestamp":"%s"' % iso_time(timestamp_s).encode())
    for key, text in ((b"type", type_), (b"category", category), (b"level", level), (b"message", message)):
        if text is not None:
            out.append(b',"%s":' % key)
            out.append(json_string(text))
    if data is not None:
        out.append(b',"data":')
        out.append(data)
    out.append(b"}")


__all__ = ["Capture", "Fragment", "dumps", "iso_time", "render"]
