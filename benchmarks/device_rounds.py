"""What rounds over devices take in virtual time and in bytes: waiting, asking more, asynchronous; bits and low rank.

    python -m benchmarks.device_rounds OUT NAME=FOLDER [--cohort 100] [--rounds 60] [--seeds 3] [--part time|bytes]

All rows of a seed begin from the same encoder. ``time``: a tenth of the devices is ten times slower; when each way
reaches 95 % of what waiting for all comes to, by NDCG@10 of the encoder alone on a sample of the devices' test events.
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
from flwr.app import Message
from numpy.typing import NDArray

from benchmarks.narrow_tables import narrow_tables
from client.data.folder_options import DataSettings, SharedPreparation
from client.data.held_out import Stage
from client.data.platform import examples
from client.data.sequences import Sequences
from client.data.source import read_platform_data
from client.data.spec import parse_platform_spec
from client.evaluation.ranking import by_user, ndcg_of, ranks_by_column
from client.features.prepared_platform import prepare_platform
from client.scorers.encoder_scorers import encoder_scorers
from client.scorers.scorer import HistoryBatch
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.federation.wire import decode_train_task
from shared.seeding import rng_for
from simulations.config.device_run_config import DeviceRunConfig, DeviceTraining
from simulations.config.population_config import PopulationConfig
from simulations.devices.device_federation import answers_here, run_devices
from simulations.devices.device_grid import Answer
from simulations.devices.device_platform import DevicePlatform
from simulations.devices.population import Population

FEATURES, PRESET, DIM = "hashing:512", "nano", 512
TARGET = 0.95
SAMPLE = 1000
SLOW = PopulationConfig(availability="always", slow_share=0.1, slow_factor=10)
ALL_ALIKE = PopulationConfig(availability="always", breaks_per_minute=0)
TIME_COLUMNS = ("seed", "way", "steps", "hours", "hours to target", "of waiting", "NDCG@10", "updates", "MB up")
BYTE_COLUMNS = ("form", "seed", "NDCG@10", "beside whole, %", "bytes an update", "float32 over it")
FORMS: dict[str, dict[str, Any]] = {
    "whole": {},
    "int8": {"updates": "int8-delta", "error_feedback": True},
    "int8, no feedback": {"updates": "int8-delta"},
    "int4": {"updates": "int4-delta", "error_feedback": True},
    "int4, no feedback": {"updates": "int4-delta"},
    "rank 16, int8": {"adapters": "shared:16", "updates": "int8-delta"},
    "rank 16, int4": {"adapters": "shared:16", "updates": "int4-delta"},
    "rank 8, int8": {"adapters": "shared:8", "updates": "int8-delta"},
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Judge:
    """NDCG@10 of an encoder alone on devices' test events, by full ranking."""

    platform: DevicePlatform
    users: NDArray[np.int64]

    def __call__(self, encoder: Encoder) -> float:
        """The mean over the devices."""
        whole = self.platform.prepared.platform
        sample = examples(whole, Stage.TEST, self.users)
        (scorer,) = [
            each
            for each in encoder_scorers("", encoder, self.platform.prepared.features, None)
            if "sequence" in each.columns[0].name
        ]

        def score(histories: Sequences) -> list[torch.Tensor]:
            return list(scorer.score(HistoryBatch(histories, whole.n_items)))

        with torch.no_grad():
            ranks = ranks_by_column(score, sample, 1, n_items=whole.n_items, repeats=whole.repeats)
        return float(by_user(ndcg_of(ranks, sample.sizes), sample.users)[0].mean())


