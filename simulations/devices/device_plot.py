"""What a run of devices came to, as a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from simulations.devices.device_evaluation import ENCODER, HEADS, LISTS, POPULARITY
from simulations.report.plots import LINES

PLOT_FILE = "devices.png"
_WORDS = {
    LISTS: "what devices rank by",
    HEADS: "with each device's head",
    ENCODER: "the sequence part alone",
    POPULARITY: "popularity alone",
}
_HOUR = 3600.0
ROOM = 1.3
"""above the largest value, for the legend"""


def write_plot(document: Mapping[str, Any], path: Path) -> None:
    """Draw NDCG@10 and bytes over virtual hours.

    Args:
        document: what ``devices.json`` holds.
        path: of the PNG file.
    """
    with mpl.rc_context({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False}):
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        quality, traffic = figure.subplots(1, 2)
        for colour, (way, words) in zip(LINES, _WORDS.items(), strict=False):
            hours = [line["seconds"] / _HOUR for line in document["judged"]]
            quality.plot(hours, [line["ndcg@10"][way] for line in document["judged"]], "o-", color=colour, label=words)
        best = max(max(line["ndcg@10"].values()) for line in document["judged"])
        quality.set(xlabel="virtual hours", ylabel="NDCG@10", ylim=(0, ROOM * best or None))
        quality.set_title(f"{document['platform']}: {document['devices']:,} devices", loc="left")
        quality.legend(ncols=2, loc="upper left", fontsize="small")
        ends = np.cumsum([entry["seconds"] for entry in document["rounds"]]) / _HOUR
        for outcome, words, colour in (("asked", "asked", LINES[5]), ("reply", "answered in time", LINES[0])):
            counts = [entry["counts"].get(outcome, 0) for entry in document["rounds"]]
            traffic.plot(ends, counts, color=colour, label=words)
        most = max(max(entry["counts"].values()) for entry in document["rounds"])
        traffic.set(xlabel="virtual hours", ylabel="devices of a round", ylim=(0, ROOM * most))
        traffic.set_title("who took part", loc="left")
        traffic.legend(loc="upper left", fontsize="small")
        figure.savefig(path, dpi=110)
