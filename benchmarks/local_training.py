"""Our sequence part against the SASRec of RecBole and of RecTools: seconds to a validation NDCG@10, on ids only.

    python -m benchmarks.local_training DATA/amazon_beauty [--out DIR] [--threads N] [--budget S] [--only NAME ...]

Each peer runs in an environment that this script makes under build/peers. One competitor races after the other on the
same threads. A race that is over is not repeated, unless a smaller budget ended it. Prints tables in Markdown.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from benchmarks.peers.environments import ENVIRONMENTS, drive
from benchmarks.peers.race_log import Clock, RaceLog
from benchmarks.peers.race_table import markdown
from client.data.folder_options import Preparation
from client.data.platform import training_sequences
from client.data.preparation import prepare
from client.data.source import read_folder
from shared.errors import DataError
from shared.seeding import rng_for


@dataclass(frozen=True, kw_only=True)
class Competitor:
    """One way of training the same model on the same data."""

    driver: str
    """module under benchmarks.peers"""
    environment: str | None = None
    """None: the one that this script runs in"""
    settings: dict[str, Any] = field(default_factory=dict)
    """what differs from the driver's own"""


CLOCKS: tuple[Clock, ...] = ("processor", "wall")
OURS = "graft"
COMPETITORS = {
    OURS: Competitor(driver="graft_sequence"),
    "recbole": Competitor(driver="recbole_sasrec", environment="recbole"),
    "recbole-256": Competitor(driver="recbole_sasrec", environment="recbole", settings={"train_batch_size": 256}),
    "rectools": Competitor(driver="rectools_sasrec", environment="rectools"),
    "rectools-sampled": Competitor(
        driver="rectools_sasrec", environment="rectools", settings={"loss": "sampled_softmax", "n_negatives": 64}
    ),
}


def write_course(
    platform_folder: Path, file: Path, *, limit_users: int | None, validation_users: int, seed: int
) -> None:
    """What all competitors are given: training sequences, and the validation event of ``validation_users`` at most."""
    preparation = Preparation(min_user_events=5, min_item_events=5, max_users=limit_users)
    platform = prepare(read_folder(platform_folder), preparation, name=platform_folder.name, seed=seed)
    users = np.arange(platform.n_users)
    sequences = training_sequences(platform, users)
    targets = platform.sequences.items[platform.sequences.offsets[1:] - 2]
    chosen = np.sort(rng_for(seed, "race", "asked").permutation(users)[:validation_users])
    np.savez(
        file,
        offsets=sequences.offsets,
        items=sequences.items,
        targets=targets,
        asked=chosen,
        n_items=platform.n_items,
    )


def race(name: str, course: Path, options: argparse.Namespace) -> list[str]:
    """The competitor's lines: as they stand in its file if that race is over, else of a race run now.

    Raises:
        DataError: where the competitor fails.
    """
    file = course.parent / f"{name}.jsonl"
    if file.is_file() and RaceLog.parse(name, file.read_text().splitlines(), "processor").is_over(options.budget):
        return file.read_text().splitlines()
    print(f"{name} races; the load average is {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    words = course.parent / f"{name}.log"
    part = file.with_suffix(".part")
    with part.open("w") as out, words.open("w") as errors:
        code = _run(name, course, options, out, errors)
    if code:
        raise DataError(f"{name} ended with code {code}; its last words are in {words}")
    part.rename(file)
    return file.read_text().splitlines()


def _run(name: str, course: Path, options: argparse.Namespace, out: TextIO, errors: TextIO) -> int:
    competitor = COMPETITORS[name]
    flags = [f"--{flag}={getattr(options, flag)}" for flag in ("seed", "budget", "laps", "patience")]
    return drive(
        competitor.driver,
        ENVIRONMENTS[competitor.environment] if competitor.environment else None,
        [str(course), "--settings", json.dumps(competitor.settings), *flags],
        scratch=course.parent / "scratch" / name,
        threads=options.threads,
        out=out,
        errors=errors,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a platform folder")
    parser.add_argument("--out", type=Path, default=Path("out/local_training"))
    parser.add_argument("--only", nargs="+", choices=[*COMPETITORS], default=[*COMPETITORS], help="peers to race")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=3600.0, help="processor seconds after which no lap begins")
    parser.add_argument("--laps", type=int, default=4, help="of a peer's epoch: how often it is asked")
    parser.add_argument("--patience", type=int, default=12, help="laps without a better NDCG@10 that end a peer's race")
    parser.add_argument("--limit-users", type=int, help="race on so many users, for a quick look")
    parser.add_argument("--asked", type=int, default=10_000, help="users whose validation event is ranked")
    return parser.parse_args()


def main() -> None:
    """Race what has not raced yet, then print the tables by both clocks."""
    options = _arguments()
    users = options.limit_users or "all"
    folder = options.out.resolve() / options.data.name / f"users-{users}-seed-{options.seed}-threads-{options.threads}"
    folder.mkdir(parents=True, exist_ok=True)
    course = folder / "course.npz"
    if not course.is_file():
        write_course(
            options.data, course, limit_users=options.limit_users, validation_users=options.asked, seed=options.seed
        )
    lines = {name: race(name, course, options) for name in dict.fromkeys([OURS, *options.only])}
    for clock in CLOCKS:
        logs = {name: RaceLog.parse(name, log_lines, clock) for name, log_lines in lines.items()}
        print(f"By the {clock} clock:\n\n{markdown(logs.pop(OURS), [*logs.values()])}\n")


if __name__ == "__main__":
    main()
