"""What an event says of one exception, its stacktrace aside. Called on the capturing thread."""

from __future__ import annotations

from tocsin._pure.chain import captured_as, errno_of, exception_text, exception_type
from tocsin._pure.describe import type_module
from tocsin._pure.json_text import json_string


def exception_head(
    error: BaseException,
    mechanism: str,
    handled: bool,
    synthetic: bool,
    index: int,
    in_tree: bool,
    parent: int,
    source: str | None,
    is_group: bool,
    max_chars: int,
) -> bytes:
    """Return the members of one exception but its stacktrace, in JSON and without braces.

    `mechanism`, `handled` and `synthetic` say how it came to be captured; `index` is its id, shown if it is `in_tree`;
    `parent`, `source` and `is_group` are those of its `Link`; what it says is cut to `max_chars` characters.
    """
    module = type_module(type(error))
    text = exception_text(error)
    if len(text) > max_chars:
        text = text[: max(max_chars - 3, 0)] + "..."
    parts = [
        b'"type":',
        json_string(exception_type(error)),
        b',"value":',
        json_string(text),
        b',"module":',
        b"null" if module is None or module == "builtins" else json_string(module),
        b',"mechanism":{"type":',
        json_string(mechanism),
        b',"handled":true' if handled else b',"handled":false',
    ]
    if synthetic:
        parts.append(b',"synthetic":true')
    if in_tree:
        parts.append(b',"exception_id":%d' % index)
    if source is not None:
        parts.append(b',"parent_id":%d,"source":%s' % (parent, json_string(source)))
    if is_group:
        parts.append(b',"is_exception_group":true')
    event_id = captured_as(error) if index else None
    if event_id is not None:
        parts.append(b',"data":{"captured_as":%s}' % json_string(event_id))
    number = errno_of(error)
    if number is not None:
        parts.append(b',"meta":{"errno":{"number":%d}}' % number)
    parts.append(b"}")
    return b"".join(parts)
