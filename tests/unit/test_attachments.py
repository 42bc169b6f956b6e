"""Attachments: content from memory, from a function, from a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tocsin import limits
from tocsin.attachments import Attachment


def test_bytes_travel_as_they_are() -> None:
    """The item holds the bytes, the type `attachment`, the name and a content type guessed from it."""
    item = Attachment(bytes=b"\x00\n\xff", filename="trace.log").to_envelope_item()
    assert item.get_bytes() == b"\x00\n\xff"
    assert item.headers == {"type": "attachment", "content_type": "text/plain", "filename": "trace.log"}


def test_a_function_is_called_for_each_event() -> None:
    """A callable gives the content anew each time; text is taken as UTF-8, and other buffers as their bytes."""
    contents = iter([b"one", "tw\u00f6", bytearray(b"three")])
    attachment = Attachment(bytes=lambda: next(contents), filename="a.bin")  # type: ignore[arg-type,return-value]
    assert [attachment.to_envelope_item().get_bytes() for _ in range(3)] == [b"one", "tw\u00f6".encode(), b"three"]


def test_a_file_is_read_when_it_is_sent(tmp_path: Path) -> None:
    """Only `get_bytes` opens the file; its name is the attachment's."""
    path = tmp_path / "dump.json"
    item = Attachment(path=path).to_envelope_item()
    path.write_bytes(b"{}")
    assert item.get_bytes() == b"{}"
    assert item.headers["filename"] == "dump.json"
    assert item.headers["content_type"] == "application/json"


@pytest.mark.parametrize(
    ("given", "shown"),
    [("/etc/passwd", "passwd"), ("../../x.txt", "x.txt"), ("C:\\Users\\me\\x.txt", "x.txt"), ("x", "x")],
)
def test_directories_are_not_told(given: str, shown: str) -> None:
    """A filename is a name alone, whichever system's separators it has."""
    assert Attachment(bytes=b"", filename=given).filename == shown


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.PNG", "image/png"),
        ("a.tar", "application/x-tar"),
        ("a.unheard-of", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_content_type_is_guessed_from_the_name(name: str, content_type: str) -> None:
    """Known endings give their type, others the one that says nothing; a given type is kept."""
    assert Attachment(bytes=b"", filename=name).to_envelope_item().headers["content_type"] == content_type
    given = Attachment(bytes=b"", filename=name, content_type="x/y").to_envelope_item()
    assert given.headers["content_type"] == "x/y"


@pytest.mark.parametrize("arguments", [{}, {"filename": "x"}, {"bytes": b"x"}, {"bytes": b"x", "filename": "a/"}])
def test_an_attachment_without_content_or_name_is_misuse(arguments: dict[str, object]) -> None:
    """Content and name are asked for at once, where the mistake is."""
    with pytest.raises(TypeError, match="attachment"):
        Attachment(**arguments)  # type: ignore[arg-type]


def _missing(tmp_path: Path) -> str:
    return str(tmp_path / "missing.txt")


def _directory(tmp_path: Path) -> str:
    return str(tmp_path)


def _pipe(tmp_path: Path) -> str:
    os.mkfifo(tmp_path / "pipe")
    return str(tmp_path / "pipe")


def _large(tmp_path: Path) -> str:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(limits.ATTACHMENT_BYTES + 1)
    return str(path)


@pytest.mark.parametrize("make", [_missing, _directory, _pipe, _large])
def test_a_file_that_cannot_be_sent_is_an_empty_item(make: Callable[[Path], str], tmp_path: Path) -> None:
    """A file that is missing, no plain file (a pipe would never end) or too large leaves an empty item behind."""
    item = Attachment(path=make(tmp_path), filename="x").to_envelope_item()
    assert item.get_bytes() == b""
    assert item.headers["filename"] == "x"


def test_a_file_of_just_the_limit_is_sent(tmp_path: Path) -> None:
    """The limit itself is allowed."""
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.truncate(limits.ATTACHMENT_BYTES)
    assert len(Attachment(path=str(path)).to_envelope_item().get_bytes()) == limits.ATTACHMENT_BYTES


@pytest.mark.internal_errors
@pytest.mark.parametrize("content", [lambda: 1 / 0, lambda: None, lambda: 7])
def test_a_function_that_fails_is_an_empty_item(content: Callable[[], bytes]) -> None:
    """A content function that raises, or returns no bytes, costs the attachment's content and nothing else."""
    assert Attachment(bytes=content, filename="x").to_envelope_item().get_bytes() == b""


def test_content_above_the_limit_is_an_empty_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no server takes is not sent, from memory as little as from disk."""
    monkeypatch.setattr(limits, "ATTACHMENT_BYTES", 10)
    assert Attachment(bytes=b"x" * 11, filename="a").to_envelope_item().get_bytes() == b""
    assert Attachment(bytes=b"x" * 10, filename="a").to_envelope_item().get_bytes() == b"x" * 10
