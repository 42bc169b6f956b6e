"""Laws of the frames of every kind: whose locals are shown, how many there are, and what they cost."""

from __future__ import annotations

import asyncio
import collections
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.concurrency import threads
from support.twins import run_apart, strict_json, twins
from tocsin import limits


def caught(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def frames_of(backend: Any, error: BaseException, **options: Any) -> list[tuple[str, Any]]:
    """Of each frame its function and its locals, read back."""
    extractor = backend.StackExtractor(backend.Renderer(), None)
    stack = extractor.exception(error, None, "generic", True, **options)
    return shown(stack.frames[-1])


def shown(frames: list[Any]) -> list[tuple[str, Any]]:
    return [
        (site.function, None if names is None else strict_json(names))
        for site, names in zip(frames[::2], frames[1::2], strict=True)
    ]


def made(source: str, space: Any = None, **names: object) -> BaseException:
    """The error from source that is run as a module's is."""
    return caught(lambda: exec(compile(source, "<made>", "exec"), {"__name__": "made", **names}, space))


def test_a_function_shows_its_locals_in_order(backend: Any) -> None:
    """Parameters, then the others; cells and what is free in it too; those unset are absent."""

    def outer(free: int) -> None:
        def function(first: int, *rest: int, key: str = "k", **more: int) -> None:
            local = first
            del key
            held = [lambda: (local, free, later)]
            raise ValueError(held)
            later = 5

        function(1, 2, 3, m=4)

    *_, (name, names) = frames_of(backend, caught(lambda: outer(9)))
    assert name == "function"
    held = names.pop("held")
    assert len(held) == 1
    assert names == {"first": "1", "rest": ["2", "3"], "more": {"m": "4"}, "local": "1", "free": "9"}


def test_a_generator_shows_its_locals(backend: Any) -> None:
    """Of itself, and of the one that it delegates to."""

    def inner() -> Iterator[int]:
        deep = "inner"
        yield 1
        raise ValueError(deep)

    def outer() -> Iterator[int]:
        at = "outer"
        yield from inner()
        assert at

    error = caught(lambda: list(outer()))
    assert frames_of(backend, error)[-2:] == [
        ("outer", {"at": "'outer'", "inner": f"<function {inner.__module__}.{inner.__qualname__}>"}),
        ("inner", {"deep": "'inner'"}),
    ]


def test_a_coroutine_shows_its_locals(backend: Any) -> None:
    """Through awaits, async generators and tasks."""

    async def steps() -> Any:
        step = 1
        yield step
        raise ValueError

    async def inner() -> None:
        seen = []
        async for step in steps():
            seen.append(step)

    async def outer() -> None:
        name = "outer"
        await asyncio.gather(inner())
        assert name

    found = dict(frames_of(backend, caught(lambda: asyncio.run(outer()))))
    assert found["steps"] == {"step": "1"}
    assert (found["inner"]["seen"], found["inner"]["step"]) == (["1"], "1")
    assert found["outer"]["name"] == "'outer'"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="comprehensions have no frame of their own from 3.12 on")
