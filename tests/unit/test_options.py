"""The options of init(): what they may be, where they come from, and how misuse is told."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import release
from tocsin.dsn import BadDsn
from tocsin.options import OPTIONS, options_table_markdown, resolve
from tocsin.scrubber import EventScrubber

_PEER_NAMES = """
dsn max_breadcrumbs release environment server_name shutdown_timeout integrations ignore_spans in_app_include
in_app_exclude default_integrations dist transport transport_queue_size sample_rate send_default_pii data_collection
http_proxy https_proxy ignore_errors max_request_body_size socket_options keep_alive before_send before_breadcrumb debug
attach_stacktrace ca_certs propagate_traces traces_sample_rate trace_lifecycle traces_sampler profiles_sample_rate
profiles_sampler profiler_mode profile_lifecycle profile_session_sample_rate auto_enabling_integrations
disabled_integrations auto_session_tracking send_client_reports _experiments proxy_headers instrumenter
before_send_transaction project_root enable_tracing include_local_variables include_source_context
trace_propagation_targets functions_to_trace event_scrubber max_value_length enable_backpressure_handling error_sampler
enable_db_query_source db_query_source_threshold_ms enable_http_request_source http_request_source_threshold_ms
spotlight cert_file key_file custom_repr add_full_stack max_stack_frames enable_logs before_send_log
trace_ignore_status_codes enable_metrics before_send_metric before_send_span org_id strict_trace_continuation
stream_gen_ai_spans
"""
PEER_NAMES = _PEER_NAMES.split()

DSN = "https://public@errors.example/7"


def test_every_option_of_the_peer_is_known() -> None:
    """All 74 names that the peer's init() takes are taken, and only two of our own besides."""
    assert len(PEER_NAMES) == 74
    assert set(OPTIONS) - set(PEER_NAMES) == {"value_repr", "transport_queue_bytes"}
    assert set(PEER_NAMES) <= set(OPTIONS)


def test_defaults_pass_their_own_check() -> None:
    """A default given explicitly is accepted and changes nothing."""
    for option in OPTIONS.values():
        if option.default is not None and option.meaning is not None:
            assert resolve(None, {option.name: option.default})[option.name] == option.default


def test_none_means_the_default() -> None:
    """An option given as None has its default."""
    everything = dict.fromkeys(OPTIONS)
    del everything["max_stack_frames"]
    scrubbers = [resolve(None, given).pop("event_scrubber") for given in (everything, {})]
    assert [type(scrubber) for scrubber in scrubbers] == [EventScrubber, EventScrubber]
    first, second = resolve(None, everything), resolve(None, {})
    for options in (first, second):
        del options["event_scrubber"]
    assert first == second


def test_no_limit_of_frames_can_be_asked_for() -> None:
    """`max_stack_frames=None` is not the default, which is a number."""
    assert resolve(None, {"max_stack_frames": None})["max_stack_frames"] is None
    assert resolve(None, {})["max_stack_frames"] == 100


def test_mutable_defaults_are_not_shared() -> None:
    """Changing a list of one client's options does not change the next client's."""
    resolve(None, {})["ignore_errors"].append(ValueError)
    assert resolve(None, {})["ignore_errors"] == []


def test_given_containers_are_not_kept() -> None:
    """A list or dict of the application's is copied."""
    names, headers = ["app"], {"a": "b"}
    options = resolve(None, {"in_app_include": names, "proxy_headers": headers})
    options["in_app_include"].append("other")
    options["proxy_headers"]["c"] = "d"
    assert (names, headers) == (["app"], {"a": "b"})


