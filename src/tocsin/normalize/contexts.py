"""The rules for the contexts that servers know, and for those that they do not.

What does not fit a field of a known context is kept beside it, as `<field>_given`.
"""

from __future__ import annotations

from tocsin import limits
from tocsin._backend import Fragment, json_string
from tocsin.normalize import fields
from tocsin.normalize.request import pairs_of
from tocsin.normalize.tags import tag_key
from tocsin.scope_values import is_a, keyed
from tocsin.scrubber import FILTERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.normalize.fields import Rule
    from tocsin.normalize.values import Values

_TEXT = fields.text(limits.CONTEXT_BYTES)
_OBJECT = fields.mapping(limits.CONTEXT_BYTES, limits.CONTEXT_DEPTH - 1)
_FLAG_BYTES = 1024
_OP_CHARS = 128
# What is said of the members that had no room.
_MARK_BYTES = 64
_STATUSES = frozenset(
    (
        "ok",
        "cancelled",
        "unknown",
        "internal_error",
        "invalid_argument",
        "deadline_exceeded",
        "not_found",
        "already_exists",
        "permission_denied",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "unavailable",
        "data_loss",
        "unauthenticated",
    )
)


def _rules(texts: str = "", flags: str = "", counts: str = "", **others: Rule) -> dict[str, Rule]:
    made: dict[str, Rule] = dict.fromkeys(texts.split(), _TEXT)
    made.update(dict.fromkeys(flags.split(), fields.flag))
    made.update(dict.fromkeys(counts.split(), fields.count))
    made.update(others)
    return made


def _headers(values: Values, value: Any) -> Any:
    return pairs_of(values, value)


_KNOWN: dict[str, dict[str, Rule]] = {
    "runtime": _rules("runtime name version build raw_description"),
    "os": _rules(
        "os name version build raw_description kernel_version distribution_name distribution_version "
        "distribution_pretty_name",
        "rooted",
    ),
    "device": _rules(
        "name family model model_id arch battery_status orientation manufacturer brand screen_resolution boot_time "
        "timezone cpu_description device_type device_unique_identifier locale",
        "online charging low_memory simulator supports_vibration supports_accelerometer supports_gyroscope "
        "supports_audio supports_location_service",
        "screen_height_pixels screen_width_pixels screen_dpi memory_size free_memory usable_memory storage_size "
        "free_storage external_storage_size external_free_storage processor_count processor_frequency",
        battery_level=fields.number,
        screen_density=fields.number,
        uuid=fields.hex_id(32),
    ),
    "app": _rules(
        "app_start_time device_app_hash build_type app_identifier app_name app_version app_build",
        "in_foreground",
        "app_memory",
        view_names=fields.texts(limits.NAME_CHARS),
    ),
    "browser": _rules("browser name version"),
    "gpu": _rules(
        "name version vendor_id vendor_name api_type npot_support graphics_shader_level",
        "multi_threaded_rendering supports_draw_call_instancing supports_ray_tracing supports_compute_shaders "
        "supports_geometry_shaders",
        "memory_size max_texture_size",
    ),
    "trace": _rules(
        "",
        "sampled",
        trace_id=fields.hex_id(32),
        span_id=fields.hex_id(16),
        parent_span_id=fields.hex_id(16),
        op=fields.text(_OP_CHARS),
        status=fields.one_of(_STATUSES),
        exclusive_time=fields.number,
        data=_OBJECT,
        origin=lambda values, value: tag_key(values.text(value, _OP_CHARS)),
        client_sample_rate=fields.never,
        links=fields.never,
    ),
    "culture": _rules("calendar display_name locale timezone", "is_24_hour_format"),
    "response": _rules(
        "",
        "",
        "body_size status_code",
        headers=_headers,
        cookies=_headers,
        inferred_content_type=fields.never,
    ),
    "feedback": _rules("message contact_email name url", associated_event_id=fields.hex_id(32)),
    "replay": _rules(replay_id=fields.hex_id(32)),
    "otel": _rules(attributes=_OBJECT, resource=_OBJECT),
    "unity": _rules("copy_texture_support editor_version install_mode rendering_threading_mode target_frame_rate"),
}
# Servers keep nothing of the application's in these.
_TAKEN = frozenset(("profile", "reprocessing"))


