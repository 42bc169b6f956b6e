"""The rules for the smaller members of an event: message, modules, SDK, native images, platform."""

from __future__ import annotations

from time import time

from tocsin import limits
from tocsin._backend import iso_time, json_string
from tocsin.breadcrumbs import timestamp_of
from tocsin.normalize import fields
from tocsin.scope_values import is_a, keyed, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin.normalize.notes import Notes
    from tocsin.normalize.values import Values

_NAME = fields.text(limits.NAME_CHARS)
_NAMES = fields.texts(limits.NAME_CHARS)
_FUTURE_S = 60.0
_PAST_S = 30 * 24 * 3600.0
_PLATFORMS = frozenset(
    (
        "as3",
        "c",
        "cfml",
        "cocoa",
        "csharp",
        "elixir",
        "go",
        "groovy",
        "haskell",
        "java",
        "javascript",
        "native",
        "node",
        "objc",
        "other",
        "perl",
        "php",
        "python",
        "ruby",
    )
)
_IMAGES = frozenset(("elf", "macho", "pe", "pe_dotnet", "wasm"))


def mend_message(values: Values, message: object, path: str, notes: Notes | None) -> Any:
    """A message: text, or an object of `message`, `formatted` and `params`."""
    if not is_a(message, dict):
        return values.text(message, limits.TEXT_CHARS)
    made: dict[str, Any] = {}
    for key, value in keyed(message, path).items():
        if value is None:
            continue
        if key in ("message", "formatted"):
            made[key] = values.text(value, limits.TEXT_CHARS)
        elif key == "params":
            plural = is_a(value, list) or is_a(value, tuple) or is_a(value, dict)
            made[key] = values.data(value if plural else [value], limits.BREADCRUMB_DATA_BYTES, limits.EXTRA_DEPTH)
        elif notes is not None:
            notes.misfit(f"{path}.{key}", value)
    if "message" not in made and "formatted" not in made:
        # A server wants a text, and has an error for what comes without.
        if "params" in made and notes is not None:
            notes.misfit(f"{path}.params", made["params"])
        return None
    return made


def mend_fingerprint(values: Values, fingerprint: object) -> list[str] | None:
    """The fingerprint: a list of texts; a single value is a list of one."""
    if not (is_a(fingerprint, list) or is_a(fingerprint, tuple)):
        fingerprint = [fingerprint]
    parts = list(fingerprint)[: limits.FINGERPRINT_PARTS]  # type: ignore[call-overload]
    return [values.text(part, limits.NAME_CHARS) for part in parts if part is not None] or None


def mend_modules(values: Values, modules: object, notes: Notes) -> dict[str, str] | None:
    """Modules: names and versions, both texts, as many as a server keeps."""
    if not is_a(modules, dict):
        if modules:
            notes.misfit("modules", modules)
        return None
    made: dict[str, str] = {}
    used = 0
    given = keyed(modules, "modules")
    for name, value in given.items():
        version = "" if value is None else values.text(value, limits.NAME_CHARS)
        # A server counts the versions alone, as JSON.
        used += len(json_string(version)) + 1
        if used > limits.MODULES_BYTES:
            notes.mark("modules", {"len": len(given)})
            break
        made[name[: limits.NAME_CHARS]] = version
    return made or None


def mend_sdk(values: Values, sdk: object, notes: Notes) -> dict[str, Any] | None:
    """The SDK: name and version are wanted."""
    if not is_a(sdk, dict):
        if sdk is not None:
            notes.misfit("sdk", sdk)
        return None
    given = keyed(sdk, "sdk")
    packages = given.pop("packages", None)
    made = fields.closed(values, given, _SDK, "sdk", notes)
    if made:
        made = {"name": "unknown", "version": "unknown", **made}
    kept = []
    for index, package in enumerate(fields.items_of(packages)):
        if is_a(package, dict):
            kept.append(fields.closed(values, package, _PACKAGE, f"sdk.packages.{index}", notes))
        elif package is not None:
            notes.misfit(f"sdk.packages.{index}", package)
    if kept and made:
        made["packages"] = kept
    return made or None


def _settings(values: Values, settings: Any) -> Any:
    given = keyed(settings, "settings") if is_a(settings, dict) else {}
    return given if given.keys() == {"infer_ip"} and given["infer_ip"] in ("auto", "never", "legacy") else None


_PACKAGE: dict[str, fields.Rule] = {"name": _NAME, "version": _NAME}
_SDK: dict[str, fields.Rule] = {**_PACKAGE, "integrations": _NAMES, "features": _NAMES, "settings": _settings}


def mend_images(values: Values, debug_meta: object, notes: Notes) -> dict[str, Any] | None:
    """What native frames lie in: images of kinds that servers know."""
    if not is_a(debug_meta, dict):
        if debug_meta:
            notes.misfit("debug_meta", debug_meta)
        return None
    given = keyed(debug_meta, "debug_meta")
    images = given.pop("images", None)
    for key, value in given.items():
        notes.misfit(f"debug_meta.{key}", value)
    if images is not None and not is_a(images, list):
        notes.misfit("debug_meta.images", images)
        return None
    kept = []
    for index, image in enumerate(fields.items_of(images)):
        one = keyed(image, "image") if is_a(image, dict) else {}
        if _is_image(one):
            kept.append(values.data(one, limits.CONTEXT_BYTES, limits.CONTEXT_DEPTH))
        elif image is not None:
            notes.misfit(f"debug_meta.images.{index}", image)
    return {"images": kept} if kept else None


def _is_image(image: dict[str, Any]) -> bool:
    kind = image.get("type")
    if type(kind) is not str or kind not in _IMAGES:
        return False
    texts = all(type(value) in (str, int) and value != "" for value in image.values())
    return texts and fields.hex_id(32)(None, str(image.get("debug_id", ""))[:36]) is not None and "code_file" in image  # type: ignore[arg-type]


def mend_transaction_info(values: Values, info: object, notes: Notes) -> dict[str, Any] | None:
    """How the transaction was named; a bare text is the source."""
    given = info if is_a(info, dict) else {"source": info}
    return fields.closed(values, given, _TRANSACTION_INFO, "transaction_info", notes) or None


_TRANSACTION_INFO: dict[str, fields.Rule] = {"source": _NAME, "original": fields.text(limits.TRANSACTION_CHARS)}


def mend_platform(values: Values, platform: object, notes: Notes) -> str:
    """The platform, of those that servers know."""
    name = text_of(platform)
    if name in _PLATFORMS:
        return name
    notes.misfit("platform", platform)
    return "other"


def mend_timestamp(values: Values, timestamp: object, notes: Notes) -> str:
    """The time; one that a server would take for an error is now."""
    now = time()
    seconds = now if timestamp is None else timestamp_of(timestamp)
    if not now - _PAST_S < seconds < now + _FUTURE_S:
        notes.misfit("timestamp", timestamp)
        seconds = now
    return iso_time(seconds)
