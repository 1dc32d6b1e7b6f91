"""What is met lately, how old an item is, what a user had before: as of a moment, as of now, and after a restart."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from client.data.event_log import EventLog
from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.features.prepared_platform import Neighbours, nearest
from client.scorers.age import Age, AgeSettings, seen_again
from client.scorers.cooccurrence import Matrix
from client.scorers.fading import foretold, recounted
from client.scorers.recent import NAME, Recent, RecentSettings
from client.scorers.repeat_counts import RepeatCounts, RepeatCountsSettings
from client.scorers.scorer import CountsEvents, FitData, HistoryBatch, Scorer
from client.scorers.table import fit_scorers

HOUR, DAY = 3_600.0, 86_400.0
BEGIN = 1.6e9
N = 8
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(N, 5)).astype(np.float32)
FEATURES /= np.linalg.norm(FEATURES, axis=1, keepdims=True)
NONE = Neighbours(items=np.zeros((N, 0), np.int64), cosines=np.zeros((N, 0), np.float32))


def data(log: EventLog, statistics: Mapping[str, Matrix] | None = None, **more: object) -> FitData:
    return FitData(
        sequences=Sequences.none(),
        features=FEATURES,
        neighbours=nearest(FEATURES),
        ordered=True,
        log=log,
        statistics=dict(statistics or {}),
        **more,  # type: ignore[arg-type]
    )


def events(*met: tuple[float, int]) -> EventLog:
    """Events of these times after BEGIN and items, in time order."""
    times, items = zip(*met, strict=True)
    return EventLog(times=BEGIN + np.array(times, np.float64), items=np.array(items, np.int32))


def at(*moments: float) -> HistoryBatch:
    """As many empty histories, as of these moments after BEGIN."""
    return HistoryBatch(
        Sequences(
            offsets=np.zeros(len(moments) + 1, np.int64),
            items=np.zeros(0, np.int32),
            moments=BEGIN + np.array(moments, np.float64),
        ),
        N,
    )


NOW = HistoryBatch(Sequences(offsets=np.zeros(2, np.int64), items=np.zeros(0, np.int32)), N)
"""One empty history, after all that was ever counted."""


def columns(scorer: Scorer, batch: HistoryBatch) -> dict[str, NDArray[np.float32]]:
    scores = scorer.score(batch)
    assert all(one.dtype == torch.float32 for one in scores)
    return {column.name: one.numpy() for column, one in zip(scorer.columns, scores, strict=True)}


def drawn(rng: np.random.Generator, size: int, span: float) -> EventLog:
    return EventLog(
        times=BEGIN + np.sort(np.round(rng.random(size) * 50) / 50 * span), items=rng.integers(0, N, size).astype("i4")
    )


# ---- what is met lately


def test_counts_fade_by_half_in_a_half_life() -> None:
    settings = RecentSettings(half_lives=(HOUR,))
    scorer = Recent(data(events((0, 1), (HOUR, 2), (3 * HOUR, 3))), settings)
    found = columns(scorer, at(0, 1, HOUR + 1, 3 * HOUR, 4 * HOUR))["recent@1h"]
    shares = found / np.maximum(found.sum(1, keepdims=True), 1e-9)
    assert shares[0].tolist() == [0] * N
    assert shares[1, 1] == 1
    assert shares[2, [1, 2]] == pytest.approx([1 / 3, 2 / 3])
    assert shares[3, [1, 2]] == pytest.approx([1 / 3, 2 / 3])
    assert shares[4, [1, 2, 3]] == pytest.approx(np.array([0.125, 0.25, 1]) / 1.375)
    now = columns(scorer, NOW)["recent@1h"]
    assert now[0] == pytest.approx(found[4])


def test_a_moment_that_nobody_knows_counts_nothing() -> None:
    scorer = Recent(data(events((0, 1), (HOUR, 2))), RecentSettings(half_lives=(HOUR,)))
    assert columns(scorer, at(np.nan))["recent@1h"].tolist() == [[0] * N]


def test_a_trend_rises_with_what_is_met_more_of_late_and_is_0_before_everything() -> None:
    # item 1 all along, item 2 in the last hour alone, item 3 long ago alone; by half-lives of an hour to a month
    long_ago = [(hour * HOUR, item) for hour in range(100) for item in (1, 3)]
    lately = [((100 + minute / 20) * HOUR, item) for minute in range(20) for item in (1, 2)]
    lives = (HOUR / 4, HOUR, 6 * HOUR, DAY)
    scorer = Recent(data(events(*long_ago, *lately)), RecentSettings(half_lives=lives))
    found = columns(scorer, at(0, 101 * HOUR))
    ((name, trend),) = [(name, one) for name, one in found.items() if name.startswith("trend@")]
    assert name == "trend@1h/1d"
    assert trend[0].tolist() == [0] * N
    assert trend[1, 2] > trend[1, 1] > trend[1, 3]
    # log((a + k q) / (Σa + k) / q), q being the item's share at the long half-life and a tenth of an even one
    log = events(*long_ago, *lately)
    fade = {life: np.exp2((log.times - log.times[-1]) / life) for life in (HOUR, DAY)}
    short, long = (np.bincount(log.items, fade[life], minlength=N) for life in (HOUR, DAY))
    q = long / long.sum() + 0.1 / N
    assert trend[1] == pytest.approx(np.log((short + 5 * q) / (short.sum() + 5) / q), abs=1e-5)


def planted(half_life: float, *, seed: int, size: int = 2_000, n_items: int = 60) -> EventLog:
    """Each event is on the item of an earlier one: 100 or so events lie within a half-life.

    It is drawn with a weight that halves within a half-life; one in ten is on any item.
    """
    rng = np.random.default_rng(seed)
    times = BEGIN + np.cumsum(rng.exponential(max(HOUR / 8, half_life / 100), size))
    items = rng.integers(0, n_items, size)
    for event in range(1, size):
        if rng.random() > 0.1:
            weights = np.exp2((times[:event] - times[event]) / half_life)
            items[event] = items[np.searchsorted(np.cumsum(weights), rng.random() * weights.sum())]
    return EventLog(times=times, items=items.astype(np.int32))


@pytest.mark.parametrize("half_life", [HOUR, 6 * HOUR, DAY, 7 * DAY])
def test_finds_the_half_life_by_which_events_were_made(half_life: float) -> None:
    settings = RecentSettings()
    log = planted(half_life, seed=5)
    by_half_life = dict(
        zip(settings.half_lives, foretold(log, log, settings.half_lives, 60, most=500, uniform=0.1), strict=True)
    )
    assert max(by_half_life, key=lambda one: by_half_life[one]) == half_life
    features = np.zeros((60, 5), np.float32)
    of_sixty = replace(data(log), features=features, neighbours=nearest(features))
    names = [column.name for column in Recent(of_sixty).columns if column.name.startswith("recent@")]
    # the one before it comes first, then it
    words = {HOUR: "1h", 6 * HOUR: "6h", DAY: "1d", 7 * DAY: "7d"}
    assert names[1] == f"recent@{words[half_life]}"


def test_half_lives_and_rates_are_told_by_what_may_be_trained_on() -> None:
    early, late = planted(HOUR, seed=1, n_items=N), planted(7 * DAY, seed=2, n_items=N)
    later = EventLog(times=late.times - BEGIN + early.times[-1] + 1, items=late.items)
    both = EventLog(
        times=np.concatenate([early.times, later.times]),
        items=np.concatenate([early.items, later.items]),
        trained=len(early),
    )
    for make in (Recent, Age):
        alone, after = make(data(early)), make(data(both))
        assert alone.columns == after.columns
        moments = at(*(early.times[[10, 500, 1_999]] - BEGIN))
        for first, second in zip(alone.score(moments), after.score(moments), strict=True):
            assert torch.equal(first, second)
    # and by all of it where all may be trained on
    assert Recent(data(replace(both, trained=None, told={}))).columns != Recent(data(early)).columns


def test_no_half_life_is_longer_than_the_log_but_one_there_always_is() -> None:
    short = events((0, 1), (10, 2), (20, 1))
    assert [one.name for one in Recent(data(short)).columns] == ["recent@15m"]
    month = [one.name for one in Recent(data(drawn(np.random.default_rng(0), 80, 31 * DAY))).columns]
    assert not {"recent@90d", "recent@365d"} & set(month)


# ---- after a restart, and on


@pytest.mark.parametrize("make", [Recent, Age])
def test_opened_from_what_it_counted_it_says_the_same(make: type[Recent] | type[Age]) -> None:
    log = drawn(np.random.default_rng(2), 200, 40 * DAY)
    fitted = data(log)
    first = make(fitted)
    # a record holds the statistics and no log; ages are told as of now, which a restart does not stop
    empty = EventLog.of(Sequences.none())
    second = make(data(empty, {name: np.array(one) for name, one in fitted.statistics.items()}))
    assert first.columns == second.columns
    asked = NOW if make is Recent else at(45 * DAY)
    met = np.array([3, 3, 5], np.int32), BEGIN + DAY * np.array([39.0, 41, 42])
    for _ in range(2):  # then both count on
        found, again = columns(first, asked), columns(second, asked)
        for name, one in found.items():
            assert again[name] == pytest.approx(one, rel=1e-5), name
        assert any(one.std() > 0 for one in found.values())
        for scorer in (first, second):
            scorer.met(*met)


@pytest.mark.parametrize("pieces", [1, 4, 40])
def test_counts_on_with_what_is_met_in_any_order(pieces: int) -> None:
    rng = np.random.default_rng(3)
    before, after = drawn(rng, 100, 20 * DAY), drawn(rng, 40, 30 * DAY)
    before = EventLog(times=before.times, items=before.items % 5)  # the others are met later for the first time
    after = EventLog(times=after.times - 5 * DAY, items=after.items)  # some are earlier than what was fitted on
    fitted = data(before)
    scorers = [Recent(fitted), Age(fitted)]
    both = EventLog(
        times=np.concatenate([before.times, after.times]), items=np.concatenate([before.items, after.items])
    )
    order = np.argsort(both.times, kind="stable")
    whole = EventLog(times=both.times[order], items=both.items[order])
    known = fitted.statistics
    recounts = {**known, **recounted(known, NAME, whole, N), **seen_again(known, whole, N)}
    expected = [make(data(EventLog.of(Sequences.none()), recounts)) for make in (Recent, Age)]
    for rows in np.array_split(rng.permutation(40), pieces):
        for scorer in scorers:
            assert isinstance(scorer, CountsEvents)
            scorer.met(after.items[rows], after.times[rows])
    for scorer, again, asked in zip(scorers, expected, (NOW, at(*(DAY * np.arange(-5, 26)))), strict=True):
        ours, theirs = columns(scorer, asked), columns(again, asked)
        for name, one in ours.items():
            assert one == pytest.approx(theirs[name], rel=1e-4, abs=1e-6), name


def test_an_event_that_claims_to_be_of_the_future_fades_nothing_else() -> None:
    """A caller's clock that is wrong by years would else leave all that was met before at 0."""
    log = drawn(np.random.default_rng(4), 100, 20 * DAY)
    log = EventLog(times=log.times - log.times[-1] + time.time() - HOUR, items=log.items)
    fitted = data(log)
    scorer = Recent(fitted)
    scorer.met(np.array([3], np.int32), np.array([4.0e9]))
    (shown, *_) = columns(scorer, NOW).values()
    assert np.count_nonzero(np.delete(shown[0], 3))
    late = EventLog(times=np.append(log.times, 4.0e9), items=np.append(log.items, np.int32(3)))
    kept = recounted(fitted.statistics, NAME, late, N)
    assert all(np.count_nonzero(one) > 1 for name, one in kept.items() if not name.startswith("table."))