def test_a_comprehension_shows_its_variable(backend: Any) -> None:
    """Its iterator has no name that a program could have given."""
    name, names = frames_of(backend, caught(lambda: [1 // number for number in [0]]))[-1]
    assert name == "<listcomp>"
    assert names["number"] == "0"


def test_a_module_shows_its_data(backend: Any) -> None:
    """No names of the interpreter's, and no functions, classes or modules."""
    error = made("import sys\ndef function(): ...\nclass Kind: ...\nvalue = [1]\ntext = 'x'\nraise ValueError")
    name, names = frames_of(backend, error)[-1]
    assert name == "<module>"
    assert names == {"value": ["1"], "text": "'x'"}
    assert frames_of(backend, made("raise ValueError"))[-1] == ("<module>", None)


def test_a_class_body_shows_its_data(backend: Any) -> None:
    """As a module does."""
    error = made("class Body:\n  value = 1\n  def method(self): ...\n  raise ValueError")
    assert frames_of(backend, error)[-1] == ("Body", {"value": "1"})


class NoDict(collections.abc.MutableMapping):  # type: ignore[type-arg]
    """A namespace that is no dict, and says what is called of it once it is armed."""

    armed = False

    def __init__(self) -> None:
        self.names: dict[str, object] = {}

    def _called(self, *_: object) -> Any:
        assert not self.armed, "a namespace of the user's was asked"
        raise KeyError

    def __getitem__(self, name: str) -> object:
        return self.names[name] if not self.armed else self._called()

    def __setitem__(self, name: str, value: object) -> None:
        self.names[name] = value

    __delitem__ = __iter__ = __len__ = keys = items = _called  # type: ignore[assignment]


def test_an_odd_namespace_of_a_class_body_is_not_asked(backend: Any) -> None:
    """One that is no dict shows no names; one of a dict's type is read as a dict."""
    space = NoDict()
    meta = type("Meta", (type,), {"__prepare__": lambda *_: space})
    error = made("class Body(metaclass=meta):\n  value = 1\n  raise ValueError", meta=meta)
    space.armed = True
    assert frames_of(backend, error)[-1] == ("Body", None)

    class Dict(dict):  # type: ignore[type-arg]
        __iter__ = keys = items = copy = NoDict._called

    Dict.armed = True  # type: ignore[attr-defined]
    meta = type("Meta", (type,), {"__prepare__": lambda *_: Dict(before=0)})
    error = made("class Body(metaclass=meta):\n  value = 1\n  raise ValueError", meta=meta)
    assert frames_of(backend, error)[-1] == ("Body", {"before": "0", "value": "1"})


@pytest.mark.parametrize("space", [dict, NoDict])
def test_the_namespaces_of_an_exec_are_as_they_were(backend: Any, space: Callable[[], Any]) -> None:
    """Names that live nowhere else survive a capture."""
    given = space()
    error = made("value = 1\nraise ValueError", given)
    before = dict(getattr(given, "names", given))
    frames_of(backend, error)
    assert dict(getattr(given, "names", given)) == before
    assert before["value"] == 1


def alone(call: Callable[[], Any]) -> Any:
    """What a call returns on a thread of its own: below it are no frames that hide themselves, as pytest's do."""
    answers: list[Any] = []
    with threads(lambda: answers.append(call())):
        pass
    return answers[0]


def calling(depth: int, call: Callable[[], object]) -> object:
    return call() if depth == 0 else calling(depth - 1, call)


def test_a_full_stack_has_the_callers_before_the_traceback(backend: Any) -> None:
    """Outermost first, without a gap; the frame that caught it once."""
    extractor = backend.StackExtractor(None, None)

    def capture() -> Any:
        try:
            calling(3, lambda: int("text"))
        except ValueError as error:
            short = extractor.exception(error, None, "generic", True)
            return short, extractor.exception(error, None, "generic", True, None, True)

    short, full = alone(lambda: calling(2, capture))
    names = [site.function for site in short.sites()]
    assert names == ["capture", "calling", "calling", "calling", "calling", "<lambda>"]
    whole = [site.function for site in full.sites()]
    assert whole[-len(names) - 4 :] == ["<lambda>", "calling", "calling", "calling", *names]
    assert whole[0] == "_bootstrap"
    assert full.totals[0] == len(whole)


@pytest.mark.parametrize("most", [1, 5, 40])
def test_a_full_stack_keeps_the_innermost(backend: Any, most: int) -> None:
    """So many frames as asked for; the length tells how many there were."""
    whole = backend.StackExtractor(None, None)
    few = backend.StackExtractor(None, None, most)

    def capture() -> Any:
        try:
            calling(20, lambda: int("text"))
        except ValueError as error:
            return [each.exception(error, None, "generic", True, None, True) for each in (whole, few)]

    stacks = alone(lambda: calling(30, capture))
    names = [[(site.function, site.lineno) for site in stack.sites()] for stack in stacks]
    assert names[1] == names[0][-most:]
    assert stacks[0].totals == stacks[1].totals


@pytest.mark.parametrize("depth", [0, 10, 100, 240, 260, 400])
def test_a_running_stack_is_the_same_in_both(depth: int) -> None:
    """From the caller outwards; too long a one has both ends; the twins see the same frames."""

    extractors = [
        stacktrace.StackExtractor(values.Renderer(), None)
        for stacktrace, values in zip(twins("stacktrace"), twins("values"), strict=True)
    ]

    def capture() -> Any:
        # No local of this frame tells the twins apart: from 3.12 on a comprehension's variables are locals as well.
        return list(map(lambda make, here: make(here, b'"id":1'), makers, [sys._getframe()] * 2))

    makers = [extractor.current for extractor in extractors]

    core, pure = alone(lambda: calling(depth, capture))
    heads = [[site.head for site in stack.sites()] for stack in (core, pure)]
    assert heads[0] == heads[1]
    assert core.frames[0][1::2] == pure.frames[0][1::2]
    assert (core.totals, core.heads) == (pure.totals, [b'"id":1'])
    names = [site.function for site in core.sites()]
    assert names[-1] == "capture"
    assert names[-2 - min(depth, 190) : -1] == ["calling"] * (1 + min(depth, 190))
    assert len(names) == min(core.totals[0], limits.FRAMES_OUTER + limits.FRAMES_INNER)


def test_an_error_without_frames_has_the_callers(backend: Any) -> None:
    """Those of the call site, and says that they are not its own; its own are preferred."""
    extractor = backend.StackExtractor(None, None)
    stack = extractor.exception(ValueError("new"), None, "generic", True, sys._getframe())
    assert stack.sites()[-1].function == sys._getframe().f_code.co_name
    assert strict_json(b"{" + stack.heads[0] + b"}")["mechanism"]["synthetic"] is True
    error = caught(lambda: int("text"))
    stack = extractor.exception(error, None, "generic", True, sys._getframe())
    assert "synthetic" not in strict_json(b"{" + stack.heads[0] + b"}")["mechanism"]
    assert [site.function for site in stack.sites()] == ["caught", "<lambda>"]


def test_a_traceback_that_was_cut_is_shown_from_there(backend: Any) -> None:
    """`tb_next` is what counts, not who called whom."""
    error = caught(lambda: calling(5, lambda: int("text")))
    trace: Any = error.__traceback__.tb_next.tb_next  # type: ignore[union-attr]
    extractor = backend.StackExtractor(None, None)
    stack = extractor.traceback(trace, b'"type":"E"')
    assert [site.function for site in stack.sites()] == ["calling"] * 6 + ["<lambda>"]
    assert stack.heads == [b'"type":"E"']
    assert extractor.traceback(None).frames == [[]]
    assert stack.totals == [7]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="before 3.11 each call of a function takes C stack")
def test_a_recursion_of_100_000_frames_is_captured(backend: Any) -> None:
    """Its ends and its length; the walk takes no stack of its own."""
    run_apart(
        backend,
        """
        import sys
        def recurse(level):
            if level == 0:
                raise ValueError("bottom")
            recurse(level - 1)
        sys.setrecursionlimit(1_000_000)
        try:
            recurse(100_000)
        except ValueError as error:
            extractor = stacktrace.StackExtractor(values.Renderer(), None)
            stack = extractor.exception(error, None, "generic", True)
            assert stack.totals == [100_002], stack.totals
            assert len(stack.frames[0]) == 500
            stack = extractor.exception(error, None, "generic", True, None, True)
            assert stack.totals == [100_002], stack.totals
        def running(level):
            return extractor.current(sys._getframe()) if level == 0 else running(level - 1)
        assert running(100_000).totals == [100_002]
        """,
    )


def seconds(call: Callable[[], object], times: int = 5) -> float:
    """The least that a call has taken."""
    least = 1e9
    for _ in range(times):
        start = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - start)
    return least


def bottom(depth: int) -> BaseException:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 1000)
    try:
        return caught(lambda: calling(depth, lambda: int("text")))
    finally:
        sys.setrecursionlimit(limit)


