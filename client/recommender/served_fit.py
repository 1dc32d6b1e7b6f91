"""Fitting what a platform serves: the panel with a received encoder, the gate's verdict, one record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from client.data.contract import PlatformFolder
from client.data.platform import Platform
from client.data.preparation import Preparation, prepare
from client.data.source import platform_name, read_platform_data
from client.features.item_features import item_features
from client.features.kept_vectors import KeptVectors
from client.progress import track
from client.recommender.candidates import LOCAL
from client.recommender.catalogue_vectors import CatalogueVectors
from client.recommender.cross_fitting import Catalogue, Trained
from client.recommender.fitting import FittedStacks, fit_stacks
from client.recommender.head import RankingHead
from client.recommender.head_store import HeadStore
from client.recommender.own import PART as OWN
from client.recommender.own import Own, train_own
from client.recommender.served_catalogue import ServedCatalogue, ServedUsers
from client.recommender.served_head import ServedHead
from client.recommender.served_parts import ServedParts
from client.scorers.neighbours import nearest
from client.scorers.popularity import Popularity
from client.scorers.table import SCORERS
from client.transfer.feature import feature_part, unseen_by_rounds
from client.transfer.gate import GateVerdict, decide
from client.transfer.relatedness import Relatedness, relatedness
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder
from shared.feature_space.fingerprint import require_same
from shared.feature_space.spec import FeatureSpace
from shared.seeding import rng_for


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How a recommender is fitted."""

    preparation: Preparation = field(default_factory=Preparation)
    features: str = "hashing"
    """the feature space as ``item_features`` takes it"""
    seed: int = 0
    """of every random draw; for an encoder that the platform helped to train, the seed under which it did"""
    took_part: bool = False
    """whether the platform's contributing users helped to train the encoder"""
    own: bool = True
    """whether ``local`` may hold an encoder that the platform trains alone"""


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

    Raises InputError for bad input, HeadStoreError where the store cannot be written.
    """
    work = open_fit(folder, encoder_file, settings, reports, CatalogueVectors(str(folder), store))
    steps: tuple[Callable[[], None], ...] = (work.train, work.stack, partial(work.store, store))
    for step in track(steps, "fitting", total=len(steps)):
        step()
    return work.verdict


def open_fit(
    folder: Path,
    encoder_file: Path,
    settings: FitSettings,
    reports: Reports | None = None,
    kept: KeptVectors | None = None,
) -> "Fit":
    """What is to be fitted, read and prepared, with nothing fitted yet; raises InputError for bad input."""
    encoder, card = load_encoder(encoder_file)
    found = read_platform_data(folder)
    whole = found if reports is None else reports.added_to(found)
    platform = prepare(whole, settings.preparation, name=platform_name(folder), seed=settings.seed)
    space, vectors = item_features(platform, settings.features, kept=kept)
    require_same(encoder.spec.feature_space, space, where=str(folder))
    work = Fit(platform, space, vectors, encoder, card, settings)
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
    ) -> None:
        self.platform, self._space, self._settings = platform, space, settings
        self._encoder, self._card = encoder, card
        self._catalogue = Catalogue(features=features, neighbours=nearest(features))
        self._method, self._part = ("federated", "federated") if settings.took_part else ("feature", "received")
        self._unseen = unseen_by_rounds(platform) if settings.took_part else platform.training_users
        self._own: Own | None = None

    def train(self) -> None:
        """What the platform trains alone."""
        if self._settings.own:
            preset = self._encoder.spec.preset
            self._own = train_own(self.platform, self._catalogue, self._space, preset, self._settings.seed)

    def stack(self) -> None:
        """Every scorer fitted, weighted and judged."""
        part, platform, catalogue, seed = self._part, self.platform, self._catalogue, self._settings.seed
        trained: dict[str, Trained] = {part: feature_part(part, self._encoder, catalogue, unseen=self._unseen)}
        if self._own is not None:
            trained[OWN] = self._own.part(platform, catalogue)
        sets = {LOCAL: [(), (OWN,)], self._method: [(part,), (part, OWN)]}
        there = {method: [parts for parts in some if set(parts) <= set(trained)] for method, some in sets.items()}
        self.stacks = fit_stacks(platform, catalogue, dict(sorted(trained.items())), there, seed=seed)
        rng = rng_for(seed, platform.name, "gate")
        related = {self._method: self._related()}
        self.verdict = decide(self.stacks.options, self.stacks.whole_list_by_name(), rng, related)

    def store(self, store: HeadStore) -> None:
        """What is served, in one record."""
        stacks, platform = self.stacks, self.platform
        panel, weights = stacks.panel.used(stacks.chosen[self.verdict.served].weights)
        names = [name for name in SCORERS if name not in stacks.left_out]
        scorers = zip(names, stacks.panel.raw.scorers, strict=False)
        computed = tuple(name for name, scorer in scorers if scorer in panel.raw.scorers)
        idle = [name for name in SCORERS if name not in (*computed, "popularity")]
        calibrations = dict(zip(stacks.panel.names, stacks.panel.calibrations, strict=True))
        ServedHead(
            head=RankingHead(names=panel.names, calibrations=panel.calibrations, weights=weights),
            computed=computed,
            popularity=tuple(calibrations[column.name] for column in Popularity.columns),
            parts=ServedParts(received={self._part: self._encoder}, own=self._own).only(set(panel.names)),
            items=ServedCatalogue.of(platform, self._catalogue),
            users=ServedUsers(user_ids=platform.user_ids, sequences=platform.sequences),
            statistics={name: one for name, one in stacks.statistics.items() if name.partition("@")[0] not in idle},
            repeats=platform.repeats,
            features=self._settings.features,
            space=self._space,
            verdict=self.verdict.to_json(),
            reports_until=self.reports_until,
        ).write(store)

    def _related(self) -> Relatedness | None:
        if not self._card.calibration:
            return None
        rng = rng_for(self._settings.seed, self.platform.name, "relatedness")
        return relatedness(self.platform, self._catalogue, self._encoder, self._card.calibration, self._unseen, rng)
