"""The lift of a run's figures over others on the same users, who may have been ranked under several seeds."""

import numpy as np
import polars as pl

from client.evaluation.lift import Interval, paired_lift


def lift_over_users(pairs: pl.DataFrame, rng: np.random.Generator) -> Interval | None:
    """Each user's values are first averaged over the seeds.

    Args:
        pairs: columns ``user``, ``method`` and ``baseline``, a row for each user and seed.
        rng: draws the resamples of users.

    Returns:
        mean and 95 % interval of the lift of ``method`` over ``baseline``, in percent; None where the baseline's mean
        is 0 or there are no users.
    """
    users = pairs.group_by("user").agg(pl.col("method").mean(), pl.col("baseline").mean()).sort("user")
    return paired_lift(users["method"].to_numpy(), users["baseline"].to_numpy(), rng)
