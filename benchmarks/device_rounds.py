"""What rounds over devices take in virtual time and in bytes: waiting, asking more, asynchronous; bits and low rank.

    python -m benchmarks.device_rounds OUT NAME=FOLDER [--cohort 100] [--rounds 60] [--seeds 3] [--part time|bytes]

All rows of a seed begin from the same encoder. ``time``: a tenth of the devices is ten times slower; when each way has
taken off 95 % of what waiting for all takes off the loss (the mean over a sample of devices of a round's own loss, with
the same drawn items at each look). NDCG@10 is of the encoder alone at the end, on every device's test event.
``bytes``: all forms of an update, the same devices asked in the same rounds; what the encoder is worth at the end on
every device, and what an update takes beside the sequence part in float32.
"""

import argparse
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from flwr.app import RecordDict
from numpy.typing import NDArray

from benchmarks.narrow_tables import narrow_tables
from client.data.folder_options import DataSettings, SharedPreparation
from client.data.held_out import Stage
from client.data.platform import examples
from client.data.sequences import Sequences, select
from client.data.source import read_platform_data
from client.data.spec import parse_platform_spec
from client.evaluation.ranking import by_user, ndcg_of, ranks_by_column
from client.features.prepared_platform import PreparedPlatform, prepare_platform
from client.scorers.encoder_scorers import encoder_scorers
from client.scorers.scorer import HistoryBatch
from client.training.cohort_round import CohortRound
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.federation.config import LocalSettings, RoundsConfig
from shared.seeding import rng_for
from simulations.config.device_run_config import USUAL, DeviceRunConfig
from simulations.config.population_config import PopulationConfig
from simulations.devices.chunk_task import sent_task
from simulations.devices.cohort_answer import ChunkWork, DoneChunk, work_here
from simulations.devices.device_federation import run_devices
from simulations.devices.device_platform import DevicePlatform
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock

FEATURES, PRESET, DIM = "hashing:512", "nano", 512
TARGET = 0.95
SAMPLE = 500
SLOW = PopulationConfig(availability="always", slow_share=0.1, slow_factor=10)
ALL_ALIKE = PopulationConfig(availability="always", breaks_per_minute=0)
TIME_COLUMNS = ("way", "seed", "steps", "hours", "hours to target", "of waiting", "loss", "NDCG@10", "updates", "MB up")
BYTE_COLUMNS = ("form", "seed", "loss", "NDCG@10", "beside whole, %", "bytes an update", "float32 over it")
FORMS: dict[str, tuple[dict[str, Any], bool]] = {
    "whole": ({}, False),
    "int8": ({"updates": "int8-delta"}, True),
    "int8, no feedback": ({"updates": "int8-delta"}, False),
    "int4": ({"updates": "int4-delta"}, True),
    "int4, no feedback": ({"updates": "int4-delta"}, False),
    "rank 16": ({"adapters": "shared:16"}, False),
    "rank 16, int8": ({"adapters": "shared:16", "updates": "int8-delta"}, False),
    "rank 16, int4": ({"adapters": "shared:16", "updates": "int4-delta"}, False),
    "rank 8, int8": ({"adapters": "shared:8", "updates": "int8-delta"}, False),
}
"""settings of the local round, and whether what rounding takes is added to the device's next update"""


def worth(platform: DevicePlatform, encoder: Encoder) -> float:
    """The mean NDCG@10 of an encoder alone on the test event of every device, by full ranking.

    Args:
        platform: whose users the devices are.
        encoder: that all of them have.

    Returns:
        The mean.
    """
    whole = platform.prepared.platform
    sample = examples(whole, Stage.TEST, whole.training_users)
    scorers = encoder_scorers("", encoder, platform.prepared.features, None)
    (scorer,) = [each for each in scorers if "sequence" in each.columns[0].name]

    def score(histories: Sequences) -> list[torch.Tensor]:
        return list(scorer.score(HistoryBatch(histories, whole.n_items)))

    with torch.no_grad():
        ranks = ranks_by_column(score, sample, 1, n_items=whole.n_items, repeats=whole.repeats)
    return float(by_user(ndcg_of(ranks, sample.sizes), sample.users)[0].mean())


@dataclass(frozen=True, eq=False, kw_only=True)
class Loss:
    """The mean loss of an encoder on a sample of devices, in nats."""

    platform: DevicePlatform
    seed: int

    def __call__(self, encoder: Encoder) -> float:
        """With the same drawn items for each encoder."""
        histories = self.platform.histories
        drawn = rng_for(self.seed, "judged").permutation(len(histories))[:SAMPLE]
        one_step = LocalSettings(steps=1, negatives=256)
        work = CohortRound(encoder=encoder, features=self.platform.prepared.features, settings=one_step, seed=self.seed)
        return float(np.concatenate([part.losses for part in work.changes(select(histories, drawn))]).mean())


@dataclass(eq=False, kw_only=True)
class Course:
    """Losses of the encoders that were sent out, by the step before them."""

    loss: Loss
    every: int
    losses: dict[int, float] = field(default_factory=dict)

    def watching(self, work: ChunkWork) -> ChunkWork:
        """The same work, each new encoder looked at before."""

        def watched(content: RecordDict, chunks: Sequence[NDArray[np.int64]]) -> Iterable[DoneChunk]:
            task = sent_task(content)
            done = task.round - 1
            if done % self.every == 0 and done not in self.losses and isinstance(task.encoder, Encoder):
                self.losses[done] = self.loss(task.encoder)
            return work(content, chunks)

        return watched


