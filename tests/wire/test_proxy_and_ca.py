"""Proxies and certificates: by option, by environment, and around them."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.captures import capture, counts
from support.receiver import CERTIFICATE, Answer, Receiver, unused_port
from support.transports import Make
from tocsin import diagnostics
from tocsin.transport.proxy import BadProxy, proxy_for

HTTP, HTTPS = "http://proxy:1", "https://proxy:2"


@pytest.fixture(autouse=True)
def _no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CLIENT_CERT_FILE", "CLIENT_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("scheme", "options", "environ", "proxy"),
    [
        ("https", {}, {}, None),
        ("https", {}, {"http_proxy": HTTP}, HTTP),
        ("https", {}, {"HTTPS_PROXY": HTTPS, "HTTP_PROXY": HTTP}, HTTPS),
        ("https", {}, {"https_proxy": HTTPS, "HTTPS_PROXY": HTTP}, HTTPS),
        ("https", {"https_proxy": ""}, {"HTTPS_PROXY": HTTPS, "HTTP_PROXY": HTTP}, HTTP),
        ("https", {"http_proxy": ""}, {"HTTPS_PROXY": HTTPS, "HTTP_PROXY": HTTP}, HTTPS),
        ("https", {"https_proxy": ""}, {"HTTPS_PROXY": HTTPS, "ALL_PROXY": HTTPS}, None),
        ("https", {"https_proxy": HTTPS}, {"HTTPS_PROXY": "http://other"}, HTTPS),
        ("https", {"http_proxy": HTTP}, {}, HTTP),
        ("https", {"http_proxy": HTTP}, {"HTTPS_PROXY": HTTPS}, HTTPS),
        ("http", {}, {"HTTPS_PROXY": HTTPS}, None),
        ("http", {"https_proxy": HTTPS}, {}, None),
        ("http", {}, {"HTTP_PROXY": HTTP}, HTTP),
        ("http", {"http_proxy": ""}, {"HTTP_PROXY": HTTP, "ALL_PROXY": HTTP}, None),
        ("http", {}, {"ALL_PROXY": "socks5://proxy:3"}, "socks5://proxy:3"),
        ("https", {}, {"all_proxy": HTTP, "HTTPS_PROXY": HTTPS}, HTTPS),
        ("http", {}, {"HTTP_PROXY": HTTP, "REQUEST_METHOD": "GET"}, None),
        ("http", {}, {"http_proxy": HTTP, "REQUEST_METHOD": "GET"}, HTTP),
        ("http", {}, {"http_proxy": ""}, None),
        ("http", {}, {"http_proxy": "", "HTTP_PROXY": HTTP}, None),
        ("http", {"http_proxy": "proxy:3128"}, {}, "http://proxy:3128"),
        ("http", {}, {"HTTP_PROXY": HTTP, "NO_PROXY": "sentry.io"}, None),
        ("https", {}, {"HTTPS_PROXY": HTTPS, "ALL_PROXY": HTTPS, "no_proxy": "a.com,sentry.io"}, None),
        ("https", {"https_proxy": HTTPS}, {"NO_PROXY": "sentry.io"}, HTTPS),
    ],
)
def test_the_proxy_is_chosen_by_option_then_environment(
    scheme: str, options: dict[str, str], environ: dict[str, str], proxy: str | None
) -> None:
    """An option holds for every host and an empty one switches its variable off; https falls back to the proxy for
    http, and everything to ALL_PROXY; what a CGI client can set is not believed."""
    assert proxy_for(scheme, "sentry.io", 443, options, environ) == proxy


@pytest.mark.parametrize(
    ("host", "no_proxy", "is_direct"),
    [
        ("sentry.io", "sentry.io", True),
        ("sentry.io", "SENTRY.IO.", True),
        ("sentry.io", ".sentry.io", True),
        ("sentry.io", "io", True),
        ("eu.sentry.io", "sentry.io", True),
        ("eu.sentry.io", "*.sentry.io", True),
        ("eu.sentry.io", "a.com ,  .sentry.io", True),
        ("notsentry.io", "sentry.io", False),
        ("sentry.io", "eu.sentry.io", False),
        ("sentry.io", "*", True),
        ("sentry.io", "", False),
        ("sentry.io", ",,", False),
        ("sentry.io", ".", False),
        ("sentry.io", "sentry.io:443", True),
        ("sentry.io", "sentry.io:80", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.1", False),
        ("::1", "::1", True),
        ("::1", "[::1]", True),
        ("::1", "[::1]:443", True),
        ("::1", "[::1]:80", False),
        ("::1", "1", False),
    ],
)
def test_no_proxy_lists_hosts_and_their_domains(host: str, no_proxy: str, is_direct: bool) -> None:
    """A name stands for itself and what is below it, never for a longer word; addresses only for themselves."""
    environ = {"HTTPS_PROXY": HTTPS, "NO_PROXY": no_proxy}
    assert (proxy_for("https", host, 443, {}, environ) is None) is is_direct


def test_a_proxy_of_an_unknown_kind_is_refused() -> None:
    """Its scheme is named."""
    with pytest.raises(BadProxy, match="ftp"):
        proxy_for("http", "h", 80, {"http_proxy": "ftp://proxy"}, {})


def test_plain_http_goes_through_the_proxy(make: Make) -> None:
    """The proxy gets the whole URL, the proxy headers, and its credentials."""
    with Receiver() as proxy:
        url = proxy.url.replace("://", "://me:s%40crt@")
        transport, stats = make("http://k@sentry.invalid/1", http_proxy=url, proxy_headers={"X-Own": "1"})
        capture(transport, stats)
        capture(transport, stats)
        assert transport.flush(20)
        for request in proxy.requests:
            assert request.path == "http://sentry.invalid/api/1/envelope/"
            assert request.headers["host"] == "sentry.invalid"
            assert request.headers["x-own"] == "1"
            assert request.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"me:s@crt").decode()
            assert request.envelope.types == ["event"]
        assert proxy.connections == 1
        assert counts(stats) == (2, 2, 0, {})


def test_https_is_tunnelled_through_the_proxy(make: Make) -> None:
    """The proxy is asked to CONNECT, with the proxy headers, and sees nothing of the key."""
    with Receiver(Answer(status=403)) as proxy:
        transport, stats = make(
            "https://secretkey@sentry.invalid/1", https_proxy=proxy.url, proxy_headers={"X-Own": "1"}
        )
        capture(transport, stats)
        assert transport.flush(20)
        request = proxy.requests[0]
        assert (request.method, request.path) == ("CONNECT", "sentry.invalid:443")
        assert request.headers["x-own"] == "1"
        assert "secretkey" not in str(proxy.requests)
        assert counts(stats) == (1, 0, 0, {"network_error": 1})


def test_the_environment_is_read_at_init(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the variables say when the transport is made holds; NO_PROXY goes around."""
    with Receiver() as proxy, Receiver() as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        through, stats = make(server.dsn)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        around, _ = make(server.dsn)
        monkeypatch.delenv("HTTP_PROXY")
        capture(through, stats)
        assert through.flush(20)
        assert (len(proxy.requests), len(server.requests)) == (1, 0)
        capture(around, stats)
        assert around.flush(20)
        assert (len(proxy.requests), len(server.requests)) == (1, 1)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "socks4a://127.0.0.1:1", "ftp://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_said_once_and_left_out(
    make: Make, proxy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SOCKS without PySocks, or an unknown scheme: one line on stderr, and events go directly."""
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.setattr(diagnostics, "_warned", set())
    monkeypatch.setenv("ALL_PROXY", proxy)
    with Receiver() as server:
        for _ in range(2):
            transport, stats = make(server.dsn)
            capture(transport, stats)
            assert transport.flush(20)
            assert counts(stats) == (1, 1, 0, {})
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_dead_proxy_is_a_network_error(make: Make) -> None:
    """The way around a proxy that is down is not tried."""
    with Receiver() as server:
        transport, stats = make(server.dsn, http_proxy=f"http://127.0.0.1:{unused_port()}")
        capture(transport, stats)
        assert transport.flush(20)
        assert counts(stats) == (1, 0, 0, {"network_error": 1})
        assert server.requests == []


def _ca_option(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    return {"ca_certs": str(CERTIFICATE)}


def _ca_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    # The name under which OpenSSL looks this one up, as `openssl x509 -hash` tells it.
    (tmp_path / "ce275665.0").write_text(CERTIFICATE.read_text().partition("-----BEGIN PRIVATE")[0])
    return {"ca_certs": str(tmp_path)}


def _ssl_cert_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "not-asked"))
    return {}


def _requests_ca_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    return {}


@pytest.mark.parametrize("trust", [_ca_option, _ca_directory, _ssl_cert_file, _requests_ca_bundle])
def test_a_certificate_authority_of_ones_own(
    make: Make,
    trust: Callable[[pytest.MonkeyPatch, Path], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The option, then SSL_CERT_FILE, then REQUESTS_CA_BUNDLE says whom to trust; a directory will do."""
    options = trust(monkeypatch, tmp_path)
    with Receiver(tls=True) as server:
        transport, stats = make(server.dsn, **options)
        for _ in range(3):
            capture(transport, stats)
        assert transport.flush(20)
        assert counts(stats) == (3, 3, 0, {})
        assert server.connections == 1


