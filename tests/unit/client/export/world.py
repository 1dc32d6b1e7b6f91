"""Small served heads and bundles of them."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from client.api.exports import ExportOptions, make_bundle
from client.ensemble.gaps import Gaps
from client.recommender.recommender import ListQuery, Recommender
from client.recommender.served_head import ServedHead
from client.store.head_store import HeadStore
from tests.unit.client.recommender.served_world import served_world

HISTORIES = {"one": [7], "some": [3, 4, 5, 30], "again": [3, 4, 5, 30, 4], "long": [*range(35)], "none": []}


def shifting(served: ServedHead) -> ServedHead:
    """Weights that shift with the gap since the last event."""
    rows = np.random.default_rng(5).uniform(0, 1, (4, len(served.head.names)))
    head = replace(served.head, weights=rows, gaps=Gaps(edges=(3_600.0, 864_000.0)))
    return replace(served, head=head)


def heads_of(folder: Path, served: ServedHead | None = None) -> Path:
    """A folder of heads."""
    folder.mkdir()
    (served_world() if served is None else served).write(HeadStore(folder))
    return folder


def bundle_of(folder: Path, served: ServedHead, **options: str) -> Path:
    """A bundle beside the heads that it is of."""
    make_bundle(None, heads_of(folder / "heads", served), folder / "bundle", ExportOptions(**options))
    return folder / "bundle"


def ids_of(served: ServedHead, rows: list[int]) -> list[str]:
    return [served.items.item_ids[row] for row in rows]


def times_of(rows: list[int]) -> list[float]:
    """An hour apart, the last one a day ago."""
    return (time.time() - 86_400.0 - 3_600.0 * np.arange(len(rows))[::-1]).tolist()


def expected_list(served: ServedHead, rows: list[int], times: list[float], k: int) -> dict[str, float]:
    """The platform's own, by id."""
    answer = Recommender.of(served).recommend(
        np.array(rows, np.int32), ListQuery(k=k, moment=time.time()), np.array(times)
    )
    return {served.items.item_ids[each.item]: each.score for each in answer}
