"""Which integrations a client gets, and what becomes of those that cannot be had."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

import tocsin
from support.hooks import Outcome, events_of, hooked
from tocsin import integrations
from tocsin.integrations import DidNotEnable, Integration
from tocsin.integrations.dedupe import DedupeIntegration
from tocsin.integrations.logging import LoggingIntegration

Start = Callable[..., tocsin.Client]


def test_importing_the_package_imports_no_integration(run_program: Callable[..., Outcome]) -> None:
    """`import tocsin` loads none of the integrations, and nothing that they look at."""
    outcome = run_program("""
        import json, sys
        import tocsin
        targets = {"asyncio", "logging", "threading", "atexit"}
        print(json.dumps([name for name in sys.modules if name.startswith("tocsin.integrations") or name in targets]))
    """)
    assert outcome.told == [], outcome.err


def test_init_imports_no_module_for_the_sake_of_patching_it(run_program: Callable[..., Outcome]) -> None:
    """With all defaults, `init` imports neither asyncio nor logging nor threading."""
    outcome = run_program("""
        import json, sys
        import tocsin
        before = set(sys.modules)
        tocsin.init("", transport="memory")
        loaded = {name for name in set(sys.modules) - before if not name.startswith("tocsin")}
        print(json.dumps(sorted(loaded & {"asyncio", "logging", "threading", "re", "enum", "inspect", "fnmatch"})))
    """)
    assert outcome.told == [], outcome.err


def test_what_is_imported_after_init_is_hooked(run_program: Callable[..., Outcome]) -> None:
    """The first import of asyncio, logging and threading puts the hooks in, and takes the finder away."""
    outcome = run_program("""
        import sys
        finders = list(sys.meta_path)
        import tocsin
        client = tocsin.init("", transport="memory")
        assert len(sys.meta_path) == len(finders) + 1
        import asyncio, json, logging, threading
        assert sys.meta_path == finders, sys.meta_path
        logging.getLogger("a").error("logged")
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        print(json.dumps([event.get("logger") for event in client.transport.events]))
        print(type(logging.__loader__).__name__, logging.__spec__.loader is logging.__loader__, file=sys.stderr)
    """)
    assert outcome.told == ["a", None]
    assert outcome.err.splitlines()[-1] == "SourceFileLoader True"


def test_default_integrations_are_set_up_and_told(start: Start) -> None:
    """Without options all default ones work; every event names them in order."""
    client = start()
    assert sorted(client.integrations) == sorted(integrations.DEFAULTS)
    tocsin.capture_message("hello")
    assert events_of(client)[0]["sdk"]["integrations"] == sorted(integrations.DEFAULTS)


def test_every_default_identifier_is_that_of_its_class(start: Start) -> None:
    """The table of default integrations says of each the identifier that its class has."""
    assert {name: one.identifier for name, one in start().integrations.items()} == {
        name: name for name in integrations.DEFAULTS
    }


def test_without_default_integrations_there_are_none(start: Start) -> None:
    """`default_integrations=False` leaves the interpreter alone."""
    before = hooked()
    client = start(default_integrations=False)
    assert client.integrations == {}
    assert hooked() == before


def test_an_instance_replaces_the_default_one(start: Start) -> None:
    """An integration given by the application takes the place of the default one with its identifier."""
    mine = LoggingIntegration(event_level=None)
    client = start(integrations=[mine])
    assert client.integrations["logging"] is mine
    assert client.get_integration(LoggingIntegration) is mine
    assert sorted(client.integrations) == sorted(integrations.DEFAULTS)


@pytest.mark.parametrize("given", ["logging", LoggingIntegration, LoggingIntegration()])
def test_an_integration_can_be_given_by_name_class_or_instance(start: Start, given: Any) -> None:
    """The three ways to ask for an integration give the same."""
    client = start(default_integrations=False, integrations=[given])
    assert list(client.integrations) == ["logging"]
    assert isinstance(client.integrations["logging"], LoggingIntegration)


@pytest.mark.parametrize("given", ["logging", LoggingIntegration, LoggingIntegration()])
def test_an_integration_can_be_disabled_by_name_class_or_instance(start: Start, given: Any) -> None:
    """What is disabled is not set up, even if it was asked for; names that nobody has are ignored."""
    client = start(disabled_integrations=[given, "stdlib"], integrations=[LoggingIntegration()])
    assert sorted(client.integrations) == sorted(set(integrations.DEFAULTS) - {"logging"})


def test_a_name_that_no_integration_has_is_told() -> None:
    """Asking for an integration that does not exist raises, and names those that do."""
    with pytest.raises(ValueError, match=r"there is no 'loging'; there are .*logging"):
        tocsin.init("", transport="memory", integrations=["loging"])


@pytest.mark.parametrize("junk", [3, object, None, lambda: None])
def test_what_is_no_integration_is_told(junk: Any) -> None:
    """A thing that is no integration raises at `init`."""
    with pytest.raises(TypeError, match="is no integration"):
        tocsin.init("", transport="memory", integrations=[junk])


def test_a_user_s_integration_is_set_up_once_per_process(start: Start) -> None:
    """`setup_once` and `setup_once_with_options` run for the first client only; every client has the integration."""
    calls = []

    class Mine(Integration):
        identifier = "mine"

        @staticmethod
        def setup_once() -> None:
            calls.append("once")

        def setup_once_with_options(self, options: dict[str, Any] | None = None) -> None:
            assert options is not None
            calls.append(options["environment"])

    first = start(integrations=[Mine()], environment="test")
    second = start(integrations=[Mine()], environment="other")
    assert calls == ["once", "test"]
    assert first.get_integration(Mine) is not second.get_integration(Mine) is not None


def test_an_integration_need_not_derive_from_the_base_class(start: Start) -> None:
    """An identifier and a `setup_once` make an integration; closing the client gets along with such a one."""

    class Foreign:
        identifier = "foreign"
        setup_once = staticmethod(lambda: None)

    client = start(integrations=[Foreign()])
    assert isinstance(client.get_integration("foreign"), Foreign)
    client.close()


def test_an_explicit_integration_that_cannot_be_enabled_raises() -> None:
    """`DidNotEnable` comes out of `init`, which leaves nothing installed and no client in force."""

    class Absent(Integration):
        identifier = "absent"

        @staticmethod
        def setup_once() -> None:
            raise DidNotEnable("no such library")

    before = hooked()
    for _ in range(2):
        with pytest.raises(DidNotEnable, match="no such library"):
            tocsin.init("", transport="memory", integrations=[Absent()])
        assert hooked() == before
    assert not tocsin.is_initialized()


def _module(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    module = types.ModuleType(f"tocsin.integrations.{name}")
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_a_default_integration_that_cannot_be_enabled_is_left_out(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`DidNotEnable` of a default integration is no error: the others work, and events do not name it."""

    class Absent(Integration):
        identifier = "absent"

        def install(self, client: tocsin.Client) -> None:
            raise DidNotEnable("no such library")

    _module(monkeypatch, "absent", Absent=Absent)
    monkeypatch.setitem(integrations.DEFAULTS, "absent", ("absent", "Absent"))
    client = start()
    assert sorted(client.integrations) == sorted(set(integrations.DEFAULTS) - {"absent"})


