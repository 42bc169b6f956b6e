"""`python -m tocsin send`: one message from the command line, delivered or told why not."""

from __future__ import annotations

import tocsin
from tocsin.commands.delivery import ObservedTransport, dsn_of, flush

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tocsin.commands.terminal import Terminal
    from tocsin.types import Level

DELIVERED, NOT_DELIVERED, USAGE = 0, 1, 2
# Where nothing is left to wait for.
_NO_WAIT_S = 0.0


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Send the message of the arguments; print its event id if, and only if, the server has taken it."""
    try:
        dsn, _ = dsn_of(arguments.dsn)
        if dsn is None:
            terminal.problem("there is no DSN: give --dsn, or set SENTRY_DSN")
            return USAGE
        event_id, problem = deliver(
            str(dsn), arguments.text, arguments.level, dict(arguments.tag), arguments.timeout, terminal
        )[:2]
    except (TypeError, ValueError) as error:
        # The options of init() can also come from the environment.
        terminal.problem(str(error))
        return USAGE
    if problem is not None:
        terminal.problem(f"not delivered: {problem}")
        return NOT_DELIVERED
    terminal.whole_line(str(event_id))
    return DELIVERED


def deliver(
    dsn: str, text: str, level: Level, tags: dict[str, str], timeout_s: float, terminal: Terminal
) -> tuple[str | None, str | None, float]:
    """Send one message and wait for what becomes of it.

    Returns:
        The event's id, why it was not delivered (None: it was), and how many seconds the request took.

    Raises:
        TypeError: an option in the environment is of the wrong type.
        ValueError: an option in the environment is malformed.
    """
    client = tocsin.init(
        dsn, transport=ObservedTransport, default_integrations=False, sample_rate=1.0, send_client_reports=False
    )
    transport = client.transport
    assert isinstance(transport, ObservedTransport)
    place = transport.parsed_dsn.netloc if transport.parsed_dsn is not None else "the server"
    try:
        event_id = tocsin.capture_message(text, level=level, tags=tags)
        with terminal.progress() as progress:
            is_settled = flush(client, timeout_s, progress, lambda: f"waiting for {place} ...")
        outcome = transport.outcomes.get(event_id or "")
        if outcome is not None:
            return event_id, None if outcome.is_delivered else outcome.describe(), outcome.duration_s
        if not is_settled:
            return event_id, f"no answer from {place} within {timeout_s:g} s", timeout_s
        # It never came to a request.
        return event_id, f"dropped on this side: {', '.join(tocsin.stats().dropped) or 'nothing says why'}", 0.0
    finally:
        client.close(_NO_WAIT_S)
