"""A fit learns what completes a basket where baskets tell, keeps it in the record, and serves lists by it."""

from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from client.data.completion import completions
from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.ensemble.candidates import LOCAL, Candidate
from client.ensemble.fitting import FittedStacks, rank_all
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.pretrain import pretrain_folder
from client.fitting.served_fit import Opened, counted_of_all, fit_recommender, open_fit, store_served
from client.recommender.recommender import ListQuery, Recommender
from client.recommender.served_head import ServedHead, read_served, served_ensembles
from client.scorers.table import COMPLETING, SCORERS, TIMED
from client.store.head_store import HeadStore
from client.training.loop import TrainingSettings
from tests.integration.tiny_folders import BEGIN, N_ITEMS, write_tiny_folder
from tests.small_space import FEATURES

SETTINGS = FitSettings(features=FEATURES, competing_methods=CompetingMethods(own=False))
MATES = N_ITEMS // 2


def with_baskets(folder: Path) -> None:
    """Users walk along the lower half of the catalogue; each item is bought with its mate of the upper half."""
    events = pl.read_parquet(folder / "events.parquet")
    place = np.arange(len(events))
    lower = events["item_id"].to_numpy() % MATES
    met = np.stack([lower, lower + MATES], axis=1).reshape(-1)
    both = {"user_id": np.repeat(events["user_id"].to_numpy(), 2), "item_id": met}
    times = BEGIN + 86_400 * np.repeat(place, 2)
    pl.DataFrame({**both, "timestamp": times}).write_parquet(folder / "events.parquet")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ServedHead, ServedHead]:
    """The folder, what is served of it without baskets, and with them."""
    root = tmp_path_factory.mktemp("baskets")
    folder, encoder = write_tiny_folder(root / "shop"), root / "encoder.safetensors"
    quick = TrainingSettings(epochs=1, tokens=256)
    pretrain_folder(folder, encoder, preparation=Preparation(), features=FEATURES, preset="tiny", settings=quick)
    fit_recommender(folder, encoder, HeadStore(root / "without"), SETTINGS)
    with_baskets(folder)
    fit_recommender(folder, encoder, HeadStore(root / "with"), SETTINGS)
    return folder, *(read_served(HeadStore(root / name)) for name in ("without", "with"))


def test_learns_nothing_of_baskets_where_there_are_none(fitted: tuple[Path, ServedHead, ServedHead]) -> None:
    _, without, _ = fitted
    assert without.basket is None
    assert not any(name.startswith("basket") for name in without.statistics)


def test_finds_what_is_bought_together_as_the_usual_list_does_not(
    fitted: tuple[Path, ServedHead, ServedHead],
) -> None:
    _, _, served = fitted
    assert served.basket is not None
    assert "basket" in served.basket.computed
    recommender = Recommender.of(served)
    query = ListQuery(k=1, basket=1)
    found = [recommender.recommend(np.array([item], np.int32), query)[0].item for item in range(MATES)]
    assert np.mean(np.array(found) == np.arange(MATES) + MATES) > 0.9


@pytest.fixture(scope="module")
def opened(fitted: tuple[Path, ServedHead, ServedHead]) -> Opened:
    """The same fit with baskets, made anew."""
    folder, _, _ = fitted
    found = open_fit(folder, folder.parent / "encoder.safetensors", SETTINGS)
    found.fit.train()
    found.fit.stack()
    found.fit.complete_baskets()
    return found


def test_lists_are_those_of_the_stack_that_was_chosen(
    fitted: tuple[Path, ServedHead, ServedHead], opened: Opened
) -> None:
    _, _, served = fitted
    stacks, platform = opened.fit.basket_stacks, opened.fit.prepared.platform
    assert stacks is not None
    tests = completions(platform, Stage.TEST, np.arange(platform.n_users))
    (fresh,) = rank_all(stacks.ensemble, stacks.chosen["local"].weights[None], tests)
    kept = served_ensembles(served).basket
    assert kept is not None
    without_clock = replace(tests, histories=replace(tests.histories, moments=None))
    (again,) = rank_all(kept.ensemble, kept.weights[None], without_clock)
    # in the record all is counted to the end
    assert again.ndcg.mean() == pytest.approx(fresh.ndcg.mean(), abs=0.05)


def test_a_list_for_a_basket_is_the_ranking_of_its_example(opened: Opened, tmp_path: Path) -> None:
    """Under drawn weights, but for columns that know the moment, and beside a usual stack that uses few scorers."""
    fit, store = copy(opened.fit), HeadStore(tmp_path)
    baskets, usual, platform = fit.basket_stacks, fit.stacks, fit.prepared.platform
    assert baskets is not None
    assert baskets.scorer_values()["basket-pairs"] > 0.9
    names, moving = baskets.ensemble.names, {column for name in TIMED for column in _columns(baskets, name)}
    drawn = np.random.default_rng(4).uniform(0.05, 0.3, len(names))
    weights = np.where(np.isin(names, sorted(moving)), 0.0, drawn)
    few = np.array([float(name == "popularity" or name.startswith("received:")) for name in usual.ensemble.names])
    fit.basket_stacks = replace(baskets, chosen={LOCAL: Candidate(name="drawn", weights=weights)})
    fit.stacks = replace(usual, chosen=dict.fromkeys(usual.chosen, Candidate(name="few", weights=few)))
    store_served(replace(opened, fit=fit), store)
    recommender = Recommender.of(read_served(store))
    tests = completions(platform, Stage.TEST, np.arange(platform.n_users))
    asked = tests.histories
    assert asked.times is not None
    assert asked.together is not None
    assert asked.moments is not None
    all_counted = counted_of_all(
        fit.prepared, [name for name in (*SCORERS, *COMPLETING) if name not in baskets.left_out]
    ).scorers
    raw = baskets.ensemble.raw
    scorers = (*all_counted.values(), *raw.scorers[len(all_counted) :])
    expected = replace(baskets.ensemble, raw=replace(raw, scorers=scorers)).served(weights, asked).numpy()
    for row in range(0, len(tests), max(1, len(tests) // 8)):
        stretch = slice(*asked.offsets[row : row + 2])
        query = ListQuery(k=N_ITEMS, basket=int(asked.together[row]), moment=float(asked.moments[row]))
        listed = {
            one.item: one.score for one in recommender.recommend(asked.items[stretch], query, asked.times[stretch])
        }
        rows = sorted(listed)
        assert rows == np.flatnonzero(np.isfinite(expected[row])).tolist()
        assert [listed[item] for item in rows] == pytest.approx(expected[row, rows], abs=0.02)


def _columns(stacks: FittedStacks, scorer: str) -> list[str]:
    """Of a computed scorer."""
    names = [name for name in SCORERS if name not in stacks.left_out]
    made = dict(zip(names, stacks.ensemble.raw.scorers, strict=False))
    return [column.name for column in made[scorer].columns] if scorer in made else []
