"""The curve of a drift: lists week by week, with and without adaptation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_COLOURS = {"frozen": "#b3541e", "adapted": "#1f6f8b"}
_WORDS = {"frozen": "as it was", "adapted": "with adaptation"}


def write_drift_curve(document: Mapping[str, Any], file: Path) -> None:
    """Draw it.

    Args:
        document: the story, as plain values.
        file: a PNG.
    """
    weeks = document["weeks"]
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    numbers = [week["number"] for week in weeks]
    for arm in ("frozen", "adapted"):
        axes.plot(numbers, [week[arm] for week in weeks], marker="o", ms=3, color=_COLOURS[arm], label=_WORDS[arm])
    height = max(max(week["frozen"], week["adapted"]) for week in weeks) * 1.15
    marks = {"tastes shift": document["shift"], "noticed": document["noticed"], "refitted": document["refitted"]}
    for place, (words, number) in enumerate(marks.items()):
        if number is not None:
            at = number - 0.5 if words == "tastes shift" else number + 0.5
            axes.axvline(at, color="#777777", lw=0.8, ls="--")
            axes.text(at + 0.1, height * (0.98 - 0.06 * place), words, va="top", fontsize=8, color="#444444")
    axes.set(xlabel="week", ylabel="NDCG@10 of lists", ylim=(0, height))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", frameon=False)
    figure.savefig(file, dpi=120)
