"""The decisions that are taken before an event is built. On the application's threads.

All of them rest on the exception's type and on counters: a capture that is not wanted costs a fraction of one that is.
One source for both twins: the core is this file, compiled.
"""

from __future__ import annotations

from tocsin import diagnostics
from tocsin.reasons import DiscardReason

from .chain import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_mro_of = type.__dict__["__mro__"].__get__
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_dict_of = BaseException.__dict__["__dict__"].__get__
# Past what a subclass makes of them: an error's attributes may stand in a dict of the application's own kind.
_has = dict.__contains__
_set = dict.__setitem__
_plain = str.__str__
# Asked for by name at every capture that is refused.
_SAMPLE_RATE = DiscardReason.SAMPLE_RATE
_EVENT_PROCESSOR = DiscardReason.EVENT_PROCESSOR


class Gate:
    """Says of each capture whether an event is to be built."""

    __slots__ = ("_ignored_classes", "_ignored_names", "_module", "dedupes", "sample_rate", "samples")

    def __init__(self, options: Mapping[str, Any]) -> None:
        classes = []
        names = set()
        for ignored in options["ignore_errors"]:
            if isinstance(ignored, type):
                classes.append(ignored)
            else:
                names.add(ignored)
        self._ignored_classes = tuple(classes)
        self._ignored_names = frozenset(names)
        # Whether an exception that was captured before is refused.
        self.dedupes = True
        self.sample_rate: float = options["sample_rate"]
        # With an error sampler the decision needs the event, and is the hook lane's.
        self.samples = options["error_sampler"] is None and self.sample_rate < 1.0
        self._module: Any = None
        if self.sample_rate < 1.0 or options["error_sampler"] is not None:
            # Imported here, as nothing is imported while capturing.
            import random

            self._module = random

    def refuses_error(self, error: BaseException) -> str | None:
        """Return the reason for which no event is made of this exception; None if one is to be made."""
        if self._ignored_classes or self._ignored_names:
            kind = type(error)
            if self._ignored_names and self._is_named(kind):
                return _EVENT_PROCESSOR
            # By identity: a metaclass may have an opinion on equality.
            for base in _mro_of(kind):
                for ignored in self._ignored_classes:
                    if base is ignored:
                        return _EVENT_PROCESSOR
        if self.dedupes and _has(_dict_of(error), MARK):
            return _EVENT_PROCESSOR
        return self.refuses()

    def refuses(self) -> str | None:
        """Return the reason for which no event is made at all at this moment; None if one is to be made."""
        if self.samples and not self.draws(self.sample_rate):
            return _SAMPLE_RATE
        return None

    def draws(self, rate: float) -> bool:
        """Whether a draw at this rate, from 0 to 1, says yes."""
        return rate >= 1.0 or (rate > 0.0 and self._module.random() < rate)

    def _is_named(self, kind: type) -> bool:
        try:
            name, module = _qualname_of(kind), _module_of(kind)
        except Exception as error:
            diagnostics.internal_error("ignore_errors", error)
            return False
        # Either may be of a type of the application's own, whose code is not to be run.
        name = _plain(name)
        if name in self._ignored_names:
            return True
        return issubclass(type(module), str) and f"{_plain(module)}.{name}" in self._ignored_names


def mark(error: BaseException, event_id: str) -> None:
    """Remember on an exception that it was captured."""
    _set(_dict_of(error), MARK, event_id)
