"""The tree of an exception: its causes, contexts and groups, and what each of them says.

Called on the capturing thread. Exceptions are read through the interpreter's own descriptors; the one call into
foreign code is an exception's `__str__`, fenced. One source for both twins: the core is this file, compiled.
"""

from __future__ import annotations

import sys
from types import FunctionType

from tocsin import limits

from .describe import bounded_repr, plain_text, raw_attribute, type_qualname
from .fence import call_fenced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_cause_of = BaseException.__dict__["__cause__"].__get__
_context_of = BaseException.__dict__["__context__"].__get__
_suppresses_context = BaseException.__dict__["__suppress_context__"].__get__
_traceback_of = BaseException.__dict__["__traceback__"].__get__
_args_of = BaseException.__dict__["args"].__get__
_mro_of = type.__dict__["__mro__"].__get__
_dict_of = BaseException.__dict__["__dict__"].__get__
_errno_of = OSError.__dict__["errno"].__get__
_BASE_STR = BaseException.__dict__["__str__"]
_BUILTIN_GROUP: type | None
try:
    _BUILTIN_GROUP = BaseExceptionGroup  # type: ignore[name-defined,unused-ignore]
except NameError:
    _BUILTIN_GROUP = None

# Where an exception remembers the event that was made of it. On the exception itself, as a reference to it would keep
# its frames alive, and its address is soon another's.
MARK = "__tocsin_event_id__"

_UNREADABLE = "<the exception's text could not be made>"
# By exception type, what its text is made of where that is not its arguments.
_FIELDS: tuple[tuple[type[BaseException], tuple[str, ...]], ...] = (
    (OSError, ("errno", "strerror", "filename", "filename2", "winerror")),
    (SyntaxError, ("msg", "filename", "lineno")),
    (ImportError, ("msg",)),
    # These take only what is plain, and show an excerpt.
    (UnicodeError, ()),
    *(() if _BUILTIN_GROUP is None else ((_BUILTIN_GROUP, ("message",)),)),
)


_BUILTIN_STR = frozenset(
    {
        id(kind.__dict__["__str__"])
        for kind in (
            BaseException,
            KeyError,
            OSError,
            SyntaxError,
            ImportError,
            UnicodeDecodeError,
            UnicodeEncodeError,
            UnicodeTranslateError,
            *(() if _BUILTIN_GROUP is None else (_BUILTIN_GROUP,)),
        )
    }
)


class Link:
    """One exception of the tree: itself, its traceback, and how it hangs on its parent.

    `parent` is the parent's index in the list of links, -1 for the root; `source` names the tie as the protocol does
    (`__cause__`, `__context__`, `exceptions[0]`).
    """

    __slots__ = ("error", "is_group", "parent", "source", "traceback")

    def __init__(
        self, error: BaseException, traceback: TracebackType | None, parent: int, source: str | None, is_group: bool
    ) -> None:
        self.error = error
        self.traceback = traceback
        self.parent = parent
        self.source = source
        self.is_group = is_group


def links(error: BaseException, traceback: TracebackType | None) -> list[Link]:
    """Return the tree of `error`, itself first, depth first, each exception once, at most `limits.EXCEPTIONS`.

    `traceback` is that of `error`; the others bring their own. A link's index is its `exception_id`.
    """
    found: list[Link] = []
    seen: set[int] = set()
    waiting: list[tuple[BaseException, TracebackType | None, int, str | None]] = [(error, traceback, -1, None)]
    while waiting and len(found) < limits.EXCEPTIONS:
        current, trace, parent, source = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        index = len(found)
        members = group_members(current)
        found.append(Link(current, trace, parent, source, members is not None))
        # Pushed last is walked first: the cause or context, then the members in their order.
        if members:
            for number in range(min(len(members), limits.EXCEPTIONS) - 1, -1, -1):
                member = members[number]
                if isinstance_of(member, BaseException):
                    waiting.append((member, _traceback_of(member), index, f"exceptions[{number}]"))
        origin = _cause_of(current)
        name = "__cause__"
        if origin is None and not _suppresses_context(current):
            origin = _context_of(current)
            name = "__context__"
        if origin is not None:
            waiting.append((origin, _traceback_of(origin), index, name))
    return found


