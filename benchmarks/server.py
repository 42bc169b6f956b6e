"""The server that the SDKs send to: a compiled one, so that it is not what is measured."""

from __future__ import annotations

import socket
import subprocess
from functools import partial
from pathlib import Path

from benchmarks.adapters.base import Absent

_ANSWER_S = 30.0
_READ_BYTES = 1 << 20


class Server:
    """Starts the server; it ends with this process, or by `close`.

    Args:
        native: the folder of the compiled programs.

    Raises:
        Absent: it could not be compiled.
    """

    def __init__(self, native: str) -> None:
        program = Path(native) / "sink"
        if not program.exists():
            raise Absent("needs a server in C, which could not be compiled")
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii"
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def control(self, path: str) -> bytes:
        """Ask the server for what `native/sink.c` tells of."""
        # Over a bare socket, as the SDKs make breadcrumbs of what goes through http.client.
        with socket.create_connection(("127.0.0.1", self.port), _ANSWER_S) as connection:
            connection.sendall(f"GET /control/{path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(partial(connection.recv, _READ_BYTES), b""))
        return answer.partition(b"\r\n\r\n")[2]

    def posts(self) -> int:
        """How many requests have brought something since the last `clear`."""
        return int(self.control("count"))

    def bodies(self) -> list[tuple[int, bytes]]:
        """What they brought: encoding (0 none, 1 gzip, 2 brotli, 3 deflate) and body."""
        found = self.control("bodies")
        bodies = []
        at = 0
        while at < len(found):
            length = int.from_bytes(found[at : at + 4], "little")
            bodies.append((found[at + 4], found[at + 5 : at + 5 + length]))
            at += 5 + length
        return bodies

    def close(self) -> None:
        """End the server."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(_ANSWER_S)
