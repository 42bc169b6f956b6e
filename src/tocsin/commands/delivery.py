"""Delivery with an eye on it: an HTTP transport that remembers what the server said, for commands that have to tell.

Events take the same way as in an application. The worker's thread writes, the command reads after it has flushed.
"""

from __future__ import annotations

import os
from time import monotonic

from tocsin import limits
from tocsin.commands.terminal import one_line, shortened
from tocsin.dsn import BadDsn, Dsn
from tocsin.transport.connection import Connection
from tocsin.transport.http import HttpTransport
from tocsin.transport.sender import Sender

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from urllib3 import HTTPConnectionPool

    from tocsin.client import Client
    from tocsin.commands.terminal import Progress
    from tocsin.envelope import Envelope

# How often a line of progress is renewed.
_TICK_S = 0.25
_SAID_CHARS = 200
# What a status means for a DSN, and what to do.
_ADVICE = {
    400: "the server cannot read what tocsin sends: does the DSN lead to a server of the Sentry protocol?",
    401: "the server does not take the key: check the DSN",
    403: "the server does not take the key, or not for this project: check the DSN",
    404: "the server knows no such project: check path and project id of the DSN",
    405: "nothing takes events there: check host, port and path of the DSN",
    407: "the proxy wants credentials: put them into the proxy's URL",
    413: "the server finds the event too large",
    429: "the server limits the rate, or a quota is used up: try again later",
}


class Outcome:
    """What became of one event.

    Attributes:
        status: of the server's answer; None if there was none.
        error: why there was no answer, and what to do about it.
        said: what the server said about the status, if it did.
        retry_s: for how many seconds a server that limits the rate wants nothing, as it wrote it.
        duration_s: how long the request took.
    """

    __slots__ = ("duration_s", "error", "retry_s", "said", "status")

    def __init__(self, status: int | None, error: str, said: str, retry_s: str, duration_s: float) -> None:
        self.status = status
        self.error = error
        self.said = said
        self.retry_s = retry_s
        self.duration_s = duration_s

    @property
    def is_delivered(self) -> bool:
        """Whether the server has taken the event."""
        return self.status is not None and 200 <= self.status < 300

    def describe(self) -> str:
        """Return what happened and what to do about it, in one line."""
        if self.status is None:
            return self.error
        if self.is_delivered:
            return f"HTTP {self.status} after {self.duration_s * 1000:.0f} ms"
        advice = _ADVICE.get(self.status)
        if advice is None:
            is_redirect = 300 <= self.status < 400
            advice = "a redirect is not followed: check the DSN" if is_redirect else "the server has failed"
            if 400 <= self.status < 500:
                advice = "the server refuses the event"
        said = f" (it says: {self.said})" if self.said else ""
        retry = f", in {self.retry_s} s" if self.status == 429 and self.retry_s else ""
        return f"HTTP {self.status}: {advice}{retry}{said}"


class ObservedTransport(HttpTransport):
    """The default transport, with the outcome of each event by its id."""

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self.outcomes: dict[str, Outcome] = {}
        super().__init__(options)

    def _make_sender(self, options: Mapping[str, Any]) -> Sender:
        sender = super()._make_sender(options)
        dsn, plain = self.parsed_dsn, sender.connection
        assert dsn is not None
        connection = _ObservedConnection(dsn.envelope_url, dsn.host, dsn.port, plain._headers, options)
        return _ObservedSender(connection, options, self.outcomes)


class _ObservedSender(Sender):
    def __init__(
        self, connection: _ObservedConnection, options: Mapping[str, Any], outcomes: dict[str, Outcome]
    ) -> None:
        super().__init__(connection, options)
        self._observed = connection
        self._outcomes = outcomes

    def send(self, envelope: Envelope, timeout_s: float = limits.HTTP_TIMEOUT_S) -> None:
        self._observed.take_outcome()
        super().send(envelope, timeout_s)
        outcome = self._observed.take_outcome()
        event_id = envelope.headers.get("event_id")
        if outcome is not None and isinstance(event_id, str):
            self._outcomes[event_id] = outcome


