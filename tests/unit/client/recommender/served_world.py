"""A served head over the small platform, made without a fit: every scorer there is, drawn encoders, equal weights."""

from dataclasses import replace

import numpy as np

from client.data.event_log import EventLog
from client.data.held_out import last_baskets
from client.ensemble.calibration import Calibration
from client.ensemble.cross_fitting import fit_on
from client.ensemble.ensemble_settings import DEFAULT
from client.ensemble.head import RankingHead
from client.recommender.served_catalogue import ServedCatalogue, ServedUsers
from client.recommender.served_head import WITHOUT_HISTORY, BasketHead, ServedHead
from client.recommender.served_parts import ServedParts
from client.scorers.encoder_scorers import KeptEncoder
from client.scorers.scorer import Column
from client.scorers.table import COMPLETING, SCORERS, FittedScorers
from client.training.local_id import SMALL
from client.training.sequence_model import SequenceHead, SequenceModel
from client.transfer.local import Own
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import LinearMap
from shared.encoder.presets import Preset
from shared.feature_space import FeatureSpace
from tests.small_space import FEATURES, SPACE
from tests.unit.client.recommender.world import prepared, small_platform

LAST = 1.7e9 - 86_400
"""When the last event of a head with times was, in seconds since 1970."""


def served_world(
    *, repeats: bool = False, seed: int = 1, timed: bool = False, baskets: bool = False, shown: bool = False
) -> ServedHead:
    """Categories go by row modulo 4; ``seed`` draws the received encoder; ``timed`` events are an hour apart.

    With ``baskets``, all that a user has is one, and a head completes them. With ``shown``, what timed events met was
    shown.
    """
    platform = small_platform()
    if timed or baskets:
        times = LAST - 3_600.0 * np.arange(len(platform.sequences.items))[::-1]
        platform = replace(platform, sequences=replace(platform.sequences, times=times))
    platform = replace(
        platform, categories=tuple(f"kind{item % 4}" for item in range(platform.n_items)), repeats=repeats
    )
    if shown:
        platform = replace(platform, shown=EventLog.of(platform.sequences))
    if baskets:
        platform = replace(platform, split=last_baskets(platform.sequences, 3_600.0, np.zeros(platform.n_users)))
    small = prepared(platform)
    fitted = fit_on(small, platform.training_users)
    alone = tuple(name for name in WITHOUT_HISTORY if name in fitted.scorers)
    parts = ServedParts(
        encoders={"received": KeptEncoder(encoder=drawn_encoder(seed))}, own=drawn_own(platform.n_items)
    )
    scorers = (*fitted.scorers.values(), *parts.scorers(small.features))
    columns = [column for scorer in scorers for column in scorer.columns]
    served = ServedHead(
        head=RankingHead(
            names=tuple(column.name for column in columns),
            calibrations=tuple(map(even_calibration, columns)),
            weights=np.full(len(columns), DEFAULT.candidates.uniform),
        ),
        computed=tuple(fitted.scorers),
        popularity=tuple(even_calibration(column) for name in alone for column in fitted.scorers[name].columns),
        alone=alone,
        parts=parts,
        items=ServedCatalogue.of(small),
        users=ServedUsers(user_ids=platform.user_ids, sequences=platform.sequences),
        statistics=fitted.statistics,
        repeats=repeats,
        features=FEATURES,
        space=SPACE,
        verdict={"served": "feature"},
    )
    return (
        with_basket_head(served, fit_on(small, platform.training_users, {**SCORERS, **COMPLETING}))
        if baskets
        else served
    )


def with_basket_head(served: ServedHead, fitted: FittedScorers) -> ServedHead:
    """One of equal weights that completes baskets, from the scorers of the platform and those that join for baskets."""
    trained = served.parts.scorers(served.items.catalogue.features)
    columns = [column for scorer in (*fitted.scorers.values(), *trained) for column in scorer.columns]
    head = RankingHead(
        names=tuple(column.name for column in columns),
        calibrations=tuple(map(even_calibration, columns)),
        weights=np.full(len(columns), DEFAULT.candidates.uniform),
    )
    basket = BasketHead(head=head, computed=tuple(fitted.scorers))
    return replace(served, basket=basket, statistics={**served.statistics, **fitted.statistics})


def even_calibration(column: Column) -> Calibration:
    """Every component counts the same."""
    count = len(DEFAULT.calibration.of(column.kind)) + 1
    return Calibration(kind=column.kind, mixture=(1 / count,) * count)


def drawn_encoder(seed: int, space: FeatureSpace = SPACE) -> Encoder:
    """Linear and sequence part of noise."""
    spec = EncoderSpec(preset="tiny", input_dim=space.dim, feature_space=space)
    weights = np.random.default_rng(seed).normal(size=(SPACE.dim, SPACE.dim)).astype(np.float32)
    means = np.random.default_rng(seed).normal(0, 0.01, size=(2, SPACE.dim)).astype(np.float32)
    return Encoder.initial(spec, seed).with_linear(LinearMap(W=weights, mean_q=means[0], mean_y=means[1]))


def drawn_own(n_items: int, preset: Preset = SMALL) -> Own:
    """An encoder with a head, and ids only, of noise."""
    rng = np.random.default_rng(3)
    head = SequenceHead(
        v=rng.normal(size=(n_items, 16)).astype(np.float32),
        a=rng.normal(size=n_items).astype(np.float32),
        b=rng.normal(size=n_items).astype(np.float32),
    )
    ids = SequenceModel.ids_only(preset, n_items, seed=4)
    return Own(kept=KeptEncoder(encoder=drawn_encoder(2), head=head), ids=ids)
