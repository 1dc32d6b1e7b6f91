"""The synthetic world: deterministic, in the data contract, related as its drift says, with an oracle that is right."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import chisquare

from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.data.platform import Examples, Platform, examples
from client.data.preparation import prepare
from client.data.sequences import Sequences
from client.data.source import read_folder
from shared.errors import ConfigError, GraftError
from shared.seeding import rng_for
from simulations.synthetic.choice import WINDOW, log_weights, oracle_scores
from simulations.synthetic.config import PLANS, PlatformPlan, WorldConfig
from simulations.synthetic.folders import BEGIN, draw_choices, events_frame, items_frame, write_folders
from simulations.synthetic.world import PlatformTruth, World, build_world

SMALL = WorldConfig(
    plans=(
        PlatformPlan(name="news", domain="news", users=40, first_item=0, items=60, mean_events=4),
        PlatformPlan(name="shop", domain="shops", users=40, first_item=0, items=60, mean_events=4),
        PlatformPlan(name="second-shop", domain="shops", users=30, first_item=30, items=60, mean_events=4),
        PlatformPlan(name="films", domain="films", users=30, first_item=0, items=60, mean_events=4),
    )
)


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(SMALL, seed=0)


def prepared(world: World, directory: Path, name: str) -> Platform:
    return prepare(read_folder(write_folders(world, directory)[name]), Preparation(), name=name, seed=0)


def words(world: World, name: str) -> set[str]:
    return {word for text in world.truths[name].texts for word in text.split()}


def test_is_the_same_for_the_same_seed(world: World) -> None:
    again = build_world(SMALL, seed=0)
    assert items_frame(again.truths["shop"]).equals(items_frame(world.truths["shop"]))
    assert events_frame(again.truths["shop"], 0).equals(events_frame(world.truths["shop"], 0))
    assert not events_frame(build_world(SMALL, seed=1).truths["shop"], 1).equals(events_frame(world.truths["shop"], 0))


def test_writes_folders_that_the_contract_reads(world: World, tmp_path: Path) -> None:
    platform = prepared(world, tmp_path, "shop")
    assert platform.n_users == 40
    assert platform.sequences.lengths().min() >= 4


def test_gives_shops_half_their_catalogue_in_common_under_other_ids(world: World) -> None:
    shop, second = world.truths["shop"], world.truths["second-shop"]
    assert len(set(shop.texts) & set(second.texts)) == 30
    assert not set(shop.item_ids) & set(second.item_ids)


def test_shares_the_more_words_the_smaller_the_drift(world: World) -> None:
    near, far = (build_world(WorldConfig(drift=drift, plans=SMALL.plans), seed=0) for drift in (0.0, 0.9))
    common = [len(words(each, "news") & words(each, "shop")) for each in (near, world, far)]
    assert common[0] > common[1] > common[2]
    assert len(words(near, "news") & words(near, "films")) < common[0] / 2


def test_offers_no_item_before_its_launch_and_none_twice(world: World) -> None:
    truth = world.truths["news"]
    events = events_frame(truth, 0)
    launches = pl.DataFrame({"item_id": truth.item_ids, "launch": truth.launches + BEGIN})
    assert events.join(launches, on="item_id").filter(pl.col("timestamp") < pl.col("launch")).is_empty()
    assert events.select("user_id", "item_id").is_duplicated().sum() == 0
    assert (truth.launches > 0).any()


def test_draws_choices_from_the_probabilities_that_the_oracle_knows(world: World) -> None:
    truth = world.truths["shop"]
    rng = rng_for(3)
    first = np.stack([draw_choices(truth, rng)[:5, 0] for _ in range(1500)])
    nothing = np.full((5, WINDOW), -1)
    scores = log_weights(truth, np.arange(5), nothing, truth.times[:5, 0])
    expected = np.exp(scores[0]) / np.exp(scores[0]).sum() * 1500
    often = expected >= 5
    drawn = np.bincount(first[:, 0], minlength=60)
    observed = np.append(drawn[often], drawn[~often].sum())
    test = chisquare(observed, np.append(expected[often], expected[~often].sum()))
    # a right sampler falls below this in one of a thousand seeds; the seed is fixed
    assert test.pvalue > 0.001


def test_scores_a_prepared_platform_as_the_choice_model_does(world: World, tmp_path: Path) -> None:
    platform = prepared(world, tmp_path, "shop")
    truth = world.truths["shop"]
    found = examples(platform, Stage.TEST, np.arange(platform.n_users))
    scores = oracle_scores(truth, platform, found)
    row = 7
    items = np.array([truth.item_ids.index(item) for item in platform.item_ids])
    user = truth.user_ids.index(platform.user_ids[found.users[row]])
    history = found.histories.items[found.histories.offsets[row] : found.histories.offsets[row + 1]]
    recent = items[history[::-1][:WINDOW]][None, :]
    expected = log_weights(truth, np.array([user]), recent, truth.times[user, [len(history)]])[0, items]
    assert scores[row] == pytest.approx(np.maximum(expected, -1e9))


def test_news_is_taken_while_it_is_new(world: World) -> None:
    truth, days = world.truths["news"], 24 * 3_600
    assert new_share(truth) > 2 * new_share(replace(truth, fading=0.0))
    nothing = np.full((2, WINDOW), -1)
    # a Monday and one three days later: an item launched just before has half of its odds left
    start = int(truth.launches[truth.launches > 0][0]) // (7 * days) * (7 * days) + 7 * days
    launched = replace(truth, launches=np.full(len(truth.item_ids), start - 1))
    first, later = log_weights(launched, np.array([0, 0]), nothing, np.array([start, start + 3 * days]))
    assert np.exp(later - first) == pytest.approx(0.5)


def new_share(truth: PlatformTruth) -> float:
    """Of all that users took, what was launched in the week before."""
    launches = pl.DataFrame({"item_id": truth.item_ids, "launch": truth.launches + BEGIN})
    taken = events_frame(truth, 0).join(launches, on="item_id")
    return float((taken["timestamp"] - taken["launch"] < 7 * 24 * 3_600).mean())


def test_shops_sell_baskets_whose_items_follow_from_what_came_before(world: World) -> None:
    events = events_frame(world.truths["shop"], 0)
    assert 1.3 < len(events) / len(events.unique(["user_id", "timestamp"])) < 2.3
    news = events_frame(world.truths["news"], 0)
    assert len(news) == len(news.unique(["user_id", "timestamp"]))
    together = replace(world.truths["shop"], times=np.zeros_like(world.truths["shop"].times))
    alone = replace(together, complements=np.full_like(together.complements, -1), successors=0 * together.successors)
    # in one visit nothing comes before, so that what follows what makes no difference
    assert np.array_equal(draw_choices(together, rng_for(1)), draw_choices(alone, rng_for(1)))


def test_topics_have_their_weekends(world: World) -> None:
    truth = world.truths["films"]
    assert datetime.fromtimestamp(BEGIN, UTC).weekday() == 0
    days = np.arange(7) * 24 * 3_600
    evergreen = replace(truth, fading=0.0, launches=np.zeros_like(truth.launches))
    scores = log_weights(evergreen, np.zeros(7, np.int64), np.full((7, WINDOW), -1), days)
    assert np.array_equal(scores[:5], np.tile(scores[0], (5, 1)))
    assert scores[5:] - scores[:2] == pytest.approx(np.tile(truth.topics @ truth.weekend, (2, 1)))


def test_users_have_an_hour_of_the_week_that_they_come_back_at(world: World) -> None:
    still = build_world(WorldConfig(plans=SMALL.plans, tempo=0), seed=0)
    assert usual_share(world) > 3 * usual_share(still)


def usual_share(world: World) -> float:
    """Of a user's events of films, those within an hour of the week in which most of theirs lie."""
    times = world.truths["films"].times
    hours = times % (7 * 24 * 3_600) // 3_600
    return float(np.mean([max((np.abs(row - hour) <= 1).mean() for hour in row) for row in hours]))


