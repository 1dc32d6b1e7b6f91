"""Transfer method ``feature``: an encoder as it came; calibration and weights are the platform's own.

So are used, too, the encoder after rounds, the pooled one, and the one that was served until now.
"""

from functools import partial

from client.data.platform import training_sequences
from client.ensemble.cross_fitting import Trained
from client.features.prepared_platform import PreparedPlatform
from client.scorers.encoder_scorers import KeptEncoder
from client.training.moments import platform_moments
from client.transfer.method import Method, Origin, PlatformParts, ReceivedEncoder, Shown, beside_own
from shared.encoder.encoder import Encoder
from shared.encoder.linear import Moments

MOST_USERS = 2_000
"""whose histories are looked at"""


def own_pairs(prepared: PreparedPlatform) -> Moments | None:
    """Moments of histories on the platform, by which a cross moment becomes a map of it; None where there are none."""
    platform = prepared.platform
    users = platform.training_users[:: max(1, -(-len(platform.training_users) // MOST_USERS))]
    moments = platform_moments(prepared.features, training_sequences(platform, users)) if len(users) else None
    return moments if moments is not None and moments.n else None


def on_platform(encoder: Encoder, prepared: PreparedPlatform) -> Encoder:
    """The encoder with its linear part as a map for this platform.

    Args:
        encoder: as it came.
        prepared: the platform, whose catalogue and histories a cross moment becomes a map by.

    Returns:
        The encoder; as it came where its linear part is a map already.
    """
    if encoder.spec.linear == "map":
        return encoder
    return encoder.on_catalogue(prepared.features, own_pairs(prepared))


def feature_part(name: str, received: ReceivedEncoder, prepared: PreparedPlatform) -> Trained:
    """The frozen encoder's scorers, named ``name:...``, without a head.

    Args:
        name: begins the names of the columns.
        received: the encoder, and whether the platform's users helped to make it.
        prepared: the platform.

    Returns:
        The scorers, and the training users whom the encoder has not seen.
    """
    encoder = KeptEncoder(encoder=on_platform(received.encoder, prepared))
    scorers = encoder.scorers(name, prepared.features, prepared.device)
    return Trained(scorers=scorers, unseen=received.unseen(prepared.platform), kept=encoder)


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
