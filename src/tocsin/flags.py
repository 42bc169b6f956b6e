"""The feature flags that were evaluated last, for `contexts.flags`."""

from __future__ import annotations

from tocsin import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class FlagBuffer:
    """Keeps the last `capacity` flags; setting a flag again makes it the newest."""

    __slots__ = ("_capacity", "_results")

    def __init__(self, capacity: int = limits.FLAGS) -> None:
        self._capacity = capacity
        self._results: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self._results)

    def set(self, flag: str, result: Any) -> None:
        """Record that `flag` evaluated to `result`; the oldest flag goes when there are too many."""
        # Replaced, not changed in place: another thread may be reading it.
        results = {name: value for name, value in self._results.items() if name != flag}
        results[flag] = result
        if len(results) > self._capacity:
            del results[next(iter(results))]
        self._results = results

    def get(self) -> list[dict[str, Any]]:
        """Return the flags as the protocol has them, oldest first."""
        return [{"flag": flag, "result": result} for flag, result in self._results.items()]

    def clear(self) -> None:
        """Forget all flags."""
        self._results = {}

    def copy(self) -> FlagBuffer:
        """Return a buffer with the same flags, independent from now on."""
        copied = FlagBuffer(self._capacity)
        copied._results = self._results
        return copied
