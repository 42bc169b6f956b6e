"""Laws of walks: which frames of a stack are kept, in which order, and how many there were."""

from __future__ import annotations

import sys
from types import FrameType, TracebackType
from typing import Any

import pytest

from tocsin import limits

KEPT = limits.FRAMES_OUTER + limits.FRAMES_INNER
# Around every place where a walk begins to let go of frames.
DEPTHS = [1, 2, limits.FRAMES_OUTER, KEPT - 1, KEPT, KEPT + 1, KEPT + limits.FRAMES_INNER + 7, 2 * KEPT + 1]


def raised(depth: int) -> TracebackType:
    """The traceback of an error that many calls down, each frame's `depth` telling how many are below it."""

    def call(depth: int) -> None:
        if depth == 1:
            raise ValueError("the bottom")
        call(depth - 1)

    with pytest.raises(ValueError, match="the bottom") as caught:
        call(depth)
    trace: Any = caught.tb
    return trace.tb_next  # type: ignore[no-any-return]


def told(entries: list[tuple[FrameType, int, TracebackType | None]]) -> list[int]:
    return [frame.f_locals["depth"] for frame, _, _ in entries]


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_traceback_keeps_its_ends(backend: Any, depth: int) -> None:
    """The first and the last frames, in order, each with its own traceback and instruction."""
    entries, total = backend.walk.entries(raised(depth))
    every = list(range(depth, 0, -1))
    wanted = every if depth <= KEPT else every[: limits.FRAMES_OUTER] + every[-limits.FRAMES_INNER :]
    assert (told(entries), total) == (wanted, depth)
    for frame, lasti, trace in entries:
        assert trace.tb_frame is frame
        assert trace.tb_lasti == lasti


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_running_stack_keeps_its_ends(backend: Any, depth: int) -> None:
    """The same of frames that still run: outermost first, the one that was given last."""

    def call(depth: int) -> Any:
        return backend.walk.entries(None, sys._getframe()) if depth == 1 else call(depth - 1)

    entries, total = call(depth)
    mine = [entry for entry in entries if entry[0].f_code is call.__code__]
    assert len(entries) == min(total, KEPT)
    assert told(mine[-min(depth, limits.FRAMES_INNER) :]) == list(range(min(depth, limits.FRAMES_INNER), 0, -1))
    assert all(trace is None for _, _, trace in entries)
    assert all(isinstance(lasti, int) and lasti >= 0 for _, lasti, _ in entries)


@pytest.mark.parametrize("most", [1, 5, 40, KEPT, 10 * KEPT])
def test_a_completed_traceback_has_its_callers_before_it(backend: Any, most: int) -> None:
    """What lies below the outermost frame of a traceback comes first, and goes first where there is too much."""
    trace = raised(30)
    entries, total = backend.walk.entries(trace, None, most)
    below, count = backend.walk.entries(None, trace.tb_frame.f_back)
    own, _ = backend.walk.entries(trace)
    assert total == count + 30
    frames = [frame for frame, _, _ in below + own]
    assert [frame for frame, _, _ in entries] == frames[-min(most, KEPT) :]


def test_nothing_has_no_frames(backend: Any) -> None:
    """Without a traceback and without a frame there is nothing to walk."""
    assert backend.walk.entries() == ([], 0)


@pytest.mark.parametrize("arguments", [(5,), (None, 5), ("text", None, 3)], ids=repr)
def test_what_is_neither_is_a_type_error(backend: Any, arguments: tuple[Any, ...]) -> None:
    """A traceback and a frame are what they are: nothing else is taken for one."""
    with pytest.raises(TypeError, match="is needed, not"):
        backend.walk.entries(*arguments)
