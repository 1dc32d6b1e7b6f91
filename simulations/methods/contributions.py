"""What ``federated`` reaches on one platform as each platform is left out of its encoder.

As a run without that platform would have it: calibrated, weighed and chosen anew with each encoder
(docs/decisions/0058).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples
from client.ensemble.candidates import OWN_PART
from client.ensemble.fitting import fit_stacks, rank_all, with_trained
from client.ensemble.gaps import stacked
from client.evaluation.ranking import by_user
from client.fitting.platform_fit import PlatformFit
from client.transfer.feature import feature_part
from client.transfer.method import ReceivedEncoder, beside_own
from client.transfer.table import possible
from shared.encoder.encoder import Encoder


def ndcg_without(fit: PlatformFit, left_out: Mapping[str, Encoder], tests: Examples) -> dict[str, NDArray[np.float64]]:
    """NDCG@10 of each test user by left-out platform.

    One ensemble holds all encoders, so that what their stacks have in common is fitted and scored once.

    Args:
        fit: of the platform, trained; what it trains alone is not trained again.
        left_out: by platform, the encoder in which it took no part.
        tests: the test examples of U users.

    Returns:
        [U] by platform.
    """
    prepared = fit.prepared
    encoders = {
        name: ReceivedEncoder(encoder=encoder, seen=name != prepared.name) for name, encoder in left_out.items()
    }
    parts = {
        f"without-{name}": feature_part(f"without-{name}", received, prepared) for name, received in encoders.items()
    }
    own = {name: part for name, part in fit.trained.items() if name == OWN_PART}
    trained = {**parts, **own}
    stacks = fit_stacks(
        prepared,
        trained,
        possible({part: beside_own(part) for part in parts}, trained),
        seed=fit.seed,
        scorers=fit.scorers,
        settings=fit.components.ensemble,
    )
    stacks = with_trained(stacks, own, {name: fit.served[name] for name in own})
    rankings = rank_all(stacks.ensemble, stacked([stacks.chosen[part].by_gap for part in parts]), tests)
    return {name: by_user(ranking.ndcg, tests.users) for name, ranking in zip(left_out, rankings, strict=True)}