# ---- how old an item is


def test_ages_fall_into_steps_that_double() -> None:
    settings = AgeSettings(youngest=100.0, steps=4)
    scorer = Age(data(events((0, 1), (1, 1), (50, 2), (999, 3))), settings)
    # ages as of 100: item 1 100 s, 2 50 s; as of 100.5 item 1 a bit more; the last step is for what was not seen yet
    assert scorer._steps(BEGIN + np.array([0.0, 100, 100.5, 250, 1_000, 1e6])).tolist() == [
        [4, 4, 4, 4, 4, 4, 4, 4],
        [4, 0, 0, 4, 4, 4, 4, 4],
        [4, 1, 0, 4, 4, 4, 4, 4],
        [4, 2, 1, 4, 4, 4, 4, 4],
        [4, 3, 3, 0, 4, 4, 4, 4],
        [4, 3, 3, 3, 4, 4, 4, 4],
    ]


def test_age_counts_from_when_an_item_was_published_where_that_is_known() -> None:
    settings = AgeSettings(youngest=100.0, steps=4)
    published = np.full(N, np.nan)
    published[[1, 2, 4, 5, 7]] = [BEGIN - 700, BEGIN + 900, BEGIN - 150, -5e8, BEGIN + 7_950]
    scorer = Age(data(events((0, 1), (1, 1), (50, 2), (60, 3)), published=published), settings)
    # as of 100: item 1 is 800 s old, 2 was met 50 s ago though it is published later, 3 was seen 40 s ago, 4 is 250 s
    # old, 5 is older than 1970, 7 is to come
    assert scorer._steps(BEGIN + np.array([100.0])).tolist() == [[4, 3, 0, 0, 2, 3, 4, 5]]
    scorer.met(np.array([4, 6], np.int32), BEGIN + np.array([-9_999.0, 90]))
    assert scorer._steps(BEGIN + np.array([100.0])).tolist() == [[4, 3, 0, 0, 2, 3, 0, 5]]
    assert scorer._steps(BEGIN + np.array([8_000.0]))[0, 7] == 0
    assert columns(scorer, at(100))["age"][0, 7] == 0


