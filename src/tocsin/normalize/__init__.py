"""Brings what people put into events into the shape that servers keep. On the application's threads.

A server nulls or refuses what does not fit its schema (https://develop.sentry.dev/sdk/data-model/event-payloads/), and
with it what was meant to be said. So it is mended here, each part by its own rule, into JSON of bounded size. What no
rule finds a place for is sent in `extra`, under the name of the place where it was.
"""

from __future__ import annotations

from tocsin import limits
from tocsin._backend import Fragment
from tocsin.normalize.breadcrumbs import mend_breadcrumbs
from tocsin.normalize.contexts import is_trace, mend_contexts, mend_extra, mend_flags
from tocsin.normalize.exceptions import mend_exception, mend_threads
from tocsin.normalize.frames import mend_stacktrace
from tocsin.normalize.identity import event_id_of, is_address
from tocsin.normalize.members import (
    mend_fingerprint,
    mend_images,
    mend_message,
    mend_modules,
    mend_platform,
    mend_sdk,
    mend_timestamp,
    mend_transaction_info,
)
from tocsin.normalize.notes import Notes, given_marks, merged
from tocsin.normalize.request import mend_request
from tocsin.normalize.tags import mend_tags, tag_key
from tocsin.normalize.user import mend_user
from tocsin.normalize.values import Values
from tocsin.release import mend_dist, mend_environment, mend_release
from tocsin.scope_values import is_a, keyed, level_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tocsin._backend import Renderer

    _Rule = Callable[[Values, Any, Notes], Any]

__all__ = ["Normalizer", "event_id_of", "is_address", "is_trace", "tag_key"]


class Normalizer(Values):
    """Makes the parts of an event for one client.

    `wide` renders the data of events that are dicts. Hooks are shown what it made, which comes in again: it bounds by
    bytes alone, as members counted twice would be cut twice.
    """

    def __init__(
        self, renderer: Renderer, is_secret: Callable[[str], bool] | None, wide: Renderer | None = None
    ) -> None:
        super().__init__(renderer, is_secret)
        self._of_dicts = Values(wide or renderer, is_secret)

    def event(self, event: dict[Any, Any]) -> dict[str, Any]:
        """Return an event, mended and rendered part by part, for `dumps`; what is given is not changed."""
        made: dict[str, Any] = {}
        notes = Notes()
        values = self._of_dicts
        given = keyed(event, "event")
        extra = given.pop("extra", None)
        marks = given.pop("_meta", None)
        if marks and not is_a(marks, dict):
            notes.misfit("_meta", marks)
        if given.get("logentry") is not None and given.get("message") is not None:
            # Two names for one member.
            notes.misfit("message", given.pop("message"))
        for key, value in given.items():
            if value is None:
                continue
            rule = _RULES.get(key)
            if rule is None:
                notes.misfit(key, value)
                continue
            mended = rule(values, value, notes)
            if mended is not None:
                made[key] = mended
        extra = mend_extra(values, _with_misfits(extra, notes.misfits))
        if extra is not None:
            made["extra"] = extra
        found = given_marks(marks)
        found = merged(found, notes.marks)
        if found:
            made["_meta"] = found
        return made

    def tags(self, tags: object) -> Fragment | None:
        """Tags as JSON; None if there are none."""
        return mend_tags(self, tags)

    def extra(self, extra: object) -> Fragment | None:
        """Extra data as JSON; None if there is none."""
        return mend_extra(self, extra)

    def contexts(self, contexts: object) -> Fragment | None:
        """Contexts as JSON; None if there are none."""
        return mend_contexts(self, contexts)

    def flags(self, flags: list[Any]) -> list[dict[str, Any]]:
        """Feature flags, for `dumps`."""
        return mend_flags(self, flags)

    def user(self, user: object) -> Fragment | None:
        """The user as JSON; None if nothing is said of one."""
        return mend_user(self, user)

    def message(self, message: object) -> Any:
        """A message, for `dumps`: text, or an object of `message`, `formatted` and `params`."""
        return mend_message(self, message, "logentry", None)

    def fingerprint(self, fingerprint: object) -> list[str] | None:
        """The fingerprint: a list of texts; a single value is a list of one."""
        return mend_fingerprint(self, fingerprint)


def _contexts(values: Values, contexts: Any, notes: Notes) -> Fragment | None:
    if contexts and not is_a(contexts, dict):
        notes.misfit("contexts", contexts)
        return None
    return mend_contexts(values, contexts)


def _user(values: Values, user: Any, notes: Notes) -> Fragment | None:
    if type(user) in (str, int):
        user = {"id": user}
    elif user and not is_a(user, dict):
        notes.misfit("user", user)
    return mend_user(values, user) if is_a(user, dict) else None


def _stacktrace(values: Values, stacktrace: Any, notes: Notes) -> dict[str, Any] | None:
    return mend_stacktrace(values, stacktrace, "stacktrace", notes)


def _line(max_chars: int) -> _Rule:
    return lambda values, value, notes: values.line(value, max_chars) or None


# Members of an event, by key, with the rule for each.
_RULES: dict[str, _Rule] = {
    "tags": mend_tags,
    "contexts": _contexts,
    "user": _user,
    "fingerprint": lambda values, value, notes: mend_fingerprint(values, value),
    "request": mend_request,
    "breadcrumbs": mend_breadcrumbs,
    "exception": mend_exception,
    "threads": mend_threads,
    "stacktrace": _stacktrace,
    "modules": mend_modules,
    "event_id": lambda values, value, notes: event_id_of(value),
    "timestamp": mend_timestamp,
    "level": lambda values, value, notes: level_of(value) or "error",
    "logger": _line(limits.LOGGER_CHARS),
    "transaction": lambda values, value, notes: values.text(value, limits.TRANSACTION_CHARS),
    "transaction_info": mend_transaction_info,
    "culprit": lambda values, value, notes: values.text(value, limits.TRANSACTION_CHARS),
    "server_name": _line(limits.SERVER_NAME_CHARS),
    "release": lambda values, value, notes: mend_release(values.line(value, 4 * limits.RELEASE_CHARS)),
    "environment": lambda values, value, notes: mend_environment(values.line(value, 4 * limits.ENVIRONMENT_CHARS)),
    "dist": lambda values, value, notes: mend_dist(values.line(value, 4 * limits.DIST_CHARS)),
    "platform": mend_platform,
    "message": lambda values, value, notes: mend_message(values, value, "message", notes),
    "logentry": lambda values, value, notes: mend_message(values, value, "logentry", notes),
    "sdk": mend_sdk,
    "debug_meta": mend_images,
}


def _with_misfits(extra: object, misfits: dict[str, Any]) -> object:
    """The extra data with what found no place elsewhere, never in the place of the application's own."""
    if not misfits:
        return extra
    made = keyed(extra, "extra") if is_a(extra, dict) else {"value": extra} if extra else {}
    for path, value in misfits.items():
        name = path
        while name in made:
            name += "'"
        made[name] = value
    return made
