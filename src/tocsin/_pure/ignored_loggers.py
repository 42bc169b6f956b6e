"""Which loggers are left alone. Asked for every log record, on the application's threads.

One source for both twins: the core is this file, compiled.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# More answers than a program has loggers; records may be made with any name.
_ANSWERS = 4096
_WILD = frozenset("*?[")


class IgnoredLoggers:
    """A set of names of loggers, some of which are patterns in the style of file names."""

    __slots__ = ("_answers", "_matchers", "_names")

    def __init__(self, *names: str) -> None:
        self._names: frozenset[str] = frozenset()
        self._matchers: dict[str, Callable[[str], object]] = {}
        self._answers: dict[str, bool] = {}
        for name in names:
            self.add(name)

    @property
    def remembered(self) -> int:
        """How many answers are kept, so as not to be looked up again."""
        return len(self._answers)

    def add(self, name: str) -> None:
        """Add a name or a pattern."""
        name = name.strip()
        if _WILD.isdisjoint(name):
            self._names |= {name}
        else:
            self._matchers = {**self._matchers, name: _matcher(name)}
        # A new dict: whoever is filling the old one does so in vain.
        self._answers = {}

    def discard(self, name: str) -> None:
        """Take out a name or a pattern as it was added."""
        name = name.strip()
        self._names -= {name}
        self._matchers = {pattern: match for pattern, match in self._matchers.items() if pattern != name}
        self._answers = {}

    def holds(self, name: str) -> bool:
        """Whether the logger of that name is left alone."""
        answers = self._answers
        answer = answers.get(name)
        if answer is None:
            answer = self._looked_up(name.strip())
            if len(answers) >= _ANSWERS:
                answers.clear()
            answers[name] = answer
        return answer

    def _looked_up(self, name: str) -> bool:
        return name in self._names or any(match(name) for match in self._matchers.values())


def _matcher(pattern: str) -> Callable[[str], object]:
    prefix = pattern[:-1]
    if pattern[-1] == "*" and _WILD.isdisjoint(prefix):
        # The usual case needs no regular expressions.
        return lambda name: name.startswith(prefix)
    import re
    from fnmatch import translate

    return re.compile(translate(pattern)).match
