"""People who look at a shop's lists and click on what they like, through the service's HTTP interface."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import polars as pl

LIST = 5
FAVOURS = 0.7
"""how often a person clicks an item of the kind that they like; any other one a tenth as often"""


@dataclass(frozen=True)
class Visit:
    """What came of all visits."""

    lists: int
    clicks: int
    heads: frozenset[str]
    """the recommenders that answered"""


def kinds_of(folder: Path) -> dict[str, str]:
    """Item to its category, or to the first word of its text where there is none."""
    items = pl.read_parquet(folder / "items.parquet")
    kinds = items["category"] if "category" in items.columns else items["text"].str.split(" ").list.first()
    return dict(zip(items["item_id"].cast(pl.String), kinds.cast(pl.String), strict=True))


def people_of(folder: Path, number: int) -> list[str]:
    """Some users of the platform."""
    return pl.read_parquet(folder / "events.parquet")["user_id"].cast(pl.String).unique().sort().head(number).to_list()


def visit(address: str, token: str, people: Sequence[str], kinds: dict[str, str], *, seed: int) -> Visit:
    """Each looks at a list and clicks; what was shown and clicked is reported at once, and acknowledged."""
    rng = np.random.default_rng(seed)
    liked = sorted(set(kinds.values()))
    clicks, heads = 0, set()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=address, headers=headers, timeout=60, trust_env=False) as service:
        for number, person in enumerate(people):
            favourite = str(rng.choice(liked))
            answer = service.post("/v1/recommend", json={"user": person, "k": LIST}).raise_for_status().json()
            heads.add(answer["head"])
            shown = [one["item"] for one in answer["items"]]
            taken = [item for item in shown if rng.random() < (FAVOURS if kinds[item] == favourite else FAVOURS / 10)]
            told = [*(("shown", item) for item in shown), *(("clicked", item) for item in taken or shown[:1])]
            events = [
                {"event_id": f"{seed}-{number}-{kind}-{item}", "user": person, "item": item, "kind": kind}
                for kind, item in told
            ]
            counts = service.post("/v1/feedback", json={"events": events}).raise_for_status().json()
            if counts["accepted"] != len(events):
                raise RuntimeError(f"{len(events)} events were reported; {counts['accepted']} were accepted")
            clicks += len(told) - len(shown)
    return Visit(lists=len(people), clicks=clicks, heads=frozenset(heads))
