"""What tocsin and sentry-sdk have in common: the verbs, the options, and events of the Sentry protocol."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.adapters.base import KEY, MESSAGE, RELEASE, Adapter, Operation, Seen, SeenException, Settings


class VerbsAdapter(Adapter):
    """An SDK with sentry-sdk's verbs; a subclass names its package and makes its sink."""

    package = ""
    _sdk: Any
    _sink: Any

    def start(self, settings: Settings) -> None:
        self._sdk = __import__(self.package)
        options = self.options(settings)
        self._sink = None
        if settings.url is None:
            options["transport"] = self._sink = self.make_sink()
        self._sdk.init(
            dsn_of(settings.url),
            release=RELEASE,
            include_local_variables=settings.has_locals,
            sample_rate=settings.sample_rate,
            ignore_errors=list(settings.ignored),
            **options,
        )
        self.capture = self._sdk.capture_exception

    def options(self, settings: Settings) -> dict[str, Any]:
        """The options that are not spelled the same in both."""
        return {} if settings.queue_size is None else {"transport_queue_size": settings.queue_size}

    def make_sink(self) -> Any:
        """A transport of the SDK's own kind that takes events and forgets them."""
        raise NotImplementedError

    def decode(self, body: bytes) -> list[Seen]:
        return [seen(event) for event in events_of(body)]

    def need_rate_limits(self) -> None:
        return

    def need_bounded_queue(self) -> None:
        return

    def flush(self, timeout_s: float) -> None:
        self._sdk.flush(timeout_s)

    def breadcrumb(self, has_data: bool) -> Operation:
        data = ", data={'sum': 84, 'currency': 'EUR'}" if has_data else ""
        statement = f"add_breadcrumb(message='paid', category='cart', level='info'{data})"
        return Operation(statement, {"add_breadcrumb": self._sdk.add_breadcrumb})

    def scope(self, inside: str = "pass") -> Operation:
        statement = f"with new_scope() as scope: scope.set_tag('shop', 'north'); {inside}".removesuffix("; pass")
        return Operation(statement, {"new_scope": self._sdk.new_scope})

    def isolation_scope(self, inside: str = "pass") -> Operation:
        return Operation(f"with isolation_scope(): {inside}", {"isolation_scope": self._sdk.isolation_scope})

    def tag(self) -> Operation:
        return Operation("set_tag('shop', 'north')", {"set_tag": self._sdk.set_tag})

    def message(self) -> Operation:
        return Operation(f"capture_message({MESSAGE!r})", {"capture_message": self._sdk.capture_message})

    def hook_logging(self, logger: Any) -> None:
        return

    def startup(self, url: str) -> str:
        return f"import {self.package}\n{self.package}.init({dsn_of(url)!r}, release={RELEASE!r})\n"

    def startup_message(self) -> str:
        return f"{self.package}.capture_message({MESSAGE!r})\n{self.package}.flush(10)\n"


def dsn_of(url: str | None) -> str:
    """The DSN of that server; of a closed port for None, where nothing is sent."""
    return (url or "http://127.0.0.1:9").replace("://", f"://{KEY}@") + "/1"


def events_of(body: bytes) -> list[dict[str, Any]]:
    """The events in a serialized envelope."""
    _, _, rest = body.partition(b"\n")
    events = []
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        header = json.loads(line)
        length = header.get("length")
        if length is None:
            payload, _, rest = rest.partition(b"\n")
        else:
            payload, rest = rest[:length], rest[length + 1 :]
        if header.get("type") == "event":
            events.append(json.loads(payload))
    return events


def seen(event: dict[str, Any]) -> Seen:
    """What such an event tells."""
    crumbs = event.get("breadcrumbs") or {}
    values = crumbs.get("values", []) if isinstance(crumbs, dict) else crumbs
    message = event.get("message") or (event.get("logentry") or {}).get("message") or ""
    return Seen(
        [_exception(value) for value in (event.get("exception") or {}).get("values", [])],
        message,
        [crumb.get("message") for crumb in values],
        dict(event.get("tags") or {}),
        event,
    )


def _exception(value: dict[str, Any]) -> SeenException:
    frames = (value.get("stacktrace") or {}).get("frames", [])
    functions = [frame["function"] for frame in frames]
    return SeenException(value["type"], value["value"], functions, [frame.get("vars") or {} for frame in frames])