def test_what_is_to_come_hides_nothing_of_how_often_the_youngest_are_met() -> None:
    met = events(*((item * DAY + minute * 600, item) for item in range(4) for minute in range(1, 30)))
    published = BEGIN + np.arange(N) * DAY
    few, many = (Age(data(met, published=np.where(np.arange(N) < some, published, np.nan))) for some in (4, N))
    assert many._rates[:-1] == pytest.approx(few._rates[:-1], rel=0.5)
    scores = columns(many, at(3 * DAY + 7_200))["age"][0]
    assert scores.argmax() == 3
    assert (scores[4:] == 0).all()


def test_an_item_of_the_first_second_of_1970_is_known_to_be_old() -> None:
    published = np.where(np.arange(N) == 2, 0.0, np.nan)
    assert Age(data(events((0, 1), (1, 1)), published=published))._steps(BEGIN + np.array([100.0]))[0, 2] == 13


def test_when_items_were_published_is_opened_from_what_was_counted() -> None:
    published = np.where(np.arange(N) == 3, BEGIN - DAY, np.nan)
    fitted = data(drawn(np.random.default_rng(2), 60, 1_000), published=published)
    fresh, again = Age(fitted), Age(data(EventLog.of(Sequences.none()), fitted.statistics))
    np.testing.assert_array_equal(columns(fresh, at(2_000))["age"], columns(again, at(2_000))["age"])
    assert again._steps(BEGIN + np.array([0.0]))[0, 3] == 7  # a day is between 900 s doubled six and seven times