@dataclass(eq=False, kw_only=True)
class Course:
    """What encoders were worth as they were sent out, by the step before them."""

    judge: Judge
    every: int
    worth: dict[int, float] = field(default_factory=dict)

    def watching(self, answer: Answer) -> Answer:
        """The same answers, each new encoder looked at before."""

        def answers(messages: Sequence[Message], numbers: NDArray[np.int64]) -> Iterable[Message]:
            task = decode_train_task(messages[0].content)
            done = task.round - 1
            if done % self.every == 0 and done not in self.worth and isinstance(task.encoder, Encoder):
                self.worth[done] = self.judge(task.encoder)
            return answer(messages, numbers)

        return answers


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
    platform: DevicePlatform,
    training: DeviceTraining,
    population: PopulationConfig,
    seed: int,
    out: Path,
    course: Course,
) -> Ran:
    """A run from the encoder of this seed.

    Args:
        platform: whose users the devices are.
        training: of the run.
        population: of the devices.
        seed: of the encoder, the devices' draws and the run.
        out: a folder for the server's files, which is made anew.
        course: looks at the encoders that go out.

    Returns:
        The run.
    """
    config = DeviceRunConfig(features=FEATURES, seed=seed, training=training, population=population)
    held = DevicePlatform(prepared=platform.prepared, keeps_left_out=training.error_feedback)
    spec = EncoderSpec(preset=PRESET, input_dim=DIM, feature_space=platform.prepared.space)
    shutil.rmtree(out, ignore_errors=True)
    result = run_devices(
        held,
        Population(population, count=len(held.histories), seed=seed),
        Encoder.initial(spec, seed),
        config,
        folder=out,
        answer=course.watching(answers_here(held)),
    )
    return Ran(encoder=result.encoder, history=result.history)


def time_rows(platform: DevicePlatform, usual: DeviceTraining, seed: int, out: Path) -> Iterator[list[object]]:
    """Waiting for all, asking more, and asynchronous.

    Args:
        platform: whose users the devices are.
        usual: how a round trains that waits for all.
        seed: of the runs.
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
    drawn = rng_for(seed, "judged").permutation(platform.prepared.platform.training_users)[:SAMPLE]
    target, waited = 0.0, 0.0
    for way, training in ways.items():
        course = Course(judge=Judge(platform=platform, users=np.sort(drawn)), every=4)
        run = ran(platform, training, SLOW, seed, out / "run", course)
        course.worth[len(run.history)] = course.judge(run.encoder)
        target = target or TARGET * max(course.worth.values())
        reached = [float(run.seconds[step]) for step, worth in sorted(course.worth.items()) if worth >= target]
        hours = reached[0] / 3600 if reached else float("inf")
        waited = waited or hours
        yield [
            seed,
            way,
            len(run.history),
            f"{run.seconds[-1] / 3600:.2f}",
            f"{hours:.2f}",
            f"{hours / waited:.2f}",
            f"{course.worth[len(run.history)]:.4f}",
            run.updates,
            f"{run.bytes_up / 1e6:.1f}",
        ]


def byte_rows(platform: DevicePlatform, usual: DeviceTraining, seed: int, out: Path) -> Iterator[list[object]]:
    """All forms.

    Args:
        platform: whose users the devices are.
        usual: how a round trains.
        seed: of the runs.
        out: for the server's files.

    Yields:
        A row a form.
    """
    judge = Judge(platform=platform, users=platform.prepared.platform.training_users)
    whole = 0.0
    for form, changes in FORMS.items():
        course = Course(judge=judge, every=usual.rounds)
        run = ran(platform, replace(usual, **changes), ALL_ALIKE, seed, out / "run", course)
        worth = judge(run.encoder)
        whole = whole or worth
        place = run.encoder.spec.sequence_place
        plain = 4 * len(run.encoder.flat[place])
        size = run.bytes_up / run.updates
        loss = f"{100 * (worth / whole - 1):+.2f}"
        yield [form, seed, f"{worth:.4f}", loss, f"{size:,.0f}", f"{plain / size:.2f}"]


def main() -> None:
    """Run what is asked for, and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("platform", metavar="NAME=FOLDER")
    parser.add_argument("--cohort", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
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
    usual = DeviceTraining(rounds=given.rounds, cohort=given.cohort, deadline_seconds=3600.0)
    rows_of, columns = (time_rows, TIME_COLUMNS) if given.part == "time" else (byte_rows, BYTE_COLUMNS)
    rows = []
    for seed in range(given.seeds):
        for row in rows_of(platform, usual, seed, given.out):
            rows.append(row)
            print(json.dumps(row), flush=True)
    print(narrow_tables(columns, rows, 2))


if __name__ == "__main__":
    main()
