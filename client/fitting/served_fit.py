"""Fitting what a platform serves: with a received encoder, if any, beside the one served until now, as one record."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from client.data.contract import PlatformFolder
from client.data.event_log import EventLog
from client.data.folder_options import Preparation
from client.data.listed import Listed, listed
from client.data.platform import Platform
from client.data.sequences import select
from client.data.source import platform_name, read_platform_data
from client.ensemble.candidates import LOCAL, OWN_PART
from client.ensemble.cross_fitting import fit_data
from client.ensemble.fitting import FittedStacks
from client.ensemble.head import RankingHead
from client.features.item_features import PRECOMPUTED
from client.features.kept_vectors import CatalogueVectors
from client.features.prepared_platform import PreparedPlatform, prepare_platform
from client.fitting.fit_settings import FitSettings
from client.fitting.platform_fit import DEFAULT, PlatformFit
from client.gate.gate import GateVerdict
from client.recommender.catalogue_update import with_added
from client.recommender.served_catalogue import ServedCatalogue, ServedUsers
from client.recommender.served_head import ORIGIN, RECORD, RELEASED, SEEN, WITHOUT_HISTORY, BasketHead, ServedHead
from client.recommender.served_parts import NOT_A_RECORD, ServedParts
from client.scorers import recent
from client.scorers.age import seen_again
from client.scorers.fading import recounted
from client.scorers.table import COMPLETING, SCORERS, FittedScorers, fit_scorers
from client.store.head_store import HeadStore, StoredRecord
from client.transfer.feature import PREVIOUS
from client.transfer.local import own_models
from client.transfer.method import Encoders, ReceivedEncoder
from client.transfer.table import METHODS, taught
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder
from shared.encoder.presets import EncoderSize
from shared.errors import ConfigError, HeadStoreError, StorageError
from shared.feature_space import FeatureSpace, require_same
from shared.system.device import used_device
from shared.system.options import entries
from shared.system.progress import in_steps, working

_NEVER_SEEN = "received"
"""the part of a record that does not say it"""
_LOG = logging.getLogger("graft.client")


def previous_release(
    store: HeadStore, record: str, space: FeatureSpace, received: Encoder | None
) -> ReceivedEncoder | None:
    """The encoder of a served record, without what the platform learnt of its items beside it.

    Args:
        store: where the platform's heads lie.
        record: name of the served record.
        space: the feature space of the fit that begins.
        received: the encoder that is fitted with; None where there is none.

    Returns:
        The encoder. None where there is none: no record, one that cannot be read (the log says so), one of another
        feature space, one that serves nobody else's encoder, a student, or a form of ``received`` itself.
    """
    try:
        stored = store.read(record)
        return None if stored is None else _of(stored, space, received)
    except (StorageError, *NOT_A_RECORD) as error:
        _LOG.warning("what was served before does not compete: %s", error)
        return None


def _of(stored: StoredRecord, space: FeatureSpace, received: Encoder | None) -> ReceivedEncoder | None:
    facts: dict[str, Any] = dict(stored.facts)
    if facts["fingerprint"] != space.fingerprint:
        return None
    encoders = ServedParts.from_record(stored.arrays, facts["parts"], space).encoders
    for part, kept_encoder in encoders.items():
        origin = str(facts.get(ORIGIN, kept_encoder.encoder.digest))
        if not taught(part) and (received is None or origin != received.digest):
            seen = bool(facts.get(SEEN, part != _NEVER_SEEN))
            released = dict(facts.get(RELEASED, {}))
            return ReceivedEncoder(encoder=kept_encoder.encoder, seen=seen, released=released, origin=origin)
    return None


class Reports(Protocol):
    """What callers reported to the platform while it served."""

    @property
    def until(self) -> int:
        """Up to which entry of the journal."""
        ...

    def added_to(self, folder: PlatformFolder) -> PlatformFolder:
        """The folder with it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A fit that is to begin, and what a record says of its input."""

    fit: PlatformFit
    received: ReceivedEncoder | None
    """None where none was asked for: then the platform's own recommender is fitted alone"""
    beyond: Listed
    """what lists hold and know of the platform beyond what is fitted on"""
    features: str
    """the feature space as ``item_features`` takes it"""
    prepared_with: Mapping[str, Any] = field(default_factory=dict)
    """as ``preparing_options`` says it"""
    reports_until: int = 0
    """up to which entry of the journal callers' reports are in the data"""


def fit_recommender(
    folder: Path,
    encoder_file: Path | None,
    store: HeadStore,
    settings: FitSettings,
    reports: Reports | None = None,
    *,
    record: str = RECORD,
) -> GateVerdict:
    """Fit on a platform folder, with a received encoder if any, let the gate decide, and store what is served.

    The encoder that the store's record serves until then competes too, as method ``previous``.

    Args:
        folder: the platform's.
        encoder_file: of the received encoder; None: the platform's own recommender is fitted.
        store: where the platform's heads lie.
        settings: of the fit.
        reports: what callers reported while the platform served; None adds nothing to the folder.
        record: name of the record that is written.

    Returns:
        The gate's verdict.

    Raises:
        InputError: if the input is bad.
        HeadStoreError: if the store cannot be written.
    """
    opened = open_fit(folder, encoder_file, settings, reports, store)
    fit = opened.fit
    in_steps({**fit.steps_with_baskets, "storing": partial(store_served, opened, store, record)})
    return fit.verdict


