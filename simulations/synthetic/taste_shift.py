"""Fashion: topics that all users of a platform like more than others, until the fashion turns. K topics."""

from dataclasses import replace

import numpy as np

from shared.seeding import rng_for
from simulations.synthetic.world import PlatformTruth


def in_fashion(truth: PlatformTruth, strength: float, seed: int) -> tuple[PlatformTruth, PlatformTruth]:
    """A platform before and after a taste shift: what a topic gained by fashion another one gains then.

    The topics take over from one another in a circle, so that the fashion is as strong as before and as easy to learn.

    Args:
        truth: the platform without a fashion.
        strength: spread of what a topic gains or loses in log popularity.
        seed: of which topics are in fashion, and which follow them.

    Returns:
        The same users and items, before and after.
    """
    rng = rng_for(seed, "taste shift", truth.plan.name)
    topics = len(truth.successors)
    fashion, circle, later = strength * rng.normal(size=topics), rng.permutation(topics), np.empty(topics)
    later[circle] = fashion[np.roll(circle, 1)]
    before, after = (replace(truth, popularity=truth.popularity + truth.topics @ gains) for gains in (fashion, later))
    return before, after
