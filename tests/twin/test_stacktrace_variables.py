"""Laws of reading a frame's variables: both twins show the same of a frame in any state, and change nothing of it."""

from __future__ import annotations

import gc
import sys
import threading
import types
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from support.twins import run_apart, strict_json, twins

Look = Callable[[types.FrameType | None], Any]


def variables(frame: types.FrameType | None, **options: Any) -> Any:
    """What both twins say of a frame's variables, read back."""
    assert frame is not None
    found = []
    for stacktrace, values in [*zip(twins("stacktrace"), twins("values"), strict=True)] * 2:
        extractor = stacktrace.StackExtractor(values.Renderer(**options), None)
        found.append(extractor.current(frame).frames[0][-1])
    assert found == [found[0]] * 4
    return None if found[0] is None else strict_json(found[0])


def here() -> types.FrameType:
    return sys._getframe(1)


def used(*_: object) -> None:
    """Uses variables as an assert would, without those that pytest puts beside it."""


def inner_frame(call: Callable[[], object]) -> types.FrameType:
    """The innermost frame of the error that a call raises."""
    try:
        call()
    except Exception as error:
        trace: Any = error.__traceback__
        while trace.tb_next is not None:
            trace = trace.tb_next
        return trace.tb_frame  # type: ignore[no-any-return]
    raise AssertionError("nothing was raised")


def made(source: str, name: str = "made", **names: object) -> Any:
    """What a name stands for after source was run."""
    space: dict[str, Any] = {"__name__": "made", **names}
    exec(compile(source, "<made>", "exec"), space)
    return space[name]


def test_cells_and_what_is_free_are_shown_by_value() -> None:
    """An argument that is a cell at its own place; those unset or deleted are absent."""

    def outer(free: int) -> Any:
        def function(argument: int, plain: int, gone: int, *rest: int, key: int = 6, **more: int) -> Any:
            cell = 4
            del gone
            used(lambda: (argument, cell, free, later, rest))
            seen = [variables(here())]
            later = 7
            return [*seen, variables(here())]

        return function(1, 2, 3, 5, more=8)

    before, after = outer(9)
    shown = {"argument": "1", "plain": "2", "rest": ["5"], "key": "6", "more": {"more": "8"}, "cell": "4", "free": "9"}
    assert before == shown
    assert after == {**shown, "later": "7", "seen": after["seen"]}


def test_variables_stand_in_the_order_of_the_code() -> None:
    """Arguments first, then locals as they are met, cells of their own, and what is free."""

    def outer() -> types.FrameType:
        free = 1

        def function(second: int, first: int) -> types.FrameType:
            plain = 2
            cell = [lambda: (cell, first, free)]
            used(plain)
            return here()

        return function(3, 4)

    frame = outer()
    assert list(variables(frame)) == ["second", "first", "plain", "cell", "free"]


def test_a_cell_that_is_itself_a_value_is_shown_as_such() -> None:
    """Given as an argument that is a cell too, or kept in a local, it is not looked through."""

    def function(given: object, kept: object) -> types.FrameType:
        used(lambda: given)
        return here()

    cell = types.CellType(5)
    assert variables(function(cell, cell)) == {"given": "<cell>", "kept": "<cell>"}


def test_a_method_shows_the_class_it_knows() -> None:
    """`__class__` is free in a method that uses super()."""

    class Kind:
        def method(self) -> types.FrameType:
            super().__init__()
            return here()

    found = variables(Kind().method())
    assert list(found) == ["self", "__class__"]


def test_generators_in_every_state_are_shown_alike() -> None:
    """Not begun, suspended, running, delegating, finished, closed; also when only the frame is left."""

    def inner(frames: list[Any]) -> Iterator[int]:
        number = 1
        frames.append(variables(here()))
        yield number
        number = 2
        yield number

    def outer(argument: list[Any]) -> Iterator[int]:
        cell = "text"
        used(lambda: (cell, argument))
        yield from inner(argument)
        last = 3
        yield last

    frames: list[Any] = []
    generator: Any = outer(frames)
    frame = generator.gi_frame
    assert list(variables(frame)) == ["argument", "inner"]
    next(generator)
    assert frames[0]["number"] == "1"
    assert variables(frame)["cell"] == "'text'"
    assert variables(generator.gi_yieldfrom.gi_frame)["number"] == "1"
    inside = generator.gi_yieldfrom.gi_frame
    next(generator)
    assert next(generator) == 3
    variables(inside)
    assert variables(frame)["last"] == "3"
    if sys.version_info[:2] != (3, 13):  # asked for the locals of such a frame, its early releases crash
        generator.close()
        variables(frame)
        del generator
        gc.collect()
        variables(frame)