@pytest.mark.internal_errors
def test_a_faulty_integration_does_not_stop_the_application(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """An integration that fails otherwise is left out and told once on stderr."""

    class Faulty(Integration):
        identifier = "faulty"

        def install(self, client: tocsin.Client) -> None:
            raise RuntimeError("oh")

    client = start(integrations=[Faulty()])
    assert "faulty" not in client.integrations
    assert "logging" in client.integrations
    assert capsys.readouterr().err == " [tocsin] integration faulty failed: RuntimeError: oh\n"


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> str:
    """A library that is not imported yet, and an integration that awaits it."""

    class ForLibrary(Integration):
        identifier = "library"

    (tmp_path / "awaited_library.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "awaited_library", raising=False)
    _module(monkeypatch, "library", ForLibrary=ForLibrary)
    monkeypatch.setitem(integrations.AUTO_ENABLING, "library", ("library", "ForLibrary", "awaited_library"))
    return "awaited_library"


def test_an_integration_is_enabled_when_its_library_is_imported(start: Start, library: str) -> None:
    """An auto-enabling integration appears with the import of its library, in events too."""
    client = start()
    assert "library" not in client.integrations
    assert __import__(library).VALUE == 1
    assert "library" in client.integrations
    tocsin.capture_message("hello")
    assert "library" in events_of(client)[0]["sdk"]["integrations"]


def test_an_integration_of_a_library_that_is_there_is_enabled_at_once(start: Start, library: str) -> None:
    """Where the library was imported before, the integration is there after `init`."""
    __import__(library)
    assert "library" in start().integrations


@pytest.mark.parametrize(
    "options",
    [{"auto_enabling_integrations": False}, {"default_integrations": False}, {"disabled_integrations": ["library"]}],
)
def test_auto_enabling_can_be_turned_off(start: Start, library: str, options: dict[str, Any]) -> None:
    """Each of three options keeps the integration from being enabled with its library."""
    client = start(**options)
    __import__(library)
    assert "library" not in client.integrations


def test_a_client_without_integrations_awaits_no_library(start: Start, library: str) -> None:
    """Once its integrations are removed the import of the library enables nothing; the finder is gone by then."""
    finders = list(sys.meta_path)
    client = start()
    assert list(sys.meta_path) != finders
    integrations.remove_integrations(client)
    assert list(sys.meta_path) == finders
    assert client.integrations == {}
    __import__(library)
    assert client.integrations == {}


def _raised() -> ValueError:
    try:
        raise ValueError("once")
    except ValueError as error:
        return error


def test_an_error_is_captured_once(start: Start) -> None:
    """By default an exception that was captured is refused and counted, also after another one was captured."""
    client = start()
    error = _raised()
    tocsin.capture_exception(error)
    tocsin.capture_exception(_raised())
    assert tocsin.capture_exception(error) is None
    assert len(events_of(client)) == 2
    assert client.stats.snapshot()[3] == {"event_processor": 1}


@pytest.mark.parametrize("options", [{"disabled_integrations": [DedupeIntegration]}, {"default_integrations": False}])
def test_without_dedupe_an_error_is_captured_again(start: Start, options: dict[str, Any]) -> None:
    """Where the dedupe integration is not set up, the same exception makes as many events as there are captures."""
    client = start(**options)
    error = _raised()
    tocsin.capture_exception(error)
    tocsin.capture_exception(error)
    assert len(events_of(client)) == 2
