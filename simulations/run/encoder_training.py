"""The encoders that a seed's methods need: trained once for all platforms, or kept from before the run was stopped."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from client.transfer.release import released_calibration, released_item_moments
from client.transfer.trained_parts import FROM_ROUNDS, Encoders
from server.aggregation.aggregation import BuildAggregation
from server.aggregation.server_optimiser import ServerOptimiser
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard
from simulations.config.run_config import NEEDS_SOURCE, RunConfig
from simulations.federation.held_federation import run_held_federation
from simulations.federation.who_helps import leave_one_out
from simulations.platforms.open_platform import OpenPlatform
from simulations.results.outcomes import EncoderSummary, HelpOutcome, RoundOutcome
from simulations.run.encoders import pooled_encoder, source_encoder
from simulations.run.kept_encoders import KeptEncoders, Made
from simulations.run.run_recorder import RunRecorder
from simulations.run.shared_pretraining import pretrained_once


class EncoderTraining:
    """Trains under one seed; what is kept in ``kept`` is not trained again, but reported again.

    ``pretrained`` is a folder that several runs share.
    """

    def __init__(
        self,
        config: RunConfig,
        opened: Mapping[str, OpenPlatform],
        recorder: RunRecorder,
        seed: int,
        *,
        kept: Path,
        work: Path,
        pretrained: Path | None = None,
    ) -> None:
        self._config, self._opened, self._recorder, self._seed = config, opened, recorder, seed
        self._kept, self._work, self._shared = KeptEncoders(kept), work, pretrained

    def encoders(self) -> Encoders:
        """Those that a method needs on a platform that is no source."""
        config, kept = self._config, self._kept
        wanted = config.methods if any(name not in config.sources for name in config.reported) else ()
        source: Encoder | None = None
        card = EncoderCard()
        federated: Encoder | None = None
        pooled: Encoder | None = None
        if any(method in NEEDS_SOURCE for method in wanted) and config.sources:
            source, card = kept.encoder("source", self._pretrained)
            self._recorder.set_encoder(_summary(source))
        if any(method in FROM_ROUNDS for method in wanted) and source is not None:
            start = source
            federated, _ = kept.encoder("federated", lambda: self._after_rounds(start))
            rounds, who_helps = kept.rounds()
            for entry in rounds:
                self._recorder.add_round(entry)
            self._recorder.add_help(who_helps)
        if "pooled" in wanted:
            pooled, _ = kept.encoder("pooled", self._pooled)
            self._recorder.set_encoder(_summary(pooled))
        return Encoders(
            source=source,
            released=card.calibration,
            item_moments=card.item_moments,
            federated=federated,
            pooled=pooled,
        )

    def _pretrained(self) -> Made:
        """Once for all runs that share a folder of pretrained encoders."""
        sources, preset = [self._opened[name] for name in self._config.sources], self._config.encoder
        return pretrained_once(self._shared, sources, preset, self._seed, partial(self._pretrain, sources))

    def _pretrain(self, sources: Sequence[OpenPlatform]) -> Made:
        with self._recorder.step("pretrain"):
            source = source_encoder(sources, self._config.encoder, self._seed)
            first = sources[0]
            calibration = released_calibration(first.platform, first.catalogue, source)
            moments = released_item_moments(first.catalogue.features, source)
        return source, EncoderCard(calibration=calibration, item_moments=moments)

    def _pooled(self) -> Made:
        with self._recorder.step("pooled"):
            return pooled_encoder(list(self._opened.values()), self._config.encoder, self._seed), EncoderCard()

    def _after_rounds(self, start: Encoder) -> Made:
        """The encoder after a federation of all platforms; what is said of its rounds is kept before it."""
        config, folder = self._config, self._work / "rounds"
        shutil.rmtree(folder, ignore_errors=True)
        rounds = replace(config.federation, seed=self._seed)
        with self._recorder.step("rounds"):
            result = run_held_federation(
                {name: one.data for name, one in self._opened.items()},
                start,
                rounds,
                folder=folder,
                aggregation=_aggregation(config),
            )
            lifts = leave_one_out(self._opened, start, result.moments, ridge=rounds.ridge, seed=self._seed)
        self._kept.keep_rounds(
            [RoundOutcome(seed=self._seed, **entry) for entry in result.rounds()],
            HelpOutcome(seed=self._seed, lifts=lifts),
        )
        return result.encoder, EncoderCard()


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
