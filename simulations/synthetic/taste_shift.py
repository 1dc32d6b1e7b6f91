"""A taste shift: from a moment on, other topics are in fashion with all users of a platform. K topics."""

from dataclasses import replace

from shared.seeding import rng_for
from simulations.synthetic.world import PlatformTruth


def shifted(truth: PlatformTruth, strength: float, seed: int) -> PlatformTruth:
    """The platform after the shift.

    Args:
        truth: before it.
        strength: spread of what a topic gains or loses in log popularity; 0 changes nothing.
        seed: of which topics gain.

    Returns:
        The same users and items, as much alike in all else.
    """
    rng = rng_for(seed, "taste shift", truth.plan.name)
    fashion = strength * rng.normal(size=len(truth.successors))
    return replace(truth, popularity=truth.popularity + truth.topics @ fashion)