def test_puts_the_taken_item_higher_than_any_fixed_order_would(world: World, tmp_path: Path) -> None:
    platform = prepared(world, tmp_path, "news")
    found = examples(platform, Stage.TEST, np.arange(platform.n_users))
    scores = oracle_scores(world.truths["news"], platform, found)
    rank = (scores > scores[np.arange(len(found)), found.targets][:, None]).sum(axis=1)
    popularity = np.bincount(platform.sequences.items, minlength=platform.n_items)
    assert np.median(rank) < np.median((popularity > popularity[found.targets][:, None]).sum(axis=1))


def test_refuses_a_platform_that_it_does_not_know(world: World, tmp_path: Path) -> None:
    platform = prepared(world, tmp_path, "shop")
    history = Examples(
        users=np.array([0]),
        histories=Sequences(offsets=np.array([0, 1]), items=np.array([0], dtype=np.int32)),
        targets=np.array([1], dtype=np.int32),
    )
    with pytest.raises(GraftError, match="ids that the synthetic world does not know"):
        oracle_scores(world.truths["films"], platform, history)


def test_checks_its_config() -> None:
    with pytest.raises(ConfigError, match="drift must be from 0 to 1; got"):
        WorldConfig(drift=1.5)
    with pytest.raises(ConfigError, match="tempo must be from 0 to 1; got"):
        WorldConfig(tempo=-0.5)
    unknown = PlatformPlan(name="x", domain="boats", users=1, first_item=0, items=1, mean_events=1)
    with pytest.raises(ConfigError, match="a domain must be one of news, shops, films; got boats"):
        WorldConfig(plans=(unknown,))


def test_has_a_newcomer_of_the_shops_trade_by_default() -> None:
    assert [plan.name for plan in PLANS] == ["news", "shop", "second-shop", "films", "newcomer"]
