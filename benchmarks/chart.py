"""The chart: what each SDK costs in each row, on a logarithmic scale, and where it was measured."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from benchmarks import machine
from benchmarks.report import number
from benchmarks.results import FLOOR, OURS, PEER, Results, Row

_US = {"us": 1.0, "ms": 1000.0}
_COLORS = {
    "tocsin": "#1b6f3a",
    "tocsin-pure": "#7fbf7b",
    "sentry-sdk": "#5b3a8c",
    "rollbar": "#3b7dd8",
    "bugsnag": "#d9a400",
    "elastic-apm": "#00a3a3",
    "honeybadger": "#e07b39",
    FLOOR: "#000000",
}
_ROW_INCHES, _FOOT_INCHES, _WIDTH_INCHES = 0.3, 2.0, 11.0


def draw(results: Results, path: str) -> None:
    """Write the chart, as SVG or PNG by the file's name.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib

    matplotlib.use("agg")
    # Texts stay texts, and the same numbers give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "benchmarks", "font.size": 9})
    from matplotlib import pyplot

    rows = [row for row in results.rows if row.unit in _US and not row.more_is_better and _has_numbers(results, row)]
    height = len(rows) * _ROW_INCHES + _FOOT_INCHES
    figure, axes = pyplot.subplots(figsize=(_WIDTH_INCHES, height))
    # Ours last, so that it lies on top.
    for sdk in [FLOOR, *reversed(results.sdks)]:
        _draw_sdk(axes, results, rows, sdk)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [row.title for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(lambda microseconds, _: _named(microseconds))
    axes.set_xlabel("logarithmic: less is better")
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.grid(axis="y", color="#eeeeee", linewidth=0.6)
    axes.set_axisbelow(True)
    _draw_ratios(axes, results, rows)
    handles, labels = axes.get_legend_handles_labels()
    place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": len(labels), "frameon": False}
    axes.legend(handles[::-1], labels[::-1], **place, columnspacing=0.8, handletextpad=0.1, fontsize=8)
    foot = "\n".join("\n".join(wrap(line, 190)) for line in machine.lines(results.machine))
    figure.text(0.01, 0.01, foot, fontsize=7, color="#444444", va="bottom")
    figure.subplots_adjust(left=0.36, right=0.86, top=1 - 0.4 / height, bottom=1.2 / height)
    metadata = {"Date": None} if path.endswith(".svg") else None
    figure.savefig(path, metadata=metadata)
    pyplot.close(figure)


def _named(microseconds: float) -> str:
    """A time with the unit that suits it."""
    for unit, size in (("s", 1e6), ("ms", 1e3), ("us", 1.0)):
        if microseconds >= size:
            return f"{microseconds / size:g} {unit}"
    return f"{microseconds * 1000:g} ns"


def _has_numbers(results: Results, row: Row) -> bool:
    return any(cell.median is not None for cell in results.cells[row.name].values())


def _draw_sdk(axes: Any, results: Results, rows: list[Row], sdk: str) -> None:
    points = []
    for index, row in enumerate(rows):
        cell = results.cells[row.name].get(sdk)
        if cell is not None and cell.median is not None and cell.median > 0:
            points.append((cell.median * _US[row.unit], index))
    if points:
        marker = {"marker": "|", "s": 90} if sdk == FLOOR else {"marker": "o", "s": 34}
        axes.scatter(*zip(*points, strict=True), color=_COLORS.get(sdk, "#888888"), label=sdk, zorder=3, **marker)


def _draw_ratios(axes: Any, results: Results, rows: list[Row]) -> None:
    """The ratio beside each row; a lost one in red."""
    axes.text(1.01, 1.005, f"{PEER} / {OURS}", transform=axes.transAxes, fontsize=8, va="bottom")
    for index, row in enumerate(rows):
        ratio = results.ratio(row)
        if ratio is not None:
            color = "#b00020" if ratio.median < 1 else "#222222"
            text = f"{number(ratio.median)} x"
            axes.text(1.02, index, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=color)
