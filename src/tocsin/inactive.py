"""The client that stands in where there is none, so that nobody has to ask before calling one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class InactiveClient:
    """Accepts every call of a client and does nothing."""

    dsn: str | None = None
    transport: Any = None
    renderer: Any = None

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}

    def is_active(self) -> bool:
        """Return False: nothing is captured."""
        return False

    def should_send_default_pii(self) -> bool:
        """Return False."""
        return False

    def capture_event(self, *args: Any, **kwargs: Any) -> str | None:
        """Capture nothing and return None."""
        return None

    def capture_exception(self, *args: Any, **kwargs: Any) -> str | None:
        """Capture nothing and return None."""
        return None

    def capture_message(self, *args: Any, **kwargs: Any) -> str | None:
        """Capture nothing and return None."""
        return None

    def get_integration(self, *args: Any, **kwargs: Any) -> Any:
        """Return None: no integration is set up."""
        return None

    def flush(self, *args: Any, **kwargs: Any) -> bool:
        """Return True: there is nothing to wait for."""
        return True

    async def flush_async(self, *args: Any, **kwargs: Any) -> bool:
        """Return True: there is nothing to wait for."""
        return True

    def close(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""

    async def close_async(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""

    def __enter__(self) -> InactiveClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None


INACTIVE = InactiveClient()
