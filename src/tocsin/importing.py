"""Imports that are made late, on whatever thread: a fork waits for them.

A module whose import another thread has begun when the process forks can never be imported in the child: the lock of
that import belongs to a thread that the child does not have, and whoever asks for the module there hangs.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident

from tocsin.native import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

# An import that takes longer holds up no fork any more, nor another import.
_WAIT_S = 5.0

_lock = native("RLock")()
# The threads that hold it for a fork, as often as they do.
_forking: list[int] = []


class Importing:
    """A context: imports inside it are finished before another thread forks."""

    __slots__ = ("_is_held", "_lock")

    def __enter__(self) -> None:
        # The child of a fork has another one.
        self._lock = _lock
        self._is_held = self._lock.acquire(True, _WAIT_S)

    def __exit__(self, *_: object) -> None:
        if self._is_held:
            self._lock.release()


def late_import(name: str) -> ModuleType:
    """Return the module of that name, imported if need be.

    Raises:
        ImportError: there is none.
    """
    with Importing():
        __import__(name)
    return sys.modules[name]


class Late:
    """A module in place of its import at the top of another: it is imported when it is first asked for something.

    For what only deliveries need: the worker's thread imports it then, and `import tocsin` takes an eighth less. Where
    a capture would ask first, on a thread of the application's, `load` comes before.
    """

    __slots__ = ("_module", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def load(self) -> ModuleType:
        """Import the module now, unless that is done."""
        module = self._module
        if module is None:
            module = self._module = late_import(self._name)
        return module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.load(), name)


def load(*modules: Any) -> None:
    """Import now what `Late` stands for, before threads that must not import ask it for something."""
    for module in modules:
        if isinstance(module, Late):
            module.load()


def import_with_loggers(name: str) -> ModuleType:
    """Like `late_import`, for a module that asks for loggers while it is imported.

    A fork takes the lock of `logging` first if that has registered last, and would then wait here for an import that
    waits for the lock. So the order is seen to.
    """
    global _outranks_logging
    late_import("logging")
    if not _outranks_logging:
        _outranks_logging = True
        _register()
    return late_import(name)


def _has_fork_hooks(module: str) -> bool:
    # Defined right before the registration, so that one that is being made counts as made.
    return hasattr(sys.modules.get(module), "_after_at_fork_child_reinit_locks")


def _before_fork() -> None:
    had_hooks = _has_fork_hooks("logging")
    if _lock.acquire(True, _WAIT_S):
        _forking.append(get_ident())
    if not had_hooks and _has_fork_hooks("logging"):
        # Imported while this fork was waiting, it will release a lock afterwards that it was not asked to take.
        sys.modules["logging"]._lock.acquire()


def _after_fork_in_parent() -> None:
    me = get_ident()
    if me in _forking:
        _forking.remove(me)
        _lock.release()


def _after_fork_in_child() -> None:
    global _lock
    _forking.clear()
    _lock = native("RLock")()


def _register() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
        )


# Whether a fork asks here before it asks there: what is registered last is asked first.
_outranks_logging = _has_fork_hooks("logging")
_register()