class _ObservedConnection(Connection):
    _outcome: Outcome | None = None
    _error = ""

    def take_outcome(self) -> Outcome | None:
        """Move out what became of the last body, if there was one since the last call."""
        outcome, self._outcome = self._outcome, None
        return outcome

    def post(self, body: bytes, timeout_s: float, is_compressed: bool) -> tuple[int, Mapping[str, str]] | None:
        self._error = ""
        started = monotonic()
        answer = super().post(body, timeout_s, is_compressed)
        status, headers = (None, {}) if answer is None else answer
        self._outcome = Outcome(
            status,
            self._error,
            shortened(one_line(headers.get("X-Sentry-Error", "")), _SAID_CHARS),
            _retry_s(headers),
            monotonic() - started,
        )
        return answer

    def _open(self) -> HTTPConnectionPool:
        try:
            return super()._open()
        except Exception as error:
            self._error = f"nothing can be sent: {problem_of(error)[0]}"
            raise

    def _exchange(
        self, pool: HTTPConnectionPool, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, Mapping[str, str]]:
        try:
            return super()._exchange(pool, body, headers, timeout_s)
        except Exception as error:
            problem, advice = problem_of(error)
            self._error = f"no answer: {problem}: {advice}"
            raise


def problem_of(error: BaseException) -> tuple[str, str]:
    """Return why a request failed, in the words of the error at the bottom of what urllib3 has wrapped, and advice."""
    cause: BaseException | None = error
    found: BaseException = error
    # A chain is short, but may lead in a circle.
    for _ in range(10):
        if cause is None:
            break
        found = cause
        inner = [value for value in cause.args if isinstance(value, BaseException)]
        cause = cause.__cause__ or cause.__context__ or (inner[0] if inner else None)
    verdict = getattr(found, "verify_message", None)
    if isinstance(verdict, str) and verdict:
        return f"the certificate is not trusted ({verdict})", "name the file of its authority in SSL_CERT_FILE"
    if isinstance(found, TimeoutError) and not found.strerror:
        return "the server takes too long", "is it busy, or is a proxy needed to reach it?"
    words = found.strerror if isinstance(found, OSError) and found.strerror else str(found)
    text = shortened(one_line(words) or type(found).__name__, _SAID_CHARS)
    return text, "is the server running, and can it be reached from here?"


def flush(client: Client, timeout_s: float, progress: Progress, waiting_for: Callable[[], str]) -> bool:
    """Waits until everything captured is settled, and shows progress; returns whether it is, in time.

    Args:
        waiting_for: returns what to show; called again and again.
    """
    deadline = monotonic() + timeout_s
    while True:
        progress.show(waiting_for())
        left_s = deadline - monotonic()
        if client.flush(max(min(left_s, _TICK_S), 0.0)):
            return True
        if left_s <= _TICK_S:
            return False


def dsn_of(given: str | None) -> tuple[Dsn | None, str]:
    """Return the DSN of the option, or else of the environment, and where it comes from.

    Raises:
        BadDsn: it is no DSN; the text says where it was found and how one looks.
    """
    value = given if given is not None else os.environ.get("SENTRY_DSN", "")
    source = "--dsn" if given is not None else "SENTRY_DSN"
    value = value.strip()
    if not value:
        return None, source
    try:
        return Dsn(value), source
    except BadDsn as error:
        raise BadDsn(f"bad DSN in {source}: {error}; a DSN looks like https://KEY@HOST/PROJECT_ID") from None


def _retry_s(headers: Mapping[str, str]) -> str:
    """The seconds of the first limit; a date or junk is not shown."""
    text = headers.get("X-Sentry-Rate-Limits") or headers.get("Retry-After") or ""
    seconds = text.split(",")[0].split(":")[0].strip()
    return seconds if seconds.isdecimal() and len(seconds) < 10 else ""
