"""Where time is cut, what is counted once and for all ends where each stretch begins: weights, choice, test."""

import numpy as np
from numpy.typing import NDArray

from client.data.held_out import Stage
from client.data.platform import examples
from client.ensemble.baselines import tune_popularity, tuned_baseline
from client.ensemble.cross_fitting import cross_fit, fit_on
from client.ensemble.ensemble import Ensemble, RawEnsemble
from client.ensemble.fitting import fit_stacks, rank_all
from client.evaluation.ranking import by_user, ndcg_of, rank
from client.scorers.popularity import Popularity
from client.scorers.scorer import HistoryBatch
from client.scorers.table import SCORERS
from tests.unit.client.ensemble.test_time_canary import TEST_FROM, USERS, VALIDATION_FROM, N, shop
from tests.unit.client.recommender.world import prepared

PLATFORM = shop(canary=False)
ALONE = {"popularity": SCORERS["popularity"]}


def met(before: float, users: NDArray[np.int64]) -> list[float]:
    """[n] how many of the users met each item before an hour."""
    found = PLATFORM.sequences
    rows = np.isin(found.owners(), users) & (found.clock < 1.6e9 + before)
    pairs = np.unique(np.stack([found.owners()[rows], found.items[rows]]), axis=1)
    return np.bincount(pairs[1], minlength=N).astype(float).tolist()


def test_weights_are_told_by_counts_of_before_their_stretch() -> None:
    fit = cross_fit(prepared(PLATFORM), {}, seed=0, scorers=ALONE)
    first = float(PLATFORM.sequences.clock.min()) - 1.6e9
    begin = VALIDATION_FROM - (VALIDATION_FROM - first) / 2
    for fold in fit.folds:
        (scorer,) = fold.raw.scorers
        others = np.setdiff1d(PLATFORM.training_users, fold.users)
        assert isinstance(scorer, Popularity)
        asked = examples(PLATFORM, Stage.TRAIN, fold.users)
        shown = scorer.score(HistoryBatch(asked.histories, N))[0][0]
        assert shown.tolist() == met(begin, others)
        assert (asked.histories.moments >= 1.6e9 + begin).all()


def test_a_choice_is_made_by_counts_of_before_validation_and_the_test_has_those_of_before_it() -> None:
    small = prepared(PLATFORM)
    stacks = fit_stacks(small, {}, {"local": [[]]}, seed=0, scorers=ALONE)
    (scorer,) = stacks.ensemble.raw.scorers
    tests = examples(PLATFORM, Stage.TEST, np.arange(USERS))
    assert scorer.score(HistoryBatch(tests.histories, N))[0][0].tolist() == met(TEST_FROM, np.arange(USERS))
    held_out = examples(PLATFORM, Stage.VALIDATION, PLATFORM.selection_users)
    before = fit_on(small, PLATFORM.training_users, ALONE, Stage.VALIDATION)
    assert np.asarray(before.statistics["popularity"]).tolist() == met(VALIDATION_FROM, np.arange(USERS))
    raw = RawEnsemble(scorers=tuple(before.scorers.values()), n_items=N, repeats=False)
    ensemble = Ensemble(raw=raw, calibrations=stacks.ensemble.calibrations)
    weights = np.stack([candidate.weights for candidate in stacks.candidates])
    expected = [by_user(one.ndcg, one.users) for one in rank_all(ensemble, weights, held_out)]
    np.testing.assert_allclose(stacks.validation, expected)


def test_a_baseline_is_tuned_and_tested_likewise() -> None:
    small = prepared(PLATFORM)
    found = tuned_baseline(tune_popularity, small, seed=0)
    assert found is not None
    held_out = examples(PLATFORM, Stage.VALIDATION, PLATFORM.training_users)
    shown = found.scorer.score(HistoryBatch(held_out.histories, N))[0][0]
    assert shown.tolist() == met(TEST_FROM, np.arange(USERS))
    before = fit_on(small, PLATFORM.training_users, ALONE, Stage.VALIDATION).scorers["popularity"]
    ranking = rank(lambda asked: before.score(HistoryBatch(asked, N))[0], held_out, n_items=N, repeats=False)
    assert found.validation == float(ndcg_of(ranking.ranks[None], held_out.sizes).mean())
