"""Spotlight, a viewer of events on the developer's machine: a second sink beside the server, or the only one."""

from __future__ import annotations

import os

from tocsin import diagnostics
from tocsin.transport.connection import Connection
from tocsin.transport.http import CLIENT, CONTENT_TYPE, HttpTransport
from tocsin.transport.sender import Sender

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEFAULT_URL = "http://localhost:8969/stream"
_TRUE = ("true", "t", "y", "yes", "on", "1")
_FALSE = ("false", "f", "n", "no", "off", "0", "")


class SpotlightTransport(HttpTransport):
    """Sends to a Spotlight sidecar: no key, no proxy, no compression, no reports.

    Attributes:
        url: where the sidecar listens.
    """

    needs_dsn = False

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.url = url
        super().__init__({**(options or {}), "dsn": None, "send_client_reports": False})

    def _make_sender(self, options: Mapping[str, Any]) -> Sender:
        # A URL without a path still has to be one for the request line.
        url = self.url if "/" in self.url.partition("://")[2] else f"{self.url}/"
        headers = {"User-Agent": CLIENT, "Content-Type": CONTENT_TYPE}
        direct = {**options, "http_proxy": "", "https_proxy": ""}
        connection = Connection(url, "", 0, headers, direct, environ={})
        return Sender(connection, {**options, "_experiments": {"transport_compression_level": 0}})


def spotlight_url(option: Any, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return where the sidecar listens, or None if it is not wanted.

    Args:
        option: of `init()`: a URL, True for the usual place, False for never, None to ask the environment.
        environ: where `SENTRY_SPOTLIGHT` may hold a URL, or a word for yes or no.
    """
    text = environ.get("SENTRY_SPOTLIGHT", "").strip()
    word = text.lower()
    given = None if word in _TRUE or word in _FALSE else text
    if option is False:
        if word not in _FALSE:
            diagnostics.debug("spotlight=False: ignoring SENTRY_SPOTLIGHT environment variable")
        return None
    if isinstance(option, str) and option:
        if given is not None and given != option:
            diagnostics.debug(f"the option spotlight={option!r} takes precedence over SENTRY_SPOTLIGHT={given!r}")
        return option
    if given is not None:
        return given
    return DEFAULT_URL if option is True or (option is None and word in _TRUE) else None


def make_spotlight(options: Mapping[str, Any]) -> SpotlightTransport | None:
    """Return the sink that the options ask for, or None."""
    url = spotlight_url(options.get("spotlight"))
    return None if url is None else SpotlightTransport(url, options)
