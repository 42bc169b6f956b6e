"""Nothing of the application's is alive because of a capture once it has returned, and no memory grows."""

from __future__ import annotations

import asyncio
import builtins
import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from faults.hostile import BROKEN
from support.concurrency import grown_blocks

KINDS = sorted(
    (
        kind
        for kind in vars(builtins).values()
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        and not issubclass(kind, (Warning, UnicodeError))
        and "Group" not in kind.__name__
    ),
    key=lambda kind: kind.__name__,
)
KINDS += [asyncio.CancelledError, SystemExit, KeyboardInterrupt, GeneratorExit, UnicodeWarning]


class Local:
    """Something that a weakref can watch."""


class Stubborn(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise LookupError(self)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What dies, dies by its reference count alone."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def capture(backend: Any, error: BaseException, extractor: Any = None) -> bytes:
    """All that the capturing thread and the worker do with an error."""
    if extractor is None:
        extractor = backend.StackExtractor(backend.Renderer(), None)
    stack = extractor.exception(error, None, "generic", True)
    made = backend.Capture("0" * 32, 1.0, "error", b"", stack, "exception", b"", b"", None, 0, ())
    return backend.render(made)  # type: ignore[no-any-return]


def watched(kind: type[BaseException], use: Callable[[BaseException], object]) -> list[weakref.ref[Any]]:
    """Raise through two frames that hold watched locals, and give the error away."""
    references = []

    def inner() -> None:
        held = Local()
        references.append(weakref.ref(held))
        raise kind("text")

    def outer() -> None:
        held = Local()
        kept = [held, {"held": held}]
        references.append(weakref.ref(held))
        try:
            inner()
        except BaseException as error:
            use(error)
        assert kept

    outer()
    return references  # builtin errors and frames cannot be watched, but whatever keeps them keeps their locals


def alive(references: list[weakref.ref[Any]]) -> int:
    return sum(reference() is not None for reference in references)


@pytest.mark.usefixtures("no_collector")
def test_the_detector_of_pinned_objects_works() -> None:
    """An error that is kept, and one in a cycle with its frame, are seen."""
    kept: list[object] = []
    assert alive(watched(ValueError, kept.append)) == 2
    assert alive(watched(ValueError, lambda error: error.__dict__.update(me=error))) == 2
    assert alive(watched(ValueError, lambda error: None)) == 0


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("kind", [*KINDS, Stubborn], ids=lambda kind: kind.__name__)
def test_nothing_is_pinned(backend: Any, kind: type[BaseException]) -> None:
    """Error, frames and locals are dead as soon as the except block ends."""
    assert alive(watched(kind, lambda error: capture(backend, error))) == 0


@pytest.mark.usefixtures("no_collector")
def test_nothing_is_pinned_with_the_callers_frames(backend: Any) -> None:
    """The same for full and running stacks, and for an error that was never raised."""
    extractor = backend.StackExtractor(backend.Renderer(), None)
    here = sys._getframe()

    def full(error: BaseException) -> None:
        extractor.exception(error, None, "generic", True, None, True)

    def running(error: BaseException) -> None:
        extractor.current(sys._getframe())
        extractor.exception(ValueError("new"), None, "generic", True, sys._getframe())
        extractor.traceback(error.__traceback__)

    for use in (full, running):
        assert alive(watched(ValueError, use)) == 0
    assert here is sys._getframe()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN.keys())
def test_nothing_is_pinned_by_a_local_that_cannot_be_shown(backend: Any, make: Callable[[], object]) -> None:
    """Whether or not the capture succeeds."""

    def use(error: BaseException) -> None:
        broken = make()
        try:
            raise KeyError("another") from error
        except KeyError as another:
            try:
                capture(backend, another)
            except Exception:
                assert broken is not use

    assert alive(watched(ValueError, use)) == 0


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("fails", ["is_secret", "represent", "classify"])
def test_nothing_is_pinned_where_a_callback_fails(backend: Any, fails: str) -> None:
    """An error of a user's function leaves nothing behind, whether it is swallowed or comes out."""

    def failing(*_: object) -> Any:
        raise LookupError("failing")

    calls = {fails: failing}
    renderer = backend.Renderer(calls.get("is_secret"), calls.get("represent"))
    extractor = backend.StackExtractor(renderer, calls.get("classify"))

    def use(error: BaseException) -> None:
        try:
            capture(backend, error, extractor)
        except LookupError:
            assert fails != "represent"

    assert alive(watched(ValueError, use)) == 0


def chained() -> BaseException:
    try:
        try:
            raise OSError(5, "inner")
        except OSError as error:
            raise ValueError("outer") from error
    except ValueError as error:
        error.__notes__ = ["a note"]
        return error
    raise AssertionError


def garbage(cycle: Callable[[], object], cycles: int = 1000) -> int:
    """How many objects only the collector could free after so many calls."""
    cycle()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(cycles):
            cycle()
        gc.collect()
        return len(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.collect()


def test_captures_make_no_cycles(backend: Any) -> None:
    """A thousand captures leave nothing to the collector, chains, failures and new code included."""

    def ring() -> None:
        one: list[object] = []
        one.append(one)

    assert garbage(ring) >= 1000
    extractor = backend.StackExtractor(backend.Renderer(), None)

    def cycle() -> None:
        try:
            raise Stubborn
        except Stubborn as error:
            capture(backend, error, extractor)
        try:
            exec("local = [1, 2]\nraise KeyError('text')", {})
        except KeyError as error:
            capture(backend, error, extractor)

    assert garbage(cycle) == 0


def test_captures_leave_no_memory_behind(backend: Any) -> None:
    """Ten thousand captures allocate no block that stays, and neither do those that fail."""
    kept: list[object] = []
    assert grown_blocks(lambda: kept.append(object()), 1000) >= 1000
    extractor = backend.StackExtractor(backend.Renderer(), None)
    error = chained()
    stubborn = Stubborn()

    def failing(*_: object) -> Any:
        raise LookupError("failing")

    refusing = backend.StackExtractor(backend.Renderer(failing), None)

    def cycle() -> None:
        capture(backend, error, extractor)

    def fail() -> None:
        capture(backend, stubborn, extractor)
        try:
            capture(backend, error, refusing)
        except LookupError:
            return

    assert grown_blocks(cycle, 3000) <= 20
    assert grown_blocks(fail, 1000) <= 20


def test_new_code_leaves_no_memory_behind(backend: Any) -> None:
    """Code that is compiled, fails and dies takes its sites with it."""
    extractor = backend.StackExtractor(backend.Renderer(), None)

    def cycle() -> None:
        try:
            exec(compile("raise ValueError", "<new>", "exec"), {})
        except ValueError as error:
            capture(backend, error, extractor)

    for _ in range(50):  # an interpreter that adapts its instructions may note a caller's at two places
        cycle()
    count = extractor.site_count
    assert grown_blocks(cycle, 1000) <= 50
    assert extractor.site_count == count


def test_breadcrumbs_and_values_leave_no_memory_behind(backend: Any) -> None:
    """The ring keeps what it holds, a renderer nothing."""
    ring = backend.BreadcrumbRing(10)
    renderer = backend.Renderer(lambda key: key == "password")

    def cycle() -> None:
        ring.add(1.0, "type", "category", "info", "message" * 9, {"key": [1, 2.5, object()]})
        ring.snapshot()
        ring.copy().clear()
        renderer.data({"a": [{"b": {1, 2}}], 5: object(), "password": 1}, 500, 5)

    for _ in range(20):
        cycle()
    assert grown_blocks(cycle, 3000) <= 20