def is_alone(error: BaseException) -> bool:
    """Whether the exception has neither a cause nor a context nor members: most have not, and need no tree."""
    return _cause_of(error) is None and _context_of(error) is None and group_members(error) is None


def isinstance_of(value: object, kind: type) -> bool:
    """`isinstance` by the real type alone: a lying `__class__` is not asked."""
    return issubclass(type(value), kind)


def group_members(error: BaseException) -> tuple[BaseException, ...] | None:
    """Return the members of an exception group, the interpreter's or the backport's; None for other exceptions."""
    kind = type(error)
    if _BUILTIN_GROUP is not None and issubclass(kind, _BUILTIN_GROUP):
        return _BUILTIN_GROUP.__dict__["exceptions"].__get__(error)  # type: ignore[no-any-return]
    backport = sys.modules.get("exceptiongroup")
    if backport is not None:
        group = vars(backport).get("BaseExceptionGroup")
        if group is not None and any(base is group for base in _mro_of(kind)):
            members = dict.get(_dict_of(error), "_exceptions")
            return tuple(members) if type(members) is tuple or type(members) is list else ()
    return None


def exception_text(error: BaseException) -> str:
    """Return what the exception says, with its notes as further lines; never fails."""
    text = _own_text(error)
    notes = dict.get(_dict_of(error), "__notes__")
    if type(notes) is list or type(notes) is tuple:
        lines = [note[: limits.TEXT_CHARS] for note in notes[: limits.NOTES] if type(note) is str]
        if lines:
            text = "\n".join([text, *lines])
    return text


def _own_text(error: BaseException) -> str:
    method = raw_attribute(type(error), "__str__")
    if id(method) not in _BUILTIN_STR:
        answer = call_fenced(method if type(method) is FunctionType else str, error)
        if type(answer) is str:
            return answer[: limits.TEXT_CHARS + 1]
        if answer is not None and issubclass(type(answer), str):
            return plain_text(answer, limits.TEXT_CHARS + 1)
        return _UNREADABLE
    # The interpreter's own text is made of the arguments: of plain ones as it stands, of others within bounds, as
    # their code would run and be as long as it likes.
    args = _args_of(error)
    if method is _BASE_STR and len(args) == 1 and type(args[0]) is str:
        return args[0][: limits.TEXT_CHARS + 1]
    if _is_plain(_told_of(error, args)):
        return method(error)[: limits.TEXT_CHARS + 1]  # type: ignore[operator,no-any-return]
    if len(args) == 1:
        return bounded_repr(args[0], limits.TEXT_CHARS)
    return bounded_repr(args, limits.TEXT_CHARS)


def _told_of(error: BaseException, args: tuple[object, ...]) -> tuple[object, ...]:
    """What the text of an exception of the interpreter's is made of."""
    kind = type(error)
    for base, names in _FIELDS:
        if issubclass(kind, base):
            fields = tuple([base.__dict__[name].__get__(error) for name in names if name in base.__dict__])
            # Where a field was not given, the text falls back to the arguments.
            return fields + args if any(field is None for field in fields) and base is not SyntaxError else fields
    return args


def _is_plain(values: tuple[object, ...]) -> bool:
    for value in values:
        kind = type(value)
        if kind is str or kind is bytes:
            if len(value) > limits.TEXT_CHARS:  # type: ignore[arg-type]
                return False
        elif kind is int:
            if value.bit_length() > limits.INTEGER_BITS:  # type: ignore[attr-defined]
                return False
        elif value is not None and kind is not float and kind is not bool:
            return False
    return True


def errno_of(error: BaseException) -> int | None:
    """Return the exception's errno if it is a number, from an OSError's own field or the instance's dict."""
    number = _errno_of(error) if issubclass(type(error), OSError) else dict.get(_dict_of(error), "errno")
    return number if type(number) is int and -(1 << 31) <= number < 1 << 31 else None


def captured_as(error: BaseException) -> str | None:
    """Return the id of the event that was made of this exception before, if one was."""
    event_id = dict.get(_dict_of(error), MARK)
    return event_id if type(event_id) is str else None


def exception_type(error: BaseException) -> str:
    """Return the qualified name of the exception's type."""
    return type_qualname(type(error))