@pytest.mark.parametrize(
    ("wrong", "hint"), [("sampel_rate", "sample_rate"), ("before_sent", "before_send"), ("DSN", None), ("zzzz", None)]
)
def test_an_unknown_option_is_named_with_the_closest_one(wrong: str, hint: str | None) -> None:
    """A misspelled option raises TypeError, which names it and what was probably meant."""
    with pytest.raises(TypeError, match=repr(wrong)) as raised:
        resolve(None, {wrong: None})
    assert ("did you mean" in str(raised.value)) == (hint is not None)
    if hint is not None:
        assert repr(hint) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("sample_rate", "dogs are great", ValueError),
        ("sample_rate", 1.5, ValueError),
        ("sample_rate", -0.1, ValueError),
        ("sample_rate", math.nan, ValueError),
        ("sample_rate", [], TypeError),
        ("max_breadcrumbs", -1, ValueError),
        ("max_breadcrumbs", 2.5, TypeError),
        ("max_breadcrumbs", True, TypeError),
        ("transport_queue_size", 0, ValueError),
        ("transport_queue_bytes", 0, ValueError),
        ("shutdown_timeout", -1, ValueError),
        ("shutdown_timeout", math.inf, ValueError),
        ("shutdown_timeout", True, TypeError),
        ("debug", "perhaps", ValueError),
        ("debug", 2, TypeError),
        ("before_send", "x", TypeError),
        ("error_sampler", 0.5, TypeError),
        ("ignore_errors", "ValueError", TypeError),
        ("ignore_errors", [ValueError()], TypeError),
        ("in_app_include", "app", TypeError),
        ("in_app_exclude", [1], TypeError),
        ("integrations", 3, TypeError),
        ("release", b"x", TypeError),
        ("environment", ["x"], TypeError),
        ("project_root", 3, TypeError),
        ("max_request_body_size", "huge", ValueError),
        ("value_repr", "unsafe", ValueError),
        ("event_scrubber", object(), TypeError),
        ("proxy_headers", "a: b", TypeError),
        ("spotlight", "ftp://x", ValueError),
        ("dsn", 3, TypeError),
        ("dsn", "not a dsn", BadDsn),
        ("data_collection", [], TypeError),
    ],
)
def test_a_wrong_value_raises_and_names_the_option(name: str, value: object, error: type[Exception]) -> None:
    """The error says which option it is."""
    with pytest.raises(error, match=name):
        resolve(None, {name: value})


def test_the_error_says_what_was_given_and_what_is_wanted() -> None:
    """The text is enough to mend the mistake."""
    with pytest.raises(ValueError, match=r"option sample_rate is 7; it has to be a number from 0\.0 to 1\.0"):
        resolve(None, {"sample_rate": 7})


def test_a_huge_value_is_not_quoted_in_full() -> None:
    """The error's text stays readable."""
    with pytest.raises(TypeError) as raised:
        resolve(None, {"before_send": "x" * 10_000})
    assert len(str(raised.value)) < 250


def test_a_value_with_a_broken_repr_is_named_by_type() -> None:
    """An option's error is told even when the value cannot be printed."""

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    with pytest.raises(TypeError, match="a Broken"):
        resolve(None, {"before_send": Broken()})


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("sample_rate", "0.25", 0.25),
        ("sample_rate", True, 1.0),
        ("max_breadcrumbs", "7", 7),
        ("debug", "yes", True),
        ("debug", "", False),
        ("attach_stacktrace", 1, True),
        ("release", 3, "3"),
        ("in_app_include", ("a", "b"), ["a", "b"]),
        ("ignore_errors", (ValueError, "app.Error"), [ValueError, "app.Error"]),
        ("project_root", Path("/srv/app"), "/srv/app"),
        ("shutdown_timeout", 3, 3),
        ("http_proxy", "", ""),
    ],
)
def test_an_unambiguous_value_is_read(name: str, value: object, read: object) -> None:
    """What can only mean one thing is taken as that."""
    assert resolve(None, {name: value})[name] == read


def test_the_dsn_may_be_positional_or_named_but_not_both() -> None:
    """`init(dsn)` and `init(dsn=dsn)` are the same."""
    assert resolve(DSN, {})["dsn"] == resolve(None, {"dsn": DSN})["dsn"] == DSN
    with pytest.raises(TypeError, match="twice"):
        resolve(DSN, {"dsn": DSN})


