"""elastic-apm, its error half: no transactions are measured, and nothing but errors is collected.

On the caller's side its errors, which are dicts by then, end in a transport of ours that does nothing, as elsewhere;
its own would queue them, and a thread makes them JSON.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.adapters.base import MESSAGE, RELEASE, Absent, Adapter, Operation, Seen, SeenException, Settings

# What is not about errors, and looks for a cloud's metadata and a server's settings over the network.
_ERRORS_ONLY = {"metrics_interval": "0s", "central_config": False, "cloud_provider": False}
# By default 50, which the workload of 200 frames would hit.
_FRAMES = 250


class Elastic(Adapter):
    name = "elastic-apm"
    distribution = "elastic-apm"
    has_breadcrumbs = False
    # Many errors travel in one request.
    batches = True
    notes = "no breadcrumbs"
    _client: Any = None

    def start(self, settings: Settings) -> None:
        if settings.sample_rate < 1:
            raise Absent("does not sample errors")
        import elasticapm

        if self._client is not None:
            self._client.close()
        options: dict[str, Any] = dict(_ERRORS_ONLY)
        if settings.url is None:
            options["transport_class"] = "benchmarks.adapters.elastic_sink.Sink"
        self._client = client = elasticapm.Client(
            service_name="shop",
            service_version=RELEASE,
            server_url=settings.url or "http://127.0.0.1:9",
            collect_local_variables="errors" if settings.has_locals else "off",
            stack_trace_limit=_FRAMES,
            filter_exception_types=[f"{kind.__module__}.{kind.__qualname__}" for kind in settings.ignored],
            **options,
        )
        capture = client.capture_exception
        self.capture = lambda error: capture((type(error), error, error.__traceback__))

    def keep(self, count: int) -> None:
        self._client.config.transport.room = count
        self._client.config.transport.kept.clear()

    def sent(self) -> list[Seen]:
        kept = self._client.config.transport.kept
        found = [_seen(data) for data in kept]
        kept.clear()
        return found

    def decode(self, body: bytes) -> list[Seen]:
        lines = [json.loads(line) for line in body.splitlines()]
        return [_seen(line["error"]) for line in lines if "error" in line]

    def flush(self, timeout_s: float) -> None:
        self._client.config.transport.flush()

    def message(self) -> Operation:
        return Operation(f"capture_message({MESSAGE!r})", {"capture_message": self._client.capture_message})

    def startup(self, url: str) -> str:
        options = "".join(f", {name}={value!r}" for name, value in _ERRORS_ONLY.items())
        return f"import elasticapm\nclient = elasticapm.Client(service_name='shop', server_url={url!r}{options})\n"

    def startup_message(self) -> str:
        return f"client.capture_message({MESSAGE!r})\nclient.close()\n"


def _seen(data: dict[str, Any]) -> Seen:
    exceptions = []
    told = data.get("exception")
    while told:
        exceptions.append(_exception(told))
        told = (told.get("cause") or [None])[0]
    return Seen(exceptions[::-1], data.get("log", {}).get("message", ""), raw=data)


def _exception(told: dict[str, Any]) -> SeenException:
    frames = told["stacktrace"]
    functions = [frame["function"] for frame in frames]
    return SeenException(told["type"], told["message"], functions, [frame.get("vars") or {} for frame in frames])
