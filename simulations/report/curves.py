"""The report's curves: cold start of users, items and platforms, and what diversity costs, as SVG texts."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from client.ensemble.candidates import LOCAL, ZERO_SHOT
from client.transfer.table import METHODS
from simulations.report.plots import COLOURS, LINES, SETTINGS, TRANSFER, named, narrow_columns, panel_grid, svg_of
from simulations.results.outcomes import SERVED, WHOLE_HISTORY

_HEIGHT = 3.0
"""Inches of a panel."""
_FEWEST = 10
"""Users below which a part of them is not drawn."""

Curve = Mapping[str, float | None]
"""Place on the axis: NDCG@10, None where nothing is known."""


def looks() -> dict[str, tuple[str, str]]:
    """Method of a cold start's curves to its colour and marker; ``local`` has the page's ink."""
    curves = {name: method.shown.curve for name, method in METHODS.items()}
    method_looks = {name: (COLOURS[curve[0]], curve[1]) for name, curve in curves.items() if curve is not None}
    return {**method_looks, SERVED: (LINES[1], "X")}


@mpl.rc_context(SETTINGS)
def new_platform_figure(document: Mapping[str, Any]) -> str | None:
    """NDCG@10 over the users that a platform could train on, a panel for each platform of ``cold_start``."""
    panels = {name: _beginning(document, name) for name in document.get("cold_start", {})}
    return _figure(document, "new platforms", panels, "users trained on")


def _beginning(document: Mapping[str, Any], name: str) -> dict[str, Curve]:
    """By method; zero-shot, which trains on none of them, is the same everywhere, from no user on."""
    entries = dict(document["cold_start"][name])
    whole = document["platforms"].get(name)
    if whole is not None:
        entries[str(whole["train_users"])] = whole
    curves: dict[str, Curve] = {}
    for method in looks():
        by_count = {f"{int(count):,}": entry["methods"].get(method) for count, entry in entries.items()}
        if method == ZERO_SHOT and whole is not None:
            by_count = dict.fromkeys(("0", *by_count), whole["methods"].get(method))
        curves[method] = {count: figures["ndcg@10"] for count, figures in by_count.items() if figures is not None}
    return curves


@mpl.rc_context(SETTINGS)
def new_user_figure(document: Mapping[str, Any]) -> str | None:
    """NDCG@10 over the last events that a method was given of the same users' histories."""
    return _figure(document, "new users", _parts(document, "by_history"), "last events known of the same users")


@mpl.rc_context(SETTINGS)
def new_item_figure(document: Mapping[str, Any]) -> str | None:
    """NDCG@10 over the training events of the item that was wanted."""
    return _figure(document, "new items", _parts(document, "by_target_events"), "training events of the item")


def _parts(document: Mapping[str, Any], kind: str) -> dict[str, dict[str, Curve]]:
    """Platform, but for sources: method: its curve over what ``cold_start`` of the method holds under ``kind``."""
    sources = (document["source"] or "").split(",")
    return {
        name: {
            method: {
                place.replace(WHOLE_HISTORY, "all"): part["ndcg@10"] if part["count"] >= _FEWEST else None
                for place, part in entry["methods"][method].get("cold_start", {}).get(kind, {}).items()
            }
            for method in looks()
            if method in entry["methods"]
        }
        for name, entry in document["platforms"].items()
        if name not in sources
    }


def _figure(
    document: Mapping[str, Any], title: str, panels: Mapping[str, Mapping[str, Curve]], label: str
) -> str | None:
    """A panel for each platform with a curve to show, one legend for all; None where there is no panel."""
    known = {
        name: {method: curve for method, curve in curves.items() if _known(curve)} for name, curves in panels.items()
    }
    shown = {platform: curves for platform, curves in known.items() if curves}
    if not shown:
        return None
    figure, grid = panel_grid(len(shown), height=_HEIGHT)
    for axes, (platform, curves) in zip(grid, shown.items(), strict=False):
        _draw(axes, curves)
        axes.set(title=named(document, platform), xlabel=label, ylabel="NDCG@10")
    drawn = {method: line for axes in grid for line, method in zip(*axes.get_legend_handles_labels(), strict=True)}
    methods = [method for method in looks() if method in drawn]
    lines = [drawn[method] for method in methods]
    figure.legend(lines, methods, loc="outside lower left", ncols=narrow_columns(len(looks())), fontsize=9)
    return svg_of(figure, title, document)


def _known(curve: Curve) -> bool:
    return any(value is not None for value in curve.values())


def _draw(axes: Axes, curves: Mapping[str, Curve]) -> None:
    """One line for each method; the places are those of the longest, which holds the others'."""
    places = max((list(curve) for curve in curves.values()), key=len)
    drawn = looks()
    for method, curve in curves.items():
        color, marker = drawn[method]
        values = [curve.get(place) for place in places]
        known = [(at, value) for at, value in enumerate(values) if value is not None]
        axes.plot(
            *zip(*known, strict=True),
            color=color,
            marker=marker,
            markersize=5,
            linewidth=2 if method in (LOCAL, SERVED) else 1.4,
            linestyle=":" if method == SERVED else "-",
            label=method,
        )
    axes.set_xticks(range(len(places)), places)
    axes.set_ylim(bottom=0)


@mpl.rc_context(SETTINGS)
def trade_off_figure(document: Mapping[str, Any]) -> str | None:
    """NDCG@10 of what is served against the diversity within its lists, a point for each λ."""
    curves = {
        name: entry["methods"][SERVED]["trade_off"]
        for name, entry in document["platforms"].items()
        if entry["methods"].get(SERVED, {}).get("trade_off")
    }
    if not curves:
        return None
    figure, grid = panel_grid(len(curves), height=_HEIGHT)
    for axes, (name, curve) in zip(grid, curves.items(), strict=False):
        axes.plot(curve["diversity@10"], curve["ndcg@10"], color=TRANSFER, marker="o", markersize=5)
        for strength, across, up in zip(curve["lambda"], curve["diversity@10"], curve["ndcg@10"], strict=True):
            axes.annotate(f"{strength:g}", (across, up), xytext=(4, 5), textcoords="offset points", fontsize=8)
        axes.margins(x=0.1)
        axes.set_ylim(0, 1.25 * max(*curve["ndcg@10"], 1e-3))
        axes.set(title=named(document, name), xlabel="diversity within lists", ylabel="NDCG@10")
    return svg_of(figure, "trade-off", document)
