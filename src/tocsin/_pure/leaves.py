"""Numbers as JSON: natively or, in a frame's locals, as the text that `repr` gives. Called on the capturing thread."""

from __future__ import annotations

from tocsin import limits

_INT64_MIN, _UINT64_MAX = -(1 << 63), (1 << 64) - 1


def json_integer(value: int, native: bool) -> bytes:
    """Return an integer as a number if it is `native` and within 64 bits, as a text otherwise."""
    if _INT64_MIN <= value <= _UINT64_MAX:
        return b"%d" % value if native else b'"%d"' % value
    bits = value.bit_length()
    return b'"<int of %d bits>"' % bits if bits > limits.INTEGER_BITS else b'"%d"' % value


def json_float(value: float, native: bool) -> bytes:
    """Return a float as a number if it is `native` and finite: JSON has no NaN and no infinity. Else as a text."""
    text = repr(value).encode()
    return text if native and value - value == 0.0 else b'"%b"' % text