@pytest.mark.parametrize("dsn", [None, "", "  "])
def test_no_dsn_is_valid(dsn: str | None) -> None:
    """Without a DSN nothing is wrong."""
    assert resolve(dsn, {})["dsn"] is None


def test_an_empty_dsn_overrules_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`dsn=""` switches off what SENTRY_DSN would switch on."""
    monkeypatch.setenv("SENTRY_DSN", DSN)
    assert resolve(None, {})["dsn"] == DSN
    assert resolve("", {})["dsn"] is None


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("SENTRY_RELEASE", "1.2.3", "release", "1.2.3"),
        ("SENTRY_ENVIRONMENT", "staging", "environment", "staging"),
        ("SENTRY_DEBUG", "T", "debug", True),
        ("SENTRY_DEBUG", "off", "debug", False),
        ("SENTRY_SAMPLE_RATE", "0.5", "sample_rate", 0.5),
        ("SENTRY_KEEP_ALIVE", "1", "keep_alive", True),
        ("SENTRY_KEEP_ALIVE", "0", "keep_alive", False),
        ("SENTRY_SPOTLIGHT", "true", "spotlight", True),
        ("SENTRY_SPOTLIGHT", "f", "spotlight", False),
        ("SENTRY_SPOTLIGHT", "http://localhost:1/s", "spotlight", "http://localhost:1/s"),
        ("CLIENT_CERT_FILE", "/c.pem", "cert_file", "/c.pem"),
        ("CLIENT_KEY_FILE", "/k.pem", "key_file", "/k.pem"),
        ("SSL_CERT_FILE", "/ca.pem", "ca_certs", "/ca.pem"),
        ("REQUESTS_CA_BUNDLE", "/ca.pem", "ca_certs", "/ca.pem"),
    ],
)
def test_the_environment_gives_what_init_does_not(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, name: str, value: object
) -> None:
    """Environment variables are read, with surrounding space ignored."""
    for other in OPTIONS[name].env:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, f" {text} ")
    assert resolve(None, {})[name] == value


def test_init_overrules_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given in code wins."""
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "staging")
    monkeypatch.setenv("SENTRY_DEBUG", "t")
    options = resolve(None, {"environment": "test", "debug": False})
    assert (options["environment"], options["debug"]) == ("test", False)


@pytest.mark.parametrize("variable", ["SENTRY_RELEASE", "SENTRY_SAMPLE_RATE", "SENTRY_DEBUG", "SENTRY_DSN"])
def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Deployment templates leave variables empty."""
    expected = resolve(None, {})
    monkeypatch.setenv(variable, "")
    options = resolve(None, {})
    for found in (expected, options):
        del found["event_scrubber"]
    assert options == expected


@pytest.mark.parametrize(
    ("variable", "text", "error"),
    [("SENTRY_SAMPLE_RATE", "lots", ValueError), ("SENTRY_KEEP_ALIVE", "xxx", ValueError), ("SENTRY_DSN", "x", BadDsn)],
)
def test_a_malformed_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, error: type[Exception]
) -> None:
    """The error says which variable it is, as nothing in the code would show it."""
    monkeypatch.setenv(variable, text)
    with pytest.raises(error, match=f"environment variable {variable}"):
        resolve(None, {})


def test_a_malformed_debug_variable_does_not_keep_the_application_from_starting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SENTRY_DEBUG is told and ignored."""
    monkeypatch.setattr("tocsin.diagnostics._warned", set())
    monkeypatch.setenv("SENTRY_DEBUG", "xxx")
    assert resolve(None, {})["debug"] is False
    assert "SENTRY_DEBUG" in capsys.readouterr().err


def test_the_environment_says_where_spotlight_is_when_the_code_only_says_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """`spotlight=True` with a URL in the environment uses the URL."""
    monkeypatch.setenv("SENTRY_SPOTLIGHT", "http://localhost:1/s")
    assert resolve(None, {"spotlight": True})["spotlight"] == "http://localhost:1/s"
    assert resolve(None, {"spotlight": False})["spotlight"] is False
    assert resolve(None, {"spotlight": "http://localhost:2/s"})["spotlight"] == "http://localhost:2/s"


