"""Handlers for `logging`, in place of the integration, for who wants to say which loggers make what.

Imported by `tocsin.integrations.logging` when one of them is asked for.
"""

from __future__ import annotations

from logging import Handler

from tocsin.client import Client
from tocsin.integrations import log_record
from tocsin.integrations.logging import is_ignored, once
from tocsin.scope_stack import get_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import LogRecord


class _ClientHandler(Handler):
    """Passes records on to the client in force, in the way of the class."""

    make = staticmethod(log_record.add_breadcrumb)

    def emit(self, record: LogRecord) -> None:
        client = get_client()
        if isinstance(client, Client) and not is_ignored(record.name):
            once(self.make, client, record)


class BreadcrumbHandler(_ClientHandler):
    """Makes a breadcrumb of every record that it is given."""


class EventHandler(_ClientHandler):
    """Makes an event of every record that it is given."""

    make = staticmethod(log_record.capture_event)


SentryHandler = EventHandler
