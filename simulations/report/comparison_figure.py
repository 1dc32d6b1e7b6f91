"""Runs compared, as a picture: what each run's methods are worth beside those of the first run."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from shared.errors import ConfigError, os_error_as
from simulations.report.comparison import ComparedMethod, Comparison
from simulations.report.plots import LINES, SETTINGS, panel_grid

FORMS = (".png", ".svg", ".pdf")
_SPREAD = 0.5
"""of a method's row, which its runs share"""
_ON_PAPER = dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), "black")


def write_picture(comparisons: Sequence[Comparison], file: Path) -> None:
    """Draw a panel for each platform: differences of NDCG@10 to the first run, with intervals of 95 % over users.

    Args:
        comparisons: of the same first run with each other one.
        file: the picture, of a form that its suffix names.

    Raises:
        ConfigError: if the form is none of ``FORMS``, or the file cannot be written.
    """
    if file.suffix.lower() not in FORMS:
        raise ConfigError(f"{file}: a picture must end in {', '.join(FORMS)}")
    platforms = list(dict.fromkeys(method.platform for comparison in comparisons for method in comparison.methods))
    rows = max(len(_methods(comparisons, platform)) for platform in platforms)
    with mpl.rc_context(SETTINGS | _ON_PAPER), os_error_as(ConfigError, f"{file}: cannot be written"):
        figure, panels = panel_grid(len(platforms), height=0.13 * rows * (1 + len(comparisons)) + 1.1)
        for axes, platform in zip(panels, platforms, strict=False):
            _draw(axes, comparisons, platform)
        kind = "; synthetic" if comparisons[0].synthetic else ""
        figure.suptitle(f"NDCG@10 less that of {comparisons[0].first.name}{kind}", fontsize=11)
        figure.savefig(file, facecolor="white")


def _methods(comparisons: Sequence[Comparison], platform: str) -> list[str]:
    compared = (method for comparison in comparisons for method in comparison.methods)
    return list(dict.fromkeys(method.method for method in compared if method.platform == platform))


def _draw(axes: Axes, comparisons: Sequence[Comparison], platform: str) -> None:
    methods = _methods(comparisons, platform)
    axes.axvline(0, color="black", linewidth=1)
    for place, comparison in enumerate(comparisons):
        shift = _SPREAD * ((place + 0.5) / len(comparisons) - 0.5)
        label = comparison.second.name
        for method in comparison.methods:
            if method.platform == platform:
                _draw_method(axes, method, methods.index(method.method) + shift, LINES[place % len(LINES)], label)
                label = "_"  # one line of the legend for each run
    axes.set_yticks(range(len(methods)), methods)
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set(title=platform, xlabel="difference of NDCG@10")
    axes.legend(fontsize=8)


def _draw_method(axes: Axes, method: ComparedMethod, row: float, color: str, label: str) -> None:
    """A dot with its interval, filled where that excludes zero."""
    difference = method.difference
    axes.plot([difference.low, difference.high], [row, row], color=color, linewidth=2)
    face = color if difference.clear_of_zero else "none"
    axes.plot(
        difference.mean, row, "o", label=label, color=color, markersize=6, markeredgecolor=color, markerfacecolor=face
    )