def test_rates_are_those_of_the_later_half_of_the_log_over_their_mean() -> None:
    settings = AgeSettings(youngest=100.0, steps=3, prior=2.0)
    log = drawn(np.random.default_rng(5), 60, 1_000)
    scorer = Age(data(log), settings)
    met, there = np.zeros(4), np.zeros(4)
    first = {item: log.times[log.items == item].min() for item in set(log.items.tolist())}
    for event in range(30, 60):
        now = log.times[event]
        ages = [now - first.get(item, np.inf) for item in range(N)]
        steps = [3 if age <= 0 else min(2, max(0, int(np.ceil(np.log2(age / 100))))) for age in ages]
        for item, step in enumerate(steps):
            there[step] += 1
            met[step] += item == log.items[event]
    rates = (met + 2) / (there * met.sum() / there.sum() + 2)
    found = columns(scorer, at(500, 2_000))["age"]
    for row, moment in zip(found, (500, 2_000), strict=True):
        ages = [BEGIN + moment - first.get(item, np.inf) for item in range(N)]
        expected = [rates[3 if age <= 0 else min(2, max(0, int(np.ceil(np.log2(age / 100)))))] for age in ages]
        assert row == pytest.approx(expected, rel=1e-5)


def test_what_is_new_leads_where_new_items_are_met() -> None:
    # item k comes on day k and is met that day alone: whatever is older or not there yet is not met
    log = events(*((item * DAY + minute * 600, item) for item in range(N) for minute in range(1, 30)))
    scores = columns(Age(data(log)), at(6 * DAY + 7_200))["age"][0]
    assert scores.argmax() == 6
    assert scores[6] > 2 * scores[:6].max()


