"""The README says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from tocsin.options import options_table_markdown

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_options_is_made_from_the_code() -> None:
    """Between its markers stands exactly what the table in code gives."""
    written = README.split("<!-- options -->\n")[1].split("<!-- end of options -->")[0]
    assert written.strip() == options_table_markdown().strip()


def test_links_lead_somewhere() -> None:
    """Every file that the README links is in the repository."""
    links = re.findall(r"\]\(((?!https?://)[^)#]+)\)", README)
    assert len(links) >= 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_commands_for_a_fresh_machine_are_marked() -> None:
    """The gate runs the commands that the README gives, found by their markers."""
    for marker in ("demo command", "test command"):
        assert re.search(rf"<!-- {marker} -->\n```sh\n.*\.venv/bin/python -m (tocsin demo|pytest)\n```", README)
