"""Transfer method ``feature``: the received encoder as it is; calibration and weights are the platform's own."""

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Platform
from client.ensemble.cross_fitting import Catalogue, Trained
from client.scorers.encoder_scorers import KeptEncoder
from shared.encoder.encoder import Encoder


def feature_part(name: str, encoder: Encoder, catalogue: Catalogue, *, unseen: NDArray[np.int64]) -> Trained:
    """The frozen encoder's scorers, named ``name:...``, without a head; it has not seen the users ``unseen``."""
    kept = KeptEncoder(encoder=encoder)
    return Trained(scorers=kept.scorers(name, catalogue.features), unseen=unseen, kept=kept)


def unseen_by_rounds(platform: Platform) -> NDArray[np.int64]:
    """The training users whom an encoder has not seen that this platform took part in making."""
    return platform.weighting_users if platform.contributes else platform.training_users
