"""One kept-alive way to one URL, over urllib3, which is imported when the first body is posted.

Used by one thread at a time. A connection belongs to the process that made it.
"""

from __future__ import annotations

import errno
import os
from time import monotonic

from tocsin import diagnostics
from tocsin.importing import import_with_loggers, late_import
from tocsin.rate_limit import HEADERS_READ
from tocsin.transport.proxy import BadProxy, proxy_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from urllib3 import HTTPConnectionPool, PoolManager

# Middle boxes forget idle connections without a word, and a write into a forgotten one is noticed late.
_IDLE_S = 30.0
# More of an answer than this is not read: it only has to be read at all for the connection to be used again.
_ANSWER_BYTES = 64 * 1024
# Seconds of silence until the system probes the peer, between probes, and the number of probes.
_KEEP_ALIVE = (("TCP_KEEPIDLE", 45), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6))

# How the system says that nobody reads what is being sent; the last is macOS while it takes a connection down.
_HUNG_UP = (errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE)


class Connection:
    """Posts bodies to a URL, reusing one connection.

    Args:
        url: `http://` or `https://`, with host and path.
        host, port: of the URL, for `no_proxy`.
        headers: sent with every request.
        options: http_proxy, https_proxy, proxy_headers, ca_certs, cert_file, key_file, socket_options, keep_alive.
        environ: where options that are not given may be found; an empty mapping for none.
    """

    def __init__(
        self,
        url: str,
        host: str,
        port: int,
        headers: Mapping[str, str],
        options: Mapping[str, Any],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._url = url
        self._scheme = url.partition("://")[0]
        self._headers = dict(headers)
        self._compressed_headers = {**headers, "Content-Encoding": "gzip"}
        self._options = options
        try:
            self._proxy = proxy_for(self._scheme, host, port, options, environ)
        except BadProxy as error:
            self._proxy = None
            diagnostics.warn_once("proxy", f"{error}: events are sent without a proxy")
        self._files = _tls_files(options, environ) if self._scheme == "https" else {}
        self._pool: HTTPConnectionPool | None = None
        self._target = ""
        self._retries: Any = None
        # A connection that the pool has opened, taken out of it while it is open; None while a request is under way:
        # a child forked then must not close it, as the lock of its reader belongs to the thread that is reading.
        self._direct: Any = None
        # Closes it with its owner where nobody has closed it, as urllib3's pool does for those that are in it.
        self._closing: Any = None
        # Whether the last answer left the connection open, and when that was.
        self._is_warm = False
        self._used_s = 0.0

    def post(self, body: bytes, timeout_s: float, is_compressed: bool) -> tuple[int, Mapping[str, str]] | None:
        """Return status and headers of the answer, of which some may be left out that are not among `HEADERS_READ`; or
        None if there was none. Never raises.

        A connection that was idle may have been closed by the other end unnoticed: if it breaks before the answer has
        begun, the body is posted once more on a fresh one. Nothing else is tried again, and redirects are not followed.

        Args:
            timeout_s: the longest wait for the connection, and for each piece of the answer.
        """
        deadline = monotonic() + timeout_s
        headers = self._compressed_headers if is_compressed else self._headers
        try:
            pool = self._pool or self._open()
            if self._is_warm and monotonic() - self._used_s > _IDLE_S:
                self._hang_up(pool)
            # True again once an answer has been read.
            is_warm, self._is_warm = self._is_warm, False
            direct, self._direct = self._direct, None
            try:
                if direct is not None:
                    if not _is_dropped(direct):
                        return self._talk(direct, body, headers, timeout_s)
                    direct.close()
                return self._exchange(pool, body, headers, timeout_s)
            except Exception as error:
                if not is_warm or not _is_broken(error) or monotonic() >= deadline:
                    raise
            return self._exchange(pool, body, headers, deadline - monotonic())
        except Exception as error:
            diagnostics.debug(f"no answer from {self._url}: {type(error).__name__}: {error}")
            return None

    def close(self) -> None:
        """Closes the connection; a later post opens another."""
        pool, self._pool = self._pool, None
        self._is_warm = False
        direct, self._direct = self._direct, None
        if direct is not None:
            direct.close()
        if pool is not None:
            pool.close()

    def leave_to_parent(self, owns_descriptor: bool) -> None:
        """Lets go of the parent's connection in a forked child, without a word on the wire.

        Args:
            owns_descriptor: whether the descriptor still means the parent's socket, as right after the fork. Later
                the application may have closed it and been given its number for something else.
        """
        pool, self._pool = self._pool, None
        self._is_warm = False
        direct, self._direct = self._direct, None
        if self._closing is not None:
            self._closing.detach()
        queue = None if pool is None else pool.pool
        if queue is None:
            return
        idle = [connection for connection in (*queue.queue, direct) if connection is not None]
        # Its lock may have been held in the parent at the moment of the fork, and urllib3 takes it at exit.
        queue.__init__(queue.maxsize)  # type: ignore[misc]
        if owns_descriptor:
            for connection in idle:
                connection.close()
        else:
            _left.extend(idle)

    def _keep(self, direct: Any) -> None:
        """Speaks through this connection from now on, if it is one."""
        if self._closing is not None:
            self._closing.detach()
        if direct is not None:
            # Not by a `__del__`: of what dies in a cycle the socket may go first, and complains of being left open.
            self._closing = late_import("weakref").finalize(self, direct.close)
            self._closing.atexit = False
        self._direct = direct

    def _exchange(
        self, pool: HTTPConnectionPool, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, Mapping[str, str]]:
        from urllib3 import Timeout

        answer = pool.urlopen(
            "POST",
            self._target,
            body=body,
            headers=headers,
            retries=self._retries,
            redirect=False,
            assert_same_host=False,
            timeout=Timeout(total=timeout_s),
            # The status is all that counts: an endless or broken body must not cost memory or the status.
            preload_content=False,
            decode_content=False,
        )
        try:
            answer.read(_ANSWER_BYTES)
        except Exception as error:
            diagnostics.debug(f"unreadable answer from {self._url}: {type(error).__name__}: {error}")
        # Closed means read to the end; the connection lives on unless the server said otherwise.
        self._is_warm = answer.closed and answer.version != 10 and answer.headers.get("Connection", "") != "close"
        self._used_s = monotonic()
        # Without effect on a connection whose answer was read to the end: that is back in the pool.
        answer.close()
        if self._is_warm and self._proxy is None:
            self._keep(_taken(pool))
        return answer.status, answer.headers

    def _talk(
        self, direct: Any, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, Mapping[str, str]]:
        """Like `_exchange`, over an open connection and past the pool: 130 us of CPU instead of 190.

        The standard library's HTTP, on which urllib3's connections are built, is spoken here without what urllib3
        adds to it.
        """
        from http.client import HTTPConnection

        is_reusable = False
        try:
            direct.sock.settimeout(timeout_s)
            try:
                HTTPConnection.request(direct, "POST", self._target, body, headers)
            except OSError as error:
                # A server may answer and hang up before it has read everything; if it has not answered, we shall see.
                if error.errno not in _HUNG_UP:
                    raise
            answer = HTTPConnection.getresponse(direct)
            try:
                answer.read(_ANSWER_BYTES)
            except Exception as error:
                diagnostics.debug(f"unreadable answer from {self._url}: {type(error).__name__}: {error}")
            is_reusable = answer.isclosed() and not answer.will_close
        finally:
            if not is_reusable:
                direct.close()
        if is_reusable:
            self._is_warm, self._direct = True, direct
        self._used_s = monotonic()
        found = {name: answer.headers.get_all(name) for name in HEADERS_READ}
        return answer.status, {name: ", ".join(values) for name, values in found.items() if values}

    def _hang_up(self, pool: HTTPConnectionPool) -> None:
        """Closes the one connection; the pool opens another when it is next used."""
        self._is_warm = False
        direct, self._direct = self._direct, None
        if direct is not None:
            direct.close()
            return
        queue = pool.pool
        if queue is not None and queue.qsize():
            connection = queue.get(block=False)
            if connection is not None:
                connection.close()
            queue.put(connection, block=False)

    def _open(self) -> HTTPConnectionPool:
        urllib3: Any = import_with_loggers("urllib3")
        # The socket module imports it when it first looks up a host.
        late_import("encodings.idna")
        settings: dict[str, Any] = {"num_pools": 1, "maxsize": 1, "block": False}
        if self._scheme == "https":
            settings.update(_tls_settings(self._files))
        socket_options = _socket_options(self._options)
        if socket_options is not None:
            settings["socket_options"] = socket_options
        manager, is_relaying = self._manager(settings)
        self._retries = urllib3.Retry(total=False)
        # A proxy for plain http wants to be told the whole URL; everyone else knows what they are.
        self._target = self._url if is_relaying else "/" + self._url.split("/", 3)[3]
        # All of the manager that is needed: it would parse the URL for every request.
        pool = manager.connection_from_url(self._url)
        self._pool = pool
        return pool

    def _manager(self, settings: dict[str, Any]) -> tuple[PoolManager, bool]:
        import urllib3

        if self._proxy is None:
            return urllib3.PoolManager(**settings), False
        if self._proxy.lower().startswith("socks"):
            try:
                import_with_loggers("socks")
            except ImportError:
                diagnostics.warn_once("socks", "a SOCKS proxy needs PySocks: events are sent without a proxy")
                return urllib3.PoolManager(**settings), False
            socks: Any = import_with_loggers("urllib3.contrib.socks")
            return socks.SOCKSProxyManager(self._proxy, **settings), False
        headers = dict(self._options.get("proxy_headers") or {})
        credentials = urllib3.util.parse_url(self._proxy).auth
        if credentials and not any(name.lower() == "proxy-authorization" for name in headers):
            unquote: Any = late_import("urllib.parse").unquote
            headers.update(urllib3.make_headers(proxy_basic_auth=unquote(credentials)))
        manager = urllib3.ProxyManager(self._proxy, proxy_headers=headers or None, **settings)
        return manager, self._scheme == "http"


# Connections of a parent whose descriptors may mean something else by now: closing them would hit that.
_left: list[object] = []


def _tls_files(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str | None]:
    return {
        "ca_certs": options.get("ca_certs") or environ.get("SSL_CERT_FILE") or environ.get("REQUESTS_CA_BUNDLE"),
        "cert_file": options.get("cert_file") or environ.get("CLIENT_CERT_FILE"),
        "key_file": options.get("key_file") or environ.get("CLIENT_KEY_FILE"),
    }


def _tls_settings(files: Mapping[str, str | None]) -> dict[str, Any]:
    settings: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED"}
    settings.update({name: value for name, value in files.items() if value})
    if "ca_certs" not in settings:
        try:
            certifi: Any = late_import("certifi")
        except ImportError:
            # urllib3 then takes what the system trusts.
            return settings
        settings["ca_certs"] = certifi.where()
    elif os.path.isdir(settings["ca_certs"]):
        settings["ca_cert_dir"] = settings.pop("ca_certs")
    return settings


def _socket_options(options: Mapping[str, Any]) -> list[tuple[int, int, int | bytes]] | None:
    """The socket options for urllib3; None for its own, which switch Nagle's delay off."""
    given = options.get("socket_options")
    if not options.get("keep_alive"):
        return None if given is None else list(given)
    import socket

    merged: list[tuple[int, int, int | bytes]] = (
        [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)] if given is None else list(given)
    )
    wanted = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    # Not every platform has all of them.
    wanted += [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _KEEP_ALIVE if hasattr(socket, name)
    ]
    present = {(level, name) for level, name, _ in merged}
    merged.extend(option for option in wanted if option[:2] not in present)
    return merged


