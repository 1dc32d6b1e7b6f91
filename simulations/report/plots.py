"""The report's figures of methods, scorers, stacks, rounds and time, as SVG texts, and how every figure looks.

A figure is transparent, in the page's own ink.
"""

import io
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from client.ensemble.candidates import ZERO_SHOT
from client.ensemble.scorer_names import readable
from client.transfer.table import local_methods, ranked
from simulations.results.outcomes import ORACLE, SERVED

INK = "#010203"
"""Stands for the page's text colour until the SVG is written."""
TRANSFER, OTHER = "#2b8cc4", "#8c8c8c"
LINES = ("#2b8cc4", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#7f7f7f", "#56b4e9", "#8c564b")
"""After Okabe and Ito's palette: told apart with any colour vision, and readable on light and dark."""
COLOURS = {"ink": INK, "grey": OTHER, "blue": LINES[0], "green": LINES[2], "pink": LINES[3], "ochre": LINES[4]}
"""Of methods, by name (client/transfer/method.py)."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
WIDTH = 10.0
"""Inches."""
FEW_COLUMNS = 5
"""of a heat map, which a narrow page has room for"""
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "legend.frameon": False,
}


_per_row: ContextVar[int] = ContextVar("panels in a row", default=2)


@contextmanager
def one_panel_a_row() -> Iterator[None]:
    """While it lasts, panels stand one under the other, for a narrow page."""
    before = _per_row.set(1)
    try:
        yield
    finally:
        _per_row.reset(before)


def figure_width() -> float:
    """Of a figure that is as wide as its panels in a row, in inches."""
    return WIDTH * _per_row.get() / 2


def narrow_columns(columns: int) -> int:
    """How many columns a legend has that takes so many on a wide page; a narrow one has half the room."""
    return -(-columns * _per_row.get() // 2)


def panel_grid(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """Panels two in a row, or one as of ``one_panel_a_row``; one that is not needed is left empty.

    Args:
        count: how many are needed.
        height: of a row, in inches.

    Returns:
        The figure, and its panels row by row, the empty one too.
    """
    across = _per_row.get()
    lines = -(-count // across)
    figure = Figure(figsize=(figure_width(), lines * height), layout=ConstrainedLayoutEngine(h_pad=0.1))
    panels = list(np.ravel(figure.subplots(lines, across, squeeze=False)))
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels


def named(document: Mapping[str, Any], platform: str) -> str:
    """The platform's name, marked where it is made up.

    Args:
        document: what ``result.json`` holds.
        platform: its name.

    Returns:
        The name, with ``(synthetic)`` after it where the world is synthetic.
    """
    return f"{platform} (synthetic)" if document["synthetic"] else platform


def svg_of(figure: Figure, name: str, document: Mapping[str, Any]) -> str:
    """The figure as an inline ``<svg>``; the same document gives the same text.

    Args:
        figure: as it was drawn; it is marked where the world is synthetic.
        name: of the figure, for those who cannot see it.
        document: what ``result.json`` holds.

    Returns:
        The SVG text, transparent and in the page's own ink.
    """
    if document["synthetic"]:
        figure.supxlabel("synthetic", x=1, ha="right", fontsize=8)
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": f"{name} {_per_row.get()}", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)


@mpl.rc_context(SETTINGS)
def lift_figure(document: Mapping[str, Any]) -> str | None:
    """A dot with its interval for each fitted transfer method, a panel for each platform, a line at zero.

    Baselines, zero-shot and the oracle are left out: they would stretch the axis over what the page is about.
    """
    left_out = {ORACLE, ZERO_SHOT, *local_methods()}
    lifts = {
        name: {
            method: method_entry["lift"]
            for method, method_entry in entry["methods"].items()
            if method_entry["lift"] is not None and method not in left_out
        }
        for name, entry in document["platforms"].items()
    }
    lifts = {name: lift_by_method for name, lift_by_method in lifts.items() if lift_by_method}
    if not lifts:
        return None
    figure, panels = panel_grid(
        len(lifts), height=0.26 * max(len(lift_by_method) for lift_by_method in lifts.values()) + 0.9
    )
    for axes, (name, lift_by_method) in zip(panels, lifts.items(), strict=False):
        _draw_lifts(axes, lift_by_method)
        axes.set(title=named(document, name), xlabel="lift over local, %")
    return svg_of(figure, "lift", document)


def _draw_lifts(axes: Axes, lifts: Mapping[str, Mapping[str, float]]) -> None:
    axes.axvline(0, color=INK, linewidth=1)
    for row, (method, lift) in enumerate(lifts.items()):
        color = LINES[1] if method == SERVED else TRANSFER
        clear = lift["low"] > 0 or lift["high"] < 0
        axes.plot([lift["low"], lift["high"]], [row, row], color=color, linewidth=2, solid_capstyle="round", zorder=2)
        axes.plot(
            lift["mean"], row, "o", markersize=7, markeredgecolor=color, markerfacecolor=color if clear else "none"
        )
    axes.set_yticks(range(len(lifts)), list(lifts))
    axes.set_ylim(len(lifts) - 0.5, -0.5)


@mpl.rc_context(SETTINGS)
def scorer_figure(document: Mapping[str, Any]) -> str | None:
    """A heat map of what each scorer reaches alone: scorers down, platforms across."""
    scores = {name: entry["scorers"] for name, entry in document["platforms"].items()}
    return _heat_map(document, scores, "scorers", across=False)


@mpl.rc_context(SETTINGS)
def weight_figure(document: Mapping[str, Any]) -> str | None:
    """A heat map of the stack's weights under the last transfer method that each platform has, else ``local``."""
    weights = {}
    for name, entry in document["platforms"].items():
        weighted = {
            method: method_entry["weights"]
            for method, method_entry in entry["methods"].items()
            if method_entry["weights"]
        }
        chosen = [method for method in ranked(lambda shown: shown.weights) if method in weighted]
        if chosen:
            weights[f"{name} ({chosen[0]})"] = weighted[chosen[0]]
    return _heat_map(document, weights, "weights", across=False)


def _heat_map(
    document: Mapping[str, Any],
    values: Mapping[str, Mapping[str, float]],
    name: str,
    digits: int | None = None,
    marked: Collection[tuple[str, str]] = (),
    *,
    by_row: bool = True,
    across: bool = True,
) -> str | None:
    """Cells coloured by size within their row, or within the whole table; drawn as columns where not ``across``.

    Those of ``marked`` bear a star.
    """
    values = {row: cells for row, cells in values.items() if cells}
    known_columns = list(dict.fromkeys(column for cells in values.values() for column in cells))
    columns = sorted(known_columns, key=lambda column: list(values).index(column) if column in values else len(values))
    if not columns:
        return None
    table = np.array([[cells.get(column, np.nan) for column in columns] for cells in values.values()])
    rows, heads = list(values), list(map(readable, columns))
    largest = np.maximum(np.nanmax(np.abs(table), axis=1 if by_row else None, keepdims=True), 1e-12)
    strength = np.nan_to_num(np.abs(table) / largest) * 0.6
    shades = np.empty((*table.shape, 4))
    shades[..., :3] = np.where(table[..., None] < 0, to_rgb(LINES[1]), to_rgb(TRANSFER))
    shades[..., 3] = strength
    if digits is None:
        digits = 3 if np.nanmax(np.abs(table)) < 0.1 or len(columns) <= 12 else 2
    stars = np.array([["*" if (row, column) in marked else "" for column in columns] for row in values])
    if not across:
        table, shades, stars, rows, heads = table.T, shades.swapaxes(0, 1), stars.T, heads, rows
    width = WIDTH if across and len(heads) > FEW_COLUMNS else figure_width()
    figure = Figure(figsize=(width, (0.42 if across else 0.27) * len(rows) + 1.6), layout="constrained")
    axes = figure.subplots()
    _draw_cells(axes, table, shades, digits, stars)
    axes.set_xticks(range(len(heads)), heads, rotation=35 if across else 20, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return svg_of(figure, name, document)


def _short(value: float, digits: int) -> str:
    """Without the nought before the point; what rounds to nothing is 0, without a sign."""
    text = f"{value:.{digits}f}"
    return "0" if float(text) == 0 else re.sub(r"^(-?)0\.", r"\1.", text)


def _draw_cells(
    axes: Axes,
    table: np.ndarray[Any, Any],
    shades: np.ndarray[Any, Any],
    digits: int,
    stars: np.ndarray[Any, Any],
) -> None:
    rows, columns = table.shape
    for row in range(rows):
        for column in range(columns):
            corner = (column - 0.48, row - 0.46)
            axes.add_patch(Rectangle(corner, 0.96, 0.92, facecolor=shades[row, column], linewidth=0))
            value = table[row, column]
            text = "-" if np.isnan(value) else _short(value, digits)
            axes.text(column, row, text + stars[row, column], ha="center", va="center", fontsize=9)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))


