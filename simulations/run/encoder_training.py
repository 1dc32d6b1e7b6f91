"""The encoders that a seed's methods need: trained once for all platforms, or kept from before the run was stopped.

What is pretrained on the same users and vectors is kept once for all runs that begin with it.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Merged, merged
from client.features.prepared_platform import PreparedPlatform
from client.training.pretraining import PRETRAINING, pretrain, pretrain_private, require_learnable
from client.transfer.method import Encoders, ReceivedEncoder
from client.transfer.release import released_calibration, released_catalogue, released_item_moments
from client.transfer.table import METHODS
from server.aggregation.server_optimiser import BuildAggregation, ServerOptimiser
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.errors import EncoderFileError
from shared.seeding import rng_for
from shared.system.whole_file import write_whole
from simulations.config.run_config import RunConfig
from simulations.federation.held_federation import FederationResult, leave_one_out, run_held_federation
from simulations.results.outcomes import EncoderSummary, HelpOutcome, RoundOutcome
from simulations.results.result_document import versions
from simulations.run.run_identity import code_digest
from simulations.run.run_recorder import RunRecorder

Made = tuple[Encoder, EncoderCard]
"""An encoder and what is released with it."""

_ROUNDS_FILE = "rounds.json"


class KeptEncoders:
    """A folder of encoders; what is there and whole is not made again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def encoder(self, name: str, make: Callable[[], Made]) -> Made:
        """The encoder of this name: the kept one, or a new one, as it is read from the file.

        Args:
            name: of the encoder's file, without its ending.
            make: makes the encoder where none is kept that is whole.

        Returns:
            The encoder and its card.
        """
        file = self._folder / f"{name}.safetensors"
        try:
            return load_encoder(file)
        except EncoderFileError:
            encoder, card = make()
        self._folder.mkdir(parents=True, exist_ok=True)
        save_encoder(file, encoder, card)
        return load_encoder(file)

    def keep_rounds(self, rounds: list[RoundOutcome], who_helps: HelpOutcome) -> None:
        """Keep what is said of rounds; to be called before the encoder of these rounds is kept.

        Args:
            rounds: what came of each.
            who_helps: lifts through the linear part.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps({"rounds": [asdict(outcome) for outcome in rounds], "who_helps": asdict(who_helps)})
        write_whole(self._folder / _ROUNDS_FILE, content.encode("utf-8"))

    def rounds(self) -> tuple[list[RoundOutcome], HelpOutcome]:
        """What was kept of them."""
        stored = json.loads((self._folder / _ROUNDS_FILE).read_text("utf-8"))
        return [RoundOutcome(**outcome) for outcome in stored["rounds"]], HelpOutcome(**stored["who_helps"])


def pretrained_once(
    folder: Path | None, sources: Sequence[PreparedPlatform], preset: str, seed: int, make: Callable[[], Made]
) -> Made:
    """The source's encoder: from a folder that several runs share, or made and kept there.

    Args:
        folder: of kept encoders; None: the encoder is made and not kept.
        sources: the platforms that pretrain.
        preset: of the encoder.
        seed: of the run.
        make: makes the encoder where none is kept.

    Returns:
        The encoder and its card.
    """
    if folder is None:
        return make()
    return KeptEncoders(folder).encoder(pretraining_key(sources, preset, seed), make)


def pretraining_key(sources: Sequence[PreparedPlatform], preset: str, seed: int) -> str:
    """A digest of all that an encoder pretrained on these platforms depends on, the code and its libraries too.

    Args:
        sources: the platforms that pretrain.
        preset: of the encoder.
        seed: of the run.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps([versions(), code_digest(), preset, seed]).encode("utf-8"))
    for source in sources:
        platform = source.platform
        words = (platform.name, platform.ordered, platform.repeats, source.space.fingerprint, platform.texts)
        digest.update(json.dumps(words).encode("utf-8"))
        users = (platform.training_users, platform.calibration_users)
        for array in (platform.sequences.offsets, platform.sequences.items, *users, source.features):
            digest.update(f"{array.dtype}{array.shape}".encode("ascii"))
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


