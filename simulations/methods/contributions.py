"""Leave-one-out contributions on one platform: what ``federated`` loses as each platform is left out of its encoder.

The stack stays as it was calibrated and weighed with the encoder of all, so every figure differs in the encoder alone
(docs/decisions/0058).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples
from client.ensemble.ensemble import Ensemble
from client.ensemble.fitting import FittedStacks, rank_all
from client.evaluation.ranking import by_user
from client.features.prepared_platform import PreparedPlatform
from client.scorers.scorer import Scorer
from client.transfer.feature import FEDERATED, feature_part
from client.transfer.method import ReceivedEncoder
from shared.encoder.encoder import Encoder

Float64 = NDArray[np.float64]


def ndcg_without(
    stacks: FittedStacks, prepared: PreparedPlatform, left_out: Mapping[str, Encoder], tests: Examples
) -> tuple[Float64, dict[str, Float64]]:
    """NDCG@10 of each test user under the stack of ``federated``, with its encoder and with each of the others.

    Args:
        stacks: as they were fitted.
        prepared: the platform.
        left_out: by platform, the encoder in which it took no part.
        tests: the test examples of U users.

    Returns:
        [U] with the encoder of all, and [U] by platform without it.
    """
    ensemble, weights = stacks.ensemble.used(stacks.chosen[FEDERATED.name].by_gap)
    others = {name: _scorers(encoder, prepared) for name, encoder in left_out.items()}
    ensemble, all_weights = _beside(ensemble, weights, list(others.values()))
    ndcg, *without = (by_user(ranking.ndcg, tests.users) for ranking in rank_all(ensemble, all_weights, tests))
    return ndcg, dict(zip(others, without, strict=True))


def _scorers(encoder: Encoder, prepared: PreparedPlatform) -> tuple[Scorer, ...]:
    return feature_part(FEDERATED.part, ReceivedEncoder(encoder=encoder, seen=True), prepared).scorers


def _beside(ensemble: Ensemble, weights: Float64, parts: list[tuple[Scorer, ...]]) -> tuple[Ensemble, Float64]:
    """One ensemble with the columns of several encoders, so that what their stacks have in common is scored once.

    Args:
        ensemble: of R columns, those of the encoder of all among them.
        weights: [G, R] of its stack.
        parts: of each further encoder the scorers; their columns have the names of those of the encoder of all.

    Returns:
        The ensemble of S columns, and weights [1 + len(parts), G, S]: of the stack as it is, then of the same stack
        with each further encoder in the place of that of all.
    """
    places = {name: place for place, name in enumerate(ensemble.names)}
    used = [[scorer for scorer in part if scorer.columns[0].name in places] for part in parts]
    further = [scorer for part in used for scorer in part]
    replaced = [places[column.name] for scorer in further for column in scorer.columns]
    beside = np.zeros((1 + len(parts), len(weights), len(places) + len(replaced)))
    beside[..., : len(places)] = weights
    begin = len(places)
    for row, part in enumerate(used, start=1):
        taken = [places[column.name] for scorer in part for column in scorer.columns]
        beside[row, :, begin : begin + len(taken)] = weights[:, taken]
        beside[row][:, taken] = 0
        begin += len(taken)
    raw = replace(ensemble.raw, scorers=(*ensemble.raw.scorers, *further))
    calibrations = (*ensemble.calibrations, *(ensemble.calibrations[place] for place in replaced))
    return replace(ensemble, raw=raw, calibrations=calibrations), beside
