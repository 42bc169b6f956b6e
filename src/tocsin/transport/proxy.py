"""Through which proxy a server is reached: options first, then the environment, as curl reads it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


class BadProxy(ValueError):
    """A proxy of a kind that cannot be used."""


def proxy_for(scheme: str, host: str, port: int, options: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for a server, or None.

    The options `https_proxy` (for an https server only) and `http_proxy` hold for every host; an empty one switches
    the environment's variable of that name off. `no_proxy` limits what the environment says.

    Raises:
        BadProxy: the proxy's scheme is unknown.
    """
    listens_to_environment = not _is_listed(host, port, _variable(environ, "no_proxy") or "")
    for name in ("https_proxy", "http_proxy") if scheme == "https" else ("http_proxy",):
        option = options.get(name)
        if option:
            return _checked(option)
        if option is None and listens_to_environment and (proxy := _variable(environ, name)):
            return _checked(proxy)
    is_switched_off = options.get("https_proxy" if scheme == "https" else "http_proxy") is not None
    fallback = None if is_switched_off or not listens_to_environment else _variable(environ, "all_proxy")
    return _checked(fallback) if fallback else None


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name)
    if value is not None:
        return value
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        # In a CGI process the client of the request chooses this variable by sending a header `Proxy`.
        return None
    return environ.get(name.upper())


def _checked(proxy: str) -> str:
    scheme, separator, _ = proxy.partition("://")
    if not separator:
        return f"http://{proxy}"
    if scheme.lower() not in _SCHEMES:
        raise BadProxy(f"unknown proxy scheme {scheme!r}")
    return proxy


def _is_listed(host: str, port: int, no_proxy: str) -> bool:
    """Whether `no_proxy` names the host: itself, a domain that it is in, or `*`; with a port, only that port."""
    host = host.lower().rstrip(".")
    # The end of an address is not a domain.
    is_address = ":" in host or host.replace(".", "").isdigit()
    for entry in no_proxy.lower().replace(",", " ").split():
        if entry == "*":
            return True
        name, entry_port = _split(entry)
        if entry_port and entry_port != str(port):
            continue
        name = name.removeprefix("*").removeprefix(".").rstrip(".")
        if name and (host == name or (not is_address and host.endswith("." + name))):
            return True
    return False


def _split(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, ""
