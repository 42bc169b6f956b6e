"""What an integration is: something that hears of errors or of what led to them, for as long as a client wants it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from tocsin.client import Client


class DidNotEnable(Exception):
    """An integration cannot be used here: what it integrates with is absent, or of another version."""


class Integration:
    """Base class. A subclass has an `identifier` and `install`s itself, or, once per process, `setup_once`s.

    All of it is called on the thread that calls `init()`, `setup_once` and the like before `install`. What is patched
    by `install` is undone by `remove`; what is patched by `setup_once` stays, and asks
    `get_client().get_integration(cls)` whether anybody wants it.

    Attributes:
        identifier: the name by which it is known, told in every event.
    """

    identifier: ClassVar[str] = ""

    @staticmethod
    def setup_once() -> None:
        """Patch what is to be patched, the first time the integration is used in this process.

        Raises:
            DidNotEnable: the integration cannot be used here. It leaves `init()` if the application asked for it.
        """

    def setup_once_with_options(self, options: dict[str, Any] | None = None) -> None:
        """Do what `setup_once` does, where the options of `init()` or the instance's own are needed for it."""

    def install(self, client: Client) -> None:
        """Begin to work for a client."""

    def remove(self, client: Client) -> None:
        """Stop working for a client; with the last one the interpreter is left as it was found."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def is_integration(value: Any) -> bool:
    """Whether the value, an object or a class, can be used as an integration."""
    identifier = getattr(value, "identifier", None)
    return type(identifier) is str and bool(identifier) and callable(getattr(value, "setup_once", None))
