"""A shortlist and a sample stand for the catalogue: what they tell is near what the whole of it tells."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from client.data.held_out import Stage
from client.data.platform import Examples, examples
from client.data.sequences import Sequences
from client.ensemble.ensemble import Ensemble
from client.ensemble.ensemble_settings import DEFAULT, EnsembleSettings, ShortlistSettings
from client.ensemble.fitting import FittedStacks, fit_stacks, rank_all
from client.ensemble.shortlist import Shortlist, shortlist_of
from client.ensemble.shortlist_ranks import ranks_among
from client.scorers.lookups import DenseLookup, Hidden
from tests.unit.client.recommender.world import N_ITEMS, prepared, small_platform

N = 200
HIDDEN = Sequences(offsets=np.array([0, 3, 3]), items=np.array([5, 5, 190], np.int32))
WANTED = Sequences(offsets=np.array([0, 1, 3]), items=np.array([150, 0, 199], np.int32))


def two_shortlists(offers: int = 10) -> Shortlist:
    scores = torch.stack([torch.arange(N).flip(0), torch.arange(N)]).float()  # the first items, and the last, are best
    hidden = Hidden(HIDDEN, N)
    sample = np.arange(0, N, 7)
    return shortlist_of([DenseLookup(scores, hidden), DenseLookup(scores, hidden)], hidden, WANTED, sample, offers)[0]


def test_what_is_looked_at_stands_for_every_item_that_may_be_recommended() -> None:
    shortlist = two_shortlists()
    assert torch.allclose(shortlist.weights.sum(1), torch.tensor([N - 2.0, N]))
    assert shortlist.offered.sum(1).tolist() == [10, 10]
    for items, weights in zip(shortlist.items, shortlist.weights, strict=True):
        counted = items[weights > 0]
        assert len(counted.unique()) == len(counted)


def test_hidden_items_stand_for_nothing_and_what_is_asked_about_for_itself() -> None:
    shortlist = two_shortlists()
    first = shortlist.items[0][shortlist.weights[0] > 0].tolist()
    assert not {5, 190} & set(first)
    places = shortlist.places(WANTED)
    owners = torch.from_numpy(WANTED.owners())
    assert shortlist.items[owners, places].tolist() == WANTED.items.tolist()
    assert shortlist.weights[owners, places].tolist() == [1, 1, 1]
    assert shortlist.offered[owners, places].tolist() == [False, False, True]


def test_an_item_that_is_not_looked_at_has_no_place() -> None:
    absent = Sequences(offsets=np.array([0, 1, 1]), items=np.array([190], np.int32))
    assert two_shortlists().places(absent).tolist() == [-1]


def test_a_rank_counts_what_each_better_item_stands_for_and_no_list_holds_what_nobody_offered() -> None:
    shortlist = two_shortlists()
    scores = -shortlist.items.float()  # the first items are best for both
    scores[shortlist.weights == 0] = -torch.inf
    asked = Examples(users=np.arange(2), histories=HIDDEN, targets=np.array([150, 0], np.int32), baskets=WANTED)
    first, zero, last = ranks_among(scores, shortlist, asked, shortlist.places(WANTED))
    assert first == pytest.approx(150, rel=0.1)  # of 198, 149 are better
    assert zero == 11  # the best of all, but offered by nobody: behind the ten that were
    assert last == pytest.approx(N, rel=0.05)


def fitted(settings: EnsembleSettings) -> FittedStacks:
    return fit_stacks(prepared(small_platform()), {}, {"stack": [[]]}, seed=0, settings=settings)


EVERYTHING = replace(DEFAULT, shortlist=ShortlistSettings(whole_up_to=0, offers=N_ITEMS, sample=N_ITEMS))
FEW = replace(DEFAULT, shortlist=ShortlistSettings(whole_up_to=0, offers=5, sample=15))


def views_of(stacks: FittedStacks, settings: EnsembleSettings) -> tuple[Shortlist, torch.Tensor]:
    platform = small_platform()
    held_out = examples(platform, Stage.TEST, np.arange(platform.n_users))
    ensemble: Ensemble = replace(stacks.ensemble, raw=replace(stacks.ensemble.raw, settings=settings))
    view = ensemble.raw.view(held_out.histories, held_out.relevant)
    return view.shortlist, ensemble.log_ratios(view)


def test_log_ratios_are_exact_where_every_item_is_offered_and_near_where_few_are() -> None:
    stacks = fitted(DEFAULT)
    whole = views_of(stacks, DEFAULT)[1]
    for settings, most in ((EVERYTHING, 1e-3), (FEW, 0.25)):
        shortlist, log_ratios = views_of(stacks, settings)
        expected = whole.gather(2, shortlist.items.expand(len(whole), -1, -1))
        off = (log_ratios - expected).abs()[:, shortlist.weights > 0]
        assert float(off.mean()) < most


def test_a_fit_by_shortlists_ranks_as_the_whole_one_does() -> None:
    platform = small_platform()
    held_out = examples(platform, Stage.TEST, np.arange(platform.n_users))
    means = []
    for settings in (DEFAULT, EVERYTHING, FEW):
        stacks = fitted(settings)
        (ranking,) = rank_all(stacks.ensemble, stacks.chosen["stack"].weights[None], held_out)
        means.append(ranking.ndcg.mean())
    assert means[1] == pytest.approx(means[0], abs=0.02)
    assert means[2] == pytest.approx(means[0], abs=0.05)


def test_lists_hold_offered_items_alone() -> None:
    stacks = fitted(FEW)
    platform = small_platform()
    held_out = examples(platform, Stage.TEST, np.arange(platform.n_users))
    (ranking,) = rank_all(stacks.ensemble, stacks.chosen["stack"].weights[None], held_out)
    view = stacks.ensemble.raw.view(held_out.histories, held_out.relevant)
    assert ranking.outside is not None
    assert ranking.share_outside == ranking.outside.mean() < 0.5
    for row, recommended in enumerate(ranking.recommended[:20]):
        assert set(recommended) <= set(view.shortlist.items[row][view.shortlist.offered[row]].tolist())