@pytest.mark.parametrize("options", [{}, {"ca_certs": "/nowhere.pem"}])
def test_an_unknown_certificate_is_refused(make: Make, options: dict[str, str]) -> None:
    """Verification is on by default, and a CA file that is missing does not switch it off."""
    with Receiver(tls=True) as server:
        transport, stats = make(server.dsn, **options)
        capture(transport, stats)
        assert transport.flush(20)
        assert counts(stats) == (1, 0, 0, {"network_error": 1})
        assert server.requests == []


@pytest.mark.parametrize("by_environment", [False, True])
def test_a_client_certificate_is_shown(
    make: Make, by_environment: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`cert_file` and `key_file`, or the variables CLIENT_CERT_FILE and CLIENT_KEY_FILE, identify the client."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    before, mark, after = CERTIFICATE.read_text().partition("-----BEGIN PRIVATE")
    cert.write_text(before)
    key.write_text(mark + after)
    options = {"ca_certs": str(CERTIFICATE)}
    if by_environment:
        monkeypatch.setenv("CLIENT_CERT_FILE", str(cert))
        monkeypatch.setenv("CLIENT_KEY_FILE", str(key))
    else:
        options |= {"cert_file": str(cert), "key_file": str(key)}
    with Receiver(tls=True, client_ca=str(CERTIFICATE)) as server:
        transport, stats = make(server.dsn, **options)
        capture(transport, stats)
        assert transport.flush(20)
        assert counts(stats) == (1, 1, 0, {})


def test_a_tls_connection_closed_while_idle_costs_no_event(make: Make) -> None:
    """As without TLS: each event arrives exactly once."""
    with Receiver(tls=True) as server:
        transport, stats = make(server.dsn, ca_certs=str(CERTIFICATE))
        server.script(*[Answer(close="after")] * 5)
        for number in range(1, 6):
            capture(transport, stats)
            assert transport.flush(20)
            server.wait_until(lambda number=number: server.ended == number)
        assert counts(stats) == (5, 5, 0, {})
        assert len(server.requests) == 5
