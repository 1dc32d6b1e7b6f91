"""A run: platforms opened and encoders trained once for each seed, then every method on every reported platform."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from client.data.source import read_platform_data
from client.data.spec import PlatformSpec
from client.features.kept_vectors import VectorFolder
from client.features.prepared_platform import Catalogue, PreparedPlatform, prepare_platform
from client.transfer.part_settings import PartSettings, TuningSettings
from client.transfer.table import METHODS, local_methods
from shared.feature_space import require_same
from shared.federation.config import adapter_rank
from shared.system.device import used_device
from simulations.config.run_config import RunConfig
from simulations.methods.cold_start import beginnings
from simulations.methods.platform_methods import run_baselines, run_stacks
from simulations.platforms.open_impressions import OpenImpressions, open_impressions
from simulations.platforms.run_platforms import open_platforms, without_shared_people
from simulations.run.encoder_training import EncoderTraining
from simulations.run.finished_task import KEPT_FOLDER, Kept, report_again
from simulations.run.run_recorder import RunRecorder
from simulations.run.workers import Workers, cores, threads


def run(config: RunConfig, recorder: RunRecorder, work: Path, *, jobs: int = 1, pretrained: Path | None = None) -> None:
    """Run every method on every reported platform under every seed, handing each outcome to the recorder.

    Encoders are trained here; what is done for one platform is done by several processes at the same time.

    Args:
        config: of the run.
        recorder: gets each outcome.
        work: the run's folder; what a stopped run has left finished in it is not done again.
        jobs: how many processes work on platforms; 1: this one does.
        pretrained: the folder of encoders that other runs of the same source have pretrained, which are not trained
            again; None: there is none.

    Raises:
        ConfigError: if a platform's folder is missing or holds no platform.
        DataError: if a platform's data break the data contract.
        GraftError: if a process that worked on a platform was ended from outside.
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
    with Workers(jobs, recorder) as workers, threads(max(1, cores() // 2)):
        for seed in range(config.seed, config.seed + config.seeds):
            with recorder.step("prepare"):
                opened, impressions = _open(specs, config, seed, VectorFolder(work / "features"))
                _require_one_space(opened)
            methods = {
                name: [method for method in config.methods if name not in config.sources or method in local_methods()]
                for name in config.reported
            }
            largest_first = sorted(config.reported, key=lambda name: -len(opened[name].platform.sequences.items))
            seed_folder = work / KEPT_FOLDER / f"seed-{seed}"
            finished = seed_folder / "platforms"
            tasks = [(opened[name], methods[name]) for name in largest_first]
            for name in config.cold_start:
                few = [method for method in methods[name] if METHODS[method].in_beginnings]
                tasks += [(beginning, few) for beginning in beginnings(opened[name], seed)]
            for prepared, task_methods in tasks:
                file = finished / prepared.name / "baselines"
                if not report_again(file, recorder):
                    workers.submit(Kept(file, run_baselines), prepared, task_methods, seed)
            training = EncoderTraining(
                config,
                opened,
                recorder,
                seed,
                encoder_folder=seed_folder / "encoders",
                work=work,
                pretrained=pretrained,
            )
            encoders = training.encoders()
            for prepared, task_methods in tasks:
                name = prepared.name
                file = finished / name / "stacks"
                if not report_again(file, recorder):
                    workers.submit(
                        Kept(file, run_stacks),
                        prepared,
                        task_methods,
                        encoders,
                        settings=settings,
                        seed=seed,
                        heads=work / "heads" / f"seed-{seed}" / name,
                        truth=None if world is None else world.truths.get(name),
                        impressions=impressions.get(name),
                        plugin=config.plugin,
                        diversity=config.diversity,
                        left_out=training.left_out,
                    )


def _open(
    specs: Iterable[PlatformSpec], config: RunConfig, seed: int, cached_vectors: VectorFolder
) -> tuple[dict[str, PreparedPlatform], dict[str, OpenImpressions | None]]:
    """The platforms, and the impressions of those whose clicks are predicted, by name.

    Parts of one folder often have one catalogue, whose neighbours are found once.
    """
    known: dict[str, Catalogue] = {}
    device = used_device(config.device)
    opened, impressions = {}, {}
    for spec in specs:
        prepared = prepare_platform(
            read_platform_data(spec.path, spec.said_of_times),
            spec.preparation(config),
            name=spec.name,
            seed=seed,
            features=config.features,
            cached_vectors=cached_vectors,
            device=device,
        )
        key = hashlib.sha256(np.ascontiguousarray(prepared.features).tobytes()).hexdigest()
        opened[spec.name] = replace(prepared, catalogue=known.setdefault(key, prepared.catalogue))
        impressions[spec.name] = open_impressions(spec, config, prepared.platform, seed, cached_vectors)
    for catalogue in known.values():
        catalogue.neighbours  # noqa: B018 (found here, before other processes get copies)
    return opened, impressions


def _require_one_space(opened: Mapping[str, PreparedPlatform]) -> None:
    first, *others = opened.values()
    for other in others:
        require_same(first.space, other.space, where=f"platform {other.platform.name!r}")
