"""A server on the loopback interface that answers as a test tells it to, and remembers what it was sent."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A self-signed certificate for localhost and 127.0.0.1, and its key; valid for a hundred years.
CERTIFICATE = Path(__file__).with_name("localhost.pem")

KEY = "0123456789abcdef0123456789abcdef"
_DEADLINE_S = 20.0


@dataclass
class Answer:
    """One scripted answer.

    Attributes:
        until: answer only once this is set.
        close: None to keep the connection open; "before" or "during" the answer, or "after" it, unannounced.
        reset: close with a reset (RST) instead of an end of stream (FIN).
        raw: bytes to be sent instead of an HTTP answer; the connection is closed after them.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"id":"0"}'
    until: threading.Event | None = None
    close: str | None = None
    reset: bool = False
    raw: bytes | None = None

    def to_bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        headers = {"Content-Type": "application/json", "Content-Length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


@dataclass
class WireItem:
    headers: dict[str, Any]
    payload: bytes

    @property
    def type(self) -> str:
        return str(self.headers["type"])

    @property
    def json(self) -> Any:
        return strict_json(self.payload)


@dataclass
class WireEnvelope:
    headers: dict[str, Any]
    items: list[WireItem]

    @property
    def types(self) -> list[str]:
        return [item.type for item in self.items]

    @property
    def event(self) -> Any:
        return next((item.json for item in self.items if item.type == "event"), None)

    @property
    def discarded(self) -> list[tuple[str, str, int]]:
        """What the client reports of the envelope tell: reason, category, quantity."""
        return [
            (row["reason"], row["category"], row["quantity"])
            for item in self.items
            if item.type == "client_report"
            for row in item.json["discarded_events"]
        ]


@dataclass
class Request:
    """One request as it came in; `headers` have lower-case names, `body` is `raw` without its Content-Encoding."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    connection: int
    answer: Answer = field(default_factory=Answer)

    @property
    def is_accepted(self) -> bool:
        """Whether the answer was a whole one with a status that means so."""
        return 200 <= self.answer.status < 300 and self.answer.raw is None and self.answer.close in (None, "after")

    @property
    def body(self) -> bytes:
        encoding = self.headers.get("content-encoding")
        if encoding is None:
            return self.raw
        if encoding != "gzip":
            raise ValueError(f"encoding {encoding!r} is not read by every server")
        return gzip.decompress(self.raw)

    @property
    def envelope(self) -> WireEnvelope:
        return read_envelope(self.body)


def strict_json(data: bytes) -> Any:
    """Parses what every server would: UTF-8, no NaN, no lone surrogates, no name twice in an object."""

    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name occurs twice in one object")
        return found

    value = json.loads(data.decode("utf-8"), parse_constant=no_constant, object_pairs_hook=unique)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def read_envelopes(data: bytes) -> list[WireEnvelope]:
    """Reads envelopes that follow each other: a header line without `type` begins a new one."""
    envelopes: list[WireEnvelope] = []
    position = 0
    while position < len(data):
        end = data.index(b"\n", position) if b"\n" in data[position:] else len(data)
        headers = strict_json(data[position:end])
        if not isinstance(headers, dict):
            raise ValueError("headers are no object")
        position = end + 1
        if "type" not in headers:
            envelopes.append(WireEnvelope(headers, []))
            continue
        length = headers["length"]
        payload = data[position : position + length]
        if len(payload) != length:
            raise ValueError("an item ends before its length")
        position += length
        if data[position : position + 1] not in (b"\n", b""):
            raise ValueError("an item goes on past its length")
        position += 1
        envelopes[-1].items.append(WireItem(headers, payload))
    return envelopes


def read_envelope(data: bytes) -> WireEnvelope:
    """Reads one envelope as https://develop.sentry.dev/sdk/data-model/envelopes/ has it, sizes being required."""
    (envelope,) = read_envelopes(data)
    return envelope


class Receiver:
    """The server; a context manager.

    Args:
        answers: given to the requests in the order in which they arrive; after them, and without any, 200.
        tls: speak TLS with `CERTIFICATE`.
        client_ca: with `tls`, the file that clients' certificates must come from.
    """

    def __init__(self, *answers: Answer, tls: bool = False, client_ca: str | None = None) -> None:
        self._answers = list(answers)
        self._changed = threading.Condition()
        self.requests: list[Request] = []
        # How many connections were ever accepted, and how many have ended.
        self.connections = 0
        self.ended = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(CERTIFICATE)
            if client_ca is not None:
                self._context.load_verify_locations(client_ca)
                self._context.verify_mode = ssl.CERT_REQUIRED
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        return f"{self.url.replace('://', f'://{KEY}@')}/42"

    def __enter__(self) -> Receiver:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            answers, self._answers = self._answers, []
            sockets = list(self._open)
        for answer in answers:
            if answer.until is not None:
                answer.until.set()
        # Closing alone would not wake the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(_DEADLINE_S)
            if thread.is_alive():
                raise RuntimeError("a thread of the receiver does not end")

    def script(self, *answers: Answer) -> None:
        """Adds answers for the requests to come."""
        with self._changed:
            self._answers.extend(answers)

    def wait_for(self, count: int, timeout_s: float = _DEADLINE_S) -> list[Request]:
        """Waits until at least `count` requests have arrived, and returns all."""
        self.wait_until(lambda: len(self.requests) >= count, timeout_s)
        return list(self.requests)

    def wait_until(self, condition: Any, timeout_s: float = _DEADLINE_S) -> None:
        """Waits until `condition()` is true; it is asked after every request and every end of a connection."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                raise AssertionError(f"{len(self.requests)} requests on {self.connections} connections, then nothing")

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self.connections += 1
                self._open.add(sock)
                number = self.connections
            self._start(self._serve, sock, number)

    def _serve(self, plain: socket.socket, number: int) -> None:
        sock = plain
        try:
            sock.settimeout(_DEADLINE_S)
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
                with self._changed:
                    self._open.add(sock)
            with sock.makefile("rb") as stream:
                while (request := _read_request(stream, number)) is not None:
                    if not self._answer(sock, request):
                        break
        except (OSError, ValueError):
            # The client went away, or is no HTTP client: tests look at what did arrive.
            pass
        finally:
            sock.close()
            with self._changed:
                self._open -= {sock, plain}
                self.ended += 1
                self._changed.notify_all()

    def _answer(self, sock: socket.socket, request: Request) -> bool:
        """Returns whether the connection stays open."""
        with self._changed:
            answer = request.answer = self._answers.pop(0) if self._answers else Answer()
            self.requests.append(request)
            self._changed.notify_all()
        if answer.until is not None:
            answer.until.wait(_DEADLINE_S)
        data = answer.to_bytes()
        if answer.close == "before":
            data = b""
        elif answer.close == "during":
            data = data[: len(data) // 2]
        sock.sendall(data)
        if answer.close is None and answer.raw is None:
            return True
        if answer.reset:
            # Lingering for no time at all makes close() reset the connection.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


def _read_request(stream: Any, connection: int) -> Request | None:
    line = stream.readline()
    if not line:
        return None
    method, path, version = line.decode("latin-1").split()
    # Python before 3.12 asks proxies for a tunnel in the old version.
    if version != "HTTP/1.1" and method != "CONNECT":
        raise ValueError(f"unexpected {version}")
    headers: dict[str, str] = {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() in headers:
            raise ValueError(f"header {name} twice")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    raw = stream.read(length)
    if len(raw) != length:
        raise ValueError("the body ends before its length")
    return Request(method, path, headers, raw, connection)


def unused_port() -> int:
    """A port on which nobody listens: connections to it are refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until(condition: Any, what: str, timeout_s: float = _DEADLINE_S) -> None:
    """Waits for a condition that nobody announces."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s in vain: {what}")
        time.sleep(0.001)
