"""The table in the terminal, and what is to be said below it."""

from __future__ import annotations

from benchmarks import machine
from benchmarks.results import FLOOR, OURS, PEER, Cell, Results, Row

_NOTHING = "-"


def text(results: Results) -> str:
    """The whole report."""
    return "\n".join([*machine.lines(results.machine), "", *table(results), "", *_words(results)])


def table(results: Results) -> list[str]:
    """One line for each row: medians over the rounds, the floor, and how the peer compares."""
    sdks = [sdk for sdk in [*results.sdks, FLOOR] if any(sdk in cells for cells in results.cells.values())]
    head = ["", "unit", *sdks, f"{PEER} / {OURS}"]
    body = [
        [row.title, row.unit, *(_shown(results, row, sdk) for sdk in sdks), ratio(results, row)] for row in results.rows
    ]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = []
    for line in [head, ["-" * width for width in widths], *body]:
        cells = [
            cell.ljust(width) if index < 2 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def ratio(results: Results, row: Row, sdk: str = PEER, ours: str = OURS) -> str:
    """The ratio as it is shown: median, and the least favourable round in brackets."""
    found = results.ratio(row, sdk, ours)
    if found is None:
        return _NOTHING
    verdict = "  LOST" if found.median < 1 else ""
    return f"{number(found.median)} x [{number(found.minimum)}]{verdict}"


def _shown(results: Results, row: Row, sdk: str) -> str:
    cell = results.cells[row.name].get(sdk)
    if cell is None or cell.absent:
        return _NOTHING
    if cell.void:
        return "void"
    return number(cell.median) if cell.median is not None else _NOTHING


def number(value: float) -> str:
    """Three digits that count."""
    if value == 0 or value != value or abs(value) == float("inf"):
        return str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def _words(results: Results) -> list[str]:
    lines = [
        f"Medians over the rounds. The last column is taken within each round: its median [and its worst], as times "
        f"that {OURS} is cheaper.",
    ]
    floors = sorted({row.floor for row in results.rows if row.floor})
    if floors:
        lines.append("Floors: " + "; ".join(f"{floor}: {_with_floor(results, floor)}" for floor in floors) + ".")
    for sdk, reason in results.skipped.items():
        lines.append(f"{sdk} is left out: {reason}.")
    lines += [f"{sdk} sends less: {note}." for sdk, note in results.notes.items()]
    lines += _reasons(results, "void", "is void, as what was sent was wrong:")
    lines += _reasons(results, "absent", "is not measured:")
    losses = results.losses()
    if losses:
        lines += ["", f"Where {OURS} loses:"]
        lines += [f"  {row.title}: {sdk} is {number(1 / below)} times cheaper" for row, sdk, below in losses]
    elif OURS in results.sdks and len(results.sdks) > 1:
        lines += ["", f"{OURS} loses in no row."]
    return lines


def _with_floor(results: Results, floor: str) -> str:
    return ", ".join(row.name for row in results.rows if row.floor == floor)


def _reasons(results: Results, attribute: str, words: str) -> list[str]:
    """One line for each reason and SDK, with all the rows that it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in results.rows:
        for sdk, cell in results.cells[row.name].items():
            reason = _reason(cell, attribute)
            if reason:
                found.setdefault((sdk, reason), []).append(row.name)
    return [f"{sdk}, {', '.join(rows)}: {words} {reason}" for (sdk, reason), rows in found.items()]


def _reason(cell: Cell, attribute: str) -> str:
    reason: str = getattr(cell, attribute)
    return reason
