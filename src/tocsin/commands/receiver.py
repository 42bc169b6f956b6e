"""The demo's server: takes envelopes over HTTP on the loopback interface and keeps the events.

Each request is answered on a thread of its own.
"""

from __future__ import annotations

import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tocsin.envelope import Envelope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_KEY = "d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0"
_PROJECT = "1"
# More than any envelope of the demo.
_BODY_BYTES = 4 * 1024 * 1024
_SILENCE_S = 30.0
_JOIN_S = 5.0
_GZIP_WBITS = 31


class Receiver:
    """The server; a context manager.

    Attributes:
        events: by event id, as they came in.
        requests, connections: how many there were.
        wire_bytes: of all bodies as they were sent.
        plain_bytes: of all bodies, decompressed.
        problems: what came in and could not be read, in words.
    """

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.requests = 0
        self.connections = 0
        self.wire_bytes = 0
        self.plain_bytes = 0
        self.problems: list[str] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def dsn(self) -> str:
        """The DSN that leads here."""
        return f"http://{_KEY}@127.0.0.1:{self.port}/{_PROJECT}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def take(self, path: str, key: str, encoding: str, body: bytes) -> tuple[int, str]:
        """Keep what a request brings; return the status of the answer and the id of the event."""
        event_id = ""
        problem = ""
        plain = b""
        event = None
        if path != f"/api/{_PROJECT}/envelope/" or f"sentry_key={_KEY}" not in key:
            problem = f"a request for {path} with the wrong path or key"
        else:
            try:
                plain = _decoded(encoding, body)
                event = Envelope.deserialize(plain).get_event()
            except ValueError as error:
                problem = f"an envelope that cannot be read: {error}"
        with self._lock:
            self.requests += 1
            self.wire_bytes += len(body)
            self.plain_bytes += len(plain)
            if problem:
                self.problems.append(problem)
            elif isinstance(event, dict):
                event_id = str(event.get("event_id"))
                self.events[event_id] = event
        return (400 if problem else 200), event_id

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_JOIN_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The client keeps its connection open, so the thread that serves it is not waited for.
    block_on_close = False
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is no news on the terminal: its event is missing, which is told."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SILENCE_S
    # Headers and body of an answer are two writes: the second must not wait until the first is confirmed.
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.receiver.connections += 1

    def do_POST(self) -> None:
        """Takes an envelope."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _BODY_BYTES:
            self.close_connection = True
            self.send_error(413 if length.isdecimal() else 411)
            return
        body = self.rfile.read(int(length))
        status, event_id = self.server.receiver.take(
            self.path, self.headers.get("X-Sentry-Auth", ""), self.headers.get("Content-Encoding", ""), body
        )
        answer = b'{"id":"%s"}' % event_id.encode("ascii", "replace")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are counted, not printed."""


def _decoded(encoding: str, body: bytes) -> bytes:
    if encoding == "":
        return body
    if encoding != "gzip":
        raise ValueError(f"encoded as {encoding!r}")
    decompressor = zlib.decompressobj(_GZIP_WBITS)
    try:
        plain = decompressor.decompress(body, _BODY_BYTES)
    except zlib.error as error:
        raise ValueError(f"no gzip: {error}") from None
    if not decompressor.eof:
        raise ValueError("gzip that is cut off or too large")
    return plain
