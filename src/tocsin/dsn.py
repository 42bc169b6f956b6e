"""The DSN: where events go, and the key that they go with. Parsed once, at `init()`.

The form is `scheme://public[:secret]@host[:port][/path]/project_id`, as described in
https://develop.sentry.dev/sdk/overview/#parsing-the-dsn
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PROTOCOL_VERSION = 7
_DIGITS = frozenset("0123456789")


class BadDsn(ValueError):
    """A DSN that cannot be used; the message names the part at fault and holds no key."""


class Dsn:
    """A parsed DSN.

    Attributes:
        scheme: `http` or `https`.
        public_key: the key that the server knows the project by.
        secret_key: the deprecated second half of the key, or None.
        host: lower-case host name or address; an IPv6 address without brackets.
        port: the port, the scheme's default one if the DSN names none.
        path: what stands before the project id, with a slash at either end; mostly just `/`.
        project_id: decimal digits without leading zeros.

    Raises:
        BadDsn: the text is no DSN.
    """

    __slots__ = ("host", "path", "port", "project_id", "public_key", "scheme", "secret_key")

    scheme: str
    public_key: str
    secret_key: str | None
    host: str
    port: int
    path: str
    project_id: str

    def __init__(self, value: str | Dsn) -> None:
        text = str(value)
        if any(char <= " " or char == "\x7f" for char in text):
            # Header lines are made from it; no legal DSN holds one.
            raise BadDsn("Whitespace or control character in DSN")
        scheme, separator, rest = text.partition("://")
        self.scheme = scheme.lower() if separator else ""
        if self.scheme not in _DEFAULT_PORTS:
            raise BadDsn(f"Unsupported scheme {self.scheme!r}")

        for mark in "#?":
            rest = rest.partition(mark)[0]
        authority, slash, path = rest.partition("/")
        userinfo, _, location = authority.rpartition("@")
        self.host, self.port = _host_and_port(location, _DEFAULT_PORTS[self.scheme])

        public_key, _, secret_key = userinfo.partition(":")
        if not public_key:
            raise BadDsn("Missing public key")
        if not userinfo.isascii() or "," in userinfo:
            raise BadDsn("Invalid character in the key")
        self.public_key = public_key
        self.secret_key = secret_key or None

        prefix, _, project_id = (slash + path).rpartition("/")
        if not project_id or not _DIGITS.issuperset(project_id):
            raise BadDsn(f"Invalid project in DSN ({project_id!r})")
        self.path = prefix + "/"
        self.project_id = project_id.lstrip("0") or "0"

    @property
    def netloc(self) -> str:
        """Host and port as in a URL: IPv6 in brackets, the scheme's default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def org_id(self) -> str | None:
        """The digits of a host that begins like `o42.`: the organization on sentry.io."""
        label, dot, _ = self.host.partition(".")
        number = label[1:]
        return number if dot and label[:1] == "o" and number and _DIGITS.issuperset(number) else None

    @property
    def envelope_url(self) -> str:
        """Where envelopes are posted to."""
        return f"{self.scheme}://{self.netloc}{self.path}api/{self.project_id}/envelope/"

    def auth_header(self, client: str) -> str:
        """Return the value of `X-Sentry-Auth`; `client` is the SDK as `name/version`."""
        parts = [f"Sentry sentry_key={self.public_key}", f"sentry_version={_PROTOCOL_VERSION}"]
        parts.append(f"sentry_client={client}")
        if self.secret_key is not None:
            parts.append(f"sentry_secret={self.secret_key}")
        return ", ".join(parts)

    def to_auth(self, client: str | None = None) -> Auth:
        """Return the same facts in the shape that users of sentry_sdk know."""
        return Auth(self, client)

    def __str__(self) -> str:
        key = self.public_key if self.secret_key is None else f"{self.public_key}:{self.secret_key}"
        return f"{self.scheme}://{key}@{self.netloc}{self.path}{self.project_id}"

    def __repr__(self) -> str:
        return f"<Dsn {self.scheme}://{self.netloc}{self.path}{self.project_id}>"


class Auth:
    """A DSN together with the name of a client."""

    __slots__ = ("client", "dsn")

    def __init__(self, dsn: Dsn, client: str | None = None) -> None:
        self.dsn = dsn
        self.client = client

    def get_api_url(self, type: Any = None) -> str:
        """Return where envelopes are posted to; there is no other endpoint, whatever `type` says."""
        return self.dsn.envelope_url

    def to_header(self) -> str:
        """Return the value of `X-Sentry-Auth`."""
        if self.client is None:
            from tocsin._version import VERSION

            return self.dsn.auth_header(f"tocsin/{VERSION}")
        return self.dsn.auth_header(self.client)


def _host_and_port(location: str, default_port: int) -> tuple[str, int]:
    if location.startswith("["):
        host, bracket, port = location[1:].partition("]")
        if not bracket or ":" not in host or (port and port[0] != ":"):
            raise BadDsn("Invalid IPv6 address")
        port = port[1:]
    else:
        host, _, port = location.partition(":")
    if not host:
        raise BadDsn("Missing hostname")
    if not port:
        return host.lower(), default_port
    if len(port) > 5 or not _DIGITS.issuperset(port) or not 0 < int(port) < 65536:
        raise BadDsn(f"Invalid port {port!r}")
    return host.lower(), int(port)