POOLED = replace(PRETRAINING, epochs=12, steps=100)
"""As many steps as eight passes over 300,000 events; an epoch is a part of them, so that it may stop within a pass."""


def source_encoder(sources: Sequence[PreparedPlatform], preset: str, seed: int) -> Encoder:
    """What one source platform pretrains, or several in one place.

    Args:
        sources: the platforms; at least one.
        preset: of the encoder.
        seed: of the run.

    Returns:
        The encoder.

    Raises:
        DataError: if a single source has too few users, or nothing that tells its items apart.
    """
    if len(sources) > 1:
        return pooled_encoder(sources, preset, seed)
    source = sources[0]
    require_learnable(source.platform, source.features)
    return pretrain(
        source.platform, source.features, source.space, preset, PRETRAINING, seed, device=source.device
    ).encoder


def pooled_encoder(platforms: Sequence[PreparedPlatform], preset: str, seed: int) -> Encoder:
    """An encoder trained on all platforms' encoder-training users in one place.

    Args:
        platforms: at least one, all of one feature space.
        preset: of the encoder.
        seed: of the run.

    Returns:
        The encoder.
    """
    everything, features = _in_one_place(platforms)
    space = platforms[0].space
    return pretrain(
        everything.platform,
        features,
        space,
        preset,
        POOLED,
        seed,
        early_stopping_users=everything.early_stopping_users,
        device=platforms[0].device,
    ).encoder


def _in_one_place(platforms: Sequence[PreparedPlatform]) -> tuple[Merged, NDArray[np.float32]]:
    """All platforms as one, and their catalogues' vectors."""
    return merged([prepared.platform for prepared in platforms]), np.concatenate(
        [prepared.features for prepared in platforms]
    )


