"""A run: platforms opened and encoders trained once for each seed, then every method on every reported platform."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from client.data.spec import PlatformSpec
from client.recommender.cross_fitting import Catalogue
from client.recommender.release import released_calibration, released_item_moments
from client.scorers.neighbours import Neighbours, nearest
from client.workspace import open_data
from shared.config import LocalSettings, RoundsConfig, adapter_rank
from shared.encoder.encoder import Encoder
from shared.feature_space.fingerprint import require_same
from simulations.baselines import BASELINES
from simulations.encoders import OpenPlatform, pooled_encoder, source_encoder
from simulations.federation import run_held_federation
from simulations.open_impressions import open_impressions
from simulations.outcomes import (
    EncoderSummary,
    HelpOutcome,
    RoundOutcome,
)
from simulations.people import without_shared_people
from simulations.platform_methods import run_baselines, run_stacks
from simulations.platforms import open_platforms
from simulations.recorder import RunRecorder
from simulations.run_config import NEEDS_SOURCE, RunConfig
from simulations.trained_parts import FROM_ROUNDS, Encoders, PartSettings
from simulations.who_helps import leave_one_out
from simulations.workers import Workers, cores, threads

LOCAL_METHODS = (*BASELINES, "stack", "local")
"""What the source is reported with."""


def run(config: RunConfig, recorder: RunRecorder, work: Path, *, jobs: int = 1) -> None:
    """Run every method on every reported platform under every seed, handing each outcome to the recorder.

    Encoders are trained here; what is done for one platform is done by ``jobs`` processes at the same time (1: here).
    """
    specs, world = open_platforms(config, work / "platforms")
    for source in config.sources:
        specs = without_shared_people(specs, source, work / "source")
    settings = PartSettings(preset=config.encoder, teacher=config.teacher, alignment=config.alignment)
    known: dict[str, Neighbours] = {}
    with Workers(jobs, recorder) as workers, threads(max(1, cores() // 2)):
        for seed in range(config.seed, config.seed + config.seeds):
            with recorder.step("prepare"):
                opened = {spec.name: _open(spec, config, seed, work, known) for spec in specs}
                _require_one_space(opened)
            methods = {
                name: [one for one in config.methods if name not in config.sources or one in LOCAL_METHODS]
                for name in config.reported
            }
            largest_first = sorted(config.reported, key=lambda name: -len(opened[name].platform.sequences.items))
            for name in largest_first:
                workers.submit(run_baselines, opened[name], methods[name], seed)
            encoders = _train_encoders(config, opened, recorder, seed, work)
            for name in largest_first:
                workers.submit(
                    run_stacks,
                    opened[name],
                    methods[name],
                    encoders,
                    settings=settings,
                    seed=seed,
                    heads=work / "heads" / f"seed-{seed}" / name,
                    truth=None if world is None else world.truths[name],
                )


def _open(spec: PlatformSpec, config: RunConfig, seed: int, work: Path, known: dict[str, Neighbours]) -> OpenPlatform:
    """The platform with its vectors; parts of one folder often have one catalogue, whose neighbours are ``known``."""
    data = open_data(
        str(spec), seed, str(work / "features"), config.features, config.min_user_events, config.min_item_events
    )
    key = hashlib.sha256(np.ascontiguousarray(data.features).tobytes()).hexdigest()
    if key not in known:
        known[key] = nearest(data.features)
    catalogue = Catalogue(features=data.features, neighbours=known[key])
    impressions = open_impressions(spec, config, data.platform, seed, work / "features")
    return OpenPlatform(data=data, catalogue=catalogue, impressions=impressions)


def _require_one_space(opened: Mapping[str, OpenPlatform]) -> None:
    first, *others = opened.values()
    for other in others:
        require_same(first.space, other.space, where=f"platform {other.platform.name!r}")


def _train_encoders(
    config: RunConfig, opened: Mapping[str, OpenPlatform], recorder: RunRecorder, seed: int, work: Path
) -> Encoders:
    targets = [name for name in config.reported if name not in config.sources]
    wanted = [method for method in config.methods if targets]
    source: Encoder | None = None
    released: Mapping[str, object] = {}
    moments: Mapping[str, object] = {}
    federated: Encoder | None = None
    pooled: Encoder | None = None
    if any(method in NEEDS_SOURCE for method in wanted) and config.sources:
        sources = [opened[name] for name in config.sources]
        with recorder.step("pretrain"):
            source = source_encoder(sources, config.encoder, seed)
            released = released_calibration(sources[0].platform, sources[0].catalogue, source)
            moments = released_item_moments(sources[0].catalogue.features, source)
        recorder.set_encoder(_summary(source))
    if any(method in FROM_ROUNDS for method in wanted) and source is not None:
        with recorder.step("rounds"):
            federated = _rounds(source, opened, config, recorder, seed, work / "rounds")
    if "pooled" in wanted:
        with recorder.step("pooled"):
            pooled = pooled_encoder(list(opened.values()), config.encoder, seed)
        recorder.set_encoder(_summary(pooled))
    return Encoders(
        source=source,
        released=released,
        item_moments=moments,
        federated=federated,
        pooled=pooled,
        rank=adapter_rank(config.adapters),
    )


def _rounds(
    start: Encoder,
    opened: Mapping[str, OpenPlatform],
    config: RunConfig,
    recorder: RunRecorder,
    seed: int,
    folder: Path,
) -> Encoder:
    """The encoder after a federation of all platforms, each round handed to the recorder."""
    shutil.rmtree(folder, ignore_errors=True)
    rounds = RoundsConfig(
        seed=seed,
        rounds=config.rounds,
        local=LocalSettings(adapters=config.adapters),
        downloads="steps" if adapter_rank(config.adapters) else "whole",
    )
    result = run_held_federation({name: one.data for name, one in opened.items()}, start, rounds, folder=folder)
    for entry in result.rounds():
        recorder.add_round(RoundOutcome(seed=seed, **entry))
    lifts = leave_one_out(opened, start, result.moments, ridge=rounds.ridge, seed=seed)
    recorder.add_help(HelpOutcome(seed=seed, lifts=lifts))
    return result.encoder


def _summary(encoder: Encoder) -> EncoderSummary:
    return EncoderSummary(
        parameters=encoder.flat.size,
        bytes=encoder.flat.nbytes,
        fingerprint=encoder.spec.feature_space.fingerprint,
    )