def test_a_frame_that_is_left_out_costs_less_than_one_that_is_shown(backend: Any) -> None:
    """A deep recursion is walked, not rendered."""
    extractor = backend.StackExtractor(backend.Renderer(), None)
    depth = 10_000 if sys.version_info >= (3, 11) else 3_000
    short, long = bottom(240), bottom(depth)
    shown_s = seconds(lambda: extractor.exception(short, None, "generic", True)) / 240
    left_out_s = seconds(lambda: extractor.exception(long, None, "generic", True)) - 250 * shown_s
    assert left_out_s / depth < shown_s


def test_a_local_costs_what_is_shown_of_it(backend: Any) -> None:
    """A value of many millions takes no longer than one of thousands."""
    renderer = backend.Renderer()
    for make in (
        lambda size: "s" * size,
        lambda size: b"b" * size,
        lambda size: [None] * size,
        lambda size: dict.fromkeys(range(size)),
        lambda size: collections.deque(range(size)),
        lambda size: 1 << size,
    ):
        times_s = []
        for size in (10_000, 2_000_000):
            value = make(size)
            times_s.append(seconds(lambda value=value: renderer.variables({"value": value}), 20))  # type: ignore[misc]
        assert times_s[1] < 10 * times_s[0] + 0.001, make(1)
