"""A served head of any size without a fit: every scorer there is, over events and texts of a skewed random platform."""

import time
from dataclasses import replace

import numpy as np

from client.data.event_log import EventLog
from client.data.platform import Platform
from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.ensemble.calibration import Calibration
from client.ensemble.cross_fitting import fit_on
from client.ensemble.ensemble_settings import DEFAULT
from client.ensemble.head import RankingHead
from client.features.hashing import hash_texts, hashing_space
from client.features.prepared_platform import EXACT_ITEMS, NEIGHBOURS, Catalogue, Neighbours, PreparedPlatform
from client.recommender.served_catalogue import ServedCatalogue, ServedUsers
from client.recommender.served_head import WITHOUT_HISTORY, ServedHead
from client.recommender.served_parts import ServedParts
from client.scorers.encoder_scorers import KeptEncoder
from client.scorers.scorer import Column
from client.scorers.table import SCORERS, ScorerTable
from client.training.local_id import LARGE
from client.training.sequence_model import SequenceHead, SequenceModel
from client.transfer.local import Own
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import LinearMap
from shared.seeding import rng_for

WORDS = 3_000
TEXT_LENGTH = 8
DAYS = 60
ON_A_PAGE = 4
"""Items that are shown at an event."""


def made_up_head(
    n_items: int, n_users: int, preset: str, seed: int, *, clock: bool = False, scorers: ScorerTable = SCORERS
) -> ServedHead:
    """Equal weights; a received encoder, one of the platform's own and ids only, all drawn from ``seed``.

    Where it has a ``clock``, it is like a news site (``_news``), and scorers that know the moment count its events,
    unless the table of ``scorers`` lacks them. Neighbours of a catalogue for which finding them takes long are drawn:
    a list takes as long with any.
    """
    platform = _platform(n_items, n_users, seed)
    if clock:
        platform = _news(platform, seed)
    features = hash_texts(platform.texts)
    known = _drawn_neighbours(n_items, seed) if n_items > EXACT_ITEMS else None
    catalogue = Catalogue(features=features, known=known)
    prepared = PreparedPlatform(platform=platform, space=hashing_space(), catalogue=catalogue)
    fitted = fit_on(prepared, platform.training_users, scorers)
    own_encoder = KeptEncoder(
        encoder=_encoder(preset, seed + 1),
        head=SequenceHead.initial(n_items, _encoder(preset, seed).spec.architecture.width),
    )
    parts = ServedParts(
        encoders={"received": KeptEncoder(encoder=_encoder(preset, seed))},
        own=Own(kept=own_encoder, ids=SequenceModel.ids_only(LARGE, n_items, seed)),
    )
    columns = [column for scorer in (*fitted.scorers.values(), *parts.scorers(features)) for column in scorer.columns]
    alone = tuple(name for name in WITHOUT_HISTORY if name in fitted.scorers)
    return ServedHead(
        head=RankingHead(
            names=tuple(column.name for column in columns),
            calibrations=tuple(map(_calibration, columns)),
            weights=np.full(len(columns), DEFAULT.candidates.uniform),
        ),
        computed=tuple(fitted.scorers),
        alone=alone,
        popularity=tuple(_calibration(column) for name in alone for column in fitted.scorers[name].columns),
        parts=parts,
        items=ServedCatalogue.of(prepared),
        users=ServedUsers(user_ids=platform.user_ids, sequences=platform.sequences),
        statistics=fitted.statistics,
        repeats=False,
        features="hashing",
        space=prepared.space,
        verdict={"served": "feature"},
    )


def _platform(n_items: int, n_users: int, seed: int) -> Platform:
    rng = rng_for(seed, "made-up-head")
    words = (rng.zipf(1.3, (n_items, TEXT_LENGTH)) + 37 * np.arange(n_items)[:, None]) % WORDS
    lengths = rng.integers(5, 30, n_users)
    items = rng.zipf(1.2, int(lengths.sum())) * 7919 % n_items
    return Platform(
        name="made-up",
        item_ids=tuple(map(str, range(n_items))),
        texts=tuple(" ".join(f"word{word}" for word in row) for row in words),
        categories=tuple(f"kind{item % 12}" for item in range(n_items)),
        vectors=None,
        user_ids=tuple(f"u{user}" for user in range(n_users)),
        user_numbers=np.arange(n_users),
        sequences=Sequences(offsets=offsets_of(lengths), items=items.astype(np.int32)),
        training_users=np.arange(n_users),
        calibration_users=np.arange(0, n_users, 5),
        ordered=True,
        repeats=False,
    )


def _news(platform: Platform, seed: int) -> Platform:
    """Items come one after the other within the last ``DAYS`` days, and are met for a day or so after that.

    Those are met most whose row a high power of two divides. With each, items are shown that are met about then.
    """
    sequences, rng = platform.sequences, rng_for(seed, "made-up-times")
    count, seconds = len(sequences.items), DAYS * 86_400.0
    times = rng.uniform(0, seconds, count)
    times = times[np.lexsort((times, sequences.owners()))]
    came = (times - rng.exponential(86_400.0, count)).clip(0)
    rows = (came / seconds * platform.n_items).astype(np.int32)
    rows -= rows % (2 ** rng.geometric(0.5, count).clip(max=8)).astype(np.int32)
    sequences = replace(sequences, items=rows, times=time.time() - seconds + times)
    log = EventLog.of(sequences)
    beside = np.stack([np.roll(log.items, place) for place in range(ON_A_PAGE)], axis=1)
    shown = EventLog(times=np.repeat(log.times, ON_A_PAGE), items=beside.reshape(-1))
    return replace(platform, sequences=sequences, shown=shown)


def _drawn_neighbours(n_items: int, seed: int) -> Neighbours:
    rng = rng_for(seed, "made-up-neighbours")
    cosines = np.sort(rng.random((n_items, NEIGHBOURS), np.float32), axis=1)[:, ::-1]
    return Neighbours(items=rng.integers(0, n_items, (n_items, NEIGHBOURS)), cosines=np.ascontiguousarray(cosines))


def _encoder(preset: str, seed: int) -> Encoder:
    space = hashing_space()
    spec = EncoderSpec(preset=preset, input_dim=space.dim, feature_space=space)
    zero = np.zeros(space.dim, np.float32)
    weights = rng_for(seed, "made-up-encoder").normal(size=(space.dim, space.dim)).astype(np.float32)
    return Encoder.initial(spec, seed).with_linear(LinearMap(W=weights, mean_q=zero, mean_y=zero))


def _calibration(column: Column) -> Calibration:
    count = len(DEFAULT.calibration.of(column.kind)) + 1
    return Calibration(kind=column.kind, mixture=(1 / count,) * count)
