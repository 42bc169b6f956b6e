"""Laws of a walk through frames: what it shows, and that the frames are as they were once it is done."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from support.twins import run_apart, strict_json, twins


def rendered(backend: Any, stack: Any) -> Any:
    """A stack as it stands in an event, read back."""
    made = backend.Capture("0" * 32, 1.0, "error", b"", stack, "exception", b"", b"", None, 0, ())
    return strict_json(backend.render(made))["exception"]["values"]


@pytest.fixture
def extractor(backend: Any) -> Any:
    return backend.StackExtractor(backend.Renderer(), None)


def test_names_that_exec_has_made_survive_a_capture(extractor: Any) -> None:
    """Up to 3.12 they live in the dict that reading a frame's locals fills: emptying it would lose them."""

    def function() -> object:
        exec("made = 1")
        before = "made" in locals()
        try:
            raise ValueError
        except ValueError as error:
            extractor.exception(error, None, "generic", True)
        return before, "made" in locals()

    before, after = function()  # type: ignore[misc]
    assert before == after


def test_locals_that_the_user_holds_are_left_alone(extractor: Any) -> None:
    """A dict from locals() keeps its content."""

    def function() -> object:
        first = 1
        held = locals()
        try:
            raise ValueError
        except ValueError as error:
            extractor.exception(error, None, "generic", True)
        assert first
        return held["first"], len(held)

    assert function()[0] == 1  # type: ignore[index]


@pytest.mark.parametrize("unset", [False, True], ids=["active", "unset on the way"])
@pytest.mark.parametrize("hook", ["settrace", "setprofile"])
def test_frames_under_a_debugger_keep_their_locals(backend: Any, hook: str, unset: bool) -> None:
    """A capture inside a trace or profile function corrupts no frame, though the interpreter writes locals back."""
    if backend.name == "pure" and hook == "setprofile" and unset and sys.version_info < (3, 13):
        pytest.skip("nothing tells Python code that it runs in a profile function which has unset itself")
    run_apart(
        backend,
        """
        import sys
        extractor = stacktrace.StackExtractor(values.Renderer(), None)
        hook, unset = getattr(sys, sys.argv[1]), sys.argv[2] == "True"
        seen = []
        def tracer(frame, event, argument):
            if frame.f_code.co_name == "victim" and len(frame.f_locals) == 2 and not seen:
                del frame
                seen.append(event)
                if unset:
                    hook(None)
                extractor.current(sys._getframe())
            return tracer
        def victim():
            first = 1
            second = [2]
            third = len(second)
            return first, second, third
        hook(tracer)
        result = victim()
        hook(None)
        assert seen and result == (1, [2], 1), (seen, result)
        """,
        hook,
        str(unset),
    )


def test_a_relative_path_needs_no_working_directory(backend: Any, extractor: Any, tmp_path: Path) -> None:
    """Code of a relative file name fails as any other after its working directory has gone."""
    before = os.getcwd()
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        exec(compile("raise ValueError('text')", "relative.py", "exec"), {})
    except ValueError as error:
        stack = extractor.exception(error, None, "generic", True)
    finally:
        os.chdir(before)
    frame = rendered(backend, stack)[0]["stacktrace"]["frames"][-1]
    assert frame["filename"].endswith("relative.py")
    assert frame["lineno"] == 1


@pytest.mark.parametrize("what", ["'text'", "ValueError", "None", "5"])
def test_what_is_no_exception_is_a_type_error(backend: Any, what: str) -> None:
    """Misuse from inside the package is an error like any other, never a crash."""
    run_apart(
        backend,
        f"""
        try:
            stacktrace.StackExtractor(values.Renderer(), None).exception({what}, None, "generic", True)
        except TypeError:
            raise SystemExit(0)
        raise SystemExit("no TypeError")
        """,
    )


@pytest.mark.parametrize("what", ["text", 5, object()])
def test_what_is_no_traceback_or_frame_is_a_type_error(extractor: Any, what: object) -> None:
    """Also in place of a traceback or a frame."""
    for call in (
        lambda: extractor.exception(ValueError(), what, "generic", True),
        lambda: extractor.exception(ValueError(), None, "generic", True, what),
        lambda: extractor.traceback(what),
        lambda: extractor.current(what),
    ):
        with pytest.raises(TypeError):
            call()


def bottom(depth: int) -> BaseException:
    """The error from a function that calls itself so many times."""

    def recurse(level: int) -> None:
        if level == 0:
            raise ValueError("bottom")
        recurse(level - 1)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 1000)
    try:
        recurse(depth)
    except ValueError as error:
        return error
    finally:
        sys.setrecursionlimit(limit)
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("depth", [0, 1, 49, 50, 51, 249, 250, 251, 300, 5000])
def test_of_a_deep_stack_both_ends_and_the_length_are_kept(depth: int) -> None:
    """Outermost first: the first 50 and the last 200 frames; locals on 25 at either end; the same bytes in both."""

    error = bottom(depth)
    found = []
    for stacktrace, values in zip(twins("stacktrace"), twins("values"), strict=True):
        stack = stacktrace.StackExtractor(values.Renderer(), None).exception(error, None, "generic", True)
        heads = [site.head for site in stack.frames[0][::2]]
        found.append((stack.heads, heads, stack.frames[0][1::2], stack.totals))
    assert found[0] == found[1]
    _, _, variables, totals = found[0]
    assert totals == [depth + 2]
    shown = [strict_json(each)["level"] if each else None for each in variables[1:]]
    levels: list[str | None] = [str(level) for level in range(depth, -1, -1)]
    if depth + 2 > 250:
        levels = levels[:49] + levels[-200:]
    if len(levels) + 1 > 50:
        levels[24:-25] = [None] * (len(levels) - 49)
    assert shown == levels
