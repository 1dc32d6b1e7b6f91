"""The platforms with a clock on which scorers that know the moment are measured, and how they are prepared.

5 events a user and an item at least, hashed texts. A cell of a benchmark is a file, and is not computed again.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from client.data.folder_options import SharedPreparation
from client.data.source import read_platform_data
from client.data.spec import parse_platform_spec
from client.features.prepared_platform import PreparedPlatform, prepare_platform
from shared.system.whole_file import write_whole

PLATFORMS = {
    "mind_news": "mind_news",
    "ebnerd_news": "ebnerd_news",
    "uci_retail": "uci_retail,max-users=1500",
    "uci_retail, repeats": "uci_retail,max-users=1500,repeats=keep",
    "grocery_journey, repeats": "grocery_journey,repeats=keep",
    "gowalla_nyc, repeats": "gowalla_nyc,max-users=1500,repeats=keep",
    "foursquare_nyc, repeats": "foursquare_nyc,repeats=keep",
    "movielens_small": "movielens_small,min-rating=4",
    "movietweetings": "movietweetings,min-rating=7,max-users=2000",
    "xwines": "xwines,min-rating=4,max-users=1500",
    "amazon_giftcards": "amazon_giftcards,min-rating=4",
}
NEWS = ("mind_news", "ebnerd_news")
TIME_SPLIT = "time:80,10,10"


def prepared_platform(data: Path, line: str, split: str, seed: int) -> PreparedPlatform:
    """The platform of a ``line`` of ``PLATFORMS``, whose folder lies in ``data``."""
    spec = parse_platform_spec(f"platform={data / line}")
    shared = SharedPreparation(min_user_events=5, min_item_events=5, split=split)
    read = read_platform_data(spec.path, spec.said_of_times)
    return prepare_platform(read, spec.preparation(shared), name=spec.name, seed=seed, features="hashing")


def cell_file(out: Path, line: str, split: str, seed: int) -> Path:
    """Where the figures of a platform's line under a split and a seed lie."""
    return out / f"{line}-{split}-{seed}.json".replace(":", "_").replace(",", "_")


def computed_once(file: Path, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the file holds; computed and written there first where it is not there."""
    if not file.exists():
        write_whole(file, json.dumps(compute()).encode())
        print(file.name, flush=True)
    held: dict[str, Any] = json.loads(file.read_text())
    return held


def arguments(description: str | None, *, seeds: int) -> argparse.ArgumentParser:
    """DATA, OUT, how many seeds, and where the table is written."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--write", type=Path)
    return parser


def say(lines: Iterable[str], write: Path | None) -> None:
    """Print a table, and write it where that is wanted."""
    table = "\n".join(lines)
    print(table)
    if write:
        write.write_text(f"{table}\n")
