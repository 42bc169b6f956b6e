"""The interpreter's own threads and locks, whatever has been patched over them."""

from __future__ import annotations

import _thread
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def native(name: str) -> Any:
    """Return a function of `_thread` as the interpreter made it.

    gevent's monkey patching replaces them: the worker would be a greenlet, and its sleep stop the whole application.
    """
    monkey = sys.modules.get("gevent.monkey")
    return getattr(_thread, name) if monkey is None else monkey.get_original("_thread", name)
