"""Transfer method ``feature``: an encoder as it came; calibration and weights are the platform's own.

So are used, too, the encoder after rounds, the pooled one, and the one that was served until now.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from client.data.platform import training_sequences
from client.ensemble.cross_fitting import Trained
from client.features.prepared_platform import PreparedPlatform
from client.scorers.encoder_scorers import KeptEncoder
from client.scorers.scorer import HistoryBatch
from client.training.moments import DECAY
from client.transfer.method import Method, Origin, PlatformParts, ReceivedEncoder, Shown, beside_own

CENTRE_USERS = 2_000
"""Histories of so many users at most say what histories have in common."""


def history_centre(prepared: PreparedPlatform) -> NDArray[np.float32] | None:
    """[D] the mean of users' histories, which a map of a cross moment is centred by; None where there are none."""
    platform = prepared.platform
    users = platform.training_users[:: max(1, -(-len(platform.training_users) // CENTRE_USERS))]
    if not len(users):
        return None
    histories = HistoryBatch(training_sequences(platform, users), platform.n_items)
    return np.asarray(histories.mean(DECAY, prepared.features).mean(0), np.float32)


def feature_part(name: str, received: ReceivedEncoder, prepared: PreparedPlatform) -> Trained:
    """The frozen encoder's scorers, named ``name:...``, without a head."""
    kept = KeptEncoder(encoder=received.encoder.on_catalogue(prepared.features, history_centre(prepared)))
    scorers = kept.scorers(name, prepared.features)
    return Trained(scorers=scorers, unseen=received.unseen(prepared.platform), kept=kept)


def _as_it_came(origin: Origin, parts: PlatformParts, _kind: str) -> Trained | None:
    received = parts.encoders.of(origin)
    return None if received is None else feature_part(origin, received, parts.prepared)


FEATURE = Method(
    name="feature",
    origin="received",
    part="received",
    sets=beside_own("received"),
    make=partial(_as_it_came, "received"),
    form="as it came",
    competes=True,
    after_rounds="federated",
    in_beginnings=True,
    in_benchmark=True,
    clicks=True,
    shown=Shown(headline=2, weights=2, curve=("blue", "o")),
)
FEDERATED = Method(
    name="federated",
    origin="federated",
    part="federated",
    sets=beside_own("federated"),
    make=partial(_as_it_came, "federated"),
    form="as it came",
    competes=True,
    shown=Shown(headline=1, weights=1),
)
POOLED = Method(
    name="pooled",
    origin="pooled",
    part="pooled",
    sets=beside_own("pooled"),
    make=partial(_as_it_came, "pooled"),
    form="as it came",
    shown=Shown(headline=4, weights=3),
)
PREVIOUS = Method(
    name="previous",
    origin="previous",
    part="previous",
    sets=beside_own("previous"),
    make=partial(_as_it_came, "previous"),
    form="as it came",
    competes=True,
    in_runs=False,
)