def test_coroutines_in_every_state_are_shown_alike() -> None:
    """And async generators."""

    class Wait:
        def __await__(self) -> Iterator[int]:
            value = "waits"
            yield 1
            used(value)

    async def steps(first: int) -> AsyncIterator[int]:
        step = first
        await Wait()
        yield step

    async def outer(argument: int) -> int:
        before = [lambda: argument]
        async for step in steps(argument):
            before.append(lambda: step)  # noqa: B023
        raise ValueError("the last")

    coroutine: Any = outer(5)
    frame = coroutine.cr_frame
    assert list(variables(frame)) == ["argument", "steps"]
    coroutine.send(None)
    assert list(variables(frame)) == ["argument", "before", "steps"]
    variables(coroutine.cr_await.ag_frame if hasattr(coroutine.cr_await, "ag_frame") else frame)
    with pytest.raises(ValueError, match="the last"):
        coroutine.send(None)
    assert variables(frame)["step"] == "5"
    frame.clear()
    assert variables(frame) is None


def test_a_frame_that_was_cleared_shows_nothing() -> None:
    """Its variables are no more; nor are the cells of its closure."""

    def outer(free: int) -> types.FrameType:
        def function(argument: int) -> None:
            local = argument
            raise ValueError(lambda: (local, free))

        return inner_frame(lambda: function(1))

    frame = outer(2)
    assert variables(frame) == {"argument": "1", "local": "1", "free": "2"}
    frame.clear()
    assert variables(frame) in (None, {"free": "2"})


def test_running_frames_are_shown_as_they_are_now() -> None:
    """From a frame further in, while they run; a later look sees the later values."""

    def outer(argument: int) -> list[Any]:
        def look() -> Any:
            return variables(sys._getframe(1))

        seen = [look()]
        argument += 1
        cell = [argument]
        seen.append(look())
        cell.append(len(seen))
        used(lambda: cell)
        seen.append(look())
        for each in seen:
            each.pop("seen", None)
            each.pop("look")
        return seen

    assert outer(1) == [{"argument": "1"}, {"argument": "2", "cell": ["2"]}, {"argument": "2", "cell": ["2", "2"]}]


@pytest.mark.parametrize(
    "source",
    [
        "[1 // number for number in [0] if (kept := number) == 0]",
        "[[1 // (x - y) for y in [x]] for x in [1]]",
        "[(lambda: x, 1 // x) for x in [0]]",
        "{x: 1 // x for x in [argument]}",
        "{(lambda: (x, argument), 1 // x) for x in [0]}",
        "list(1 // x for x in [argument])",
        "[x for x in [1, 2]], 1 // argument",
        "[(lambda: x) for x in [1]], (lambda: [y for y in [argument] if 1 // y])()",
        "[argument for argument in [0] if 1 // argument]",
        "(lambda argument: [(lambda: argument) for argument in [0] if 1 // argument])(argument)",
    ],
)
def test_comprehensions_are_shown_alike(source: str) -> None:
    """With a frame of their own, or inlined from 3.12 on; with cells; in functions, modules and class bodies."""
    frame: Any = inner_frame(lambda: made(f"def made(argument):\n  before = [argument]\n  {source}")(0))
    while frame is not None and frame.f_code.co_filename == "<made>":
        variables(frame)
        frame = frame.f_back
    variables(inner_frame(lambda: made(f"argument = 0\n{source}")))
    variables(inner_frame(lambda: made(f"argument = 0\nclass Body:\n  value = argument\n  {source}")))
    variables(inner_frame(lambda: made(f"def made(argument):\n  class Body:\n    argument\n    {source}")(0)))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with 3.12")
def test_type_parameters_are_shown_alike() -> None:
    """In a generic function, and in the scope that makes it."""
    variables(inner_frame(lambda: made("def made[T](argument: T):\n  T\n  return 1 // argument")(0)))
    variables(inner_frame(lambda: made("def made[T](argument=1 // 0): ...")))
    variables(inner_frame(lambda: made("def made():\n  class Body[T]:\n    value = 1 // 0\n")()))


def test_names_that_are_no_variables_of_the_code_are_not_shown() -> None:
    """What somebody has put into the dict of the locals, by exec or by hand, is not the frame's own."""

    def function() -> types.FrameType:
        first = 1
        exec("other = 2")
        locals()["another"] = 3
        sys._getframe().f_locals["yet another"] = first
        return here()

    assert variables(function()) == {"first": "1"}


def test_a_dict_of_locals_that_the_user_holds_keeps_its_names(backend: Any) -> None:
    """It has what it had, those that are no variables too, after a look."""

    def function(argument: int) -> Any:
        held = locals()
        held["other"] = argument
        before = dict(held)
        backend.StackExtractor(backend.Renderer(), None).current(here())
        return before, {name: value for name, value in held.items() if name in before}

    before, after = function(1)
    assert before == after
    assert (after["argument"], after["other"]) == (1, 1)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 300])
