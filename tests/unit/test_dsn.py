"""The DSN: https://develop.sentry.dev/sdk/overview/#parsing-the-dsn"""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.dsn import BadDsn, Dsn


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://key@sentry.io/123", "https://sentry.io/api/123/envelope/"),
        ("https://key@sentry.io/bam/baz/123", "https://sentry.io/bam/baz/api/123/envelope/"),
        ("http://key@host:8000/1", "http://host:8000/api/1/envelope/"),
        ("http://key@host:80/1", "http://host/api/1/envelope/"),
        ("https://key@host:443/1", "https://host/api/1/envelope/"),
        ("https://key@host:80/1", "https://host:80/api/1/envelope/"),
        ("https://key@HOST/1", "https://host/api/1/envelope/"),
        ("HTTPS://key@host/1", "https://host/api/1/envelope/"),
        ("https://key@host:/1", "https://host/api/1/envelope/"),
        ("https://key@[::1]:8000/1", "https://[::1]:8000/api/1/envelope/"),
        ("https://key@[2001:DB8::1]/pre/1", "https://[2001:db8::1]/pre/api/1/envelope/"),
        ("https://key@host/007", "https://host/api/7/envelope/"),
        ("https://key@host/1?a=/2#/3", "https://host/api/1/envelope/"),
        ("https://key@host/1#?/3", "https://host/api/1/envelope/"),
    ],
)
def test_envelopes_go_to_the_project_below_the_path_prefix(text: str, url: str) -> None:
    """The endpoint keeps host, port and path prefix; default ports, query and fragment fall away."""
    assert Dsn(text).envelope_url == url


def test_every_part_can_be_read() -> None:
    """The attributes hold the parts; an IPv6 host has no brackets, a netloc has them."""
    dsn = Dsn("https://pub:sec@[::1]:8000/pre/fix/42")
    assert (dsn.scheme, dsn.public_key, dsn.secret_key) == ("https", "pub", "sec")
    assert (dsn.host, dsn.port, dsn.path, dsn.project_id) == ("::1", 8000, "/pre/fix/", "42")
    assert dsn.netloc == "[::1]:8000"


@pytest.mark.parametrize(
    "text",
    ["https://k@host/1", "https://k:s@host:9000/a/b/1", "http://k@[::1]/1", "https://%41k@o7.ingest.sentry.io/1"],
)
def test_a_dsn_gives_itself_back(text: str) -> None:
    """`str()` of a DSN is the DSN, percent escapes included, and can be parsed again; so can the DSN itself."""
    assert str(Dsn(text)) == text
    assert str(Dsn(Dsn(text))) == text
    assert str(pickle.loads(pickle.dumps(Dsn(text)))) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo://barbaz@sentry.io", "Unsupported scheme 'foo'"),
        ("", "Unsupported scheme ''"),
        ("sentry.io/1", "Unsupported scheme ''"),
        ("https://foobar@", "Missing hostname"),
        ("https://foobar@:80/1", "Missing hostname"),
        ("https://@sentry.io", "Missing public key"),
        ("https://sentry.io/1", "Missing public key"),
        ("https://:secret@sentry.io/1", "Missing public key"),
        ("https://k@sentry.io", "Invalid project in DSN ('')"),
        ("https://k@sentry.io/", "Invalid project in DSN ('')"),
        ("https://k@sentry.io/123/", "Invalid project in DSN ('')"),
        ("https://k@sentry.io/asdf", "Invalid project in DSN ('asdf')"),
        ("https://k@sentry.io/-1", "Invalid project in DSN ('-1')"),
        ("https://k@sentry.io/\u0661", "Invalid project in DSN ('\u0661')"),
        ("https://k@host:x/1", "Invalid port 'x'"),
        ("https://k@host:65536/1", "Invalid port '65536'"),
        ("https://k@host:0/1", "Invalid port '0'"),
        ("https://k@[::1/1", "Invalid IPv6 address"),
        ("https://k@[::1]8/1", "Invalid IPv6 address"),
        ("https://k@[host]/1", "Invalid IPv6 address"),
        ("https://k\r\nX: y@host/1", "Whitespace or control character in DSN"),
        ("https://k@ho st/1", "Whitespace or control character in DSN"),
        ("https://k\u00e9y@host/1", "Invalid character in the key"),
        ("https://k,sentry_key=b@host/1", "Invalid character in the key"),
    ],
)
def test_what_is_no_dsn_is_refused_with_the_part_at_fault(text: str, message: str) -> None:
    """A wrong DSN raises BadDsn, a ValueError, whose text names the part and never the key."""
    with pytest.raises(BadDsn) as caught:
        Dsn(text)
    assert str(caught.value) == message
    assert isinstance(caught.value, ValueError)


@given(st.text(alphabet="htps:/@[]#?.,%0195k \n\u0661\ud800", max_size=40))
def test_any_text_is_a_dsn_or_a_bad_dsn(text: str) -> None:
    """No text makes the parser raise anything but BadDsn, and what it accepts survives a round trip."""
    for candidate in (text, f"https://{text}", f"https://k@{text}/1"):
        try:
            dsn = Dsn(candidate)
        except BadDsn:
            continue
        assert str(Dsn(str(dsn))) == str(dsn)
        assert dsn.envelope_url.endswith(f"/api/{dsn.project_id}/envelope/")


def test_the_key_is_told_in_the_auth_header_alone() -> None:
    """`X-Sentry-Auth` holds key, version 7, client, and the secret if there is one; `repr` holds no key."""
    assert Dsn("https://k@h/1").auth_header("tocsin/1.0") == (
        "Sentry sentry_key=k, sentry_version=7, sentry_client=tocsin/1.0"
    )
    assert Dsn("https://k:s@h/1").auth_header("c").endswith(", sentry_secret=s")
    assert repr(Dsn("https://k:s@h/1")) == "<Dsn https://h/1>"


def test_an_empty_secret_is_none() -> None:
    """`key:@host`, as old pages show it, has no secret."""
    assert Dsn("https://k:@h/1").secret_key is None
    assert str(Dsn("https://k:@h/1")) == "https://k@h/1"


@pytest.mark.parametrize(
    ("host", "org_id"), [("o1234.ingest.sentry.io", "1234"), ("sentry.io", None), ("o12", None), ("o.a.b", None)]
)
def test_the_organization_is_read_from_the_host(host: str, org_id: str | None) -> None:
    """Only a host that begins with `o<digits>.` names an organization."""
    assert Dsn(f"https://k@{host}/1").org_id == org_id


def test_the_shape_of_sentry_sdk_is_there() -> None:
    """`to_auth()` gives URL and header under the names that users of sentry_sdk know."""
    auth = Dsn("https://k@h/pre/1").to_auth("me/1")
    assert auth.get_api_url() == "https://h/pre/api/1/envelope/"
    assert auth.to_header() == "Sentry sentry_key=k, sentry_version=7, sentry_client=me/1"
    assert "sentry_client=tocsin/" in Dsn("https://k@h/1").to_auth().to_header()
