"""Weights that shift with the gap since a user's last event: the steps, the fit, the ensemble, the choice."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from client.data.held_out import Stage, last_baskets
from client.data.platform import Examples, Platform, examples, frozen
from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.ensemble.candidates import Candidate, ColumnGroups, StackCandidates
from client.ensemble.cross_fitting import CrossFit, Trained, cross_fit, fit_on
from client.ensemble.ensemble import Ensemble
from client.ensemble.ensemble_settings import CrossFitSettings, EnsembleSettings, GapSettings
from client.ensemble.fitting import FittedStacks, fit_stacks, rank_all
from client.ensemble.gap_weights import fit_gap_path
from client.ensemble.gaps import Gaps, since_last, stacked
from client.ensemble.stack import StackExamples, fit_weights
from client.scorers.encoder_scorers import Named
from tests.unit.client.recommender.world import prepared

DAY = 86_400.0
SETTINGS = GapSettings(least=6)


def histories(*lists: list[float], moments: list[float] | None) -> Sequences:
    times = np.array([at for one in lists for at in one])
    return Sequences(
        offsets=offsets_of(np.array([len(one) for one in lists])),
        items=np.zeros(len(times), np.int32),
        times=times,
        moments=None if moments is None else np.array(moments),
    )


def test_the_gap_is_from_the_last_event_whose_time_is_known() -> None:
    asked = histories([10, 30], [np.nan, 40], [np.nan], [], [90], moments=[100, 100, 100, 100, 80])
    np.testing.assert_array_equal(since_last(asked), [70, 60, np.nan, np.nan, 0])
    assert np.isnan(since_last(replace(asked, times=None))).all()
    assert np.isnan(since_last(replace(asked, moments=np.full(5, np.nan)))).all()


def test_without_a_moment_the_gap_ends_now() -> None:
    assert since_last(histories([0.0], moments=None))[0] == pytest.approx(time.time(), abs=60)


def test_steps_part_the_known_gaps_evenly() -> None:
    seconds = np.array([np.nan, *np.arange(1, 10) * DAY, np.nan])
    gaps = Gaps.even(seconds, SETTINGS)
    assert gaps.count == 3
    assert gaps.steps(seconds).tolist() == [0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0]


@pytest.mark.parametrize(
    "seconds",
    [np.full(90, np.nan), np.arange(1, 6) * DAY, np.full(90, DAY), np.array([DAY] * 70 + [2 * DAY] * 20)],
    ids=["unknown", "few", "all the same", "two edges coincide"],
)
def test_no_gap_is_told_where_the_examples_tell_none(seconds: np.ndarray) -> None:
    gaps = Gaps.even(seconds, SETTINGS)
    assert gaps.count == 0
    assert not gaps.steps(seconds).any()


def test_gaps_within_the_shortest_are_one_step() -> None:
    gaps = Gaps.even(np.array([1.0, 2, 3, 4, 5, 6, DAY, 2 * DAY, 3 * DAY]), GapSettings(least=6, steps=2))
    assert gaps.steps(np.array([0.0, 30.0, 60.0, DAY])).tolist() == [1, 1, 1, 2]


def test_stacks_weights_with_and_without_gaps() -> None:
    shifting = np.array([[1.0, 2], [3, 4], [5, 6]])
    found = stacked([np.array([7.0, 8]), shifting])
    assert found.tolist() == [[[7, 8]] * 3, shifting.tolist()]
    assert stacked([np.array([7.0, 8])]).shape == (1, 1, 2)


def drawn_examples() -> tuple[StackExamples, np.ndarray]:
    """The first column tells the target at gap 1, the second at gap 2, and each a little where no gap is known."""
    log_ratios = torch.randn(600, 11, 2, generator=torch.Generator().manual_seed(3))
    steps = np.minimum(np.arange(600) % 5, 2)  # more at the second gap
    rows = torch.from_numpy(steps)
    for step, told in ((0, (0.7, 0.7)), (1, (2.0, 0.0)), (2, (0.0, 2.0))):
        log_ratios[rows == step, 0] += torch.tensor(told)
    return StackExamples(log_ratios=log_ratios.transpose(1, 2), log_weights=torch.zeros(600, 11)), steps


def test_weights_at_a_gap_hold_what_tells_there() -> None:
    seen, steps = drawn_examples()
    (found,) = fit_gap_path(seen, steps, 2, [np.zeros(2)], np.ones(2, bool), [0.01])
    assert found[0, 0] > found[0, 1] + 1
    assert found[1, 1] > found[1, 0] + 1


def test_is_the_fit_of_columns_that_are_zero_at_other_gaps() -> None:
    seen, steps = drawn_examples()
    at = torch.stack([torch.from_numpy(steps == gap) for gap in (1, 2)])
    wide = torch.cat([seen.log_ratios, *(seen.log_ratios * one[:, None, None] for one in at)], dim=1)
    one = fit_weights(
        StackExamples(log_ratios=wide, log_weights=seen.log_weights), np.array([0.15] * 2 + [0.0] * 4), 0.1
    )
    (found,) = fit_gap_path(seen, steps, 2, [np.full(2, 0.15)], np.ones(2, bool), [0.1])
    np.testing.assert_allclose(found, [one[:2] + one[2:4], one[:2] + one[4:]], atol=1e-4)


def test_a_large_l2_strength_leaves_the_weights_of_all_gaps_and_a_column_that_is_not_free_has_none() -> None:
    seen, steps = drawn_examples()
    anchor = np.array([0.3, 0.0])
    weak, strong = fit_gap_path(seen, steps, 2, [anchor, anchor], np.array([True, False]), [0.01, 1e6])
    np.testing.assert_allclose(strong, [anchor] * 2, atol=1e-3)
    assert (weak[:, 1] == 0).all()
    assert abs(weak[0, 0] - weak[1, 0]) > 0.1


USERS, EVENTS, GROUPS, GROUP = 400, 9, 8, 5
N = GROUPS * GROUP


def habits(*, clock: bool = True) -> Platform:
    """Within hours a user takes an item of the group after their last one's; after weeks, of their own group again."""
    rng = np.random.default_rng(7)
    items, times = np.zeros((USERS, EVENTS), np.int32), np.zeros((USERS, EVENTS))
    for user in range(USERS):
        home, at = int(rng.integers(GROUPS)), 1.6e9 + rng.random() * DAY
        group = home
        for place in range(EVENTS):
            soon = place > 0 and rng.random() < 0.5
            group = (group + 1) % GROUPS if soon else home
            at += (3_600 if soon else 30 * DAY) * (1 + rng.random())
            items[user, place], times[user, place] = group * GROUP + rng.integers(GROUP), at
    sequences = Sequences(
        offsets=offsets_of(np.full(USERS, EVENTS)),
        items=items.reshape(-1),
        times=times.reshape(-1) if clock else None,
    )
    return Platform(
        name="habits",
        item_ids=tuple(map(str, range(N))),
        texts=tuple(f"group{item // GROUP} item{item}" for item in range(N)),
        categories=None,
        vectors=None,
        user_ids=tuple(f"u{user}" for user in range(USERS)),
        user_numbers=np.arange(USERS),
        sequences=sequences,
        training_users=np.arange(USERS),
        calibration_users=np.arange(USERS)[::5],
        ordered=True,
        repeats=True,
        split=last_baskets(sequences, 0, np.zeros(USERS)) if clock else None,
    )


