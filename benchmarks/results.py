"""What was measured: a value for each row, SDK and round, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

OURS = "tocsin"
PEER = "sentry-sdk"
# Stands among the SDKs for what a row would cost if there were no SDK at all.
FLOOR = "floor"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: as `claims.py` and the JSON know it.
        title: as people read it.
        unit: ns, us, ms, B, kB, events/s.
        floor: what its floor is, in words; empty without one.
        more_is_better: whether the larger value wins.
    """

    name: str
    title: str
    unit: str = "us"
    floor: str = ""
    more_is_better: bool = False


@dataclass
class Cell:
    """One row of one SDK: its values in the order of the rounds (None where it failed), or why there are none.

    Attributes:
        void: the event was wrong, so the timing says nothing; with the reason.
        absent: the SDK has no such notion; with what it lacks.
    """

    values: list[float | None] = field(default_factory=list)
    void: str = ""
    absent: str = ""

    @property
    def known(self) -> list[float]:
        return [] if self.void else [value for value in self.values if value is not None]

    @property
    def median(self) -> float | None:
        return median(self.known) if self.known else None

    def best(self, more_is_better: bool) -> float | None:
        return (max if more_is_better else min)(self.known) if self.known else None


@dataclass(frozen=True)
class Ratio:
    """How many times cheaper one SDK is than another: the median and the least favourable of the rounds."""

    median: float
    minimum: float


@dataclass
class Results:
    """Everything of one run: rows in order, cells by row and SDK."""

    machine: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    sdks: list[str] = field(default_factory=list)
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def add_row(self, row: Row) -> None:
        self.rows.append(row)
        self.cells[row.name] = {}

    def cell(self, row: str, sdk: str) -> Cell:
        """The cell, made if there is none yet."""
        return self.cells[row].setdefault(sdk, Cell())

    def pairs(self, row: Row, one: str, other: str) -> list[tuple[float, float]]:
        """The values of two SDKs, from the rounds in which both were measured; none where one is void.

        What is compared within a round ran side by side, so that a change of the machine's pace falls out.
        """
        first, second = self.cells[row.name].get(one), self.cells[row.name].get(other)
        if first is None or second is None or first.void or second.void:
            return []
        pairs = zip(first.values, second.values, strict=False)
        return [(mine, their) for mine, their in pairs if mine is not None and their is not None]

    def ratio(self, row: Row, sdk: str = PEER, ours: str = OURS) -> Ratio | None:
        """How many times cheaper `ours` is than `sdk`, over the rounds in which both were measured; None if in none."""
        ratios = [
            _quotient(mine, their) if row.more_is_better else _quotient(their, mine)
            for mine, their in self.pairs(row, ours, sdk)
        ]
        return Ratio(median(ratios), min(ratios)) if ratios else None

    def losses(self) -> list[tuple[Row, str, float]]:
        """Where another SDK is better than the compiled core: the row, who, and the median ratio, below 1."""
        lost = []
        for row in self.rows:
            for sdk in self.sdks:
                ratio = self.ratio(row, sdk) if sdk != OURS else None
                if ratio is not None and ratio.median < 1:
                    lost.append((row, sdk, ratio.median))
        return lost

    def as_dict(self) -> dict[str, Any]:
        """Everything, for `--json`."""
        rows = {}
        for row in self.rows:
            ratio = self.ratio(row)
            rows[row.name] = {
                "title": row.title,
                "unit": row.unit,
                "floor": row.floor,
                "more_is_better": row.more_is_better,
                "ratio": None if ratio is None else {"median": ratio.median, "minimum": ratio.minimum},
                "sdks": {
                    sdk: {
                        "rounds": cell.values,
                        "median": cell.median,
                        "best": cell.best(row.more_is_better),
                        "void": cell.void,
                        "absent": cell.absent,
                    }
                    for sdk, cell in self.cells[row.name].items()
                },
            }
        return {"machine": self.machine, "sdks": self.sdks, "skipped": self.skipped, "notes": self.notes, "rows": rows}

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Results:
        """What `as_dict` gave."""
        results = cls(found["machine"], sdks=found["sdks"], skipped=found["skipped"], notes=found["notes"])
        for name, row in found["rows"].items():
            results.add_row(Row(name, row["title"], row["unit"], row["floor"], row["more_is_better"]))
            for sdk, cell in row["sdks"].items():
                results.cells[name][sdk] = Cell(cell["rounds"], cell["void"], cell["absent"])
        return results


def _quotient(above: float, below: float) -> float:
    # An overhead that is too small to be measured may come out as nothing, or less.
    return above / below if below > 0 else float("inf") if above > 0 else 1.0
