"""``report.html``: one self-contained page made from what ``result.json`` holds; no network.

Its one script sorts tables; without scripts the page says the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from client.ensemble.candidates import LOCAL
from client.ensemble.scorer_names import readable
from client.transfer.table import ranked
from shared.system.whole_file import write_whole
from simulations.report import curves, plots
from simulations.results.outcomes import ORACLE
from simulations.results.slices import COLD_USERS, WARM_USERS
from simulations.results.table import lift_text, title

REPORT_FILE = "report.html"

BEYOND = {"coverage@10": ".2f", "diversity@10": ".3f", "novelty@10": ".2f"}
"""What is said of lists, and how it is written."""

CONTRIBUTION_TEXT = (
    "By how many percent federated, the method of the first lines, has a higher NDCG@10 on test events of the platform "
    "below a column than after the same rounds without the platform on the left, its stack fitted anew each time. *: "
    "beyond noise (95 %, paired by users). Orange: it would do better without. What a source pretrained before the "
    "rounds stays."
)

Draw = Callable[[Mapping[str, Any]], str | None]
FIGURES: tuple[tuple[str, str, Draw], ...] = (
    (
        "New platforms",
        (
            "NDCG@10 on the same test users when only so many users of the platform could be trained on; zero-shot "
            "uses none of them."
        ),
        curves.new_platform_figure,
    ),
    (
        "New users",
        (
            "NDCG@10 for the same test users and targets when only the last one, two or three events of their "
            "histories are known, and when all are."
        ),
        curves.new_user_figure,
    ),
    (
        "New items",
        (
            "NDCG@10 by how many training events the wanted item has: an item with none is new. Parts of fewer than "
            "ten users are not drawn."
        ),
        curves.new_item_figure,
    ),
    (
        "What diversity costs",
        (
            "What is served, re-ranked by maximal marginal relevance: NDCG@10 against 1 − the mean cosine between "
            "two items of a list, at each λ (0: the plain ranking)."
        ),
        curves.trade_off_figure,
    ),
    (
        "What each scorer is worth alone",
        "NDCG@10 of each scorer alone, on validation events; a stronger colour is better within a platform.",
        plots.scorer_figure,
    ),
    (
        "What each platform's stack weighs",
        "The fitted weight of each scorer in the stack of the method named, mean over seeds.",
        plots.weight_figure,
    ),
    (
        "Leave-one-out contribution (who helps whom)",
        CONTRIBUTION_TEXT,
        plots.contribution_figure,
    ),
    (
        "Leave-one-out contribution: the linear part alone",
        (
            "What the platform below a column gains, in percent, from the moments of the platform on the left, in the "
            "linear part alone, without a stack: NDCG without a cutoff, on validation events of users who are in no "
            "moments. On the synthetic world it was 5 points off the contribution to what the first lines show, which "
            "a run with --leave-one-out on measures. Orange: it would do better without."
        ),
        plots.help_figure,
    ),
    (
        "Who pulls the same way: the sequence part",
        "The cosine between the platforms' updates of the encoder, mean over training rounds.",
        plots.cosine_figure,
    ),
    (
        "Rounds",
        (
            "The mean loss and the validation NDCG@10 of each platform after each round. The dotted line stands at the "
            "round whose encoder the run leaves: the last that is not clearly worse than one before it."
        ),
        plots.round_figure,
    ),
    (
        "Where time went",
        "Seconds of each step, added up over platforms, some of which work at the same time.",
        plots.time_figure,
    ),
)
"""Heading, what it shows, and what draws it."""


def write_report(document: Mapping[str, Any], path: Path) -> None:
    """Write the page, whole or not at all.

    Args:
        document: what ``result.json`` holds.
        path: of the page.
    """
    write_whole(path, render_report(document).encode("utf-8"))


def render_report(document: Mapping[str, Any]) -> str:
    """The page as HTML; every text from the outside is escaped."""
    environment = Environment(
        loader=PackageLoader("simulations.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html").render(
        title=title(document),
        document=document,
        headline=[*headline(document), privacy_sentence(document["config"])],
        lifts=lifts(document),
        beyond=beyond_rows(document),
        figures=figures(document),
        local=LOCAL,
        oracle=ORACLE,
        lift_text=lift_text,
        readable=readable,
        verdict=verdict,
    )


def headline(document: Mapping[str, Any]) -> list[str]:
    """One sentence for each platform with a transfer method: its lift over local, and how sure it is.

    The method is the first there is by ``Shown.headline``, never the best one: picked on the test it would flatter.
    """
    sentences = []
    for name, entry in document["platforms"].items():
        lifts = {
            method: method_entry["lift"]
            for method, method_entry in entry["methods"].items()
            if method_entry["lift"] is not None
        }
        method = next((method for method in ranked(lambda shown: shown.headline) if method in lifts), None)
        if method is not None:
            sentences.append(f"{name}: {method} {lift_text(lifts[method])} over {LOCAL}, {verdict(lifts[method])}.")
    return sentences


def privacy_sentence(config: Mapping[str, Any]) -> str:
    """In which mode platforms answered."""
    if config.get("privacy", "plain") == "plain":
        return "Privacy: plain. Deployed so, whoever runs the coordinator could solve users' histories from answers."
    if config["privacy"] == "masked":
        summed = "What left platforms was summed before the coordinator saw it"
        return f"Privacy: masked. {summed}, which hides who sent what and no more."
    promise = f"ε {config['epsilon']:g} at δ {config['delta']:g} for each user"
    where = "in sums that bear one noise each" if config["privacy"] == "masked-private" else "under noise"
    return (
        f"Privacy: {config['privacy']}, {promise}. What left platforms is the linear part alone, {where}, drawn from "
        "the seed."
    )


def verdict(lift: Mapping[str, Any] | None) -> str:
    """What the interval says."""
    if lift is None:
        return ""
    if lift["low"] > 0:
        return "better beyond noise"
    return "worse beyond noise" if lift["high"] < 0 else "within noise"


def beyond_rows(document: Mapping[str, Any]) -> dict[str, list[tuple[str, list[str]]]]:
    """Platform: for each method whose lists are known, nine texts: three metrics of all, of cold and of warm users."""
    rows: dict[str, list[tuple[str, list[str]]]] = {}
    for name, entry in document["platforms"].items():
        for method, method_entry in entry["methods"].items():
            if method_entry.get("diversity@10") is not None:
                parts = (method_entry, method_entry["slices"][COLD_USERS], method_entry["slices"][WARM_USERS])
                cells = [_cell(part[metric], form) for metric, form in BEYOND.items() for part in parts]
                rows.setdefault(name, []).append((method, cells))
    return rows


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure as SVG."""

    wide: Markup
    narrow: Markup | None
    """with one panel a row; None where it is as wide as before"""


def lifts(document: Mapping[str, Any]) -> Picture | None:
    """The picture that the page opens with; None where no transfer method has a lift."""
    return _drawn(document, plots.lift_figure)


def figures(document: Mapping[str, Any]) -> list[tuple[str, str, Picture]]:
    """(heading, what it shows, picture) of each figure that the result has something for."""
    drawn = [(heading, text, _drawn(document, draw)) for heading, text, draw in FIGURES]
    return [(heading, text, picture) for heading, text, picture in drawn if picture is not None]


def _drawn(document: Mapping[str, Any], draw: Draw) -> Picture | None:
    wide = draw(document)
    if wide is None:
        return None
    with plots.one_panel_a_row():
        narrow = draw(document)
    differs = narrow is not None and _box(narrow) != _box(wide)
    return Picture(wide=Markup(wide), narrow=Markup(narrow) if differs else None)  # noqa: S704 (own SVG)


def _box(svg: str) -> str:
    """How large it is drawn."""
    return svg.partition('viewBox="')[2].partition('"')[0]
