"""One user more moves nothing but what is theirs: no other user's events, no draw of others, not the catalogue."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from client.data.contract import write_folder
from client.data.folder_options import Preparation
from client.data.platform import Platform, training_sequences
from client.features.prepared_platform import PreparedPlatform, open_platform
from client.guard.site_policy import SitePolicy
from client.rounds.workspace import NodeSettings, open_workspace
from client.training.cross_moments import cross_moment
from shared.encoder.cross import CatalogueMoments
from shared.errors import ConfigError

ITEMS, MET, USERS = 80, 70, 300
NEW = "new"
"""the user more; they alone met the last items"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """Without and with them."""
    rng, base = np.random.default_rng(0), tmp_path_factory.mktemp("shops")
    items = pl.DataFrame({"item_id": range(ITEMS), "text": [f"thing {item} of {item % 7}" for item in range(ITEMS)]})
    events = [(str(u), int(i), t) for u in range(USERS) for t, i in enumerate(rng.choice(MET, 6, replace=False))]
    theirs = [(NEW, item, time) for time, item in enumerate(range(MET, MET + 6))]
    for name, rows in (("without", events), ("with", events + theirs)):
        table = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
        write_folder(base / name, items=items, events=table, impressions=None, force=False)
    return base / "without", base / "with"


def both(folders: tuple[Path, Path], *, apart: bool, fraction: float = 1.0) -> list[PreparedPlatform]:
    made = Preparation(fraction=fraction)
    return [open_platform(folder, made, seed=0, features="hashing:64", apart=apart) for folder in folders]


def moved(prepared: list[PreparedPlatform]) -> float:
    public = CatalogueMoments.none(64)
    sums = [
        cross_moment(one.features, training_sequences(one.platform, one.platform.encoder_users), public)
        for one in prepared
    ]
    return float(np.linalg.norm(sums[1] - sums[0]))


def others(platform: Platform, rows: np.ndarray) -> set[str]:
    return {platform.user_ids[row] for row in rows} - {NEW}


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_a_platform_that_keeps_users_apart_draws_the_others_as_without_them(folders, fraction) -> None:
    before, after = both(folders, apart=True, fraction=fraction)
    for rows in ("training_users", "calibration_users"):
        assert others(before.platform, getattr(before.platform, rows)) == others(
            after.platform, getattr(after.platform, rows)
        )
    assert moved([before, after]) <= 1 + 1e-9
    assert 0.7 * fraction < len(before.platform.training_users) / USERS <= 1.3 * fraction


def test_where_users_are_drawn_by_their_rows_he_moves_the_sum_by_more_than_one(folders) -> None:
    assert moved(both(folders, apart=False)) > 2


def test_the_catalogue_is_that_of_the_folder_whether_or_not_he_met_an_item(folders) -> None:
    before, after = both(folders, apart=True)
    assert before.platform.item_ids == after.platform.item_ids
    assert len(before.platform.item_ids) == ITEMS
    assert CatalogueMoments.of(before.features).digest == CatalogueMoments.of(after.features).digest


@pytest.mark.parametrize(("privacy", "items"), [("private", ITEMS), ("plain", MET)])
def test_rounds_keep_users_apart_where_the_site_policy_is_private(folders, tmp_path, privacy, items) -> None:
    node = NodeSettings(platform=f"shop={folders[0]}", heads=str(tmp_path), features="hashing:64")
    assert open_workspace(node, SitePolicy(privacy=privacy)).platform.n_items == items


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"min_item_events": 2}, "min-item-events"),
        ({"train_users": 100}, "train-users"),
        ({"max_users": 100, "users": (0.0, 50.0)}, "max-users, users"),
        ({"time": (0.0, 50.0)}, "time"),
        ({"ordered": False}, "order"),
    ],
)
def test_options_by_which_users_decide_about_others_are_refused(folders, options, named) -> None:
    with pytest.raises(ConfigError, match=f"found {named}$"):
        open_platform(folders[0], Preparation(**options), seed=0, features="hashing:64", apart=True)
