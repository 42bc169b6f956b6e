"""What hooks need so as not to disturb those they are called by: an end to what causes itself, and to failures."""

from __future__ import annotations

from _thread import get_ident

from tocsin import diagnostics, fork
from tocsin._backend import fence


class Nesting:
    """Counts for each thread how often it has entered and not left; refuses from a depth on.

    Any thread may call, also from a signal handler: each changes only what is its own.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # How deep each thread is inside; empty while none is.
        self.depths: dict[int, int] = {}
        fork.register(self)

    def __bool__(self) -> bool:
        """Whether any thread is inside."""
        return bool(self.depths)

    def enter(self) -> bool:
        """Enter, to `leave` again; or return False, as the thread is inside too deep."""
        ident = get_ident()
        depth = self.depths.get(ident, 0)
        if depth >= self._most:
            return False
        self.depths[ident] = depth + 1
        return True

    def leave(self) -> None:
        """Undo an `enter`."""
        ident = get_ident()
        depth = self.depths[ident]
        if depth > 1:
            self.depths[ident] = depth - 1
        else:
            del self.depths[ident]

    def after_fork_in_child(self) -> None:
        """Forget the threads that are not there any more: a new one may have the identity of one of them."""
        ident = get_ident()
        depth = self.depths.get(ident)
        self.depths = {} if depth is None else {ident: depth}


def absorb(where: str, failure: Exception) -> None:
    """Tell those who debug of a failure of our own; raise what a signal handler meant for the application."""
    if fence.came_from_signal(failure):
        raise failure
    diagnostics.internal_error(where, failure)