@pytest.mark.parametrize("width", [1, 500])
def test_many_and_wide_variables_are_cut_alike(count: int, width: int) -> None:
    """The first of them, and each has its share."""
    names = [f"name{number}" for number in range(count)]
    lines = [f"  {name} = 'x' * {width}" for name in names]
    found = variables(made("\n".join(["def made():", *lines, "  return here()"]), here=here)())
    assert list(found or ()) == names[: len(found or ())]
    assert len(found or ()) <= 64


ODD_NAMES = ["a", "\u00e4", "x" * 200, "x" * 129 + "y", "two words", 'quo"te', "back\\slash", "new\nline", "\ud800", ""]


@pytest.mark.parametrize("secret", [True, False])
@pytest.mark.parametrize("names", [("a", "b"), ("a", "a"), *((name, "b") for name in ODD_NAMES), tuple(ODD_NAMES[:2])])
def test_odd_names_are_shown_alike(names: tuple[str, str], secret: bool) -> None:
    """Code may have been made by hand, with any texts for names; a secret is hidden under each."""

    def function() -> types.FrameType:
        first = 1
        second = first
        return second and here()  # type: ignore[return-value]

    odd = types.FunctionType(function.__code__.replace(co_varnames=names), globals())
    found = variables(odd(), is_secret=lambda name: name == names[0] and secret)
    assert (found[names[0]] == "[Filtered]") is secret if names[0] in ("a", "\u00e4") else found


def test_a_look_from_within_a_look_is_whole(backend: Any) -> None:
    """A user's renderer may clear the frame, or let it run on: what was there when it was called is shown."""
    run_apart(
        backend,
        """
        import gc, sys
        class Odd: pass
        def generator():
            one, two, three = Odd(), [Odd(), "text" * 100], {"k": Odd()}
            cell = [Odd(), lambda: (cell, two)]
            yield
            one = two = three = None
            cell = [object() for _ in range(100)]
            yield
        def looked(act):
            running = generator()
            next(running)
            frame = running.gi_frame
            done = []
            def represent(value):
                if not done:
                    done.append(1)
                    act(running)
                    gc.collect()
                    [[object()] * 9 for _ in range(1000)]
                return None
            text = stacktrace.StackExtractor(values.Renderer(None, represent), None).current(frame).frames[0][-1]
            assert done
            return text
        plain = looked(id)
        assert b"Odd" in plain and b"text" in plain
        for act in (next, lambda running: running.close(), lambda running: running.gi_frame.clear(),
                    lambda running: running.gi_frame.f_locals):
            assert looked(act) == plain, (looked(act), plain)
        """,
    )


def test_no_dict_of_locals_is_left_behind(backend: Any) -> None:
    """Through one a frame, and an error in it, would keep itself alive until the next collection."""

    def function() -> list[int]:
        class Held:
            def __del__(self) -> None:
                gone.append(1)

        gone: list[int] = []
        try:
            held = Held()
            raise ValueError(held)
        except ValueError as error:
            backend.StackExtractor(backend.Renderer(), None).exception(error, None, "generic", True)
        del held
        return gone

    gc.disable()
    try:
        assert function() == [1]
    finally:
        gc.enable()


def raised_with(first: object, second: object) -> Exception:
    try:
        raise ValueError
    except ValueError as error:
        return error


def test_two_threads_meet_a_place_for_the_first_time(backend: Any) -> None:
    """Each makes the names of the variables for itself: those of the one are not let go of while it writes."""
    one_looks, other_writes, one_is_done = threading.Event(), threading.Event(), threading.Event()
    kept: list[bytes] = []

    def is_secret(key: str) -> bool:
        if key == "second" and threading.current_thread().name == "one":
            one_looks.set()
            assert other_writes.wait(20)
        return False

    def represent(value: object) -> None:
        if threading.current_thread().name == "other":
            other_writes.set()
            assert one_is_done.wait(20)
            # Over memory that was let go of, if any was.
            kept.extend(bytes([number % 256]) * size for size in range(5, 16) for number in range(256))

    extractor = backend.StackExtractor(backend.Renderer(is_secret, represent), None)
    found: dict[str, Any] = {}

    def extract(name: str) -> None:
        if name == "other":
            assert one_looks.wait(20)
        error = raised_with(object(), 2)
        found[name] = extractor.exception(error, error.__traceback__, "generic", True).frames[0][-1]
        if name == "one":
            one_is_done.set()

    workers = [threading.Thread(target=extract, args=(name,), name=name) for name in ("one", "other")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert strict_json(found["other"])["second"] == "2"
    assert found["one"] == found["other"]
