"""rollbar.

On the caller's side a handler of payloads, which it offers for that, takes each event and stops it. That is its best
case: the JSON, which it makes on the caller's thread, and the thread that it starts for each event are left out.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.adapters.base import KEY, MESSAGE, Absent, Adapter, Operation, Seen, SeenException, Settings

_TIMEOUT_S = 60


class Rollbar(Adapter):
    name = "rollbar"
    distribution = "rollbar"
    has_breadcrumbs = False
    notes = "no breadcrumbs"
    _room = 0

    def start(self, settings: Settings) -> None:
        if settings.sample_rate < 1:
            raise Absent("does not sample")
        import rollbar
        import rollbar.lib.events

        self._sdk = rollbar
        self._kept: list[Any] = []
        rollbar.init(
            KEY,
            endpoint=f"{settings.url or 'http://127.0.0.1:9'}/api/1/",
            timeout=_TIMEOUT_S,
            allow_logging_basic_config=False,
            suppress_reinit_warning=True,
            locals={"enabled": settings.has_locals},
            exception_level_filters=[(kind, "ignored") for kind in settings.ignored],
        )
        if settings.url is None:
            rollbar.lib.events.add_payload_handler(self._take)
        report = rollbar.report_exc_info
        self.capture = lambda error: report((type(error), error, error.__traceback__))

    def _take(self, payload: Any, **_: Any) -> bool:
        if self._room:
            self._room -= 1
            self._kept.append(payload)
        return False

    def keep(self, count: int) -> None:
        self._room = count
        self._kept.clear()

    def sent(self) -> list[Seen]:
        found = [_seen(payload) for payload in self._kept]
        self._kept.clear()
        return found

    def decode(self, body: bytes) -> list[Seen]:
        return [_seen(json.loads(body))]

    def flush(self, timeout_s: float) -> None:
        self._sdk.wait()

    def message(self) -> Operation:
        return Operation(f"report_message({MESSAGE!r})", {"report_message": self._sdk.report_message})

    def startup(self, url: str) -> str:
        return f"import rollbar\nrollbar.init({KEY!r}, endpoint={url + '/api/1/'!r})\n"

    def startup_message(self) -> str:
        return f"rollbar.report_message({MESSAGE!r})\nrollbar.wait()\n"


def _seen(payload: dict[str, Any]) -> Seen:
    body = payload["data"]["body"]
    traces = body.get("trace_chain") or ([body["trace"]] if "trace" in body else [])
    # The one that was captured stands first there.
    exceptions = [_exception(trace) for trace in reversed(traces)]
    return Seen(exceptions, body.get("message", {}).get("body", ""), raw=payload)


def _exception(trace: dict[str, Any]) -> SeenException:
    frames = trace["frames"]
    functions = [frame["method"] for frame in frames]
    told = trace["exception"]
    return SeenException(told["class"], told["message"], functions, [frame.get("locals", {}) for frame in frames])
