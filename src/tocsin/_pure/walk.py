"""The first and the last frames of a traceback or of the running stack.

Called on the capturing thread. A stack of any depth is walked once, in memory that does not grow with it.
"""

from __future__ import annotations

from types import FrameType, TracebackType

from tocsin import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    # The frame, the instruction it is at, and its traceback if it is one of a traceback's.
    Entry = tuple[FrameType, int, TracebackType | None]


def entries(
    traceback: TracebackType | None = None, caller: FrameType | None = None, max_frames: int = 0
) -> tuple[list[Entry], int]:
    """Return (frame, instruction, traceback or None) of each frame kept, outermost first, and how many there were.

    The frames are those of `traceback`, or else those of the running stack from `caller` outwards: the first
    `limits.FRAMES_OUTER` and the last `limits.FRAMES_INNER`. With `max_frames` the frames below the outermost one of
    the traceback come before its own, and of too many the innermost are kept.
    """
    if traceback is None:
        return _of_running(caller)
    found, total = _of_traceback(traceback)
    if max_frames > 0:
        below, count = _of_running(traceback.tb_frame.f_back)
        found = (below + found)[-min(max_frames, limits.FRAMES_OUTER + limits.FRAMES_INNER) :]
        total += count
    return found, total


def _of_traceback(traceback: TracebackType | None) -> tuple[list[Entry], int]:
    """The first and the last frames of a traceback, and how many it has."""
    if traceback is not None and type(traceback) is not TracebackType:
        raise TypeError(f"a traceback is needed, not {type(traceback).__name__}")
    outer: list[TracebackType] = []
    inner: list[TracebackType] = []
    total = 0
    while traceback is not None:
        if total < limits.FRAMES_OUTER:
            outer.append(traceback)
        elif len(inner) < limits.FRAMES_INNER:
            inner.append(traceback)
        else:
            inner[(total - limits.FRAMES_OUTER) % limits.FRAMES_INNER] = traceback
        total += 1
        traceback = traceback.tb_next
    if total > limits.FRAMES_OUTER + limits.FRAMES_INNER:
        start = (total - limits.FRAMES_OUTER) % limits.FRAMES_INNER
        inner = inner[start:] + inner[:start]
    return [(one.tb_frame, one.tb_lasti, one) for one in outer + inner], total


def _of_running(frame: FrameType | None) -> tuple[list[Entry], int]:
    """The first and the last frames of the running stack below and with `frame`, outermost first, and their number."""
    if frame is not None and type(frame) is not FrameType:
        raise TypeError(f"a frame is needed, not {type(frame).__name__}")
    inner: list[FrameType] = []
    outer: list[FrameType] = []
    total = 0
    while frame is not None:
        if total < limits.FRAMES_INNER:
            inner.append(frame)
        elif len(outer) < limits.FRAMES_OUTER:
            outer.append(frame)
        else:
            outer[(total - limits.FRAMES_INNER) % limits.FRAMES_OUTER] = frame
        total += 1
        frame = frame.f_back
    if total > limits.FRAMES_OUTER + limits.FRAMES_INNER:
        start = (total - limits.FRAMES_INNER) % limits.FRAMES_OUTER
        outer = outer[start:] + outer[:start]
    return [(one, one.f_lasti, None) for one in reversed(inner + outer)], total