class EncoderTraining:
    """Trains under one seed; what is kept in ``kept`` is not trained again, but reported again.

    ``pretrained`` is a folder that several runs share.
    """

    def __init__(
        self,
        config: RunConfig,
        opened: Mapping[str, PreparedPlatform],
        recorder: RunRecorder,
        seed: int,
        *,
        encoder_folder: Path,
        work: Path,
        pretrained: Path | None = None,
    ) -> None:
        self._config, self._opened, self._recorder, self._seed = config, opened, recorder, seed
        self._kept_encoders, self._work, self._shared = KeptEncoders(encoder_folder), work, pretrained
        self.left_out: dict[str, Encoder] = {}
        """by platform, what rounds without it make; ``encoders`` makes them where the run asks for them"""

    def encoders(self) -> Encoders:
        """Those that a method needs on a platform that is no source."""
        config = self._config
        methods = config.methods if any(name not in config.sources for name in config.reported) else ()
        origins = {METHODS[method].origin for method in methods}
        received = self._received() if origins & {"received", "federated"} and config.sources else None
        return Encoders(
            received=None if received is None else received[0],
            item_moments={} if received is None else received[1].item_moments,
            federated=None if received is None or "federated" not in origins else self._federated(*received),
            pooled=self._pooled() if "pooled" in origins else None,
        )

    def _received(self) -> tuple[ReceivedEncoder, EncoderCard]:
        """The source's encoder, and what is released with it."""
        encoder, card = self._kept_encoders.encoder("source", self._pretrained)
        self._recorder.set_encoder(_summary(encoder))
        return ReceivedEncoder(encoder=encoder, seen=False, released=card.calibration), card

    def _federated(self, received: ReceivedEncoder, card: EncoderCard) -> ReceivedEncoder:
        """What rounds make of the source's encoder; of its form and its catalogue alone where answers bear noise.

        The source takes part in the rounds: its users give there what they would else have given twice.
        """
        private = self._config.federation.is_private
        start = Encoder.initial(received.encoder.spec, 0).without_sequence() if private else received.encoder
        encoder, _ = self._kept_encoders.encoder("federated", lambda: self._after_rounds(start, card))
        rounds, who_helps = self._kept_encoders.rounds()
        for entry in rounds:
            self._recorder.add_round(entry)
        self._recorder.add_help(who_helps)
        for name in self._opened if self._config.leave_one_out else ():
            self.left_out[name], _ = self._kept_encoders.encoder(
                f"federated-without-{name}", partial(self._without, name, start, card)
            )
        return ReceivedEncoder(encoder=encoder, seen=True, released=received.released)

    def _pooled(self) -> ReceivedEncoder:
        """What all platforms' users train in one place."""
        encoder, _ = self._kept_encoders.encoder("pooled", self._train_pooled)
        self._recorder.set_encoder(_summary(encoder))
        return ReceivedEncoder(encoder=encoder, seen=True)

    def _pretrained(self) -> Made:
        """Once for all runs that share a folder of pretrained encoders."""
        sources, preset = [self._opened[name] for name in self._config.sources], self._config.encoder
        if self._config.federation.is_private:
            return self._pretrain_private(sources)
        return pretrained_once(self._shared, sources, preset, self._seed, partial(self._pretrain, sources))

    def _pretrain(self, sources: Sequence[PreparedPlatform]) -> Made:
        with self._recorder.step("pretrain"):
            source = source_encoder(sources, self._config.encoder, self._seed)
            calibration = released_calibration(sources[0], source)
            moments = released_item_moments(sources[0].features, source)
            catalogue = released_catalogue(sources[0].features)
        return source, EncoderCard(calibration=calibration, item_moments=moments, catalogue=catalogue)

    def _pretrain_private(self, sources: Sequence[PreparedPlatform]) -> Made:
        """What leaves a source under noise, which is drawn from the seed: no user of a simulation was promised any."""
        promise, draw = self._config.federation, rng_for(self._seed, "pretraining", "noise").bytes
        everything, features = _in_one_place(sources)
        with self._recorder.step("pretrain"):
            encoder, _counts = pretrain_private(
                everything.platform, features, sources[0].space, self._config.encoder, promise, draw
            )
        return encoder, EncoderCard(catalogue=released_catalogue(features))

    def _train_pooled(self) -> Made:
        with self._recorder.step("pooled"):
            return pooled_encoder(list(self._opened.values()), self._config.encoder, self._seed), EncoderCard()

    def _after_rounds(self, start: Encoder, card: EncoderCard) -> Made:
        """The encoder after a federation of all platforms; what is said of its rounds is kept before it."""
        rounds = replace(self._config.federation, seed=self._seed)
        with self._recorder.step("rounds"):
            result = self._rounds(self._opened, start, card)
            moments = {
                result.labels.get(name, name): platform_moments for name, platform_moments in result.moments.items()
            }
            lifts = leave_one_out(
                self._opened, start, moments, ridge=rounds.ridge, seed=self._seed, is_counted=rounds.is_masked
            )
        self._kept_encoders.keep_rounds(
            [RoundOutcome(seed=self._seed, **entry) for entry in result.rounds()],
            HelpOutcome(seed=self._seed, lifts=lifts),
        )
        return result.encoder, EncoderCard()

    def _without(self, name: str, start: Encoder, card: EncoderCard) -> Made:
        """The encoder after the same rounds of all platforms but one."""
        others = {other: prepared for other, prepared in self._opened.items() if other != name}
        with self._recorder.step("rounds without one"):
            return self._rounds(others, start, card).encoder, EncoderCard()

    def _rounds(self, platforms: Mapping[str, PreparedPlatform], start: Encoder, card: EncoderCard) -> FederationResult:
        folder = self._work / "rounds"
        shutil.rmtree(folder, ignore_errors=True)
        return run_held_federation(
            platforms,
            start,
            replace(self._config.federation, seed=self._seed),
            folder=folder,
            aggregation=_aggregation(self._config),
            card=EncoderCard(catalogue=card.catalogue),
        )


def _aggregation(config: RunConfig) -> BuildAggregation:
    if config.plugin is None or not config.plugin_aggregation:
        return ServerOptimiser
    return config.plugin.load().aggregations[config.plugin_aggregation]


def _summary(encoder: Encoder) -> EncoderSummary:
    return EncoderSummary(
        parameters=encoder.flat.size,
        bytes=encoder.flat.nbytes,
        fingerprint=encoder.spec.feature_space.fingerprint,
    )
