"""The facade over either twin, both in one process: the one that was imported, and a copy over the other twin."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import tocsin
from support.clients import Keeping

# The twins themselves, and what they use of the facade: there is one of each.
_SHARED = ("tocsin._core", "tocsin._pure", "tocsin.diagnostics", "tocsin.limits", "tocsin.reasons")
_MODULES = ("api", "client", "fork", "hooks", "scope", "scope_stack", "testing", "transport", "integrations.logging")
_MODULES += ("integrations.log_record", "inactive", "scope_snapshot")


class Facade:
    """The package `tocsin` as it is over one twin; its modules by their names."""

    def __init__(self, modules: dict[str, ModuleType]) -> None:
        self._modules = modules
        self.tocsin: Any = modules["tocsin"]

    def __getattr__(self, name: str) -> Any:
        return self._modules[f"tocsin.{name}"]

    @contextlib.contextmanager
    def in_place(self) -> Iterator[Any]:
        """In the block this is what `import tocsin` finds, with no client and fresh scopes before and after."""
        before = _taken_out()
        sys.modules.update(self._modules)
        self.testing.reset()
        try:
            yield self
        finally:
            self.testing.reset()
            self._modules.update(_taken_out())
            sys.modules.update(before)
            before["tocsin.testing"].reset()  # type: ignore[attr-defined]

    def client(self, **options: Any) -> Any:
        """A client that keeps what it sends, put in force for the process."""
        given = {"dsn": "", "transport": Keeping(), "default_integrations": False, **options}
        made = self._modules["tocsin.client"].Client(**given)
        self.scope_stack.get_global_scope().set_client(made)
        return made


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == "tocsin" and not name.startswith(_SHARED)


def _taken_out() -> dict[str, ModuleType]:
    return {name: sys.modules.pop(name) for name in list(sys.modules) if _is_ours(name)}


@functools.cache
def facade(backend: str) -> Facade:
    """The facade over the twin of that name."""
    for name in _MODULES:
        importlib.import_module(f"tocsin.{name}")
    if tocsin.backend() == backend:
        return Facade({name: module for name, module in sys.modules.items() if _is_ours(name)})
    wanted = os.environ.get("TOCSIN_BACKEND")
    before = _taken_out()
    os.environ["TOCSIN_BACKEND"] = backend
    try:
        importlib.import_module("tocsin")
        for name in _MODULES:
            importlib.import_module(f"tocsin.{name}")
    finally:
        made = _taken_out()
        sys.modules.update(before)
        if wanted is None:
            del os.environ["TOCSIN_BACKEND"]
        else:
            os.environ["TOCSIN_BACKEND"] = wanted
    assert made["tocsin"].backend() == backend
    return Facade(made)


def facades() -> list[Facade]:
    """Over the core and over the pure twin; over the pure one alone where there is no core."""
    try:
        importlib.import_module("tocsin._core.verbs")
    except ImportError:
        return [facade("pure")]
    return [facade("core"), facade("pure")]