def _taken(pool: HTTPConnectionPool) -> Any:
    """Takes the pool's one connection out of it; the pool will make another when it needs one.

    Only a connection of urllib3's own plain types, not of what may stand in for them: HTTP/2, or a recorder's.
    """
    from urllib3.connection import HTTPConnection, HTTPSConnection

    queue = pool.pool
    idle = None if queue is None or not queue.queue else queue.queue[-1]
    if queue is None or type(idle) not in (HTTPConnection, HTTPSConnection):
        return None
    return queue.get(block=False)


def _is_dropped(connection: Any) -> bool:
    """Whether the other end has closed an idle connection, or has said something unasked on it."""
    from urllib3.util.connection import is_connection_dropped

    return is_connection_dropped(connection)


def _is_broken(error: Exception) -> bool:
    """Whether the other end has closed the connection before it began to answer."""
    from urllib3.exceptions import ProtocolError, SSLError

    # The pool wraps what the connection raises.
    cause = error.args[-1] if isinstance(error, (ProtocolError, SSLError)) and error.args else error
    # Also http.client's RemoteDisconnected, and TLS's way of meeting the end of the stream; a timeout is not among
    # them, nor is a refusal, which is another error of the pool's.
    return isinstance(cause, ConnectionError) or type(cause).__name__ in ("SSLEOFError", "SSLZeroReturnError")
