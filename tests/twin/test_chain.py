"""Laws of the tree of an exception: causes, contexts and groups, each once, tied as the protocol has it."""

from __future__ import annotations

import builtins
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.twins import PROPERTY, same, strict_json, twins
from tocsin import limits

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup

MANY = 10_000


def values(backend: Any, error: BaseException, mechanism: str = "generic", handled: bool = True) -> list[Any]:
    """The exceptions of the event that is made of an error: oldest first, the error itself last."""
    stack = backend.StackExtractor(None, None).exception(error, None, mechanism, handled)
    return [strict_json(b"{" + head + b"}") for head in stack.heads]


def checked(found: list[Any]) -> list[Any]:
    """What holds for every tree, whatever it is made of."""
    assert 0 < len(found) <= limits.EXCEPTIONS
    mechanisms = [value["mechanism"] for value in found]
    if len(found) == 1:
        assert not mechanisms[0].keys() & {"exception_id", "parent_id", "source"}
        return found
    assert [one["exception_id"] for one in mechanisms] == list(range(len(found) - 1, -1, -1))
    *others, root = mechanisms
    assert not root.keys() & {"parent_id", "source"}
    for one in others:
        assert one["type"] == "chained"
        assert 0 <= one["parent_id"] < one["exception_id"]
        if one["source"] not in ("__cause__", "__context__"):
            assert one["source"].startswith("exceptions[")
            parent = mechanisms[len(found) - 1 - one["parent_id"]]
            assert parent["is_exception_group"] is True
    return found


def ties(found: list[Any]) -> list[tuple[str, object, object, object]]:
    """Of each exception, the root first: its text, its number, its parent's and the name of the tie."""
    return [
        (value["value"].partition(" (")[0], *map(value["mechanism"].get, ("exception_id", "parent_id", "source")))
        for value in reversed(checked(found))
    ]


def tied(text: str, cause: object = None, context: object = None, suppress: bool | None = None) -> Any:
    error = ValueError(text)
    error.__cause__, error.__context__ = cause, context  # type: ignore[assignment]
    error.__suppress_context__ = cause is not None if suppress is None else suppress
    return error


def test_a_lone_exception_has_no_numbers(backend: Any) -> None:
    """There is nothing to tie it to; the mechanism is the caller's."""
    (value,) = checked(values(backend, ValueError("text"), "hook", False))
    assert value["mechanism"] == {"type": "hook", "handled": False}
    assert (value["type"], value["value"], value["module"]) == ("ValueError", "text", None)


def test_a_cause_is_tied_to_what_it_caused(backend: Any) -> None:
    """`raise … from …`; the context, the same exception or another, is not shown beside it."""
    cause = tied("cause")
    assert ties(values(backend, tied("root", cause, tied("context")))) == [
        ("root", 0, None, None),
        ("cause", 1, 0, "__cause__"),
    ]
    assert len(values(backend, tied("root", cause, cause))) == 2


def test_a_context_is_shown_unless_it_was_suppressed(backend: Any) -> None:
    """`raise … from None` hides it."""
    assert ties(values(backend, tied("root", None, tied("context")))) == [
        ("root", 0, None, None),
        ("context", 1, 0, "__context__"),
    ]
    assert len(values(backend, tied("root", None, tied("context"), True))) == 1


def test_a_cause_is_shown_though_nothing_is_suppressed(backend: Any) -> None:
    """As the interpreter prints it."""
    assert [one[0] for one in ties(values(backend, tied("root", tied("cause"), tied("context"), False)))] == [
        "root",
        "cause",
    ]


def test_a_group_has_its_members_below_it(backend: Any) -> None:
    """Depth first: the cause, then the members in their order, each with its own subtree and its real parent."""
    inner = ExceptionGroup("inner", [tied("a", tied("cause of a")), tied("b")])
    inner.__cause__ = tied("cause of inner")
    root = ExceptionGroup("root", [tied("first"), inner, tied("last")])
    root.__context__ = tied("context")
    found = values(backend, root, "hook", False)
    assert ties(found) == [
        ("root", 0, None, None),
        ("context", 1, 0, "__context__"),
        ("first", 2, 0, "exceptions[0]"),
        ("inner", 3, 0, "exceptions[1]"),
        ("cause of inner", 4, 3, "__cause__"),
        ("a", 5, 3, "exceptions[0]"),
        ("cause of a", 6, 5, "__cause__"),
        ("b", 7, 3, "exceptions[1]"),
        ("last", 8, 0, "exceptions[2]"),
    ]
    groups = [value["mechanism"].get("is_exception_group") for value in reversed(found)]
    assert groups == [True, None, None, True, None, None, None, None, None]
    assert [value["mechanism"]["handled"] for value in found] == [False] * 9
    assert [value["mechanism"]["type"] for value in found] == ["chained"] * 8 + ["hook"]


