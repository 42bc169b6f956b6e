"""Laws of numbers in JSON: both twins write the same, and it reads back as it was."""

from __future__ import annotations

import json
import math

from hypothesis import example, given
from hypothesis import strategies as st

from support.twins import FLOATS, INTEGERS, PROPERTY, same
from tocsin import limits

SHORT = st.decimals(-(10**10), 10**10, places=7).map(float) | st.decimals(-1000, 1000, places=3).map(float)
BESIDE = st.builds(math.nextafter, SHORT, st.floats(allow_nan=False))


@given(number=FLOATS | SHORT | BESIDE)
@example(number=-0.0)
@example(number=0.0001)
@example(number=0.00009999999999999999)
@example(number=999999999.999999)
@example(number=1e9)
@PROPERTY
def test_a_float_is_written_as_repr_does(number: float) -> None:
    """The shortest text that reads as it; in quotes where it is no JSON, or is to be a text."""
    assert same("leaves", lambda twin: twin.json_float(number, False)) == f'"{number!r}"'.encode()
    native = same("leaves", lambda twin: twin.json_float(number, True))
    assert native == (repr(number) if math.isfinite(number) else f'"{number!r}"').encode()


@given(number=INTEGERS, native=st.booleans())
@PROPERTY
def test_an_integer_is_a_number_within_64_bits(number: int, native: bool) -> None:
    """Beyond them, or where it is to be one, a text; a monstrous one is described."""
    data = same("leaves", lambda twin: twin.json_integer(number, native))
    assert isinstance(data, bytes)
    value = json.loads(data)
    if number.bit_length() > limits.INTEGER_BITS:
        assert value == f"<int of {number.bit_length()} bits>"
    else:
        assert value == (number if native and -(2**63) <= number < 2**64 else str(number))
