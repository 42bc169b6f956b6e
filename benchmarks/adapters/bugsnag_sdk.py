"""bugsnag.

On the caller's side its payloads, which are JSON by then, end in a delivery of ours that does nothing. That is its
best case: it starts a thread for each event, which is left out.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.adapters.base import KEY, MESSAGE, RELEASE, Absent, Adapter, Operation, Seen, SeenException, Settings

_RING = 100


class Bugsnag(Adapter):
    name = "bugsnag"
    distribution = "bugsnag"
    notes = "no locals"

    def start(self, settings: Settings) -> None:
        if settings.sample_rate < 1:
            raise Absent("does not sample")
        import bugsnag
        from bugsnag.breadcrumbs import BreadcrumbType

        url = settings.url or "http://127.0.0.1:9"
        options: dict[str, Any] = {}
        self._sink: Any = None
        if settings.url is None:
            options["delivery"] = self._sink = _sink()
        bugsnag.configure(
            api_key=KEY,
            app_version=RELEASE,
            endpoint=url,
            session_endpoint=url,
            ignore_classes=[f"{kind.__module__}.{kind.__qualname__}" for kind in settings.ignored],
            max_breadcrumbs=_RING,
            # Else each event would push another breadcrumb out of the ring for the next one.
            enabled_breadcrumb_types=[kind for kind in BreadcrumbType if kind is not BreadcrumbType.ERROR],
            **options,
        )
        self._sdk = bugsnag
        self.capture = bugsnag.notify

    def keep(self, count: int) -> None:
        self._sink.room = count
        self._sink.kept.clear()

    def sent(self) -> list[Seen]:
        found = [seen for payload in self._sink.kept for seen in self.decode(payload)]
        self._sink.kept.clear()
        return found

    def decode(self, body: bytes) -> list[Seen]:
        return [_seen(event) for event in json.loads(body)["events"]]

    def has_locals_at(self, index: int, frames: int) -> bool:
        return False

    def breadcrumb(self, has_data: bool) -> Operation:
        data = "{'sum': 84, 'currency': 'EUR'}" if has_data else "{'category': 'cart', 'level': 'info'}"
        return Operation(f"leave_breadcrumb('paid', {data})", {"leave_breadcrumb": self._sdk.leave_breadcrumb})

    def hook_logging(self, logger: Any) -> None:
        from bugsnag.handlers import BugsnagHandler

        logger.addFilter(BugsnagHandler().leave_breadcrumbs)

    def startup(self, url: str) -> str:
        return f"import bugsnag\nbugsnag.configure(api_key={KEY!r}, endpoint={url!r}, session_endpoint={url!r})\n"

    def startup_message(self) -> str:
        # It has no messages, and is waited for at the end.
        return f"bugsnag.notify(Exception({MESSAGE!r}))\n"


def _sink() -> Any:
    from bugsnag.delivery import Delivery

    class Sink(Delivery):
        """Takes payloads and forgets them, but for as many as are to be kept."""

        def __init__(self) -> None:
            super().__init__()
            self.kept: list[Any] = []
            self.room = 0

        def deliver(self, config: Any, payload: Any, options: Any = None) -> None:
            if self.room:
                self.room -= 1
                self.kept.append(payload)
            # Else it would remember every request as one that is still under way.
            options["post_delivery_callback"]()

    return Sink()


def _seen(event: dict[str, Any]) -> Seen:
    # The one that was captured stands first there.
    exceptions = [_exception(error) for error in reversed(event["exceptions"])]
    return Seen(exceptions, "", [crumb["name"] for crumb in event.get("breadcrumbs", [])], raw=event)


def _exception(error: dict[str, Any]) -> SeenException:
    # Innermost first there.
    functions = [frame["method"] for frame in reversed(error["stacktrace"])]
    return SeenException(error["errorClass"], error["message"], functions, [{} for _ in functions])