def open_fit(
    folder: Path,
    encoder_file: Path | None,
    settings: FitSettings,
    reports: Reports | None = None,
    store: HeadStore | None = None,
) -> Opened:
    """What is to be fitted, read and prepared, with nothing fitted yet.

    Args:
        folder: the platform's.
        encoder_file: of the received encoder; None: the platform's own recommender is fitted, beside the encoder that
            it serves now, if any.
        settings: of the fit.
        reports: what callers reported while the platform served; None adds nothing to the folder.
        store: where the platform's heads lie: what it serves now, and its catalogue's vectors. None: there are none.

    Returns:
        The fit, and what a record says of its input.

    Raises:
        InputError: if the input is bad.
    """
    if encoder_file is None and settings.took_part:
        raise ConfigError("took-part says that the platform helped to train the encoder; expected one, found none")
    device = used_device(settings.device)
    loaded = None if encoder_file is None else load_encoder(encoder_file)
    encoder, card = loaded or (None, EncoderCard())
    with working("preparing"):
        data = read_data(folder, settings, reports)
        prepared = prepare_platform(
            data,
            settings.preparation,
            name=platform_name(folder),
            seed=settings.seed,
            features=settings.features,
            cached_vectors=None if store is None else CatalogueVectors(str(folder), store),
            device=device,
        )
    if encoder is not None:
        require_same(encoder.spec.feature_space, prepared.space, where=str(folder))
    previous = None if store is None else previous_release(store, RECORD, prepared.space, encoder)
    received = None
    if encoder is not None:
        received = ReceivedEncoder(encoder=encoder, seen=settings.took_part, released=card.calibration)
    encoders = Encoders(
        received=received,
        federated=received if settings.took_part else None,
        previous=previous,
        item_moments=card.item_moments,
    )
    competing = () if received is None else settings.competing_methods.names(took_part=settings.took_part)
    methods = (LOCAL, *competing, *(() if previous is None else (PREVIOUS.name,)))
    parts = settings.competing_methods.parts(EncoderSize().encoder if encoder is None else encoder.spec.preset)
    by_vector = prepared.space.name == PRECOMPUTED
    return Opened(
        fit=PlatformFit(prepared, encoders, methods, parts, seed=settings.seed),
        received=received,
        beyond=listed(data, settings.preparation, prepared.platform, by_vector=by_vector, seed=settings.seed),
        features=settings.features,
        prepared_with=preparing_options(settings),
        reports_until=0 if reports is None else reports.until,
    )


def read_data(folder: Path, settings: FitSettings, reports: Reports | None) -> PlatformFolder:
    """What is fitted on, as it is read.

    Args:
        folder: the platform's.
        settings: of the fit.
        reports: what callers reported while the platform served; None adds nothing to the folder.

    Returns:
        The tables.

    Raises:
        InputError: if they cannot be read or break the data contract.
    """
    folder_data = read_platform_data(folder, settings.preparation.said_of_times)
    read = folder_data if reports is None else reports.added_to(folder_data)
    return replace(read, grows=read.grows or settings.drawn_by_id)


def store_served(opened: Opened, store: HeadStore, record: str = RECORD) -> None:
    """Write what the fit serves, in one record, with the items and users beyond those that were fitted on.

    The fit is released: what it counted would lie in memory beside what is counted for the record.

    Args:
        opened: a fit whose steps are done.
        store: where the record is written.
        record: its name.

    Raises:
        HeadStoreError: if the store cannot be written, or the fit's components have other settings than the usual ones,
            under which a record is opened.
    """
    fit = opened.fit
    if fit.components != DEFAULT:
        raise HeadStoreError("a record is served under the usual settings of components; this fit has others")
    weighed = _weighed(opened)
    fit.release()
    counted = counted_of_all(fit.prepared, weighed.scorers)
    fitted = replace(weighed, statistics=dict(counted.statistics))
    del counted
    _up_to_date(with_added(fitted, opened.beyond.items)).write(store, record)


