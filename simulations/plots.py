"""The figures of a report, as inline SVG made from what ``result.json`` holds."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from simulations.outcomes import LOCAL

TRANSFER_METHODS = ("zero-shot", "feature", "model", "pooled")
"""Methods that use what other platforms know."""

_BLUE, _GREY = "#2266aa", "#8a8a8a"
_Document = Mapping[str, Any]


def lift_figure(document: _Document) -> str | None:
    """One row per platform and transfer method: the lift over local with its interval; None where there is none."""
    rows = [
        (f"{name} · {method}", entry["methods"][method]["lift"])
        for name, entry in document["platforms"].items()
        for method in TRANSFER_METHODS
        if method in entry["methods"] and entry["methods"][method]["lift"] is not None
    ]
    if not rows:
        return None
    figure = Figure(figsize=(8, 1.0 + 0.28 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for y, (_, lift) in enumerate(reversed(rows)):
        clear = lift["low"] > 0 or lift["high"] < 0
        axes.plot([lift["low"], lift["high"]], [y, y], color=_BLUE, linewidth=1.5)
        axes.plot(lift["mean"], y, "o", color=_BLUE, markerfacecolor=_BLUE if clear else "white")
    axes.axvline(0, color=_GREY, linewidth=1)
    axes.set_yticks(range(len(rows)), [label for label, _ in reversed(rows)])
    axes.set_xlabel("lift in NDCG@10 over local, %")
    return _svg(figure)


def scorer_figure(document: _Document) -> str | None:
    """Platforms by scorers: NDCG@10 of the scorer alone; shades are relative to the platform's best."""
    table = {name: entry["scorers"] for name, entry in document["platforms"].items() if entry["scorers"]}
    return _heat_map(table, relative=True)


def weight_figure(document: _Document) -> str | None:
    """Platforms by scorers: the weight in the stack of ``feature``, or of ``local`` where there is no feature."""
    table = {}
    for name, entry in document["platforms"].items():
        method = next((one for one in ("feature", LOCAL, "stack") if one in entry["methods"]), None)
        if method is not None:
            table[f"{name} · {method}"] = entry["methods"][method]["weights"]
    return _heat_map({name: weights for name, weights in table.items() if weights}, relative=False)


def round_figure(document: _Document) -> str | None:
    """Validation NDCG@10 of each platform after each round; None where there were no rounds."""
    rounds = [one for one in document["rounds"] if one["validation"]]
    if not rounds:
        return None
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    for name in dict.fromkeys(name for one in rounds for name in one["validation"]):
        points = [(one["number"], one["validation"][name]) for one in rounds if name in one["validation"]]
        axes.plot(*zip(*points, strict=True), marker=".", label=name)
    axes.set_xlabel("round")
    axes.set_ylabel("validation NDCG@10")
    axes.legend(frameon=False)
    return _svg(figure)


def time_figure(document: _Document) -> str | None:
    """Seconds of each step, the longest first."""
    steps = sorted(document["seconds"]["steps"].items(), key=lambda step: step[1])
    if not steps:
        return None
    figure = Figure(figsize=(8, 0.8 + 0.25 * len(steps)), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in steps], [seconds for _, seconds in steps], color=_BLUE)
    axes.set_xlabel("seconds")
    return _svg(figure)


def _heat_map(table: Mapping[str, Mapping[str, float]], *, relative: bool) -> str | None:
    columns = list(dict.fromkeys(column for values in table.values() for column in values))
    if not columns:
        return None
    values = np.array([[row.get(column, np.nan) for column in columns] for row in table.values()])
    largest = np.nanmax(np.abs(values), axis=1 if relative else None, keepdims=True)
    shades = values / np.where(largest > 0, largest, 1)
    figure = Figure(figsize=(2.5 + 0.5 * len(columns), 1.8 + 0.35 * len(table)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shades, cmap="Blues" if relative else "RdBu", vmin=0 if relative else -1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            color = "white" if abs(shades[row, column]) > 0.6 else "black"
            text = f"{value:.3f}"[1:] if relative and 0 <= value < 1 else f"{value:.2f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=color)
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(table)), list(table), fontsize=8)
    return _svg(figure)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
