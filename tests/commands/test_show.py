"""An event is shown by what is in it; what is missing, or is not what it should be, is left out."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tocsin.commands.show import event_lines

_NAMES = st.sampled_from(
    [
        *("exception", "values", "type", "value", "mechanism", "exception_id", "parent_id", "source", "stacktrace"),
        *("frames", "function", "lineno", "context_line", "vars", "in_app", "module", "level", "message", "tags"),
        *("user", "username", "breadcrumbs", "data", "category"),
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=40,
)


def _text(event: dict[str, Any]) -> list[str]:
    lines = event_lines(event, 1, "9 µs first", 100)
    return ["".join(piece if isinstance(piece, str) else piece[0] for piece in line) for line in lines]


def _error(number: int, parent: int | None, kind: str, source: str | None = None) -> dict[str, Any]:
    return {
        "type": kind,
        "value": str(number),
        "mechanism": {"type": "generic", "exception_id": number, "parent_id": parent, "source": source},
    }


@given(st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_any_event_can_be_shown(event: dict[str, Any]) -> None:
    """Whatever a server has received, its lines are texts."""
    assert all(isinstance(line, str) for line in _text(event))


def test_an_empty_event_is_called_that() -> None:
    """There is a title in any case."""
    assert _text({})[0] == "1  an event without a title"


def test_the_tree_follows_the_ids() -> None:
    """Errors stand below the one that they hang on, in the order of their ids, whatever their order in the event."""
    values = [
        _error(3, 1, "KeyError", "__cause__"),
        _error(2, 0, "ValueError", "exceptions[1]"),
        _error(1, 0, "OSError", "exceptions[0]"),
        _error(0, None, "Group"),
    ]
    assert _text({"exception": {"values": values}})[2:] == [
        "   ├─ [0] OSError: 1",
        "   │  └─ caused by KeyError: 3",
        "   └─ [1] ValueError: 2",
    ]


def test_errors_that_hang_on_each_other_are_shown_once() -> None:
    """A circle in the ids comes to an end."""
    values = [_error(1, 0, "OSError", "__context__"), _error(0, 1, "KeyError", "__context__")]
    assert _text({"exception": {"values": values}})[2:] == ["   └─ while handling OSError: 1"]


def test_a_long_stack_is_shortened() -> None:
    """The innermost frames of the application are shown, and how many are not."""
    frames = [{"function": f"f{number}", "module": "shop", "lineno": number, "in_app": True} for number in range(30)]
    frames.append({"function": "join", "module": "posixpath", "lineno": 1, "in_app": False})
    lines = _text({"exception": {"values": [{"type": "E", "stacktrace": {"frames": frames}}]}})[2:]
    assert lines[0] == "   … 27 frames of posixpath, shop"
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["f26", "f27", "f28", "f29"]


def test_only_the_last_breadcrumbs_are_shown() -> None:
    """How many there are besides is told."""
    crumbs = [{"category": "c", "message": str(number)} for number in range(9)]
    assert _text({"message": "m", "breadcrumbs": {"values": crumbs}})[2:] == [
        "   before  … 5 more; c: 5; c: 6; c: 7; c: 8"
    ]
