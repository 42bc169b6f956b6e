"""An event as a server received it, as lines for the terminal.

It shows what is in the event, so nothing is expected of it: a missing part is left out.
"""

from __future__ import annotations

from tocsin.commands.terminal import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.commands.terminal import Piece

    Line = list[Piece]
    Event = dict[str, Any]

# Frames shown of the error that the event is about, and of each that hangs on it.
_FRAMES = 4
_FRAMES_BELOW = 1
_EXCEPTIONS = 8
_BREADCRUMBS = 4
# Room for two values on a line, besides their names.
_NAMES_CHARS = 34
_PLACE_CHARS = 24
_FILTERED = "[Filtered]"
_LEVEL_STYLES = {"fatal": "bad", "error": "bad", "warning": "warn"}


def event_lines(event: Event, number: int, cost: str, width: int) -> list[Line]:
    """Return the lines for one event.

    Args:
        event: as it came in.
        number: printed before its title.
        cost: what is known of its cost, in words.
        width: of the terminal, in characters.
    """
    values = _dicts(_dict(event.get("exception")).get("values"))
    level = str(event.get("level", ""))
    # The outermost error, which the event is about, comes last.
    about = values[-1] if values else {}
    title = _title(about) if about else _message(event)
    lines: list[Line] = [[(f"{number}  ", "dim"), (title, "strong")]]
    facts = [level, *_mechanism(about), cost]
    lines.append(["   ", (level, _LEVEL_STYLES.get(level, "accent")), (", " + ", ".join(filter(None, facts[1:])), "")])
    if about:
        value_chars = (width - _NAMES_CHARS) // 2
        lines += _stack(about, "   ", _FRAMES, value_chars)
        lines += _tree(about, values, "   ", {_id(about)}, value_chars)
    lines += _circumstances(event)
    return lines


def _title(value: Event) -> str:
    kind, text = value.get("type"), value.get("value")
    return f"{kind}: {text}" if text else str(kind)


def _message(event: Event) -> str:
    return str(event.get("message") or _dict(event.get("logentry")).get("formatted") or "an event without a title")


def _mechanism(value: Event) -> list[str]:
    mechanism = _dict(value.get("mechanism"))
    if not mechanism:
        return ["a message"]
    handled = "handled" if mechanism.get("handled") else "unhandled"
    return [f"{handled}, mechanism {mechanism.get('type')}"]


def _id(value: Event) -> int | None:
    number = _dict(value.get("mechanism")).get("exception_id")
    return number if isinstance(number, int) else None


def _tree(about: Event, values: list[Event], indent: str, shown: set[int | None], value_chars: int) -> list[Line]:
    """The errors that hang on one, by the ids that the protocol gives them."""
    children = [
        value
        for value in sorted(values, key=lambda value: _id(value) or 0)
        if _dict(value.get("mechanism")).get("parent_id") == _id(about) and _id(value) not in shown
    ]
    lines: list[Line] = []
    for place, child in enumerate(children):
        shown.add(_id(child))
        if len(shown) > _EXCEPTIONS:
            lines.append([indent, ("└─ …", "dim")])
            break
        is_last = place == len(children) - 1
        source = str(_dict(child.get("mechanism")).get("source", ""))
        lines.append(
            [indent, ("└─ " if is_last else "├─ ", "dim"), (f"{_relation(source)} ", "dim"), (_title(child), "")]
        )
        below = indent + ("   " if is_last else "│  ")
        lines += _stack(child, below, _FRAMES_BELOW, value_chars)
        lines += _tree(child, values, below, shown, value_chars)
    return lines


def _relation(source: str) -> str:
    return {"__cause__": "caused by", "__context__": "while handling"}.get(source, source.removeprefix("exceptions"))


def _stack(value: Event, indent: str, most: int, value_chars: int) -> list[Line]:
    frames = _dicts(_dict(value.get("stacktrace")).get("frames"))
    own = [frame for frame in frames if frame.get("in_app")] or frames
    shown = own[-most:]
    lines: list[Line] = []
    hidden = len(frames) - len(shown)
    if hidden and most > 1:
        others = {str(frame.get("module")) for frame in frames if frame not in shown}
        lines.append([indent, (f"… {hidden} frame{'' if hidden == 1 else 's'} of {', '.join(sorted(others))}", "dim")])
    for frame in shown:
        lines += _frame(frame, indent, value_chars)
    return lines


def _frame(frame: Event, indent: str, value_chars: int) -> list[Line]:
    place = f"{frame.get('function')}:{frame.get('lineno')}"
    source = str(frame.get("context_line") or "").strip()
    lines: list[Line] = [[indent, (place.ljust(_PLACE_CHARS), "accent"), " ", source]]
    variables = _dict(frame.get("vars"))
    if variables:
        pieces: Line = [indent, "  "]
        for name, value in variables.items():
            text = _value(value)
            if text == _FILTERED:
                pieces += [(f"  {name} = ", "dim"), (text, "good")]
            else:
                pieces.append((f"  {name} = {shortened(text, value_chars)}", "dim"))
        lines.append(pieces)
    return lines


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)


def _circumstances(event: Event) -> list[Line]:
    lines: list[Line] = []
    crumbs = event.get("breadcrumbs")
    crumbs = _dicts(crumbs if isinstance(crumbs, list) else _dict(crumbs).get("values"))
    if crumbs:
        before = []
        for crumb in crumbs[-_BREADCRUMBS:]:
            data = _dict(crumb.get("data"))
            before.append(f"{crumb.get('category')}: {crumb.get('message')}{f' {_value(data)}' if data else ''}")
        more = f"… {len(crumbs) - len(before)} more; " if len(crumbs) > len(before) else ""
        lines.append(["   ", ("before  ", "dim"), more + "; ".join(before)])
    tags = event.get("tags")
    pairs = tags.items() if isinstance(tags, dict) else [tag for tag in _list(tags) if len(_list(tag)) == 2]
    facts = [f"{key}={value}" for key, value in pairs]
    user = _dict(event.get("user"))
    who = user.get("username") or user.get("id")
    pieces: Line = ["   ", ("tags    ", "dim"), " ".join(facts)] if facts else []
    if who:
        pieces += ["  ", ("user ", "dim"), str(who)]
    if pieces:
        lines.append(pieces)
    return lines


def _dict(value: Any) -> Event:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[Event]:
    return [entry for entry in _list(value) if isinstance(entry, dict)]
