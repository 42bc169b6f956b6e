"""What an event says of a thing that was captured and is no exception. On the application's threads."""

from __future__ import annotations

from tocsin import limits
from tocsin._backend import Renderer, describe, json_string
from tocsin.scope_values import is_a


def synthetic_head(thing: object, renderer: Renderer, mechanism: str, handled: bool) -> bytes:
    """Return the members of the exception that stands for `thing`: its type, what it says, marked synthetic.

    A text speaks for itself; a class of exceptions gives its name; of anything else the type and the content are shown.
    """
    if is_a(thing, type):
        name = describe.type_qualname(thing)  # type: ignore[arg-type]
        text = f"the class {describe.type_name(thing)} was captured, not an instance of it"  # type: ignore[arg-type]
    elif is_a(thing, str):
        name = "str"
        text = renderer.text(thing, limits.TEXT_CHARS)
    else:
        name = describe.type_qualname(type(thing))
        text = renderer.data(thing, limits.EXTRA_VALUE_BYTES, limits.EXTRA_DEPTH).decode()[: limits.TEXT_CHARS]
    return b'"type":%s,"value":%s,"module":null,"mechanism":{"type":%s,"handled":%s,"synthetic":true}' % (
        json_string(name),
        json_string(text),
        json_string(mechanism),
        b"true" if handled else b"false",
    )