@pytest.fixture(scope="module")
def shifting() -> tuple[FittedStacks, Examples]:
    platform = habits()
    stacks = fit_stacks(prepared(platform), {}, {"local": [[]]}, seed=0)
    return stacks, examples(platform, Stage.TEST, np.arange(USERS))


def test_weights_that_shift_are_chosen_where_they_help(shifting: tuple[FittedStacks, Examples]) -> None:
    stacks, tests = shifting
    chosen = stacks.chosen["local"]
    assert chosen.name.startswith("by-gap(")
    assert chosen.by_gap.shape == (4, len(stacks.ensemble.names))
    plain = next(one for one in stacks.candidates if one.name == chosen.name.replace("by-gap", "fitted"))
    shifts, same = rank_all(stacks.ensemble, stacked([chosen.by_gap, plain.by_gap]), tests)
    assert shifts.ndcg.mean() > 1.03 * same.ndcg.mean()
    assert stacks.summary_of("local")["gap_edges"] == list(stacks.ensemble.gaps.edges)
    assert stacks.weights_of("local")[stacks.ensemble.names[0]] == chosen.weights[0]


def test_a_platform_without_times_has_none(shifting: tuple[FittedStacks, Examples]) -> None:
    stacks = fit_stacks(prepared(habits(clock=False)), {}, {"local": [[]]}, seed=0)
    assert stacks.ensemble.gaps.count == 0
    assert not [one.name for one in stacks.candidates if one.at_gaps is not None]
    assert "gap_edges" not in stacks.summary_of("local")


def test_scores_each_history_by_the_weights_at_its_gap(shifting: tuple[FittedStacks, Examples]) -> None:
    stacks, tests = shifting
    weights, ensemble, asked = stacks.chosen["local"].by_gap, stacks.ensemble, tests.histories
    scores, steps = ensemble.served(weights, asked), ensemble.gaps.of(asked)
    assert set(steps) == {1, 2, 3}
    for step in (1, 2, 3):
        rows = torch.from_numpy(np.flatnonzero(steps == step))
        torch.testing.assert_close(scores[rows], ensemble.served(weights[step], asked)[rows], atol=1e-5, rtol=1e-5)
    unknown = replace(asked, times=np.full(len(asked.items), np.nan))
    torch.testing.assert_close(ensemble.served(weights, unknown), ensemble.served(weights[0], unknown))


