"""Who helps whom through the linear part: what a platform's validation loses when another's moments are left out.

Moments add up, so the encoder of a federation without one platform is exact and takes a solve, no round.
"""

from collections.abc import Mapping

import numpy as np
import torch

from client.data.platform import Sequences, Stage, examples
from client.evaluation.ranking import ranks_by_column, whole_ndcg_of
from client.features.prepared_platform import PreparedPlatform
from client.scorers.encoder_scorers import Linear
from client.scorers.scorer import HistoryBatch
from client.transfer.method import unseen_by_rounds
from shared.encoder.encoder import Encoder
from shared.encoder.linear import Moments, solve_all
from shared.seeding import rng_for

MAX_USERS = 500


def leave_one_out(
    opened: Mapping[str, PreparedPlatform], start: Encoder, moments: Mapping[str, Moments], *, ridge: float, seed: int
) -> dict[str, dict[str, float]]:
    """Helper to helped to the lift, in percent, of the linear part of all over the one without the helper.

    Measured by NDCG without a cutoff on the validation events of users of the helped platform whose events are in
    nobody's moments. A platform's own moments stand on the diagonal. Empty where fewer than two platforms sent any.
    """
    if len(moments) < 2:
        return {}
    without = {name: {other: one for other, one in moments.items() if other != name} for name in moments}
    encoders = [start.with_linear(solve_all(some, ridge=ridge)) for some in (moments, *without.values())]
    lifts: dict[str, dict[str, float]] = {name: {} for name in moments}
    for helped, one in opened.items():
        everybody, *others = _whole_list_ndcg(one, encoders, seed)
        for helper, left_out in zip(moments, others, strict=True):
            if left_out > 0:
                lifts[helper][helped] = 100 * (everybody / left_out - 1)
    return lifts


def _whole_list_ndcg(one: PreparedPlatform, encoders: list[Encoder], seed: int) -> list[float]:
    """The mean for each encoder's linear part, on the platform's users whom it has not seen."""
    platform = one.platform
    users = rng_for(seed, platform.name, "who-helps").permutation(unseen_by_rounds(platform))[:MAX_USERS]
    held_out = examples(platform, Stage.VALIDATION, np.sort(users))
    scorers = [Linear(encoder.linear(), one.features) for encoder in encoders]

    def score(histories: Sequences) -> list[torch.Tensor]:
        batch = HistoryBatch(histories, platform.n_items)
        return [scorer.score(batch)[0] for scorer in scorers]

    ranks = ranks_by_column(score, held_out, len(scorers), n_items=platform.n_items, repeats=platform.repeats)
    return [float(found) for found in whole_ndcg_of(ranks).mean(1)]
