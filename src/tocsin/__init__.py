"""tocsin: captures errors, messages, events and breadcrumbs and delivers them to any server of the Sentry protocol."""

from __future__ import annotations

from tocsin._backend import backend, backend_reason
from tocsin._version import VERSION
from tocsin.account import Account
from tocsin.api import (
    add_attachment,
    add_breadcrumb,
    capture_event,
    capture_exception,
    capture_last_error,
    capture_message,
    close,
    exception_values,
    flush,
    flush_async,
    get_client,
    get_current_scope,
    get_global_scope,
    get_isolation_scope,
    init,
    is_initialized,
    isolation_scope,
    last_event_id,
    new_scope,
    set_context,
    set_extra,
    set_level,
    set_tag,
    set_tags,
    set_transaction_name,
    set_user,
    stacktrace,
    stats,
)
from tocsin.client import Client
from tocsin.dsn import BadDsn
from tocsin.scope import Scope
from tocsin.transport import HttpTransport, Transport

__version__ = VERSION

__all__ = [
    "VERSION",
    "Account",
    "BadDsn",
    "Client",
    "HttpTransport",
    "Scope",
    "Transport",
    "add_attachment",
    "add_breadcrumb",
    "backend",
    "backend_reason",
    "capture_event",
    "capture_exception",
    "capture_last_error",
    "capture_message",
    "close",
    "exception_values",
    "flush",
    "flush_async",
    "get_client",
    "get_current_scope",
    "get_global_scope",
    "get_isolation_scope",
    "init",
    "is_initialized",
    "isolation_scope",
    "last_event_id",
    "new_scope",
    "set_context",
    "set_extra",
    "set_level",
    "set_tag",
    "set_tags",
    "set_transaction_name",
    "set_user",
    "stacktrace",
    "stats",
]