def test_a_group_below_a_plain_exception_is_expanded(backend: Any) -> None:
    """The tree is one, wherever the group hangs; groups of BaseExceptions and of a type of the user's count."""
    own = type("Own", (ExceptionGroup,), {})
    for group in (own("group", [tied("member")]), BaseExceptionGroup("group", [KeyboardInterrupt()])):
        found = ties(values(backend, tied("root", group)))
        assert [one[1:] for one in found] == [(0, None, None), (1, 0, "__cause__"), (2, 1, "exceptions[0]")]


def test_an_exception_is_shown_once(backend: Any) -> None:
    """A member that two groups share, or a group has twice, hangs where it was met first."""
    shared = tied("shared")
    root = ExceptionGroup("root", [shared, ExceptionGroup("inner", [shared, tied("other", shared)]), shared])
    assert ties(values(backend, root)) == [
        ("root", 0, None, None),
        ("shared", 1, 0, "exceptions[0]"),
        ("inner", 2, 0, "exceptions[1]"),
        ("other", 3, 2, "exceptions[1]"),
    ]


def test_cycles_end(backend: Any) -> None:
    """An exception that is its own cause, or its cause's context, is shown once."""
    own = tied("own")
    own.__cause__ = own
    assert len(checked(values(backend, own))) == 1
    one, other = tied("one"), tied("other")
    one.__cause__, other.__context__ = other, one
    assert [each[0] for each in ties(values(backend, one))] == ["one", "other"]
    member = tied("member")
    group = ExceptionGroup("group", [member])
    member.__context__ = group
    assert [each[0] for each in ties(values(backend, group))] == ["group", "member"]


def deep(count: int) -> BaseException:
    error = tied("deepest")
    for number in range(count):
        error = tied(str(number), error)
    return error


def wide(count: int) -> BaseException:
    return ExceptionGroup("wide", [tied(str(number)) for number in range(count)])


def nested(count: int) -> BaseException:
    error = tied("deepest")
    for _ in range(count):
        error = ExceptionGroup("nested", [error])
    return error


@pytest.mark.parametrize("make", [deep, wide])
def test_a_monstrous_tree_is_bounded(backend: Any, make: Any) -> None:
    """So many exceptions nearest to the root are shown, at the price of those."""
    monster, small = make(MANY), make(limits.EXCEPTIONS)
    times = {}
    for error in (small, monster):
        found = []
        for _ in range(5):
            start = time.perf_counter()
            found.append(backend.StackExtractor(None, None).exception(error, None, "generic", True))
            times[id(error)] = min(times.get(id(error), 1e9), time.perf_counter() - start)
        assert len(found[0].heads) == limits.EXCEPTIONS
    assert len(checked(values(backend, monster))) == limits.EXCEPTIONS
    assert times[id(monster)] < 10 * times[id(small)] + 0.005


def test_nested_groups_are_bounded(backend: Any) -> None:
    """As deep as the interpreter lets them be made."""
    assert len(checked(values(backend, nested(500)))) == limits.EXCEPTIONS


def test_each_exception_has_its_own_frames(backend: Any) -> None:
    """The traceback that is given stands for the root's alone."""

    def fail(text: str, cause: BaseException | None) -> BaseException:
        try:
            raise ValueError(text) from cause
        except ValueError as error:
            return error

    def fail_below() -> BaseException:
        return fail("cause", None)

    root = fail("root", fail_below())
    stack = backend.StackExtractor(None, None).exception(root, None, "generic", True)
    assert [[site.function for site in frames[::2]] for frames in stack.frames] == [["fail"], ["fail"]]
    trace = root.__traceback__
    stack = backend.StackExtractor(None, None).exception(tied("bare", root.__cause__), trace, "generic", True)
    assert [len(frames) for frames in stack.frames] == [2, 2]
    stack = backend.StackExtractor(None, None).exception(tied("bare", tied("bare too")), None, "generic", True)
    assert stack.frames == [[], []]


def test_one_that_was_captured_before_is_named(backend: Any) -> None:
    """`mechanism.data.captured_as` is the id of its own event; the root's is that of this one."""
    before = tied("cause")
    before.__dict__[backend.MARK] = "a" * 32
    found = checked(values(backend, tied("root", before)))
    assert [value["mechanism"].get("data") for value in found] == [{"captured_as": "a" * 32}, None]
    assert "data" not in checked(values(backend, before))[0]["mechanism"]
    for odd in (None, 5, b"a" * 32, ["a"]):
        before.__dict__[backend.MARK] = odd
        assert "data" not in values(backend, tied("root", before))[0]["mechanism"]


class WithNumber(Exception):
    errno: object = 7


def numbered(number: object) -> BaseException:
    error = ValueError("text")
    error.errno = number  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (OSError(2, "text"), 2),
        (FileNotFoundError(2, "text", "name"), 2),
        (ConnectionResetError(104, "text"), 104),
        (OSError("text"), None),
        (OSError("5", "text"), None),
        (numbered(5), 5),
        (numbered(-(2**31)), -(2**31)),
        (numbered(2**31), None),
        (numbered(True), None),
        (numbered("5"), None),
        (numbered(None), None),
        (WithNumber("text"), None),
    ],
    ids=repr,
)
def test_an_errno_that_is_a_number_is_told(backend: Any, error: BaseException, number: int | None) -> None:
    """From an OSError or the instance; what is no 32-bit number is nothing that a server takes."""
    (value,) = values(backend, error)
    assert value["mechanism"].get("meta") == (None if number is None else {"errno": {"number": number}})


