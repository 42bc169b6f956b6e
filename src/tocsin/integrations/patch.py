"""Puts a hook of ours in the place of a function, for as long as any client wants it, and takes it away again."""

from __future__ import annotations

from _weakrefset import WeakSet

from tocsin.importing import load
from tocsin.integrations.on_import import exclusive, forget, when_imported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from tocsin.client import Client

    Wrap = Callable[["Any", "Wanted"], "Any"]


class Wanted:
    """Says to one wrapper whether it is still to do more than to call what it wraps."""

    __slots__ = ("is_on",)

    def __init__(self) -> None:
        self.is_on = True


class Patch:
    """One function that is replaced, once, however many clients want it.

    Args:
        module: where it is; the patch waits for the module to be imported.
        path: its name in the module, or `Class.name`.
        wrap: is given the function that is there and a `Wanted`, and returns what to put in its place.
        needs: modules that only the hook needs, each a `Late` that is loaded before the hook is put in place.
    """

    def __init__(self, module: str, path: str, wrap: Wrap, *needs: Any) -> None:
        self._module = module
        self._needs = needs
        self._holder, _, self._name = path.rpartition(".")
        self._wrap = wrap
        # Weak: a client that was thrown away without being closed wants nothing any more.
        self._clients: WeakSet[Client] = WeakSet()
        self._owner: Any = None
        self._original: Any = None
        self._replacement: Any = None
        self._wanted: Wanted | None = None

    def add(self, client: Client) -> None:
        """Put the hook in place, now or when its module is imported, unless another client has done so."""
        with exclusive:
            self._clients.add(client)
            is_missing = self._wanted is None
        if is_missing:
            when_imported(self._module, self._put_on)

    def discard(self, client: Client) -> None:
        """With the last client, put back what was there.

        Where somebody else has put theirs over ours since, theirs stays, and ours does no more than to call on.
        """
        with exclusive:
            self._clients.discard(client)
            if self._clients:
                return
            if self._wanted is not None:
                self._wanted.is_on = False
                if vars(self._owner).get(self._name) is self._replacement:
                    setattr(self._owner, self._name, self._original)
            self._owner = self._original = self._replacement = self._wanted = None
        forget(self._module, self._put_on)

    def _put_on(self, module: ModuleType) -> None:
        load(*self._needs)
        with exclusive:
            if self._wanted is not None or not self._clients:
                return
            owner = getattr(module, self._holder) if self._holder else module
            original = vars(owner)[self._name]
            wanted = Wanted()
            replacement = self._wrap(original, wanted)
            setattr(owner, self._name, replacement)
            self._owner, self._original, self._replacement = owner, original, replacement
            self._wanted = wanted


def resemble(replacement: Any, original: Any) -> Any:
    """Give a replacement the name, documentation and signature of what it replaces, and return it."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        value = getattr(original, name, None)
        if value is not None:
            setattr(replacement, name, value)
    replacement.__wrapped__ = original
    return replacement
