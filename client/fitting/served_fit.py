"""Fitting what a platform serves: the panel with a received encoder, the gate's verdict, one record."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from client.data.contract import PlatformFolder
from client.data.platform import Platform
from client.data.preparation import prepare
from client.data.source import platform_name, read_platform_data
from client.ensemble.candidates import LOCAL
from client.ensemble.candidates import OWN_PART as OWN
from client.ensemble.cross_fitting import Catalogue, Trained
from client.ensemble.fitting import FittedStacks, fit_stacks
from client.ensemble.head import RankingHead
from client.features.catalogue_vectors import CatalogueVectors
from client.features.item_features import item_features
from client.features.neighbours import nearest
from client.fitting.fit_settings import FitSettings
from client.fitting.previous_release import previous_release
from client.gate.gate import GateVerdict, decide
from client.gate.relatedness import Relatedness, relatedness
from client.recommender.served_catalogue import ServedCatalogue, ServedUsers
from client.recommender.served_head import RECORD, ServedHead
from client.recommender.served_parts import ServedParts
from client.scorers.popularity import Popularity
from client.scorers.table import SCORERS
from client.store.head_store import HeadStore
from client.transfer.feature import unseen_by_rounds
from client.transfer.trained_parts import PARTS, PREVIOUS, Encoders, PlatformParts, Previous, parts_in, possible
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder
from shared.feature_space.fingerprint import require_same
from shared.feature_space.spec import FeatureSpace
from shared.seeding import rng_for
from shared.system.progress import track


class Reports(Protocol):
    """What callers reported to the platform while it served."""

    @property
    def until(self) -> int:
        """Up to which entry of the journal."""
        ...

    def added_to(self, folder: PlatformFolder) -> PlatformFolder:
        """The folder with it."""
        ...


def fit_recommender(
    folder: Path, encoder_file: Path, store: HeadStore, settings: FitSettings, reports: Reports | None = None
) -> GateVerdict:
    """Fit on a platform folder with a received encoder, let the gate decide, and store what is served.

    The encoder that the store's record serves until then competes too, as method ``previous``.

    Raises InputError for bad input, HeadStoreError where the store cannot be written.
    """
    work = open_fit(folder, encoder_file, settings, reports, store)
    steps: tuple[Callable[[], None], ...] = (work.train, work.stack, partial(work.store, store))
    for step in track(steps, "fitting", total=len(steps)):
        step()
    return work.verdict


def open_fit(
    folder: Path,
    encoder_file: Path,
    settings: FitSettings,
    reports: Reports | None = None,
    store: HeadStore | None = None,
) -> "Fit":
    """What is to be fitted, read and prepared, with nothing fitted yet; raises InputError for bad input.

    ``store`` is where the platform's heads lie: what it serves now, and its catalogue's vectors.
    """
    encoder, card = load_encoder(encoder_file)
    found = read_platform_data(folder)
    whole = found if reports is None else reports.added_to(found)
    platform = prepare(whole, settings.preparation, name=platform_name(folder), seed=settings.seed)
    kept = None if store is None else CatalogueVectors(str(folder), store)
    space, vectors = item_features(platform, settings.features, kept=kept)
    require_same(encoder.spec.feature_space, space, where=str(folder))
    previous = None if store is None else previous_release(store, RECORD, space, encoder)
    work = Fit(platform, space, vectors, encoder, card, settings, previous)
    work.reports_until = 0 if reports is None else reports.until
    return work


class Fit:
    """One fit, step by step: ``train``, ``stack``, then what is wanted of it."""

    stacks: FittedStacks
    verdict: GateVerdict
    reports_until = 0

    def __init__(
        self,
        platform: Platform,
        space: FeatureSpace,
        features: NDArray[np.float32],
        encoder: Encoder,
        card: EncoderCard,
        settings: FitSettings,
        previous: Previous | None = None,
    ) -> None:
        self.platform, self.space, self._settings = platform, space, settings
        self.catalogue = Catalogue(features=features, neighbours=nearest(features))
        self._encoder = encoder
        self._encoders = Encoders(
            source=encoder,
            released=card.calibration,
            item_moments=card.item_moments,
            federated=encoder if settings.took_part else None,
            pooled=None,
            previous=previous,
        )
        parts = settings.contenders.parts(encoder.spec.preset)
        self._made = PlatformParts(self, self._encoders, parts, settings.seed)
        self._competing = settings.contenders.names(took_part=settings.took_part)
        methods = (LOCAL, *self._competing, *(() if previous is None else (PREVIOUS,)))
        self._sets = {
            method: [one for one in some if settings.contenders.own or OWN not in one]
            for method, some in parts.stacks().items()
            if method in methods
        }
        self._trained: dict[str, Trained] = {}

    def train(self) -> None:
        """What the platform trains: alone, and from the received encoder."""
        made = {part: PARTS[part](self._made) for part in parts_in(self._sets)}
        self._trained = {name: part for name, part in made.items() if part is not None}

    def stack(self) -> None:
        """Every scorer fitted, weighted and judged."""
        seed, trained = self._settings.seed, self._trained
        self.stacks = fit_stacks(self.platform, self.catalogue, trained, possible(self._sets, trained), seed=seed)
        rng = rng_for(seed, self.platform.name, "gate")
        self.verdict = decide(self.stacks.options, self.stacks.whole_list_by_name(), rng, self._relatedness())

    def store(self, store: HeadStore) -> None:
        """What is served, in one record."""
        stacks, platform = self.stacks, self.platform
        encoders = {name: one.kept for name, one in self._trained.items() if name != OWN and one.kept is not None}
        panel, weights = stacks.panel.used(stacks.chosen[self.verdict.served].weights)
        names = [name for name in SCORERS if name not in stacks.left_out]
        scorers = zip(names, stacks.panel.raw.scorers, strict=False)
        computed = tuple(name for name, scorer in scorers if scorer in panel.raw.scorers)
        idle = [name for name in SCORERS if name not in (*computed, "popularity")]
        calibrations = dict(zip(stacks.panel.names, stacks.panel.calibrations, strict=True))
        own = self._made.own() if OWN in self._trained else None
        parts = ServedParts(encoders=encoders, own=own).only(set(panel.names))
        form = self._served_form(parts)
        ServedHead(
            head=RankingHead(names=panel.names, calibrations=panel.calibrations, weights=weights),
            computed=computed,
            popularity=tuple(calibrations[column.name] for column in Popularity.columns),
            parts=parts,
            items=ServedCatalogue.of(platform, self.catalogue),
            users=ServedUsers(user_ids=platform.user_ids, sequences=platform.sequences),
            statistics={name: one for name, one in stacks.statistics.items() if name.partition("@")[0] not in idle},
            repeats=platform.repeats,
            features=self._settings.features,
            space=self.space,
            verdict=self.verdict.to_json(),
            reports_until=self.reports_until,
            seen=form.seen,
            released=form.released,
            origin=form.origin,
        ).write(store)

    def _served_form(self, parts: ServedParts) -> Previous:
        """What the next fit will know of the encoder among the parts."""
        previous = self._encoders.previous
        if PREVIOUS in parts.encoders and previous is not None:
            return previous
        as_it_came = {"received", "federated"} & set(parts.encoders)
        return Previous(
            encoder=self._encoder,
            seen="received" not in parts.encoders,
            released=self._encoders.released if as_it_came else {},
            origin=self._encoder.digest,
        )

    def _relatedness(self) -> dict[str, Relatedness | None]:
        """Of the encoder behind each method."""
        previous, platform = self._encoders.previous, self.platform
        unseen = unseen_by_rounds(platform) if self._settings.took_part else platform.training_users
        now = self._related(self._encoder, self._encoders.released, unseen)
        found: dict[str, Relatedness | None] = dict.fromkeys(self._competing, now)
        if previous is not None:
            found[PREVIOUS] = self._related(previous.encoder, previous.released, previous.unseen(platform))
        return found

    def _related(self, encoder: Encoder, released: Mapping[str, Any], unseen: NDArray[np.int64]) -> Relatedness | None:
        if not released:
            return None
        rng = rng_for(self._settings.seed, self.platform.name, "relatedness")
        return relatedness(self.platform, self.catalogue, encoder, released, unseen, rng)
