"""Scenarios: exceptions of every shape that were raised, caught and captured."""

# Locals are there to be captured.
# ruff: noqa: F841

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import json
import multiprocessing.pool
import sys
from typing import Any

import tocsin
from conformance.corpus import scenario


@scenario(
    keeps=("ZeroDivisionError", "division by zero", "'nine'", "scenarios_exceptions.py", "    return 9 // nothing")
)
def an_exception_in_nested_calls() -> None:
    def outer(name: str) -> int:
        return inner(len(name) - len(name), {"who": name, "list": [1, 2, (3, None)]})

    def inner(nothing: int, others: dict[str, Any]) -> int:
        return 9 // nothing

    try:
        outer("nine")
    except ZeroDivisionError:
        tocsin.capture_exception()


@scenario(keeps=("the key", "the cause", "the context", "__cause__", "__context__"))
def a_chain_of_causes_and_contexts() -> None:
    try:
        try:
            try:
                raise KeyError("the key, the context")
            except KeyError:
                raise ValueError("the cause")  # noqa: B904
        except ValueError as error:
            raise RuntimeError("the end") from error
    except RuntimeError as error:
        tocsin.capture_exception(error)


@scenario(keeps=("only this",))
def a_chain_cut_by_from_none() -> None:
    try:
        try:
            raise KeyError("hidden")
        except KeyError:
            raise ValueError("only this") from None
    except ValueError:
        tocsin.capture_exception()


@scenario(keeps=("first", "second"))
def a_cycle_of_causes() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    try:
        raise first
    except ValueError as error:
        tocsin.capture_exception(error)


@scenario(keeps=("link 0", "link 30"))
def a_chain_longer_than_any_server_shows() -> None:
    error: BaseException | None = None
    for number in range(200):
        try:
            raise ValueError(f"link {199 - number}") from error
        except ValueError as made:
            error = made
    tocsin.capture_exception(error)


if sys.version_info >= (3, 11):

    @scenario(keeps=("outer group", "inner group", "leaf a", "leaf b", "the leaf's cause", "exceptions[1]", "noted"))
    def a_group_of_groups() -> None:
        def leaf(text: str) -> Exception:
            try:
                raise ValueError(text) from OSError("the leaf's cause")
            except ValueError as error:
                return error

        try:
            inner = builtins.ExceptionGroup("inner group", [leaf("leaf a"), TypeError("leaf b")])
            inner.add_note("noted")
            raise builtins.ExceptionGroup("outer group", [inner, leaf("leaf c")])
        except builtins.ExceptionGroup:
            tocsin.capture_exception()

    @scenario(keeps=("the group below", "its member"))
    def a_group_below_a_plain_exception() -> None:
        try:
            try:
                raise builtins.ExceptionGroup("the group below", [KeyError("its member")])
            except builtins.ExceptionGroup as group:
                raise RuntimeError("above") from group
        except RuntimeError:
            tocsin.capture_exception()

    @scenario(keeps=("a wide group", "member 7"))
    def a_group_of_many() -> None:
        try:
            raise builtins.BaseExceptionGroup("a wide group", [ValueError(f"member {number}") for number in range(500)])
        except builtins.BaseExceptionGroup:
            tocsin.capture_exception()

    @scenario(keeps=("what it says", "first note", "second note"))
    def notes() -> None:
        try:
            error = ValueError("what it says")
            error.add_note("first note")
            error.add_note("second note\nof two lines")
            raise error
        except ValueError:
            tocsin.capture_exception()


@scenario(events=2)
def notes_that_are_none() -> None:
    for odd in ("a text", [1, None, "kept", object()]):
        try:
            error = ValueError("what it says")
            error.__notes__ = odd  # type: ignore[attr-defined]
            raise error
        except ValueError:
            tocsin.capture_exception()


@scenario(keeps=("FileNotFoundError", "no-such-file", '"number": 2'))
def an_error_of_the_operating_system() -> None:
    try:
        open("/no-such-file").close()
    except OSError:
        tocsin.capture_exception()


