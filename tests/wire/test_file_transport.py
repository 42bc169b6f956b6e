"""The transport that writes envelopes down."""

from __future__ import annotations

import io
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from support.captures import bound, capture, counts, event_envelope
from support.receiver import read_envelopes
from tocsin.transport.file import FileTransport


def test_envelopes_are_appended_to_a_file(tmp_path: Path) -> None:
    """One envelope after another, readable again; what was in the file stays; others cannot read it."""
    path = tmp_path / "envelopes"
    for message in ("one", "two"):
        transport, stats = bound(FileTransport(path))
        capture(transport, stats, event_envelope(message, attachment=b"\n\x00"))
        assert counts(stats) == (1, 1, 0, {})
    envelopes = read_envelopes(path.read_bytes())
    assert [envelope.event["message"] for envelope in envelopes] == ["one", "two"]
    assert [envelope.types for envelope in envelopes] == [["event", "attachment"]] * 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_dash_is_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """`-` writes bytes to whatever stdout is at that moment, after what was printed before."""
    transport = FileTransport("-")
    sys.stdout.write("before\n")
    transport.capture_envelope(event_envelope("out"))
    out = capsysbinary.readouterr().out
    assert out.startswith(b"before\n")
    (envelope,) = read_envelopes(out.removeprefix(b"before\n"))
    assert envelope.event["message"] == "out"


def test_a_stream_of_bytes_or_text_will_do() -> None:
    """A binary stream gets the bytes, and so does the one below a text stream."""
    for stream, below in ((io.BytesIO(), None), (io.TextIOWrapper(io.BytesIO(), encoding="ascii"), "buffer")):
        FileTransport(stream).capture_envelope(event_envelope("h\u00e9"))
        raw = stream if below is None else getattr(stream, below)
        (envelope,) = read_envelopes(raw.getvalue())
        assert envelope.event["message"] == "h\u00e9"


def test_threads_do_not_mix_their_envelopes(tmp_path: Path) -> None:
    """Envelopes written by several threads at once are whole."""
    path = tmp_path / "envelopes"
    transport, stats = bound(FileTransport(path))

    def write() -> None:
        for _ in range(50):
            capture(transport, stats, event_envelope("x" * 5000))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    envelopes = read_envelopes(path.read_bytes())
    assert len({envelope.headers["event_id"] for envelope in envelopes}) == 200
    assert counts(stats) == (200, 200, 0, {})


def test_a_file_that_cannot_be_written_loses_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A failing write raises nothing into the application: it is counted, and said once."""
    transport, stats = bound(FileTransport(os.fspath(tmp_path / "missing" / "envelopes")))
    for _ in range(2):
        capture(transport, stats)
    assert counts(stats) == (2, 0, 0, {"network_error": 2})
    assert capsys.readouterr().err.count("cannot be written") == 1
