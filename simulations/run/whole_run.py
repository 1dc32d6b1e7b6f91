"""A run: platforms opened and encoders trained once for each seed, then every method on every reported platform."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from client.data.spec import PlatformSpec
from client.ensemble.cross_fitting import Catalogue
from client.features.kept_vectors import VectorFolder
from client.features.neighbours import Neighbours, nearest
from client.rounds.workspace import open_data
from client.transfer.model import TuningSettings
from client.transfer.trained_parts import PartSettings
from shared.feature_space.fingerprint import require_same
from shared.federation.config import adapter_rank
from simulations.config.run_config import RunConfig
from simulations.methods.baselines import BASELINES
from simulations.methods.cold_start import METHODS, beginnings
from simulations.methods.platform_methods import run_baselines, run_stacks
from simulations.platforms.open_impressions import open_impressions
from simulations.platforms.open_platform import OpenPlatform
from simulations.platforms.people import without_shared_people
from simulations.platforms.run_platforms import open_platforms
from simulations.run.encoder_training import EncoderTraining
from simulations.run.finished_task import KEPT_FOLDER, submit_kept
from simulations.run.run_recorder import RunRecorder
from simulations.run.workers import Workers, cores, threads

LOCAL_METHODS = (*BASELINES, "stack", "local")
"""What the source is reported with."""


def run(config: RunConfig, recorder: RunRecorder, work: Path, *, jobs: int = 1, pretrained: Path | None = None) -> None:
    """Run every method on every reported platform under every seed, handing each outcome to the recorder.

    Encoders are trained here; what is done for one platform is done by ``jobs`` processes at the same time (1: here).
    What a stopped run has left finished in ``work`` is not done again, nor what another run of the same source has
    pretrained in the folder ``pretrained``.
    """
    specs, world = open_platforms(config, work / "platforms")
    for source in config.sources:
        specs = without_shared_people(specs, source, work / "source")
    settings = PartSettings(
        preset=config.encoder,
        teacher=config.teacher,
        alignment=config.alignment,
        tuning=TuningSettings(rank=adapter_rank(config.adapters), moments_weight=config.moments_weight),
    )
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
            kept = work / KEPT_FOLDER / f"seed-{seed}"
            finished = kept / "platforms"
            tasks = [(opened[name], methods[name]) for name in largest_first]
            for name in config.cold_start:
                few = [method for method in methods[name] if method in METHODS]
                tasks += [(beginning, few) for beginning in beginnings(opened[name], seed)]
            for one, wanted in tasks:
                submit_kept(
                    workers, recorder, finished / one.platform.name / "baselines", run_baselines, one, wanted, seed
                )
            training = EncoderTraining(
                config, opened, recorder, seed, kept=kept / "encoders", work=work, pretrained=pretrained
            )
            encoders = training.encoders()
            for one, wanted in tasks:
                name = one.platform.name
                submit_kept(
                    workers,
                    recorder,
                    finished / name / "stacks",
                    run_stacks,
                    one,
                    wanted,
                    encoders,
                    settings=settings,
                    seed=seed,
                    heads=work / "heads" / f"seed-{seed}" / name,
                    truth=None if world is None else world.truths.get(name),
                    plugin=config.plugin,
                    diversity=config.diversity,
                )


def _open(spec: PlatformSpec, config: RunConfig, seed: int, work: Path, known: dict[str, Neighbours]) -> OpenPlatform:
    """The platform with its vectors; parts of one folder often have one catalogue, whose neighbours are ``known``."""
    kept = VectorFolder(work / "features")
    data = open_data(str(spec), seed, kept, config.features, config.min_user_events, config.min_item_events)
    key = hashlib.sha256(np.ascontiguousarray(data.features).tobytes()).hexdigest()
    if key not in known:
        known[key] = nearest(data.features)
    catalogue = Catalogue(features=data.features, neighbours=known[key])
    impressions = open_impressions(spec, config, data.platform, seed, kept)
    return OpenPlatform(data=data, catalogue=catalogue, impressions=impressions)


def _require_one_space(opened: Mapping[str, OpenPlatform]) -> None:
    first, *others = opened.values()
    for other in others:
        require_same(first.space, other.space, where=f"platform {other.platform.name!r}")