@mpl.rc_context(SETTINGS)
def contribution_figure(document: Mapping[str, Any]) -> str | None:
    """A heat map of leave-one-out contributions: who is left out down, whose lists they are across."""
    lifts = document.get("contributions", {})
    means = {name: {platform: lift["mean"] for platform, lift in row.items()} for name, row in lifts.items()}
    clear = {
        (name, platform)
        for name, row in lifts.items()
        for platform, lift in row.items()
        if lift["low"] > 0 or lift["high"] < 0
    }
    return _heat_map(document, means, "contributions", digits=1, marked=clear, by_row=False)


@mpl.rc_context(SETTINGS)
def help_figure(document: Mapping[str, Any]) -> str | None:
    """A heat map of the same for the linear part alone, mean over seeds."""
    return _heat_map(
        document, _mean_tables([each["linear"] for each in document.get("who_helps", [])]), "help", digits=1
    )


@mpl.rc_context(SETTINGS)
def cosine_figure(document: Mapping[str, Any]) -> str | None:
    """A heat map of the cosines between platforms' updates, mean over training rounds and seeds."""
    tables = [each["cosines"] for each in document["rounds"] if each.get("cosines")]
    return _heat_map(document, _mean_tables(tables), "cosines", digits=2)


def _mean_tables(tables: list[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Row to column to the mean over the tables that hold it."""
    cell_values: dict[str, dict[str, list[float]]] = {}
    for table in tables:
        for row, values in table.items():
            for column, value in values.items():
                cell_values.setdefault(row, {}).setdefault(column, []).append(value)
    return {
        row: {column: float(np.mean(all_of)) for column, all_of in values.items()}
        for row, values in cell_values.items()
    }


@mpl.rc_context(SETTINGS)
def round_figure(document: Mapping[str, Any]) -> str | None:
    """Curves over the training rounds of the first seed: losses, and validation beside or below them."""
    rounds = [each for each in document["rounds"] if each["seed"] == document["rounds"][0]["seed"]]
    names = list(document["platforms"])
    losses: dict[str, list[tuple[int, float]]] = {}
    validation: dict[str, list[tuple[int, float]]] = {}
    for each in rounds:
        for platform, by_loss in each["losses"].items():
            for loss, value in by_loss.items():
                losses.setdefault(f"{platform}, {loss}", []).append((each["number"], value))
        for platform, value in each["validation"].items():
            validation.setdefault(platform, []).append((each["number"], value))
    kept_rounds = [each["number"] for each in rounds if each.get("kept")]
    if not losses and not validation:
        return None
    figure, panels = panel_grid(2, height=4.2)
    shown = ((losses, "loss"), (validation, "validation NDCG@10"))
    for axes, (curves, label) in zip(panels, shown, strict=True):
        _draw_curves(axes, curves, names)
        axes.set(xlabel="round", ylabel=label)
        for number in kept_rounds:
            axes.axvline(number, color="0.6", linestyle=":", zorder=0)
    return svg_of(figure, "rounds", document)


def _draw_curves(axes: Axes, curves: Mapping[str, list[tuple[int, float]]], names: list[str]) -> None:
    """One line for each curve; a platform keeps its colour and marker, its further losses are dashed."""
    drawn: list[str] = []
    for curve, points in curves.items():
        platform = curve.split(", ")[0]
        look = (names.index(platform) if platform in names else 0) % len(LINES)
        dashes = ("-", "--", ":", "-.")[drawn.count(platform) % 4]
        drawn.append(platform)
        axes.plot(
            *zip(*points, strict=True), color=LINES[look], linestyle=dashes, marker=MARKERS[look], ms=4, label=curve
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if curves:
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)


@mpl.rc_context(SETTINGS)
def time_figure(document: Mapping[str, Any]) -> str | None:
    """A bar for each step that took a noticeable part, the rest together."""
    steps = document["seconds"]["steps"]
    total = sum(steps.values())
    ordered = sorted(steps.items(), key=lambda step: -step[1])
    shown = {step: seconds for step, seconds in ordered if seconds >= 0.01 * total and seconds > 0}
    if not shown:
        return None
    rest = total - sum(shown.values())
    if rest > 0.005 * total:
        shown["everything else"] = rest
    figure = Figure(figsize=(figure_width(), 0.3 * len(shown) + 0.8), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(list(shown), list(shown.values()), color=TRANSFER, height=0.65)
    axes.bar_label(bars, labels=[f"{seconds:.1f} s" for seconds in shown.values()], padding=4)
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.margins(x=0.1)
    return svg_of(figure, "time", document)