# ---- what a user had before


def histories(*users: Sequence[tuple[float, int]]) -> HistoryBatch:
    """Users' events as days, NaN where a time is not known, and items."""
    flat = [one for user in users for one in user]
    return HistoryBatch(
        Sequences(
            offsets=offsets_of(np.array([len(user) for user in users])),
            items=np.array([item for _, item in flat], np.int32),
            times=BEGIN + DAY * np.array([day for day, _ in flat], np.float64),
        ),
        N,
    )


def test_own_events_fade_from_the_last_one_whose_time_is_known() -> None:
    scorer = RepeatCounts(data(events((0, 1), (1, 2))), RepeatCountsSettings(half_lives=(7.0, 30.0)))
    nan = float("nan")
    batch = histories([(0, 1), (7, 2), (14, 1), (14, 3)], [(nan, 4), (nan, 4), (0, 5), (7, 4)], [(nan, 6)], [])
    found = columns(scorer, batch)
    week = found["repeat@7"]
    assert week[0, [1, 2, 3]].tolist() == [1.25, 0.5, 1]
    # an event whose time is not known counts 2^-10, as one of ten half-lives ago
    assert week[1, [4, 5]] == pytest.approx([1 + 2 * 2**-10, 0.5])
    assert week[2, 6] == pytest.approx(2**-10)
    assert week[3].tolist() == [0] * N
    assert np.count_nonzero(week) == 6
    assert found["repeat@30"][0, 2] == pytest.approx(2 ** (-7 / 30))


def test_a_history_without_times_counts_how_often() -> None:
    scorer = RepeatCounts(data(events((0, 1), (1, 2))), RepeatCountsSettings(half_lives=(7.0,)))
    untimed = HistoryBatch(Sequences(offsets=np.array([0, 3]), items=np.array([2, 5, 2], np.int32)), N)
    found = columns(scorer, untimed)["repeat@7"][0]
    assert found[[2, 5]].tolist() == [2 * 2**-10, 2**-10]


# ---- who has them


def test_a_platform_without_times_has_none_of_them_and_says_why() -> None:
    timed = ("recent", "age", "repeat_counts", "transition_long")
    items = np.arange(6, dtype=np.int32)
    untimed = replace(data(EventLog.of(Sequences.none())), sequences=Sequences(offsets=np.array([0, 6]), items=items))
    left_out = fit_scorers(untimed).left_out
    assert {name: left_out[name] for name in timed} == dict.fromkeys(timed, "the platform's events have no times")
    clocked = replace(untimed, log=drawn(np.random.default_rng(0), 30, DAY), statistics={})
    left_out = fit_scorers(clocked).left_out
    assert set(timed) & set(left_out) == {"repeat_counts"}
    assert "repeats=keep" in left_out["repeat_counts"]
    kept = fit_scorers(replace(clocked, repeats=True, statistics={}))
    assert set(timed) <= set(kept.scorers)