@scenario(events=4)
def errnos_that_are_none() -> None:
    for odd in ("EAGAIN", 1.5, 1 << 70, None):
        try:
            error = ValueError("odd errno")
            error.errno = odd  # type: ignore[attr-defined]
            raise error
        except ValueError:
            tocsin.capture_exception()


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Exits(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class Numeric(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


@scenario(events=3, keeps=("Broken", "Exits", "Numeric"))
def exceptions_without_a_text() -> None:
    for kind in (Broken, Exits, Numeric):
        try:
            raise kind("an argument")
        except kind as error:
            tocsin.capture_exception(error)


@scenario(events=8, keeps=("KeyError", "'key'", "StopIteration", "CancelledError", "UnicodeDecodeError"))
def exceptions_of_the_language() -> None:
    for error in (
        KeyError("key"),
        StopIteration(5),
        asyncio.CancelledError(),
        UnicodeDecodeError("utf-8", b"\xff\xfe", 0, 1, "odd \udcff"),
        SyntaxError("bad", ("<text>", 1, 2, "x ==", 1, 3)),
        KeyboardInterrupt(),
        SystemExit("leaving"),
        AssertionError(),
    ):
        try:
            raise error
        except BaseException as caught:
            tocsin.capture_exception(caught)


@scenario(keeps=("RecursionError", "maximum recursion depth", "bottomless"))
def a_recursion_without_end() -> None:
    def bottomless(depth: int) -> int:
        return bottomless(depth + 1) + 1

    try:
        bottomless(0)
    except RecursionError:
        tocsin.capture_exception()


@scenario(keeps=("the end of the way", "step"))
def more_frames_than_a_server_keeps() -> None:
    def step(left: int) -> None:
        if not left:
            raise ValueError("the end of the way")
        step(left - 1)

    try:
        step(600)
    except ValueError:
        tocsin.capture_exception()


@scenario(events=3, keeps=("caf\u00e9 \u2603 \U0001f600", "cut at \ufffd here", "a\\nb"))
def texts_of_every_alphabet() -> None:
    for text in (
        "caf\u00e9 \u2603 \U0001f600",
        "cut at \udc80 here",
        'nul \0, bell \a, line\u2028, a\nb, quote " \\ \x7f',
    ):
        local = text
        try:
            raise ValueError(text)
        except ValueError:
            tocsin.capture_exception(tags={"text": local})


@scenario(events=2, keeps=("xxxxxxxx",))
def texts_of_every_length() -> None:
    for text in ("x" * 8192, "x" * 5_000_000):
        try:
            raise ValueError(text)
        except ValueError:
            tocsin.capture_exception()


@scenario(events=3, keeps=("NamedOddly", "no module"))
def classes_with_odd_names() -> None:
    long = type("N" * 1000, (Exception,), {"__module__": "m" * 1000})
    odd = type("NamedOddly", (Exception,), {"__module__": 5})
    none = type("\u0394x \n", (Exception,), {"__module__": None})
    for kind in (long, odd, none):
        try:
            raise kind("no module")
        except Exception as error:
            tocsin.capture_exception(error)


class Opaque:
    def __repr__(self) -> str:
        raise AssertionError("nobody may call this")


@scenario(keeps=("'a text'", "Opaque", "[Filtered]", "nan", "<int of 4001 bits>", "b'bytes'", "'k'"))
def locals_of_every_kind() -> None:
    def fails() -> None:
        text, number, huge, none, floating = "a text", 7, 1 << 4000, None, float("nan")
        data = b"bytes"
        several = {"k", "l"}
        nested = {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}, 5: 6, None: 7, (1, 2): 8}
        cycle: list[Any] = []
        cycle.append(cycle)
        opaque = Opaque()
        password = "hunter2"
        surrogate = "\ud800"
        infinite = float("inf")
        raise ValueError("look around")

    try:
        fails()
    except ValueError:
        tocsin.capture_exception()


@scenario(keeps=("many locals",))
def locals_larger_than_a_server_keeps() -> None:
    def fails(**numbered: str) -> None:
        big, wide, deep = "x" * 5_000_000, list(range(100_000)), current
        raise ValueError("many locals")

    current: list[Any] = []
    for _ in range(500):
        current = [current]
    try:
        fails(**{f"name_{number}": "value" * 60 for number in range(300)})
    except ValueError:
        tocsin.capture_exception()


@scenario(keeps=("made by exec",))
def code_without_a_file() -> None:
    namespace: dict[str, Any] = {"__name__": None}
    exec(compile("def made():\n    raise ValueError('made by exec')\n", "<string>", "exec"), namespace)
    try:
        namespace["made"]()
    except ValueError:
        tocsin.capture_exception()


@scenario(keeps=("in the pool",))
def an_error_of_a_thread_pool() -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(json.loads, "{in the pool").result()
        except ValueError as error:
            tocsin.capture_exception(error, extras={"where": "in the pool"})


@scenario(keeps=("from afar", "RemoteTraceback"))
def an_error_of_another_process() -> None:
    remote = multiprocessing.pool.RemoteTraceback(
        '\n"""\nTraceback (most recent call last):\n  File "/srv/w.py", line 3, in work\n    fail()\n'
        'ValueError: from afar\n"""'
    )
    try:
        raise ValueError("from afar") from remote
    except ValueError:
        tocsin.capture_exception()


@scenario(keeps=("by its parts",))
def an_exc_info_tuple() -> None:
    try:
        raise ValueError("by its parts")
    except ValueError:
        tocsin.capture_exception(sys.exc_info())


@scenario(keeps=("in a coroutine", "awaited"))
def an_error_of_a_coroutine() -> None:
    async def awaited() -> None:
        await asyncio.sleep(0)
        raise ValueError("in a coroutine")

    try:
        asyncio.run(awaited())
    except ValueError:
        tocsin.capture_exception()


@scenario(keeps=("the full way",), add_full_stack=True, max_stack_frames=None)
def the_stack_below_the_handler() -> None:
    try:
        raise ValueError("the full way")
    except ValueError:
        tocsin.capture_exception()


@scenario(keeps=("no lines, no locals",), include_local_variables=False, include_source_context=False)
def frames_without_locals_and_source() -> None:
    try:
        raise ValueError("no lines, no locals")
    except ValueError:
        tocsin.capture_exception()


@scenario(keeps=("short...",), max_value_length=8)
def texts_cut_by_option() -> None:
    try:
        raise ValueError("shortened by the option")
    except ValueError:
        tocsin.capture_exception(extras={"text": "as long as this"})
