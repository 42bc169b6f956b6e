"""What a forked child lets go of. One hook for the process, however many clients there are.

The hook runs in the child, on its only thread, before anything else. It may not wait for anything: whoever held a lock
at the moment of the fork is not there any more.
"""

from __future__ import annotations

import os

# From where `weakref` has it, which makes classes of its own besides and takes half a millisecond.
from _weakrefset import WeakSet

from tocsin._backend import fence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Forked(Protocol):
        """What can be registered."""

        def after_fork_in_child(self) -> None:
            """Let go of all that belongs to the parent; must not raise and must not wait."""


_registered: WeakSet[Forked] = WeakSet()
_is_hooked = False


def register(forked: Forked) -> None:
    """Call the object's `after_fork_in_child` in every child forked from now on, as long as the object lives."""
    global _is_hooked
    _registered.add(forked)
    if not _is_hooked:
        _is_hooked = True
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork_in_child)


def unregister(forked: Forked) -> None:
    """Forget the object."""
    _registered.discard(forked)


def _after_fork_in_child() -> None:
    fence.after_fork_in_child()
    for forked in list(_registered):
        try:
            forked.after_fork_in_child()
        except Exception as error:
            from tocsin import diagnostics

            diagnostics.internal_error("fork", error)
