"""Cold start in a run: users who have just come, items that nobody has met, a platform in its beginnings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from client.data.held_out import Stage
from client.data.platform import Examples, Platform, examples, frozen, joined, latest, training_sequences
from client.data.preparation import with_training_users
from client.evaluation.ranking import Ranking
from client.features.prepared_platform import PreparedPlatform
from shared.seeding import rng_for
from simulations.results.outcomes import BEGINNING, WHOLE_HISTORY, ColdStart

LENGTHS = (1, 2, 3)
"""Events of a user who has just come."""
MAX_SHORTENED = 200
"""Test users whose histories are shortened."""
TRAINING_USERS = (10, 30, 100, 300)
"""Of a platform in its beginnings."""


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldOut:
    """What is ranked on a platform: N test examples, then S of them again at each of ``LENGTHS``.

    Where time is cut, all N follow once more, with what is counted frozen at the cut.
    """

    tests: Examples
    """[N]"""
    shortened: NDArray[np.int64]
    """[S] rows of ``tests``, of users with more events than any of ``LENGTHS``"""
    everything: Examples
    """[N + 3 S], or [2 N + 3 S]"""
    target_events: NDArray[np.int64]
    """[N] training events of the target"""

    @classmethod
    def of(cls, platform: Platform, seed: int) -> "HeldOut":
        """All test events of a platform, and histories that are shortened.

        Args:
            platform: whose test events are ranked.
            seed: draws who is shortened, which does not depend on who is trained on.

        Returns:
            What is ranked.
        """
        tests = examples(platform, Stage.TEST, np.arange(platform.n_users))
        long = np.flatnonzero(tests.histories.lengths() > max(LENGTHS))
        shortened = np.sort(rng_for(seed, "shortened-histories").permutation(long)[:MAX_SHORTENED])
        cut = platform.held_out.frozen_at
        as_frozen = [] if cut is None else [frozen(tests, cut)]
        met = training_sequences(platform, platform.training_users).items
        return cls(
            tests=tests,
            shortened=shortened,
            everything=joined([tests, *(latest(tests, shortened, length) for length in LENGTHS), *as_frozen]),
            target_events=np.bincount(met, minlength=platform.n_items)[tests.targets],
        )

    @property
    def first(self) -> NDArray[np.int64]:
        """[U] place among ``tests`` of each user's first."""
        return np.unique(self.tests.users, return_index=True)[1]

    def cold_start_of(self, ranking: Ranking) -> ColdStart:
        """What a ranking says of new users and new items; nothing of new users where only ``tests`` were ranked."""
        by_history = {}
        if len(ranking.users) == len(self.everything):
            end = len(self.tests) + len(LENGTHS) * len(self.shortened)
            rest = ranking.ndcg[len(self.tests) : end].reshape(len(LENGTHS), -1)
            by_history = {str(length): values for length, values in zip(LENGTHS, rest, strict=True)}
            by_history[WHOLE_HISTORY] = ranking.ndcg[self.shortened]
        return ColdStart(by_history=by_history, target_events=self.target_events[self.first])

    def frozen_ndcg(self, ranking: Ranking) -> NDArray[np.float64] | None:
        """[N] NDCG@10 with what is counted frozen at the cut; None where it was not ranked so."""
        begin = len(self.tests) + len(LENGTHS) * len(self.shortened)
        whole = begin < len(self.everything) == len(ranking.users)
        return ranking.ndcg[begin:] if whole else None


def beginnings(prepared: PreparedPlatform, seed: int) -> Iterator[PreparedPlatform]:
    """The platform at each of ``TRAINING_USERS`` below its own number, where they have an event to learn weights from.

    Test users and catalogue are the same as the platform's own; its clicks stay away.

    Args:
        prepared: the platform.
        seed: draws the users who are trained on.

    Returns:
        The platforms, by growing number of training users.
    """
    for count in TRAINING_USERS:
        if count < len(prepared.platform.training_users):
            name = f"{prepared.name}{BEGINNING}{count}"
            platform = with_training_users(prepared.platform, count, name=name, seed=seed)
            if len(examples(platform, Stage.TRAIN, platform.training_users)):
                yield replace(prepared, platform=platform)