def test_scorers_without_weight_at_any_gap_are_left_out(shifting: tuple[FittedStacks, Examples]) -> None:
    stacks, tests = shifting
    at_gap = np.array([name.startswith("item-knn") for name in stacks.ensemble.names])
    popular = np.array([name == "popularity" for name in stacks.ensemble.names])
    weights = np.stack([popular, at_gap, at_gap, popular]).astype(np.float64)
    ensemble, kept = stacks.ensemble.used(weights)
    assert {scorer.columns[0].name.partition("@")[0] for scorer in ensemble.raw.scorers} == {"popularity", "item-knn"}
    assert kept.shape == (4, len(ensemble.names))
    torch.testing.assert_close(
        ensemble.served(kept, tests.histories), stacks.ensemble.served(weights, tests.histories), atol=1e-5, rtol=1e-5
    )


def test_what_is_frozen_at_a_cut_keeps_its_gap(shifting: tuple[FittedStacks, Examples]) -> None:
    tests = shifting[1]
    moments = tests.histories.moments
    assert moments is not None
    cut = frozen(tests, float(np.median(moments)))
    assert (cut.histories.moments != moments).any()
    np.testing.assert_allclose(since_last(cut.histories), since_last(tests.histories), atol=1e-3)


def test_a_candidate_whose_weights_are_the_same_at_all_gaps_has_one_row() -> None:
    plain = Candidate(name="fitted(1):computed", weights=np.ones(2))
    assert plain.by_gap.tolist() == [[1, 1]]
    assert replace(plain, at_gaps=np.zeros((3, 2))).by_gap.tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]


def test_a_ensemble_without_gaps_scores_by_the_weights_of_unknown_ones(shifting: tuple[FittedStacks, Examples]) -> None:
    stacks, tests = shifting
    bare = Ensemble(raw=stacks.ensemble.raw, calibrations=stacks.ensemble.calibrations)
    weights = stacks.chosen["local"].by_gap
    torch.testing.assert_close(bare.served(weights, tests.histories), bare.served(weights[0], tests.histories))


def test_earlier_baskets_tell_of_gaps_as_far_as_there_is_room() -> None:
    platform = prepared(habits())
    wide = cross_fit(platform, {}, seed=0)
    assert wide.earlier is not None
    assert len(wide.last.users) == USERS
    assert len(wide.earlier.users) == len(wide.earlier.gaps) == len(wide.earlier.examples) == 2 * USERS
    narrow = cross_fit(platform, {}, seed=0, settings=limited(USERS + 60))
    assert narrow.earlier is not None
    assert len(narrow.earlier.users) == 60
    assert cross_fit(platform, {}, seed=0, settings=limited(USERS)).earlier is None
    # the last ones are drawn as they would be alone
    assert torch.equal(narrow.last.examples.log_ratios, wide.last.examples.log_ratios)


def test_by_gap_weights_stand_at_the_l2_strengths_that_settings_name(shifting: tuple[FittedStacks, Examples]) -> None:
    stacks, _ = shifting
    settings = EnsembleSettings().candidates
    found = [one.name for one in stacks.candidates if one.at_gaps is not None]
    assert found == [
        f"by-gap({l2_strength:g}):computed" for l2_strength in settings.l2_strengths if l2_strength in settings.by_gap
    ]
    assert 0 < len(found) < len(settings.l2_strengths)


def test_earlier_baskets_have_a_part_in_what_weights_shift_by() -> None:
    whole = prepared(habits())
    fit = cross_fit(whole, {}, seed=0)
    names = tuple(column.name for column in fit.folds[0].raw.columns)
    groups = ColumnGroups(names=names, parts={}, content=np.zeros(0, np.int64))
    gaps = Gaps.even(fit.last.gaps, GapSettings())

    def shifts(of: CrossFit) -> list[Candidate]:
        made = StackCandidates(of, groups, {}, USERS, EnsembleSettings().candidates, gaps)
        return [one for one in made.of([]) if one.at_gaps is not None]

    with_them, alone = shifts(fit), shifts(replace(fit, earlier=None))
    for one, other in zip(with_them, alone, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
        assert np.abs(one.by_gap - other.by_gap).max() > 1e-3


def limited(examples: int) -> EnsembleSettings:
    return EnsembleSettings(cross_fit=CrossFitSettings(examples=examples))


def test_trained_parts_that_have_seen_users_keep_their_weights_at_all_gaps() -> None:
    whole = prepared(habits())
    platform = whole.platform
    scorer = fit_on(whole, platform.training_users).scorers["item_knn"]
    parts = {
        name: Trained(scorers=(Named(prefix=name, scorer=scorer),), unseen=unseen)
        for name, unseen in (("own", platform.calibration_users), ("received", platform.training_users))
    }
    stacks = fit_stacks(whole, parts, {"local": [["received", "own"]]}, seed=0)
    found = {one.name: one for one in stacks.candidates}
    shifting, plain = (found[f"{name}(0.03):computed+received+own"] for name in ("by-gap", "fitted"))
    own, received = (
        np.array([name.startswith(part) for name in stacks.ensemble.names]) for part in ("own:", "received:")
    )
    np.testing.assert_array_equal(shifting.weights, plain.weights)
    np.testing.assert_allclose(shifting.by_gap[:, own], np.tile(plain.weights[own], (4, 1)))
    assert np.ptp(shifting.by_gap[1:, received], axis=0).max() > 1e-3