@pytest.mark.parametrize(
    ("notes", "lines"),
    [
        (["one", "two"], ["one", "two"]),
        (("one",), ["one"]),
        ([], []),
        (["one", 5, None, b"x", "two"], ["one", "two"]),
        ("text", []),
        (5, []),
        ([str(number) for number in range(100)], [str(number) for number in range(limits.NOTES)]),
    ],
    ids=["two", "tuple", "none", "odd members", "text", "number", "many"],
)
def test_notes_are_further_lines(backend: Any, notes: object, lines: list[str]) -> None:
    """Texts of a list, so many of them; anything else is no note."""
    error = ValueError("text")
    error.__notes__ = notes  # type: ignore[attr-defined]
    assert values(backend, error)[0]["value"] == "\n".join(["text", *lines])


def test_a_text_is_cut_to_what_a_server_keeps(backend: Any) -> None:
    """With its notes; the client may ask for less."""
    error = ValueError("x" * 100_000)
    for notes in ([], ["note" * 10_000]):
        error.__notes__ = notes  # type: ignore[attr-defined]
        assert values(backend, error)[0]["value"] == "x" * (limits.TEXT_CHARS - 3) + "..."
    stack = backend.StackExtractor(None, None, max_chars=10).exception(error, None, "generic", True)
    assert strict_json(b"{" + stack.heads[0] + b"}")["value"] == "xxxxxxx..."


KINDS = sorted(
    (
        kind
        for kind in vars(builtins).values()
        if isinstance(kind, type) and issubclass(kind, BaseException) and "Group" not in kind.__name__
    ),
    key=lambda kind: kind.__name__,
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9)


@given(kind=st.sampled_from(KINDS), args=st.lists(PLAIN, max_size=6))
@PROPERTY
def test_an_error_of_the_interpreter_says_what_str_says(kind: type[BaseException], args: list[Any]) -> None:
    """With plain arguments its value is `str(error)`, for every builtin kind."""
    if issubclass(kind, UnicodeError) and kind not in (UnicodeError,):
        return
    try:
        error = kind(*args)
    except (TypeError, ValueError):
        return
    assert same("chain", lambda twin: twin.exception_text(error)) == str(error)


@pytest.mark.parametrize(
    "error",
    [
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "reason"),
        UnicodeEncodeError("ascii", "\xe9", 0, 1, "reason"),
        UnicodeTranslateError("\xe9", 0, 1, "reason"),
        SyntaxError("text", ("file.py", 3, 1, "line", 3, 2)),
        ImportError("text", name="module", path="/path"),
        KeyError("key"),
        OSError(2, "text", "one", None, "two"),
        ExceptionGroup("group", [ValueError(), KeyError()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_with_fields_say_what_str_says(backend: Any, error: BaseException) -> None:
    """Those whose text is made of more than their arguments."""
    assert backend.chain.exception_text(error) == str(error)


@st.composite
def trees(draw: Any) -> BaseException:
    """Any web of plain exceptions and groups, cycles and shared members included."""
    made: list[BaseException] = []
    for number in range(draw(st.integers(1, 10))):
        members = draw(st.lists(st.integers(0, number - 1), max_size=4)) if number else []
        text = f"e{number}"
        made.append(ExceptionGroup(text, [made[at] for at in members]) if members else ValueError(text))  # type: ignore[misc]
    for error in made:
        for name in ("__cause__", "__context__"):
            setattr(error, name, draw(st.none() | st.sampled_from(made)))
        error.__suppress_context__ = draw(st.booleans())
    return made[-1]


def model(error: BaseException) -> list[tuple[str, object, object, object]]:
    """The tree as the protocol words it, by recursion."""
    found: list[Any] = []
    seen: set[int] = set()

    def visit(one: BaseException, parent: int | None, source: str | None) -> None:
        if id(one) in seen:
            return
        seen.add(id(one))
        number = len(found)
        found.append((one.args[0], number, parent, source))
        if one.__cause__ is not None:
            visit(one.__cause__, number, "__cause__")
        elif one.__context__ is not None and not one.__suppress_context__:
            visit(one.__context__, number, "__context__")
        for at, member in enumerate(getattr(one, "exceptions", ())):
            visit(member, number, f"exceptions[{at}]")

    visit(error, None, None)
    return found if len(found) > 1 else [(found[0][0], None, None, None)]


@given(error=trees())
@PROPERTY
def test_any_web_is_the_same_tree_in_both(error: BaseException) -> None:
    """As a recursive reading of the protocol has it, byte for byte in both twins."""
    heads = [twin.StackExtractor(None, None).exception(error, None, "m", True).heads for twin in twins("stacktrace")]
    assert heads[0] == heads[1]
    assert ties([strict_json(b"{" + head + b"}") for head in heads[0]]) == model(error)
