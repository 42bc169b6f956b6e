"""Calls back when a module is first imported, so that `init()` imports nothing for the sake of patching it.

While something is awaited, and only then, a finder stands first on `sys.meta_path`. It has the other finders find
the module and lends it a loader that, before it runs anything, puts the true loader back into its place: the module
comes out as it would have without.
"""

from __future__ import annotations

import sys

# The interpreter's own lock for short steps of importing: re-entrant, and in order in a forked child.
from _imp import acquire_lock, release_lock

from tocsin.integrations.guard import absorb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    Callback = Callable[[ModuleType], object]

# Read without the lock, replaced with it.
_awaited: dict[str, tuple[Callback, ...]] = {}


class Exclusive:
    """Keeps other threads from the short steps inside a `with`; nothing in it may import or call foreign code."""

    __slots__ = ()

    def __enter__(self) -> None:
        acquire_lock()

    def __exit__(self, *exc_info: object) -> None:
        release_lock()


exclusive = Exclusive()


def when_imported(name: str, callback: Callback) -> None:
    """Call `callback` with the module once it is imported: now if it is, else on the thread that imports it.

    An exception of the callback's is absorbed. `forget` takes the callback back.
    """
    if _is_imported(name):
        _call(name, callback)
        return
    with exclusive:
        _awaited[name] = (*_awaited.get(name, ()), callback)
        if not any(finder is _finder for finder in sys.meta_path):
            sys.meta_path.insert(0, _finder)
    if _is_imported(name):
        # By another thread, whose search for it had passed our place before we took it.
        _imported(name)


def _is_imported(name: str) -> bool:
    if sys.modules.get(name) is None:
        return False
    try:
        # Waits for another thread that is in the middle of importing it.
        __import__(name)
    except ImportError:
        return False
    return sys.modules.get(name) is not None


def forget(name: str, callback: Callback) -> None:
    """Do not call `callback` any more for that module."""
    with exclusive:
        _keep(name, tuple(one for one in _awaited.get(name, ()) if one != callback))


def _keep(name: str, callbacks: tuple[Callback, ...]) -> None:
    if callbacks:
        _awaited[name] = callbacks
    else:
        _awaited.pop(name, None)
    if not _awaited and any(finder is _finder for finder in sys.meta_path):
        # A new list, as another thread may be walking the old one and would miss the finder after ours.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not _finder]


def _imported(name: str) -> None:
    """Call those who await the module, each once whoever comes first."""
    with exclusive:
        callbacks = _awaited.get(name, ())
        _keep(name, ())
    for callback in callbacks:
        _call(name, callback)


def _call(name: str, callback: Callback) -> None:
    module = sys.modules.get(name)
    if module is None:
        return
    try:
        callback(module)
    except Exception as failure:
        absorb(f"after the import of {name}", failure)


class _Finder:
    """Finds the awaited modules, by way of the finders that are there besides."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _awaited:
            return None
        for finder in list(sys.meta_path):
            find_spec = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if find_spec is None else find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(name, spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """Stands in for a loader until the module is run; whatever else is asked of it, the true loader answers."""

    def __init__(self, name: str, loader: Any) -> None:
        self._name = name
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        create_module = getattr(self._loader, "create_module", None)
        made: ModuleType | None = None if create_module is None else create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        loader = self._loader
        spec: Any = module.__spec__
        if getattr(spec, "loader", None) is self:
            spec.loader = loader
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = loader
        loader.exec_module(module)
        _imported(self._name)


_finder: Any = _Finder()