def mend_contexts(values: Values, contexts: object) -> Fragment | None:
    """Contexts: each a dict; anything else is put into one, under `value`."""
    made: dict[str, Any] = {}
    for key, value in keyed(contexts, "contexts").items():
        if value is None:
            continue
        context = value if is_a(value, dict) else {"value": value}
        if key in _KNOWN or key in _TAKEN or key == "flags" or dict.__contains__(context, "type"):
            key, context = _known(values, key, context)
        made[key] = context
    return bags(values, made, limits.CONTEXT_BYTES, limits.CONTEXT_DEPTH, limits.EXTRA_BYTES)


def _known(values: Values, key: str, context: dict[Any, Any]) -> tuple[str, dict[str, Any]]:
    made = keyed(context, key)
    kind = made.get("type")
    if kind is not None and type(kind) is not str:
        # The server writes the name of the context there.
        made["type_given"] = made.pop("type")
    name = kind if type(kind) is str else key
    if name in _TAKEN or (name == "trace" and not is_trace(made)):
        made.pop("type", None)
        return f"{key}_given", made
    if name == "flags":
        return key, _flag_context(values, made)
    rules = _KNOWN.get(name)
    return key, made if rules is None else fields.opened(values, made, rules)


def is_trace(context: object) -> bool:
    """Whether this says to which trace an event belongs, with ids as the protocol has them."""
    if not is_a(context, dict):
        return False
    given = keyed(context, "trace")
    rules = _KNOWN["trace"]
    # The rules for ids look at nothing but the value.
    return all(rules[key](None, given.get(key)) is not None for key in ("trace_id", "span_id"))  # type: ignore[arg-type]


def mend_flags(values: Values, flags: list[Any]) -> list[dict[str, Any]]:
    """Feature flags: names like those of tags, results of any kind; a name that is mended is told beside it."""
    made: list[dict[str, Any]] = []
    for given in flags[-limits.FLAGS :]:
        flag = keyed(given, "flag") if is_a(given, dict) else {"flag": given}
        name, result = flag.get("flag"), flag.get("result")
        key = tag_key(name)
        if not key:
            continue
        if result is not None and type(result) is not bool:
            result = values.data(result, _FLAG_BYTES, limits.CONTEXT_DEPTH - 3)
        one = {"flag": key, "result": result}
        if key != name:
            one["given"] = values.text(name, limits.NAME_CHARS)
        if given_name := flag.get("given"):
            one["given"] = values.text(given_name, limits.NAME_CHARS)
        made.append(one)
    return made


def _flag_context(values: Values, context: dict[str, Any]) -> dict[str, Any]:
    flags = context.pop("values", None)
    if is_a(flags, list) or is_a(flags, tuple):
        context["values"] = mend_flags(values, list(flags))
    elif flags is not None:
        context["values_given"] = flags
    return context


def mend_extra(values: Values, extra: object) -> Fragment | None:
    """Extra data: each value bounded, and all of them together."""
    named = keyed(extra, "extra") if is_a(extra, dict) or not extra else {"value": extra}
    # Servers count `extra` itself as a level.
    return bags(values, named, limits.EXTRA_VALUE_BYTES, limits.EXTRA_DEPTH - 1, limits.EXTRA_BYTES)


def bags(values: Values, given: dict[str, Any], max_bytes: int, max_depth: int, total_bytes: int) -> Fragment | None:
    """Return the object of these members as JSON, each of them and all together bounded."""
    parts: list[bytes] = []
    room = total_bytes
    for key, value in given.items():
        name = key[: limits.KEY_CHARS]
        if values.hides(name):
            value = FILTERED
        part = json_string(name) + b":" + values.data(value, max_bytes, max_depth)
        room -= len(part)
        if room < (_MARK_BYTES if len(parts) < len(given) - 1 else 0):
            parts.append(b'"...":"%d more"' % (len(given) - len(parts)))
            break
        parts.append(part)
    return Fragment(b"{" + b",".join(parts) + b"}") if parts else None
