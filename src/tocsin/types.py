"""The shapes of the protocol, for annotations."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any, Literal, TypedDict

Level = Literal["fatal", "critical", "error", "warning", "info", "debug"]
ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class Event(TypedDict, total=False):
    breadcrumbs: Any
    contexts: dict[str, dict[str, Any]]
    dist: str
    environment: str
    event_id: str
    exception: Any
    extra: MutableMapping[str, Any]
    fingerprint: list[str]
    level: Level
    logentry: MutableMapping[str, Any]
    logger: str
    message: Any
    modules: dict[str, str]
    platform: str
    release: str
    request: dict[str, Any]
    sdk: MutableMapping[str, Any]
    server_name: str
    tags: MutableMapping[str, Any]
    threads: Any
    timestamp: Any
    transaction: str
    transaction_info: MutableMapping[str, Any]
    user: dict[str, Any]
    _meta: dict[str, Any]


Breadcrumb = dict[str, Any]
BreadcrumbHint = dict[str, Any]
Hint = dict[str, Any]

EventProcessor = Callable[[Event, Hint], Event | None]
ErrorProcessor = Callable[[Event, ExcInfo], Event | None]
BreadcrumbProcessor = Callable[[Breadcrumb, BreadcrumbHint], Breadcrumb | None]
ErrorSampler = Callable[[Event, Hint], bool | float]
