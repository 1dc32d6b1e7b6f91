"""How the report's figures look, and how one becomes an SVG text: transparent, in the page's own ink."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

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


def panel_grid(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """Panels two in a row; one that is not needed is left empty."""
    lines = (count + 1) // 2
    figure = Figure(figsize=(WIDTH, lines * height), layout=ConstrainedLayoutEngine(h_pad=0.1))
    panels = list(np.ravel(figure.subplots(lines, 2, squeeze=False)))
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels


def named(document: Mapping[str, Any], platform: str) -> str:
    """The platform's name, marked where it is made up."""
    return f"{platform} (synthetic)" if document["synthetic"] else platform


def svg_of(figure: Figure, name: str, document: Mapping[str, Any]) -> str:
    """The figure as an inline ``<svg>``; the same document gives the same text."""
    if document["synthetic"]:
        figure.supxlabel("synthetic", x=1, ha="right", fontsize=8)
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)
