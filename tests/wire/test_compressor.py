"""The compressor: one state for many bodies, each of which is a gzip file of its own."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.transport.compressor import Compressor

EVENT = b",".join(b'{"function":"f%d","vars":{"a":"%d","b":"%x"}}' % (n, n * n, n * 7919) for n in range(500))


@given(st.lists(st.binary(max_size=2000) | st.just(EVENT), max_size=8), st.integers(1, 9))
def test_each_body_is_a_gzip_file_of_its_own(bodies: list[bytes], level: int) -> None:
    """Whatever was compressed before, a body is read back with nothing but its own bytes."""
    compressor = Compressor(level)
    for body in bodies:
        packed = compressor.compress(body)
        assert gzip.decompress(packed) == body
        decompressor = zlib.decompressobj(31)
        assert decompressor.decompress(packed) == body
        assert (decompressor.eof, decompressor.unused_data) == (True, b"")


def test_the_same_body_is_as_small_each_time() -> None:
    """What came before does not show: neither in the bytes nor, by more than the frame, in their number."""
    compressor = Compressor(1)
    alone = zlib.compressobj(1, zlib.DEFLATED, 31)
    size = len(alone.compress(EVENT) + alone.flush())
    first = compressor.compress(EVENT)
    compressor.compress(b"something else" * 100)
    assert compressor.compress(EVENT) == first
    assert len(first) <= size + 16


def test_a_state_left_half_done_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of the application's in the middle of one body does not show in the next one."""
    compressor = Compressor(1)

    class Interrupted:
        def compress(self, body: bytes) -> bytes:
            return b""

        def flush(self, mode: int) -> bytes:
            raise KeyboardInterrupt

    make: Any = zlib.compressobj
    with monkeypatch.context() as patch:
        patch.setattr(zlib, "compressobj", lambda *_: Interrupted())
        with pytest.raises(KeyboardInterrupt):
            compressor.compress(EVENT)
    assert zlib.compressobj is make
    assert gzip.decompress(compressor.compress(EVENT)) == EVENT