def test_spotlight_without_a_dsn_collects_everything() -> None:
    """Nothing leaves the machine, so nothing is held back."""
    options = resolve(None, {"spotlight": True, "sample_rate": 0.0, "error_sampler": lambda event, hint: False})
    assert (options["sample_rate"], options["error_sampler"], options["_user_info"]) == (1.0, None, True)
    assert resolve(DSN, {"spotlight": True})["_user_info"] is False


def test_ignored_options_take_anything() -> None:
    """What belongs to tracing, logs and metrics is accepted whatever it is."""
    value = object()
    for option in OPTIONS.values():
        if option.meaning is None:
            assert resolve(None, {option.name: value})[option.name] is value


@pytest.mark.parametrize(
    ("given_release", "sent"),
    [
        ("app@1.0", "app@1.0"),
        (" 1.0 \n", "1.0"),
        ("feature/x", "feature-x"),
        ("a\\b\tc\nd", "a-b-c-d"),
        ("x" * 300, "x" * 200),
        ("é" * 300, "é" * 100),
        ("x\ud800", "x?"),
        ("latest", None),
        ("..", None),
        ("", None),
    ],
)
def test_a_release_is_mended(given_release: str, sent: str | None) -> None:
    """A release that the server would drop is changed into one it keeps, or left out."""
    assert resolve(None, {"release": given_release})["release"] == sent


@pytest.mark.parametrize(
    ("given_environment", "sent"),
    [
        ("eu/west", "eu-west"),
        ("None", "production"),
        (".", "production"),
        ("..", "production"),
        ("", "production"),
        ("e" * 99, "e" * 64),
        ("é" * 99, "é" * 32),
    ],
)
def test_an_environment_is_mended(given_environment: str, sent: str) -> None:
    """An environment that the server would drop is changed, or the default one."""
    assert resolve(None, {"environment": given_environment})["environment"] == sent


@given(st.text(max_size=100))
def test_a_mended_dist_is_one_the_server_keeps(text: str) -> None:
    """Whatever is given, what is sent has the server's alphabet and length."""
    mended = release.mend_dist(text)
    assert mended is None or re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", mended)


def test_mending_is_told_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Who configures a release learns that another one is sent."""
    monkeypatch.setattr("tocsin.diagnostics._warned", set())
    for _ in range(2):
        resolve(None, {"release": "a/b"})
    assert capsys.readouterr().err.count("'a-b'") == 1


def test_the_server_name_is_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default it is the host's name; a given one is one line."""
    monkeypatch.setattr("tocsin.release.default_server_name", lambda: "web-1")
    assert resolve(None, {})["server_name"] == "web-1"
    assert resolve(None, {"server_name": "a\nb"})["server_name"] == "a-b"


def test_the_project_root_is_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default; and a working directory that is gone is no error."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    assert resolve(None, {})["project_root"] == str(gone)
    gone.rmdir()
    assert resolve(None, {})["project_root"] is None


def test_the_table_for_the_readme_has_every_option() -> None:
    """Used ones in a row each, the others in one sentence."""
    table = options_table_markdown()
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) == sum(option.meaning is not None for option in OPTIONS.values())
    assert all(line.count(" | ") == 3 for line in rows)
    assert all(f"`{name}`" in table for name in OPTIONS)


def test_resolving_defaults_imports_nothing_heavy() -> None:
    """init() with defaults pays for no module that it does not need."""
    import subprocess

    program = (
        "import sys; from tocsin.options import resolve; resolve(None, {});"
        "print([name for name in ('re', 'typing', 'dataclasses', 'enum', 'logging', 'socket', 'datetime', 'difflib',"
        " 'warnings', 'json', 'urllib.parse') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {program}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
