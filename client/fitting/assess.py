"""``graft-client assess``: whether an encoder on offer will pay on a platform, before it joins."""

from dataclasses import replace
from pathlib import Path

from client.data.platform import Platform
from client.data.spec import parse_folder
from client.ensemble.cross_fitting import Catalogue
from client.ensemble.fitting import FittedStacks, fit_stacks
from client.features.neighbours import nearest
from client.gate.assessment import Assessment, assess_stacks
from client.gate.relatedness import Relatedness, relatedness
from client.rounds.workspace import open_data
from client.transfer.feature import feature_part
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder
from shared.errors import DataError, FeatureSpaceMismatch
from shared.feature_space.spec import FeatureSpace
from shared.seeding import rng_for
from shared.system.progress import track

METHODS = {"local": ((),), "feature": (("received",),)}
MAX_USERS = 1500
"""Users that are looked at unless ``max-users`` says otherwise."""
MIN_USERS = 20
"""Below which there is nothing to cross-validate."""


def assess_platform(
    line: str, encoder_file: Path, *, features: str, seed: int, min_user_events: int, min_item_events: int
) -> Assessment:
    """Assess the encoder in a file on the platform ``DIR[,option=value...]``; raises InputError for bad input."""
    encoder, card = load_encoder(encoder_file)
    spec = parse_folder(line)
    limited = spec if spec.max_users is not None else replace(spec, max_users=MAX_USERS)
    opened = open_data(str(limited), seed, None, features, min_user_events, min_item_events)
    _check(encoder, opened.space, opened.platform)
    work = _Work(opened.platform, Catalogue(features=opened.features, neighbours=nearest(opened.features)), seed)
    for step in track((work.relate, work.fit), "assessing", total=2):
        step(encoder, card)
    return work.answer()


class _Work:
    """What is measured on the platform, step by step."""

    def __init__(self, platform: Platform, catalogue: Catalogue, seed: int) -> None:
        self._platform, self._catalogue, self._seed = platform, catalogue, seed
        self._related: Relatedness | None = None
        self._stacks: FittedStacks | None = None

    def relate(self, encoder: Encoder, card: EncoderCard) -> None:
        """How related the encoder is, where its file has calibrations."""
        if card.calibration:
            users, rng = self._platform.training_users, rng_for(self._seed, "assess", "relatedness")
            self._related = relatedness(self._platform, self._catalogue, encoder, card.calibration, users, rng)

    def fit(self, encoder: Encoder, _card: EncoderCard) -> None:
        """The stacks with and without the encoder."""
        part = feature_part("received", encoder, self._catalogue, unseen=self._platform.training_users)
        self._stacks = fit_stacks(self._platform, self._catalogue, {"received": part}, METHODS, seed=self._seed)

    def answer(self) -> Assessment:
        """What follows from both."""
        if self._stacks is None:
            raise RuntimeError("the stacks are fitted before an answer is asked for")
        rng = rng_for(self._seed, "assess", "answer")
        return assess_stacks(self._stacks, self._related, len(self._platform.training_users), rng)


def _check(encoder: Encoder, space: FeatureSpace, platform: Platform) -> None:
    wanted = encoder.spec.feature_space
    if wanted.fingerprint != space.fingerprint:
        raise FeatureSpaceMismatch(
            f"the encoder reads the feature space {wanted.name} ({wanted.fingerprint}); "
            f"the platform's vectors are {space.name} ({space.fingerprint})"
        )
    if len(platform.training_users) < MIN_USERS:
        raise DataError(f"an assessment takes {MIN_USERS} users with 3 events; got {len(platform.training_users)}")
