"""Where errors are heard of without being captured by hand: which integrations there are, and which a client gets.

`init()` calls `setup_integrations`; a client that is closed calls `remove_integrations`. Modules of integrations are
imported only for a client that gets them.
"""

from __future__ import annotations

import sys
from _weakref import ref
from _weakrefset import WeakSet

from tocsin import diagnostics
from tocsin.integrations.base import DidNotEnable, Integration, is_integration
from tocsin.integrations.on_import import exclusive, forget, when_imported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

    from tocsin.client import Client

__all__ = ["DidNotEnable", "Integration", "remove_integrations", "setup_integrations"]

# identifier -> module of this package and class; set up by default.
DEFAULTS = {
    "atexit": ("atexit", "AtexitIntegration"),
    "dedupe": ("dedupe", "DedupeIntegration"),
    "excepthook": ("excepthook", "ExcepthookIntegration"),
    "threading": ("threading", "ThreadingIntegration"),
    "unraisablehook": ("unraisablehook", "UnraisablehookIntegration"),
    "asyncio": ("asyncio", "AsyncioIntegration"),
    "logging": ("logging", "LoggingIntegration"),
}
# identifier -> module of this package, class, and the library that is to be imported first.
AUTO_ENABLING: dict[str, tuple[str, str, str]] = {}

_set_up_once: WeakSet[type] = WeakSet()


def setup_integrations(client: Client) -> None:
    """Choose the client's integrations by its options and have them work for it.

    An integration of the option `integrations` takes the place of the default one with the same identifier. One that
    cannot be enabled is left out, unless the application asked for it.

    Raises:
        DidNotEnable: an integration that the application asked for cannot be enabled.
        TypeError: the option `integrations` holds something that is no integration.
        ValueError: it holds the name of an integration that does not exist.
    """
    options = client.options
    disabled = set(map(_identifier_of, options["disabled_integrations"] or ()))
    explicit: dict[str, Any] = {}
    for value in options["integrations"]:
        integration = _instance_of(value)
        explicit[integration.identifier] = integration
    # Marked exceptions are refused only where the integration for that is set up.
    client.gate.dedupes = False
    try:
        if options["default_integrations"]:
            for identifier, (module, class_name) in DEFAULTS.items():
                if identifier not in disabled and identifier not in explicit:
                    _enable(client, _load(module, class_name)(), False)
        for identifier, integration in explicit.items():
            if identifier not in disabled:
                _enable(client, integration, True)
        if options["default_integrations"] and options["auto_enabling_integrations"]:
            for identifier in AUTO_ENABLING:
                if identifier not in disabled and identifier not in explicit:
                    _enable_when_imported(client, identifier)
    except BaseException:
        remove_integrations(client)
        raise
    client.refresh_fields()


def remove_integrations(client: Client) -> None:
    """Have no integration work for the client any more; for use when it is closed."""
    while client.awaited_libraries:
        forget(*client.awaited_libraries.pop())
    for identifier, integration in list(client.integrations.items()):
        remove = getattr(integration, "remove", None)
        if callable(remove):
            try:
                remove(client)
            except Exception as error:
                diagnostics.internal_error(f"integration {identifier}", error)
    client.integrations.clear()


def _enable(client: Client, integration: Any, is_explicit: bool) -> None:
    """Set up one integration, for the process if it is the first of its class, then for the client."""
    identifier = integration.identifier
    kind = type(integration)
    with exclusive:
        is_first = kind not in _set_up_once
        _set_up_once.add(kind)
    try:
        if is_first:
            kind.setup_once()
            setup_once_with_options = getattr(integration, "setup_once_with_options", None)
            if setup_once_with_options is not None:
                setup_once_with_options(client.options)
        install = getattr(integration, "install", None)
        if install is not None:
            install(client)
    except Exception as error:
        if is_first:
            _set_up_once.discard(kind)
        if not isinstance(error, DidNotEnable):
            # A fault of the integration, not of who asked for it.
            diagnostics.warn_once(
                f"integration {identifier}", f"integration {identifier} failed: {type(error).__name__}: {error}"
            )
            diagnostics.internal_error(f"integration {identifier}", error)
        elif is_explicit:
            raise
        else:
            diagnostics.debug(f"integration {identifier} is not enabled: {error}")
        return
    client.integrations[identifier] = integration


def _enable_when_imported(client: Client, identifier: str) -> None:
    module, class_name, library = AUTO_ENABLING[identifier]
    # The client is not kept alive for the sake of a library that may never come.
    client_ref = ref(client)

    def enable(_: ModuleType) -> None:
        wanting = client_ref()
        if wanting is not None:
            _enable(wanting, _load(module, class_name)(), False)
            wanting.refresh_fields()

    client.awaited_libraries.append((library, enable))
    when_imported(library, enable)


def _load(module: str, class_name: str) -> Any:
    name = f"{__name__}.{module}"
    __import__(name)
    return getattr(sys.modules[name], class_name)


def _instance_of(value: Any) -> Any:
    """Return an integration for an item of the option: an instance, a class or a name."""
    if isinstance(value, str):
        known = DEFAULTS.get(value) or AUTO_ENABLING.get(value)
        if known is None:
            names: Iterable[str] = sorted([*DEFAULTS, *AUTO_ENABLING])
            raise ValueError(f"option integrations: there is no {value!r}; there are {', '.join(names)}")
        return _load(known[0], known[1])()
    if not is_integration(value):
        raise TypeError(f"option integrations holds {value!r}, which is no integration")
    return value() if isinstance(value, type) else value


def _identifier_of(value: Any) -> Any:
    """Return the identifier that an item of the option `disabled_integrations` stands for."""
    return value if isinstance(value, str) else getattr(value, "identifier", None)