@dataclass(frozen=True, eq=False, kw_only=True)
class Ran:
    """A run."""

    encoder: Encoder
    history: Sequence[Mapping[str, Any]]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """[rounds + 1] virtual time after each."""
        return np.cumsum([0.0, *(line["seconds"] for line in self.history)])

    @property
    def updates(self) -> int:
        """That were used."""
        return sum(line["counts"].get("reply", 0) for line in self.history)

    @property
    def bytes_up(self) -> int:
        """Of all that was sent."""
        return sum(line["bytes_up"] for line in self.history)


def ran(
    prepared: PreparedPlatform, run: RoundsConfig, population: PopulationConfig, out: Path, course: Course, **more: Any
) -> Ran:
    """A run from the encoder of its seed.

    Args:
        prepared: the platform whose users are devices.
        run: of the server.
        population: of the devices.
        out: a folder for the server's files, which is made anew.
        course: looks at the encoders that go out.
        **more: of the run's config.

    Returns:
        The run.
    """
    config = DeviceRunConfig(features=FEATURES, seed=run.seed, federation=run, population=population, **more)
    devices = DevicePlatform(prepared=prepared, keeps_left_out=config.error_feedback).held
    spec = EncoderSpec(preset=PRESET, input_dim=DIM, feature_space=prepared.space)
    shutil.rmtree(out, ignore_errors=True)
    result = run_devices(
        devices,
        Population(population, count=len(devices.histories), seed=run.seed),
        Encoder.initial(spec, run.seed),
        config,
        folder=out,
        work=course.watching(work_here(devices)),
        time=VirtualClock(0.0),
    )
    return Ran(encoder=result.encoder, history=result.history)


def time_rows(platform: DevicePlatform, usual: RoundsConfig, out: Path) -> Iterator[list[object]]:
    """Waiting for all, asking more, and asynchronous.

    Args:
        platform: whose users the devices are.
        usual: rounds that wait for all.
        out: for the server's files.

    Yields:
        A row a way.
    """
    half = usual.cohort // 2
    ways = {
        "waiting for all": usual,
        "asking 1.3 times as many": replace(usual, over_sampling=1.3),
        f"asynchronous, buffer {half}": replace(usual, buffer=half, rounds=2 * usual.rounds),
        f"asynchronous, buffer {usual.cohort}": replace(usual, buffer=usual.cohort),
    }
    target, waited = 0.0, 0.0
    for way, rounds in ways.items():
        course = Course(loss=Loss(platform=platform, seed=usual.seed), every=4)
        run = ran(platform.prepared, rounds, SLOW, out / "run", course)
        losses = {**course.losses, len(run.history): course.loss(run.encoder)}
        target = target or losses[0] - TARGET * (losses[0] - min(losses.values()))
        reached = [float(run.seconds[step]) for step, loss in sorted(losses.items()) if loss <= target]
        hours = reached[0] / 3600 if reached else float("inf")
        waited = waited or hours
        yield [
            way,
            usual.seed,
            len(run.history),
            f"{run.seconds[-1] / 3600:.2f}",
            f"{hours:.2f}",
            f"{hours / waited:.2f}",
            f"{losses[len(run.history)]:.4f}",
            f"{worth(platform, run.encoder):.4f}",
            run.updates,
            f"{run.bytes_up / 1e6:.1f}",
        ]


def byte_rows(platform: DevicePlatform, usual: RoundsConfig, out: Path) -> Iterator[list[object]]:
    """All forms.

    Args:
        platform: whose users the devices are.
        usual: rounds of whole updates.
        out: for the server's files.

    Yields:
        A row a form.
    """
    loss = Loss(platform=platform, seed=usual.seed)
    whole = 0.0
    for form, (changes, feedback) in FORMS.items():
        rounds = replace(usual, local=replace(usual.local, **changes))
        course = Course(loss=loss, every=usual.rounds)
        run = ran(platform.prepared, rounds, ALL_ALIKE, out / "run", course, error_feedback=feedback)
        ndcg = worth(platform, run.encoder)
        whole = whole or ndcg
        plain = 4 * len(run.encoder.flat[run.encoder.spec.sequence_place])
        size = run.bytes_up / run.updates
        yield [
            form,
            usual.seed,
            f"{loss(run.encoder):.4f}",
            f"{ndcg:.4f}",
            f"{100 * (ndcg / whole - 1):+.2f}",
            f"{size:,.0f}",
            f"{plain / size:.2f}",
        ]


def main() -> None:
    """Run what is asked for, and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("platform", metavar="NAME=FOLDER")
    parser.add_argument("--cohort", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3, help="How many, from 0 on.")
    parser.add_argument("--part", choices=("time", "bytes"), default="time")
    given = parser.parse_args()
    spec = parse_platform_spec(given.platform)
    prepared = prepare_platform(
        read_platform_data(spec.path, spec.said_of_times),
        spec.preparation(SharedPreparation.of(DataSettings())),
        name=spec.name,
        seed=0,
        features=FEATURES,
    )
    platform = DevicePlatform(prepared=prepared)
    usual = replace(
        USUAL, privacy="plain", moments=False, rounds=given.rounds, cohort=given.cohort, deadline_seconds=3600.0
    )
    rows_of, columns = (time_rows, TIME_COLUMNS) if given.part == "time" else (byte_rows, BYTE_COLUMNS)
    rows = []
    for seed in range(given.seeds):
        for row in rows_of(platform, replace(usual, seed=seed), given.out):
            rows.append(row)
            print(json.dumps(row), flush=True)
    print(narrow_tables(columns, rows, keys=2, cuts=(6,)))


if __name__ == "__main__":
    main()
