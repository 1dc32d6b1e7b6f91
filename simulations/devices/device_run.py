"""A run of a population of devices from its config to its files."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from client.data.folder_options import SharedPreparation
from client.data.source import read_platform_data
from client.data.spec import PlatformSpec
from client.evaluation.lift import paired_lift
from client.features.prepared_platform import prepare_platform
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.errors import ConfigError
from shared.feature_space import require_same
from shared.seeding import rng_for
from shared.system.device import Device, used_device
from shared.system.whole_file import write_whole
from simulations.config.device_run_config import DeviceRunConfig
from simulations.config.engine_options import EngineOptions
from simulations.devices.device_evaluation import ENCODER, HEADS, LISTS, DeviceFigures, evaluated
from simulations.devices.device_federation import SERVER_FOLDER, START_FILE, run_devices, seconds_before
from simulations.devices.device_platform import DevicePlatform
from simulations.devices.device_plot import PLOT_FILE, write_plot
from simulations.devices.engine import work_of
from simulations.devices.judged_rounds import JUDGED_FILE, JudgedRounds
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock
from simulations.platforms.run_platforms import require_platform_folder
from simulations.results.result_document import versions
from simulations.run.run_folder import WORK_FOLDER, goes_on, worked_in
from simulations.run.run_identity import FORMAT as IDENTITY_FORMAT
from simulations.run.run_identity import code_digest, file_digest

DEVICES_FILE, ENCODER_FILE = "devices.json", "encoder.safetensors"
FORMAT = 1
Say = Callable[[str], None]


def run_population(
    spec: PlatformSpec, config: DeviceRunConfig, out: Path, *, say: Say, force: bool = False, resume: bool = False
) -> dict[str, Any]:
    """Split a platform by user, train an encoder on its devices, and say what it is worth to them.

    Args:
        spec: of the platform.
        config: of the run.
        out: a folder for ``devices.json``, ``encoder.safetensors`` and the plot.
        say: hears each step as it begins.
        force: begin anew in a folder that holds files (with ``resume``: of another run).
        resume: go on where the same run was stopped in ``out``; begin it where that is new or empty.

    Returns:
        What ``devices.json`` holds.

    Raises:
        ConfigError: if the platform's folder is none, an option makes no sense for it, or ``out`` holds files and
            neither ``force`` nor ``resume`` is set, or another run's.
        DataError: if the platform's data cannot be read.
    """
    device = used_device(config.device)
    config = replace(config, device=device)
    identity = _identity(spec, config)
    is_begun = goes_on(out, identity, force=force, resume=resume)
    results, work_files = (DEVICES_FILE, ENCODER_FILE, PLOT_FILE), (SERVER_FOLDER, START_FILE, JUDGED_FILE)
    say("preparing the platform")
    platform = _platform(spec, config, device)
    _require_devices(config.federation.cohort, len(platform.histories))
    with worked_in(out, identity, is_begun=is_begun, results=results, work_files=work_files):
        document = _run(platform, config, out, say=say, resume=is_begun)
        write_whole(out / DEVICES_FILE, f"{json.dumps(document, indent=1, allow_nan=False)}\n".encode())
        write_plot(document, out / PLOT_FILE)
    return document


def _run(platform: DevicePlatform, config: DeviceRunConfig, out: Path, *, say: Say, resume: bool) -> dict[str, Any]:
    count, work = len(platform.histories), out / WORK_FOLDER
    encoder = _start(platform, config)
    population = Population(config.population, count=count, seed=config.seed, first_events=platform.first_events)
    clock = VirtualClock(seconds_before(work / SERVER_FOLDER) if resume else 0.0)

    def judge(judged: Encoder) -> dict[str, float]:
        return evaluated(platform, judged, seed=config.seed, most=config.judged_devices).means()

    rounds = JudgedRounds(judge, config.judge_every or config.federation.rounds + 1, clock, work)
    say(f"training on {count:,} devices, {config.federation.rounds} rounds of {config.federation.cohort:,}")
    began = time.perf_counter()
    with work_of(config.engine, platform.held, work) as trains:
        result = run_devices(
            platform.held,
            population,
            encoder,
            config,
            folder=work,
            work=rounds.watching(trains),
            time=clock,
            resume=resume,
        )
    seconds = time.perf_counter() - began
    rounds.add(config.federation.rounds, result.encoder)
    say("ranking every device's test event")
    figures = {
        "start": evaluated(platform, encoder, seed=config.seed, most=0),
        "trained": evaluated(platform, result.encoder, seed=config.seed, most=0),
    }
    save_encoder(out / ENCODER_FILE, result.encoder, EncoderCard())
    return {
        "format": FORMAT,
        "platform": platform.prepared.platform.name,
        "devices": count,
        "items": platform.prepared.platform.n_items,
        "config": config.to_dict(),
        "versions": versions(),
        "figures": {name: _figures(values, figures["start"], config.seed) for name, values in figures.items()},
        "judged": rounds.lines,
        "rounds": [_round(entry) for entry in result.history if entry["kind"] == "train"],
        "seconds": round(seconds, 3),
    }


def _figures(figures: DeviceFigures, start: DeviceFigures, seed: int) -> dict[str, Any]:
    """Means, and lifts of heads and of lists with their intervals over the encoder alone and over the start."""
    told: dict[str, Any] = {"devices": len(figures.users), "ndcg@10": figures.means()}
    for way in (HEADS, LISTS):
        baselines = {"over the encoder alone": figures.ndcg[ENCODER], "over the start": start.ndcg[way]}
        told[f"lift of {way}"] = {
            name: lift and lift.to_json()
            for name, baseline in baselines.items()
            for lift in [paired_lift(figures.ndcg[way], baseline, rng_for(seed, "device-lifts", name))]
        }
    return told


def _round(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("round", "seconds", "bytes_down", "bytes_up", "counts", "note")}


def _platform(spec: PlatformSpec, config: DeviceRunConfig, device: Device) -> DevicePlatform:
    prepared = prepare_platform(
        read_platform_data(spec.path, spec.said_of_times),
        spec.preparation(SharedPreparation.of(config)),
        name=spec.name,
        seed=config.seed,
        features=config.features,
        device=device,
    )
    return DevicePlatform(prepared=prepared, keeps_left_out=config.error_feedback)


def _require_devices(cohort: int, count: int) -> None:
    """Raise ConfigError where a cohort can never be drawn."""
    if cohort > count:
        raise ConfigError(f"cohort must be at most the {count:,} devices of the platform; got {cohort:,}")


def _start(platform: DevicePlatform, config: DeviceRunConfig) -> Encoder:
    """The encoder that was named, else one before any training."""
    space = platform.prepared.space
    if not config.from_encoder:
        spec = EncoderSpec(preset=config.preset, input_dim=space.dim, feature_space=space)
        return Encoder.initial(spec, config.seed)
    encoder, _card = load_encoder(Path(config.from_encoder))
    require_same(encoder.spec.feature_space, space, where=platform.prepared.platform.name)
    return encoder


def _identity(spec: PlatformSpec, config: DeviceRunConfig) -> dict[str, Any]:
    require_platform_folder(spec)
    files = sorted(path for path in spec.path.iterdir() if path.is_file())
    named = [Path(name) for name in (config.population.trace, config.from_encoder) if name]
    for file in named:
        if not file.is_file():
            raise ConfigError(f"trace and the encoder to begin from must be files; found none at {file}")
    return {
        "format": IDENTITY_FORMAT,
        "config": {**replace(config, engine=EngineOptions()).to_dict(), "platform": str(spec)},
        "versions": versions(),
        "code": code_digest(),
        "platforms": {spec.name: file_digest([*files, *named])},
    }
