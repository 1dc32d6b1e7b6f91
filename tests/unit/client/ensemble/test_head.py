from dataclasses import replace

import numpy as np
import pytest
import torch

from client.data.held_out import Stage
from client.data.platform import examples
from client.ensemble.cross_fitting import fit_on
from client.ensemble.ensemble import Ensemble, RawEnsemble
from client.ensemble.fitting import fit_stacks
from client.ensemble.gaps import Gaps
from client.ensemble.head import RankingHead
from client.store.head_store import HeadStore, StoredRecord
from shared.errors import HeadStoreError
from tests.unit.client.recommender.world import prepared, small_platform


@pytest.fixture(scope="module")
def fitted():
    platform = small_platform()
    return platform, fit_stacks(prepared(platform), {}, {"stack": [[]]}, seed=0)


def test_ranks_after_a_restart_as_before(fitted, tmp_path):
    platform, stacks = fitted
    histories = examples(platform, Stage.TEST, np.arange(platform.n_users)).histories
    head = RankingHead.chosen(stacks, "stack")
    before = stacks.ensemble.served(head.weights, histories)
    HeadStore(tmp_path).write("ranking", head.to_stored())
    afresh = fit_on(prepared(platform), platform.training_users)
    raw = RawEnsemble(scorers=tuple(afresh.scorers.values()), n_items=platform.n_items, repeats=platform.repeats)
    read = RankingHead.from_stored(HeadStore(tmp_path).read("ranking"))
    after = Ensemble(raw=raw, calibrations=read.calibrations).served(read.weights, histories)
    assert torch.equal(before, after)
    assert torch.isneginf(after).any()


@pytest.mark.parametrize(
    "change",
    [
        {"arrays": {}},
        {"arrays": {"weights": np.zeros(1)}},
        {"arrays": {"weights": np.full(99, np.nan)}},
        {"facts": {"columns": 3, "calibrations": []}},
        {"facts": {"columns": ["a"], "calibrations": [{}]}},
    ],
)
def test_refuses_a_record_of_another_kind(fitted, change):
    good = RankingHead.chosen(fitted[1], "stack").to_stored()
    with pytest.raises(HeadStoreError):
        RankingHead.from_stored(StoredRecord(**{"arrays": good.arrays, "facts": good.facts, **change}))


def test_scores_the_same_by_those_scorers_alone_that_have_a_weight(fitted):
    platform, stacks = fitted
    weights = np.where([name.startswith(("item-knn", "popularity")) for name in stacks.ensemble.names], 0.3, 0.0)
    ensemble, kept = stacks.ensemble.used(weights)
    histories = examples(platform, Stage.TEST, np.arange(9)).histories
    assert 0 < len(ensemble.raw.scorers) < len(stacks.ensemble.raw.scorers)
    assert len(ensemble.names) == len(kept) == len(ensemble.calibrations)
    assert torch.allclose(ensemble.served(kept, histories), stacks.ensemble.served(weights, histories), atol=1e-5)


def test_keeps_weights_that_shift_with_the_gap(fitted, tmp_path):
    stacks = fitted[1]
    rows = np.random.default_rng(1).normal(size=(4, len(stacks.ensemble.names)))
    gaps = Gaps(edges=(3_600.0, 86_400.5))
    head = RankingHead.of(replace(stacks.ensemble, gaps=gaps), rows)
    HeadStore(tmp_path).write("ranking", head.to_stored())
    read = RankingHead.from_stored(HeadStore(tmp_path).read("ranking"))
    np.testing.assert_array_equal(read.by_gap, rows)
    assert read.gaps == gaps


def test_opens_a_record_of_before_weights_could_shift(fitted):
    stored = RankingHead.chosen(fitted[1], "stack").to_stored()
    assert set(stored.facts) == {"columns", "calibrations"}
    read = RankingHead.from_stored(stored)
    assert read.gaps.count == 0
    assert read.by_gap.shape == (1, len(read.names))


@pytest.mark.parametrize(
    ("rows", "edges"),
    [(3, [1.0, 2.0]), (4, [2.0, 1.0]), (4, [1.0, float("nan")]), (2, []), (4, "a")],
    ids=["rows are missing", "edges fall", "an edge is no number", "no gaps", "no edges"],
)
def test_refuses_weights_that_do_not_fit_their_gaps(fitted, rows, edges):
    good = RankingHead.chosen(fitted[1], "stack").to_stored()
    weights = np.zeros((rows, len(fitted[1].ensemble.names)))
    with pytest.raises(HeadStoreError):
        RankingHead.from_stored(StoredRecord(arrays={"weights": weights}, facts={**good.facts, "gap_edges": edges}))
