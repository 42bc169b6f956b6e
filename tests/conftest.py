"""What every test gets: both twins, a clean SDK, a clean environment, and no error swallowed in silence."""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import os
import pkgutil
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, NoReturn

import hypothesis
import pytest

# The environment as the run was started with it, for tests that start programs in need of, say, a proxy.
STARTED_WITH: Mapping[str, str] = dict(os.environ)

hypothesis.settings.register_profile("tocsin", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tocsin")


class Backend:
    """One twin: each room as an attribute, and each public name of any room; modules are loaded at first use."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "name", name)

    @property
    def rooms(self) -> tuple[str, ...]:
        return rooms()

    def __repr__(self) -> str:
        return f"<{self.name} backend>"

    def __setattr__(self, attribute: str, value: object) -> NoReturn:
        raise AttributeError(f"the {self.name} backend is shared by all tests and cannot be changed")

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if attribute in rooms():
            return _load(self.name, attribute)
        return getattr(_load(self.name, _room_of(attribute)), attribute)


@functools.cache
def rooms() -> tuple[str, ...]:
    """The modules that exist twice: each of `_pure` has a twin of its name in `_core`."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(importlib.import_module("tocsin._pure").__path__)))


def _load(backend: str, room: str) -> ModuleType:
    """The module; ends the run if it is a compiled one that is not there, since all it promises would go untested."""
    try:
        module = importlib.import_module(f"tocsin._{backend}.{room}")
    except ImportError as error:
        if backend == "pure":
            raise
        pytest.exit(
            f"the compiled core has no usable {room}: {error}\n"
            "Build it (TOCSIN_BUILD=require), or give --no-core to test the pure twin alone.",
            returncode=pytest.ExitCode.USAGE_ERROR,
        )
    if backend == "core" and not str(module.__file__).endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)):
        pytest.exit(f"tocsin._core.{room} is not compiled: {module.__file__}", returncode=pytest.ExitCode.USAGE_ERROR)
    return module


@functools.cache
def _room_of(name: str) -> str:
    """The room whose pure twin defines the public name."""
    if not name.startswith("_"):
        imported = None
        for room in rooms():
            module = _load("pure", room)
            if name in vars(module):
                if getattr(vars(module)[name], "__module__", None) in (module.__name__, None):
                    return room
                imported = imported or room
        if imported is not None:
            return imported
    raise AttributeError(f"no room of tocsin has a public name {name!r}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-core", action="store_true", help="test the pure twin alone, where no core was built")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        twins = ["pure"] if metafunc.config.getoption("--no-core") else ["core", "pure"]
        metafunc.parametrize("backend", twins, indirect=True, scope="session")


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Backend:
    """One twin's names: `backend.name`, `backend.handoff` (a module), `backend.Handoff` (a public name in one)."""
    return Backend(request.param)


@pytest.fixture(scope="session")
def started_with() -> dict[str, str]:
    """A copy of the environment that the run was started with, unguarded: for building and installing."""
    return dict(STARTED_WITH)


def pytest_report_header() -> list[str]:
    return [f"backend: {_describe_backend()}", f"python: {sys.version} on {platform.platform()}", _describe_compiler()]


def _describe_backend() -> str:
    try:
        chosen = importlib.import_module("tocsin._backend")
        return f"{chosen.backend()} ({chosen.backend_reason()}) in {os.path.dirname(str(chosen.__file__))}"
    except Exception as error:
        return f"none, tocsin cannot be imported: {type(error).__name__}: {error}"


def _describe_compiler() -> str:
    command = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    built_by = f"python was built by {platform.python_compiler()}"
    if shutil.which(command) is None:
        return f"compiler: no {command}; {built_by}"
    answer = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=60, check=False)
    lines = (answer.stdout or answer.stderr).splitlines()
    return f"compiler: {lines[0] if lines else f'{command} says nothing'}; {built_by}"


_swallowed: list[str] = []


def _record_internal_errors() -> None:
    """Wrap `tocsin.diagnostics.internal_error` once, wherever it was already imported from there."""
    diagnostics = importlib.import_module("tocsin.diagnostics")
    original = diagnostics.internal_error

    @functools.wraps(original)
    def internal_error(where: str, error: BaseException) -> None:
        # Text only: a kept exception would keep its frames alive under the leak tests.
        try:
            _swallowed.append(f"{where}: {type(error).__name__}: {error}")
        except Exception:
            _swallowed.append(f"{where}: {type(error).__name__}, which has no text")
        original(where, error)

    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "tocsin" and vars(module).get("internal_error") is original:
            module.internal_error = internal_error  # type: ignore[attr-defined]


def pytest_sessionstart() -> None:
    try:
        _record_internal_errors()
    except ImportError as error:
        raise pytest.UsageError(f"tocsin cannot be imported, so nothing can be tested: {error}") from error


@pytest.fixture(autouse=True)
def _clean_environment() -> Iterator[None]:
    """No test sees the DSN, switches or proxies of whoever runs the suite; which twin to load is left to them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            ours = name.startswith(("SENTRY_", "TOCSIN_")) and name != "TOCSIN_BACKEND"
            if ours or name.lower().endswith("_proxy"):
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _clean_sdk(_clean_environment: None) -> None:
    """Every test starts without a client, with empty scopes and unpatched integrations."""
    importlib.import_module("tocsin.testing").reset()


@pytest.fixture(autouse=True)
def _no_swallowed_internal_error(request: pytest.FixtureRequest, _clean_sdk: None) -> Iterator[None]:
    """An error that tocsin swallowed fails the test, unless the test says that it provokes one."""
    _swallowed.clear()
    yield
    swallowed = list(_swallowed)
    if swallowed and request.node.get_closest_marker("internal_errors") is None:
        pytest.fail("tocsin swallowed internal errors:\n" + "\n".join(swallowed), pytrace=False)
