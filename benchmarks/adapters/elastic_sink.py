"""The transport that takes elastic-apm's errors; it is named in an option, and so has a module of its own."""

from __future__ import annotations

from typing import Any

from elasticapm.transport.base import Transport


class Sink(Transport):
    """Takes errors and forgets them, but for as many as are to be kept."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.kept: list[Any] = []
        self.room = 0

    def queue(self, event_type: str, data: Any, flush: bool = False) -> None:
        if self.room and event_type == "error":
            self.room -= 1
            self.kept.append(data)

    def start_thread(self, pid: int | None = None) -> None:
        return

    def close(self) -> None:
        return
