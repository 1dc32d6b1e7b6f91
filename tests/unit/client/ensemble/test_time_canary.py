"""An item that is popular only after the cut stays at chance under a whole fitted stack, until it is popular.

30 items are each met around an hour of their own, so that what was met lately tells what comes next. Nobody meets the
other 21, which have no text, before the first cut or until an hour after the second; from then on most users meet one
of them, the canary. At chance: what any of the others has, none of which is ever met.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from client.data.held_out import Stage, after_cuts
from client.data.platform import Examples, Platform, examples, some
from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.ensemble.fitting import FittedStacks, fit_stacks
from client.evaluation.ranking import rank_scores
from tests.unit.client.recommender.world import prepared

HOUR = 3_600.0
USERS, EVENTS, MET, NEVER = 160, 12, 30, 20
CANARY = MET + NEVER
N = CANARY + 1
VALIDATION_FROM, TEST_FROM, RISES, END = 72 * HOUR, 84 * HOUR, 90 * HOUR, 96 * HOUR


def shop(*, canary: bool = True) -> Platform:
    """Without a canary, users meet any of the 30 items in the last hours."""
    rng = np.random.default_rng(4)
    times = np.sort(rng.random((USERS, EVENTS)) * END, axis=1)
    items = np.zeros((USERS, EVENTS), np.int32)
    for user in range(USERS):
        for place, time in enumerate(times[user]):
            near = np.exp(-((np.arange(MET) * END / MET - time) ** 2) / (2 * (4 * HOUR) ** 2))
            near[items[user, :place][items[user, :place] < MET]] = 0
            items[user, place] = rng.choice(MET, p=near / near.sum())
    late = times >= RISES
    if canary:
        first = late & (np.cumsum(late, axis=1) == 1)
        items[first & (rng.random(USERS) < 0.8)[:, None]] = CANARY
    else:
        items[times >= TEST_FROM] = rng.integers(0, MET, (times >= TEST_FROM).sum())
    sequences = Sequences(
        offsets=offsets_of(np.full(USERS, EVENTS)), items=items.reshape(-1), times=times.reshape(-1) + 1.6e9
    )
    cuts = (1.6e9 + VALIDATION_FROM, 1.6e9 + TEST_FROM)
    return Platform(
        name="shop",
        item_ids=tuple(map(str, range(N))),
        texts=tuple(f"group{item // 6} item{item}" if item < MET else "" for item in range(N)),
        categories=None,
        vectors=None,
        user_ids=tuple(f"u{user}" for user in range(USERS)),
        user_numbers=np.arange(USERS),
        sequences=sequences,
        training_users=np.arange(USERS),
        calibration_users=np.arange(USERS)[::5],
        ordered=True,
        repeats=False,
        split=after_cuts(sequences, 0, *cuts),
    )


def fitted(platform: Platform) -> FittedStacks:
    return fit_stacks(prepared(platform), {}, {"local": [[]]}, seed=0)


@dataclass(frozen=True)
class Fit:
    stacks: FittedStacks
    tests: Examples

    @property
    def moments(self) -> NDArray[np.float64]:
        found = self.tests.histories.moments
        assert found is not None
        return found - 1.6e9

    def scores(self, tests: Examples, *, fitted: bool = True) -> torch.Tensor:
        """[B, n] of what is served, or of all columns alike, whatever weight they were given."""
        weights = self.stacks.chosen["local"].by_gap
        return self.stacks.ensemble.served(weights if fitted else np.full(weights.shape[1], 0.15), tests.histories)


@pytest.fixture(scope="module")
def fit() -> Fit:
    platform = shop()
    return Fit(fitted(platform), examples(platform, Stage.TEST, np.arange(USERS)))


def frozen(tests: Examples, moment: float) -> Examples:
    """As of a moment, whatever came between it and what is predicted."""
    moments = np.full(len(tests), 1.6e9 + moment)
    return replace(tests, histories=replace(tests.histories, moments=moments))


def first_meeting(fit: Fit) -> float:
    """When the canary was met first."""
    return float(fit.moments[fit.tests.targets == CANARY].min())


def gap_to_chance(scores: torch.Tensor) -> float:
    """Of the canary's scores to those of items that are never met, which have all the same."""
    never = scores[:, MET:CANARY]
    assert (never.max(1).values - never.min(1).values).max() < 1e-4
    return float((scores[:, CANARY] - never[:, 0]).abs().max())


def test_it_is_popular_and_what_was_met_lately_has_weight(fit: Fit) -> None:
    assert (fit.tests.targets == CANARY).sum() > 0.4 * USERS
    weights = fit.stacks.weights_of("local")
    assert sum(weight for name, weight in weights.items() if name.startswith("recent@")) > 0


@pytest.mark.parametrize("fitted", [True, False])
@pytest.mark.parametrize("moment", [VALIDATION_FROM, TEST_FROM])
def test_is_at_chance_where_statistics_are_frozen_at_a_cut(fit: Fit, moment: float, fitted: bool) -> None:
    scores = fit.scores(frozen(fit.tests, moment), fitted=fitted)
    fresh = scores[:, CANARY] > -torch.inf
    assert fresh.sum() > 0.9 * len(fit.tests) - (fit.moments > first_meeting(fit)).sum()
    assert gap_to_chance(scores[fresh]) < 1e-4
    ranking = rank_scores(scores, fit.tests)
    assert CANARY not in ranking.recommended[:, :5]
    wanted = fit.tests.targets == CANARY
    assert ranking.ndcg[wanted].mean() < 0.1
    # frozen at the end of the log it would not be
    late = fit.scores(frozen(fit.tests, END), fitted=fitted)
    assert gap_to_chance(late[late[:, CANARY] > -torch.inf]) > 1


@pytest.mark.parametrize("fitted", [True, False])
def test_is_at_chance_for_every_event_before_it_is_popular(fit: Fit, fitted: bool) -> None:
    early = np.flatnonzero(fit.moments <= first_meeting(fit))
    assert len(early) > 50
    assert gap_to_chance(fit.scores(some(fit.tests, early), fitted=fitted)) < 1e-4


def test_is_listed_live_once_it_is_popular(fit: Fit) -> None:
    late = some(fit.tests, np.flatnonzero((fit.moments > RISES + 2 * HOUR) & (fit.tests.targets == CANARY)))
    assert len(late) > 10
    ranking = rank_scores(fit.scores(late), late)
    # beside the four or so that are met around then, as all others are around a time of theirs
    assert np.median(ranking.ranks) <= 5


def test_nothing_that_is_chosen_knows_of_what_comes_after_the_cuts(fit: Fit) -> None:
    other = fitted(shop(canary=False))
    assert other.ensemble.names == fit.stacks.ensemble.names
    assert other.ensemble.calibrations == fit.stacks.ensemble.calibrations
    assert other.chosen["local"].name == fit.stacks.chosen["local"].name
    assert other.chosen["local"].by_gap.tolist() == fit.stacks.chosen["local"].by_gap.tolist()
    assert other.ensemble.gaps == fit.stacks.ensemble.gaps
    assert other.whole_list.tolist() == fit.stacks.whole_list.tolist()
