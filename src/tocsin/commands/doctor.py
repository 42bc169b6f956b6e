"""`python -m tocsin doctor`: what tocsin would do in this environment, and whether an event arrives."""

from __future__ import annotations

import os
import platform
import sys

import tocsin
from tocsin import _json, options
from tocsin.commands.delivery import dsn_of
from tocsin.commands.send import deliver
from tocsin.commands.terminal import one_line
from tocsin.dsn import BadDsn
from tocsin.transport.proxy import BadProxy, proxy_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from tocsin.commands.terminal import Terminal
    from tocsin.dsn import Dsn

_WELL, _PROBLEM = 0, 1
_NAME_CHARS = 12


class Report:
    """The lines of the report, printed as they come, and how many of them are problems."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.problems = 0

    def say(self, name: str, text: str) -> None:
        """Prints a fact."""
        self._terminal.line(("  ok  ", "good"), name.ljust(_NAME_CHARS), one_line(text))

    def note(self, name: str, text: str) -> None:
        """Prints a fact that may be meant so, or may surprise."""
        self._terminal.line(("note  ", "warn"), name.ljust(_NAME_CHARS), one_line(text))

    def problem(self, name: str, text: str) -> None:
        """Prints, however long it is, what is wrong and what to do."""
        self.problems += 1
        self._terminal.whole_line((" BAD  ", "bad"), name.ljust(_NAME_CHARS), one_line(text))


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the report; return 0 if there is no problem in it, else 1."""
    report = Report(terminal)
    report.say("tocsin", f"{tocsin.VERSION} in {os.path.dirname(os.path.abspath(tocsin.__file__))}")
    report.say("python", f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}")
    _tell_core(report)
    _tell_packages(report)
    given = _tell_options(report)
    try:
        dsn, source = dsn_of(arguments.dsn)
    except BadDsn as error:
        report.problem("dsn", str(error))
    else:
        if dsn is None:
            report.note("dsn", "none: nothing would be sent; give --dsn, or set SENTRY_DSN, to see an event arrive")
        else:
            _tell_dsn(report, dsn, source)
            if given is not None:
                _tell_proxy(report, dsn, given)
                _tell_delivery(report, dsn, arguments.timeout, terminal)
    count = report.problems
    terminal.line()
    if count:
        terminal.line((f"{count} problem{'' if count == 1 else 's'}", "bad"))
        return _PROBLEM
    terminal.line(("all is well", "good"))
    return _WELL


def _tell_core(report: Report) -> None:
    reason = tocsin.backend_reason()
    if tocsin.backend() == "core":
        report.say("core", f"compiled ({reason})")
    elif "cannot be loaded" in reason:
        report.problem("core", f"{reason}: install tocsin anew for this Python, or set TOCSIN_BACKEND=pure")
    else:
        report.note("core", f"the pure Python twin ({reason}): the same events, at a higher cost for each")


def _tell_packages(report: Report) -> None:
    urllib3 = _version("urllib3")
    if urllib3 is None:
        report.problem("urllib3", "not installed, so nothing can be sent: pip install urllib3")
    else:
        report.say("urllib3", urllib3)
    orjson = _version("orjson")
    used = _json_module()
    if orjson is None:
        report.note("orjson", "not installed: Python's own json is used in its place, which is slower")
    elif used != "orjson":
        report.note("orjson", f"{orjson}, not used by this interpreter: Python's own json is, which is slower")
    else:
        report.say("orjson", orjson)
    certifi = _version("certifi")
    report.say("certifi", certifi or "not installed: the certificates that the system trusts are used")


def _json_module() -> str:
    _json.dumps({})
    return "orjson" if "orjson" in sys.modules else "json"


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _tell_options(report: Report) -> dict[str, Any] | None:
    """Says what the environment alone makes of the options; returns them, or None if they cannot be read."""
    try:
        # The DSN is looked at by itself.
        found = options.resolve("", {})
    except (TypeError, ValueError) as error:
        report.problem("options", f"{error}: change the variable, init() would raise this")
        return None
    report.say("release", f"{found['release'] or 'none, give init(release=...)'}")
    report.say("environment", f"{found['environment']} on {found['server_name'] or 'a server without a name'}")
    if found["sample_rate"] < 1:
        report.note("sampling", f"SENTRY_SAMPLE_RATE lets only {found['sample_rate']:.0%} of the events through")
    return found


def _tell_dsn(report: Report, dsn: Dsn, source: str) -> None:
    secret = ", secret key (which servers no longer need)" if dsn.secret_key is not None else ""
    report.say("dsn", f"from {source}: {dsn.envelope_url}")
    report.say(
        "", f"{dsn.scheme}, host {dsn.host}, port {dsn.port}, project {dsn.project_id}, key {_masked(dsn)}{secret}"
    )


def _masked(dsn: Dsn) -> str:
    return f"{dsn.public_key[:4]}…" if len(dsn.public_key) > 8 else "…"


def _tell_proxy(report: Report, dsn: Dsn, given: dict[str, Any]) -> None:
    try:
        proxy = proxy_for(dsn.scheme, dsn.host, dsn.port, given, os.environ)
    except BadProxy as error:
        report.problem("proxy", f"{error}, so none is used: mend HTTP_PROXY, HTTPS_PROXY or ALL_PROXY")
        return
    if proxy is not None:
        # Credentials stand before the last at sign.
        scheme, _, rest = proxy.partition("://")
        report.note("proxy", f"{scheme}://{rest.rpartition('@')[2]}, from the environment")


def _tell_delivery(report: Report, dsn: Dsn, timeout_s: float, terminal: Terminal) -> None:
    try:
        event_id, problem, duration_s = deliver(
            str(dsn), "tocsin doctor: does this arrive?", "info", {"tocsin": "doctor"}, timeout_s, terminal
        )
    except Exception as error:
        # The report is for finding out what is wrong, so a fault of tocsin's own belongs into it.
        report.problem("delivery", f"tocsin has failed: {type(error).__name__}: {error}")
        return
    if problem is not None:
        report.problem("delivery", problem)
    else:
        report.say("delivery", f"event {event_id} was taken after {duration_s * 1000:.0f} ms")
