"""honeybadger.

On the caller's side its hook `before_notify` takes each notice, has it made into the payload, which is otherwise made
when it is sent, and stops it. That is its best case: the JSON, which it makes on the caller's thread, and the thread
that it starts for each event are left out.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.adapters.base import KEY, MESSAGE, Absent, Adapter, Operation, Seen, SeenException, Settings


class Honeybadger(Adapter):
    name = "honeybadger"
    distribution = "honeybadger"
    has_breadcrumbs = False
    has_chains = False
    status = 201
    notes = "no breadcrumbs, no locals, of causes type and text only"
    _room = 0

    def start(self, settings: Settings) -> None:
        if settings.sample_rate < 1:
            raise Absent("does not sample errors")
        from honeybadger import honeybadger

        self._kept: list[Any] = []
        honeybadger.configure(
            api_key=KEY,
            endpoint=settings.url or "http://127.0.0.1:9",
            excluded_exceptions=[kind.__name__ for kind in settings.ignored],
            before_notify=self._take if settings.url is None else _pass,
        )
        self._sdk = honeybadger
        self.capture = honeybadger.notify

    def _take(self, notice: Any) -> Any:
        if notice.excluded_exception():
            return notice
        payload = notice.payload
        if self._room:
            self._room -= 1
            self._kept.append(payload)
        return None

    def keep(self, count: int) -> None:
        self._room = count
        self._kept.clear()

    def sent(self) -> list[Seen]:
        found = [_seen(payload) for payload in self._kept]
        self._kept.clear()
        return found

    def decode(self, body: bytes) -> list[Seen]:
        return [_seen(json.loads(body))]

    def has_locals_at(self, index: int, frames: int) -> bool:
        return False

    def scope(self, inside: str = "pass") -> Operation:
        return Operation(f"with context(shop='north'): {inside}", {"context": self._sdk.context})

    def tag(self) -> Operation:
        return Operation("set_context(shop='north')", {"set_context": self._sdk.set_context})

    def message(self) -> Operation:
        return Operation(f"notify(error_class='Shop', error_message={MESSAGE!r})", {"notify": self._sdk.notify})

    def startup(self, url: str) -> str:
        start = f"honeybadger.configure(api_key={KEY!r}, endpoint={url!r})"
        return f"from honeybadger import honeybadger\n{start}\n"

    def startup_message(self) -> str:
        # The thread that delivers it is waited for at the end.
        return f"honeybadger.notify(error_class='Shop', error_message={MESSAGE!r})\n"


def _pass(notice: Any) -> Any:
    return notice


def _seen(payload: dict[str, Any]) -> Seen:
    error = payload["error"]
    # Innermost first there.
    functions = [frame["method"] for frame in reversed(error["backtrace"])]
    told = SeenException(error["class"], error["message"], functions, [{} for _ in functions])
    return Seen([told], error["message"], tags=dict(payload["request"]["context"]), raw=payload)