def _weighed(opened: Opened) -> ServedHead:
    """What is served, with no statistics yet."""
    fit = opened.fit
    stacks, prepared, baskets = fit.stacks, fit.prepared, fit.basket_stacks
    ensemble, weights = stacks.ensemble.used(stacks.chosen[fit.verdict.served].by_gap)
    names = [name for name in SCORERS if name not in stacks.left_out]
    scorers = zip(names, stacks.ensemble.raw.scorers, strict=False)
    alone = tuple(name for name in WITHOUT_HISTORY if name not in stacks.left_out)
    calibrations = dict(zip(stacks.ensemble.names, stacks.ensemble.calibrations, strict=True))
    parts = _trained_parts(fit).only(set(ensemble.names))
    form = served_form(opened, parts)
    return ServedHead(
        head=RankingHead.of(ensemble, weights),
        computed=tuple(name for name, scorer in scorers if scorer in ensemble.raw.scorers),
        alone=alone,
        popularity=tuple(
            calibrations[column.name]
            for name, scorer in zip(names, stacks.ensemble.raw.scorers, strict=False)
            if name in alone
            for column in scorer.columns
        ),
        parts=parts,
        items=ServedCatalogue.of(prepared),
        users=served_users(prepared.platform, opened.beyond),
        statistics={},
        repeats=prepared.platform.repeats,
        features=opened.features,
        space=prepared.space,
        verdict=fit.verdict.to_json(),
        reports_until=opened.reports_until,
        seen=form is not None and form.seen,
        released={} if form is None else form.released,
        origin="" if form is None else form.origin,
        basket=None if baskets is None else _basket_head(baskets),
        prepared_with=opened.prepared_with,
    )


def preparing_options(settings: FitSettings) -> dict[str, Any]:
    """How a fit prepares its data, options by their keys, as JSON; what is left out has its default."""
    chosen = {entry.key: (entry, entry.of(settings.preparation)) for entry in entries(Preparation)}
    written = {key: entry.written(value) for key, (entry, value) in chosen.items() if value != entry.default}
    return {**written, "seed": settings.seed, "drawn by id": settings.drawn_by_id}


def served_users(platform: Platform, beyond: Listed) -> ServedUsers:
    """All users of the folder, and whose events are counted.

    Args:
        platform: as it is fitted on; n items, whose rows are the first of the catalogue.
        beyond: what lists know of its folder.

    Returns:
        The users; nobody says whose events are counted where some of theirs on those items are not, as where a part of
        time is taken.
    """
    sequences, training = beyond.sequences, platform.training_users
    rows = {user: row for row, user in enumerate(beyond.user_ids)}
    counted = np.zeros(len(sequences), bool)
    counted[[rows[platform.user_ids[user]] for user in training.tolist()]] = True
    known = counted[sequences.owners()] & (sequences.items < platform.n_items)
    tells = int(known.sum()) == int(platform.sequences.lengths()[training].sum())
    return ServedUsers(user_ids=beyond.user_ids, sequences=sequences, counted=counted if tells else None)


def counted_of_all(prepared: PreparedPlatform, names: Collection[str]) -> FittedScorers:
    """Scorers that count all events of the training users, held out of the fit or not: what a service knows.

    Their weights and calibrations were told by fewer. Counted so up to the test, five platforms' lists were better by
    -2 to +5 %, on average 1.8 % (docs/decisions/0047).

    Args:
        prepared: the platform.
        names: of the scorers, in ``SCORERS`` or ``COMPLETING``; others are ignored.

    Returns:
        The scorers and what they counted.
    """
    platform = prepared.platform
    events = select(platform.sequences, platform.training_users)
    data = replace(fit_data(prepared, platform.training_users), sequences=events)
    return fit_scorers(data, {name: entry for name, entry in {**SCORERS, **COMPLETING}.items() if name in names})


def _basket_head(stacks: FittedStacks) -> BasketHead:
    ensemble, weights = stacks.ensemble.used(stacks.chosen[LOCAL].by_gap)
    table = [name for name in (*SCORERS, *COMPLETING) if name not in stacks.left_out]
    named_scorers = zip(table, stacks.ensemble.raw.scorers, strict=False)
    return BasketHead(
        head=RankingHead.of(ensemble, weights),
        computed=tuple(name for name, scorer in named_scorers if scorer in ensemble.raw.scorers),
    )


def _up_to_date(served: ServedHead) -> ServedHead:
    """With what is counted as of a moment counted of all that was ever met, held out of the fit or not."""
    log, n_items = EventLog.of(served.users.sequences), len(served.items.item_ids)
    known = served.statistics
    met = {**recounted(known, recent.NAME, log, n_items), **seen_again(known, log, n_items)}
    return replace(served, statistics={**known, **met})


def _trained_parts(fit: PlatformFit) -> ServedParts:
    encoders = {name: part.kept for name, part in fit.served.items() if name != OWN_PART and part.kept is not None}
    return ServedParts(encoders=encoders, own=own_models(fit.parts) if OWN_PART in fit.trained else None)


def served_form(opened: Opened, parts: ServedParts) -> ReceivedEncoder | None:
    """What the next fit will know of the encoder among the parts.

    Args:
        opened: the fit.
        parts: that are served.

    Returns:
        The encoder of before where it is served on, else the received one, seen where it was tuned or taught here; None
        where there was none.
    """
    previous, received = opened.fit.encoders.previous, opened.received
    if PREVIOUS.part in parts.encoders and previous is not None:
        return previous
    if received is None:
        return None
    served = METHODS[opened.fit.verdict.served]
    as_it_came = bool(parts.encoders) and served.form == "as it came"
    return ReceivedEncoder(
        encoder=received.encoder,
        seen=received.seen or not as_it_came,
        released=received.released if as_it_came else {},
        origin=received.encoder.digest,
    )
