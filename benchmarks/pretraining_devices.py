"""Positions a second of pretraining on a GPU beside this machine's cores.

    python -m benchmarks.pretraining_devices DATA/amazon_games [--encoder wide] [--threads 2] [--steps N] [--least 15]

The same steps of the same batches are trained on each device, after some that are not timed. Prints a table in
Markdown, and whether the GPU reaches ``--least`` times the cores: exit code 1 where it does not. Without a GPU it says
that this was skipped.
"""

import argparse
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from benchmarks.narrow_tables import narrow_tables
from client.data.folder_options import Preparation
from client.data.platform import training_sequences
from client.features.prepared_platform import PreparedPlatform, open_platform
from client.training.batches import Windows
from client.training.loop import train_sequence
from client.training.pretraining import PRETRAINING
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.presets import PRESETS
from shared.seeding import rng_for
from shared.system.device import CPU, CUDA, Device

HEADS = ("device", "positions a second", "of the cores")
UNTIMED = 3
"""Steps at first, in which kernels are chosen and memory is taken."""


def positions_a_second(prepared: PreparedPlatform, preset: str, device: Device, steps: int, seed: int) -> float:
    """How many next items a second are learnt, by the wall clock.

    Args:
        prepared: the platform.
        preset: the encoder's size.
        device: where it is trained.
        steps: that are timed.
        seed: of the encoder and the batches.

    Returns:
        Positions that hold a history and a next item, padding left out.
    """
    platform, features = prepared.platform, prepared.features
    sequences = training_sequences(platform, platform.encoder_users)
    spec = EncoderSpec(preset=preset, input_dim=features.shape[1], feature_space=prepared.space)
    head = SequenceHead.initial(len(features), spec.architecture.width)
    model = SequenceModel.over(Encoder.initial(spec, seed).sequence_module(), head, features)
    seconds = 0.0
    for number in (UNTIMED, steps):
        settings = replace(PRETRAINING, epochs=1, steps=number)
        begun = time.perf_counter()
        train_sequence(model, sequences, settings, rng_for(seed, "devices"), device=device)
        seconds = time.perf_counter() - begun
    # the batches of an epoch are drawn before anything else is
    batches = islice(Windows.of(sequences, model.length).epoch(rng_for(seed, "devices"), PRETRAINING.tokens), steps)
    return sum(len(batch.targets) for batch in batches) / seconds


def verdict(cores: float, gpu: float | None, least: float) -> tuple[str, bool]:
    """What is said of the bar, and whether it is missed.

    Args:
        cores: positions a second on the CPU.
        gpu: on the GPU; None without one.
        least: how many times the cores the GPU is to reach.

    Returns:
        A sentence, and True where the GPU is slower than that.
    """
    if gpu is None:
        return f"Skipped: at least {least:g} times the cores on a GPU; torch sees none on this machine.", False
    missed = gpu < least * cores
    return f"{'Missed' if missed else 'Reached'}: at least {least:g} times the cores; it is {gpu / cores:.1f}.", missed


def main() -> None:
    """Time each device that there is, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a platform folder")
    parser.add_argument("--encoder", choices=[*PRESETS], default="wide")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU")
    parser.add_argument("--steps", type=int, default=30, help="that are timed")
    parser.add_argument("--least", type=float, default=15.0, help="how many times the cores a GPU is to reach")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    prepared = open_platform(options.folder, Preparation(), seed=options.seed, features="hashing", device=CPU)
    devices: tuple[Device, ...] = (CPU, CUDA) if torch.cuda.is_available() else (CPU,)
    speeds = {
        device: positions_a_second(prepared, options.encoder, device, options.steps, options.seed) for device in devices
    }
    names = {CPU: f"cpu, {options.threads} threads", CUDA: torch.cuda.get_device_name() if CUDA in speeds else ""}
    rows = [[names[device], f"{value:,.0f}", f"{value / speeds[CPU]:.1f}"] for device, value in speeds.items()]
    print(narrow_tables(HEADS, rows, keys=1, cuts=()))
    said, missed = verdict(speeds[CPU], speeds.get(CUDA), options.least)
    print(f"\n{options.encoder} on {options.folder.name}. {said}")
    sys.exit(missed)


if __name__ == "__main__":
    main()
