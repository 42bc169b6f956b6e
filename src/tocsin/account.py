"""What became of the events: the figures behind `tocsin.stats()`."""

from __future__ import annotations


class Account:
    """The events of one client, counted; `captured == delivered + pending + sum(dropped.values())` at every moment.

    Attributes:
        captured: how many captures there were.
        delivered: how many the server (or another transport) has taken.
        pending: how many are on their way.
        dropped: how many will never arrive, by the protocol's reason
            (https://develop.sentry.dev/sdk/telemetry/client-reports/).
    """

    __slots__ = ("captured", "delivered", "dropped", "pending")

    def __init__(self, captured: int, delivered: int, pending: int, dropped: dict[str, int]) -> None:
        self.captured = captured
        self.delivered = delivered
        self.pending = pending
        self.dropped = dropped

    def __repr__(self) -> str:
        return (
            f"Account(captured={self.captured}, delivered={self.delivered}, pending={self.pending}, "
            f"dropped={self.dropped})"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Account):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]
