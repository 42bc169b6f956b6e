"""Every option of `init()` in one table: what it may be, its default, its environment variable, what it means.

Only here does misuse raise. Called once per client, on the thread that calls `init()`.
"""

from __future__ import annotations

import os

from tocsin import data_collection, diagnostics, limits, option_checks, release
from tocsin.dsn import BadDsn, Dsn
from tocsin.option_checks import (
    ANYTHING,
    BOOLEAN,
    CALLABLE,
    ERRORS,
    ITEMS,
    MAPPING,
    PATH,
    RATE,
    SCRUBBER,
    SECONDS,
    SPOTLIGHT,
    TEXT,
    TEXTS,
    at_least,
    one_of,
)
from tocsin.scrubber import EventScrubber

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEFAULT_ENVIRONMENT = "production"


class Option:
    """One option.

    Args:
        name: as written in `init()`.
        check: reads and checks a value.
        default: its value when it is not given, or given as None.
        meaning: one sentence; None for an option of the peer's that is accepted and ignored.
        env: the environment variables that give a value when `init()` does not, the first that is set.
    """

    __slots__ = ("check", "default", "env", "meaning", "name")

    def __init__(
        self,
        name: str,
        check: option_checks.Check = ANYTHING,
        default: Any = None,
        meaning: str | None = None,
        env: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.check = check
        self.default = default
        self.meaning = meaning
        self.env = env


_COUNT, _SIZE = at_least(0), at_least(1)
_BODY_SIZES = one_of("never", "small", "medium", "always")

_TABLE = (
    Option("dsn", TEXT, None, "Where events go; without one nothing is sent.", ("SENTRY_DSN",)),
    Option(
        "release", TEXT, None, "What is running; by default the git commit, or what the host says.", ("SENTRY_RELEASE",)
    ),
    Option("environment", TEXT, None, f"Where it runs; `{DEFAULT_ENVIRONMENT}` by default.", ("SENTRY_ENVIRONMENT",)),
    Option("dist", TEXT, None, "Which build of the release it is."),
    Option("server_name", TEXT, None, "The name of the machine; the host's name by default."),
    Option("debug", BOOLEAN, False, "Whether tocsin tells on stderr what it drops and why.", ("SENTRY_DEBUG",)),
    Option("sample_rate", RATE, 1.0, "The share of errors that is sent.", ("SENTRY_SAMPLE_RATE",)),
    Option("error_sampler", CALLABLE, None, "`(event, hint)` to a bool or a rate, instead of `sample_rate`."),
    Option("ignore_errors", ERRORS, [], "Exception classes, or their names, that are not captured."),
    Option("before_send", CALLABLE, None, "`(event, hint)` to the event to send, or None to drop it."),
    Option("before_breadcrumb", CALLABLE, None, "`(crumb, hint)` to the breadcrumb to keep, or None to drop it."),
    Option("max_breadcrumbs", _COUNT, limits.BREADCRUMBS, "How many breadcrumbs are kept."),
    Option("attach_stacktrace", BOOLEAN, False, "Whether messages carry the stack of the call."),
    Option("add_full_stack", BOOLEAN, False, "Whether the frames above the one that caught the error are sent."),
    Option(
        "max_stack_frames", _SIZE, 100, "How many frames `add_full_stack` may lead to; None for the protocol's limit."
    ),
    Option("include_local_variables", BOOLEAN, True, "Whether frames carry local variables."),
    Option("include_source_context", BOOLEAN, True, "Whether frames carry the lines around them."),
    Option("max_value_length", _SIZE, None, "Bytes at which texts are cut, below the protocol's limits."),
    Option("custom_repr", CALLABLE, None, "`(value)` to a text for a local variable, or None for the usual one."),
    Option(
        "value_repr",
        one_of("safe", "full"),
        "safe",
        "`full` calls `repr()` on values of unknown types, `safe` does not.",
    ),
    Option("in_app_include", TEXTS, [], "Modules that are the application's own, with all below them."),
    Option("in_app_exclude", TEXTS, [], "Modules that are not, with all below them."),
    Option("project_root", PATH, None, "Files below are the application's own; the working directory by default."),
    Option(
        "send_default_pii", BOOLEAN, None, "Whether data that identifies persons is collected; see `data_collection`."
    ),
    Option(
        "data_collection",
        ANYTHING,
        None,
        "What is collected, by kind of data; overrules `send_default_pii`, `include_*` and the scrubber.",
    ),
    Option("event_scrubber", SCRUBBER, None, "Masks secrets in events; an `EventScrubber` by default."),
    Option(
        "max_request_body_size",
        _BODY_SIZES,
        "medium",
        "Request bodies to send: never, small (1 kB), medium (10 kB), always.",
    ),
    Option("integrations", ITEMS, [], "Integrations to set up besides the default ones."),
    Option("default_integrations", BOOLEAN, True, "Whether the default integrations are set up."),
    Option(
        "auto_enabling_integrations", BOOLEAN, True, "Whether those of libraries are, once the library is imported."
    ),
    Option("disabled_integrations", ITEMS, None, "Integrations, or their classes, that are not to be set up."),
    Option(
        "transport", ANYTHING, None, "A transport, its class or name, or a callable; HTTP from a thread by default."
    ),
    Option("transport_queue_size", _SIZE, limits.QUEUE_EVENTS, "How many events may wait to be sent."),
    Option("transport_queue_bytes", _SIZE, limits.QUEUE_BYTES, "How many bytes the waiting events may take."),
    Option("shutdown_timeout", SECONDS, limits.SHUTDOWN_TIMEOUT_S, "Seconds to wait at exit for events to be sent."),
    Option("send_client_reports", BOOLEAN, True, "Whether the server is told how many events were dropped and why."),
    Option("http_proxy", TEXT, None, "The proxy for http; `''` for none; else the environment's."),
    Option("https_proxy", TEXT, None, "The proxy for https; `''` for none; else the environment's, else `http_proxy`."),
    Option("proxy_headers", MAPPING, None, "Headers for the proxy."),
    Option("ca_certs", PATH, None, "Certificates to trust.", ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")),
    Option("cert_file", PATH, None, "The client's certificate.", ("CLIENT_CERT_FILE",)),
    Option("key_file", PATH, None, "The client's key.", ("CLIENT_KEY_FILE",)),
    Option("socket_options", ITEMS, None, "Options for the socket, as `(level, option, value)`."),
    Option("keep_alive", BOOLEAN, False, "Whether TCP keep-alive is on.", ("SENTRY_KEEP_ALIVE",)),
    Option("spotlight", SPOTLIGHT, None, "Sends a copy to a local Spotlight: True, or its URL.", ("SENTRY_SPOTLIGHT",)),
    Option("_experiments", MAPPING, {}, "`transport_compression_level` (0 to 9), `max_flags`."),
    # The peer's options for what tocsin does not do.
    Option("org_id"),
    Option("auto_session_tracking", default=True),
    Option("traces_sample_rate"),
    Option("traces_sampler"),
    Option("trace_lifecycle"),
    Option("ignore_spans"),
    Option("before_send_transaction"),
    Option("before_send_span"),
    Option("enable_tracing"),
    Option("propagate_traces", default=True),
    Option("trace_propagation_targets", default=[".*"]),
    Option("functions_to_trace", default=[]),
    Option("trace_ignore_status_codes", default=frozenset()),
    Option("strict_trace_continuation", default=False),
    Option("stream_gen_ai_spans", default=True),
    Option("instrumenter", default="sentry"),
    Option("profiles_sample_rate"),
    Option("profiles_sampler"),
    Option("profiler_mode"),
    Option("profile_lifecycle", default="manual"),
    Option("profile_session_sample_rate"),
    Option("enable_backpressure_handling", default=True),
    Option("enable_db_query_source", default=True),
    Option("db_query_source_threshold_ms", default=100),
    Option("enable_http_request_source", default=True),
    Option("http_request_source_threshold_ms", default=100),
    Option("enable_logs", default=False),
    Option("before_send_log"),
    Option("enable_metrics", default=True),
    Option("before_send_metric"),
)

OPTIONS: dict[str, Option] = {option.name: option for option in _TABLE}


def resolve(dsn: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every option, checked: as given, else from the environment, else the default.

    What the server would refuse is mended, with a line on stderr: in `release`, `environment` and `dist` characters
    that it does not take become `-`, and what is too long for it is cut; a release called `.`, `..` or `latest` is
    left out, and an environment called `none`, `.` or `..` is the default one. A `server_name` is cut to one line.

    The result has these keys besides the options:

    * `_user_info`: whether data that identifies persons may be collected;
    * `_local_variables`: whether locals are collected at all;
    * `_local_variables_rule`: with `data_collection` rules for locals, the function that says whether a name's value
      is masked; else None, and the scrubber's names count;
    * `_context_lines`: lines of source on either side of a frame's, 0 for none at all.

    A `SENTRY_DEBUG` that is no truth value is told and ignored: diagnostics must not keep a system from starting.

    `data_collection` is complete in the result, `event_scrubber` is None if the application set `data_collection`, and
    `dsn` is None if it was empty.

    Args:
        dsn: the first argument of `init()`.
        kwargs: its keyword arguments, which may have `dsn` too.

    Raises:
        TypeError: an option does not exist, is given twice, or has a value of the wrong type.
        ValueError: an option, or an environment variable, has a value that it cannot have.
        BadDsn: the DSN cannot be read; it is a ValueError.
    """
    given = {name: value for name, value in kwargs.items() if value is not None}
    for name in kwargs:
        if name not in OPTIONS:
            raise TypeError(_unknown(name))
    if dsn is not None:
        if "dsn" in given:
            raise TypeError("init() got the dsn twice, as first argument and by name")
        given["dsn"] = dsn
    options = {option.name: _value(option, given) for option in _TABLE}
    if "max_stack_frames" in kwargs and kwargs["max_stack_frames"] is None:
        options["max_stack_frames"] = None
    options["spotlight"] = _spotlight(options["spotlight"])
    _resolve_identity(options, given)
    _resolve_collection(options, given)
    if options["before_breadcrumb"] is not None:
        # So that the first breadcrumb does not import it on a thread of the application's.
        import datetime  # noqa: F401
    return options


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, OPTIONS, n=1)
    return f"init() has no option {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _value(option: Option, given: dict[str, Any]) -> Any:
    name = option.name
    if name in given:
        if name == "dsn":
            return _dsn(given[name], "option dsn")
        return option.check(given[name], f"option {name}")
    for variable in option.env:
        text = os.environ.get(variable, "").strip()
        if text:
            return _of_environment(option, variable, text)
    default = option.default
    return default.copy() if isinstance(default, (list, dict)) else default


def _of_environment(option: Option, variable: str, text: str) -> Any:
    where = f"environment variable {variable}"
    if option.name == "dsn":
        return _dsn(text, where)
    try:
        return option.check(text, where)
    except ValueError as error:
        if option.name != "debug":
            raise
        diagnostics.warn_once(variable, f"{error}; ignored")
        return option.default


def _dsn(value: Any, where: str) -> str | None:
    if not isinstance(value, (str, Dsn)):
        raise TypeError(f"{where} is a {type(value).__name__}; it has to be a text")
    text = str(value).strip()
    if not text:
        return None
    try:
        return str(value).strip() if Dsn(text) else None
    except BadDsn as error:
        raise BadDsn(f"{where}: {error}") from None


def _spotlight(value: bool | str | None) -> bool | str | None:
    """Let the environment say where, when the application only says that."""
    if value is True:
        text = os.environ.get("SENTRY_SPOTLIGHT", "").strip()
        return text if text.startswith(("http://", "https://")) else True
    return value


def _resolve_identity(options: dict[str, Any], given: dict[str, Any]) -> None:
    if options["release"] is None:
        options["release"] = release.default_release()
    for name, mend in (
        ("release", release.mend_release),
        ("dist", release.mend_dist),
        ("environment", release.mend_environment),
    ):
        if options[name] is not None:
            options[name] = mend(options[name])
    if options["environment"] is None:
        options["environment"] = DEFAULT_ENVIRONMENT
    server_name = options["server_name"] if "server_name" in given else release.default_server_name()
    options["server_name"] = None if server_name is None else release.mend_server_name(server_name)
    if options["project_root"] is None:
        try:
            options["project_root"] = os.getcwd()
        except OSError:
            options["project_root"] = None


def _resolve_collection(options: dict[str, Any], given: dict[str, Any]) -> None:
    wanted = given.get("data_collection", options["_experiments"].get("data_collection"))
    if "send_default_pii" in given:
        from warnings import warn

        warn("the option send_default_pii is deprecated, use data_collection", DeprecationWarning, stacklevel=5)
    if options["spotlight"] and options["dsn"] is None:
        # Everything stays on the developer's own machine.
        options["send_default_pii"] = True
        options["sample_rate"], options["error_sampler"] = 1.0, None
    if wanted is None:
        collected = data_collection.from_pii(
            bool(options["send_default_pii"]), options["include_local_variables"], options["include_source_context"]
        )
        if options["event_scrubber"] is None:
            options["event_scrubber"] = EventScrubber(send_default_pii=bool(options["send_default_pii"]))
    else:
        collected = data_collection.from_option(wanted)
        options["event_scrubber"] = None
    variables = collected["stack_frame_variables"]
    is_rule = isinstance(variables, dict)
    options["data_collection"] = collected
    options["_user_info"] = collected["user_info"]
    options["_local_variables"] = variables["mode"] != "off" if is_rule else variables
    options["_local_variables_rule"] = data_collection.rule_predicate(variables) if is_rule else None
    options["_context_lines"] = collected["frame_context_lines"]


def options_table_markdown() -> str:
    """Return the README's table of options, and the names of those that are accepted and ignored."""
    lines = ["| option | value | default | meaning |", "|---|---|---|---|"]
    for option in _TABLE:
        if option.meaning is not None:
            variables = "".join(f" Environment: `{name}`." for name in option.env)
            cells = (f"`{option.name}`", option.check.wants, f"`{option.default!r}`", option.meaning + variables)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    ignored = ", ".join(f"`{option.name}`" for option in _TABLE if option.meaning is None)
    return "\n".join([*lines, "", f"Accepted, so that nothing breaks, and ignored: {ignored}.", ""])
