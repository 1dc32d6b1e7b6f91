"""Processor seconds of pretraining to the validation NDCG@10 of an earlier build.

    python -m benchmarks.pretraining_time FOLDER ... --before BUILD [--encoder NAME] [--seed N] [--threads N]

BUILD is the root of another checkout. For each platform folder the two builds pretrain in turn, each in a process of
its own. Seconds are those of the whole process, reading and preparing included. Prints tables in Markdown.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.narrow_tables import narrow_tables
from shared.errors import DataError

ROOT = Path(__file__).resolve().parent.parent
LAPS = ROOT / "benchmarks" / "pretraining_laps.py"
HEADS = ("platform", "build", "NDCG@10", "seconds to that of before", "seconds in all", "of before")


@dataclass(frozen=True, kw_only=True)
class Course:
    """What one pretraining found, look by look."""

    seconds: list[float]
    """processor seconds of the process at each look"""
    ndcg: list[float]
    """validation NDCG@10 at each look"""
    whole: float
    """processor seconds of the process at its end"""

    @classmethod
    def parse(cls, lines: list[str]) -> "Course":
        """From the lines that ``pretraining_laps`` prints.

        Args:
            lines: of JSON, the last one of the end.

        Returns:
            The course.

        Raises:
            DataError: if there is no line of the end.
        """
        read = [json.loads(line) for line in lines]
        looks = [entry for entry in read if entry["what"] == "look"]
        ends = [entry["seconds"] for entry in read if entry["what"] == "end"]
        if not ends:
            raise DataError(f"expected a line of the end, found {len(lines)} lines without it")
        return cls(
            seconds=[entry["seconds"] for entry in looks], ndcg=[entry["ndcg"] for entry in looks], whole=ends[0]
        )

    @property
    def best(self) -> float:
        """The best NDCG@10 of all looks; 0 without one."""
        return max(self.ndcg, default=0.0)

    def seconds_to(self, ndcg: float) -> float:
        """Processor seconds until a look found at least ``ndcg``; infinite where none did."""
        return next((at for at, value in zip(self.seconds, self.ndcg, strict=True) if value >= ndcg), math.inf)


def course_of(build: Path, folder: Path, options: argparse.Namespace) -> Course:
    """Pretrain on a platform folder with the packages of a build.

    Args:
        build: root of a checkout.
        folder: the platform's.
        options: ``encoder``, ``seed`` and ``threads``.

    Returns:
        What it found.

    Raises:
        DataError: if pretraining fails.
    """
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(options.threads))
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "encoder.safetensors"
        command = [sys.executable, str(LAPS), str(folder.resolve()), str(out), options.encoder, str(options.seed)]
        ran = subprocess.run(
            command,
            env={**os.environ, **counts, "PYTHONPATH": str(build.resolve())},
            cwd=scratch,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if ran.returncode:
        raise DataError(f"{build}: pretraining on {folder} ended with code {ran.returncode}")
    return Course.parse(ran.stdout.splitlines())


def rows_of(platform: str, before: Course, now: Course) -> list[list[str]]:
    """The two rows of a platform.

    Args:
        platform: its name.
        before: of the earlier build.
        now: of this one.

    Returns:
        Cells under ``HEADS``, the earlier build first.
    """
    reached = before.seconds_to(before.best)

    def row(build: str, course: Course) -> list[str]:
        seconds = course.seconds_to(before.best)
        said = "not reached" if math.isinf(seconds) else f"{seconds:.1f}"
        share = "" if math.isinf(seconds) else f"{seconds / reached:.2f}"
        return [platform, build, f"{course.best:.4f}", said, f"{course.whole:.1f}", share]

    return [row("before", before), row("now", now)]


def main() -> None:
    """Run both builds on each folder and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="platform folders")
    parser.add_argument("--before", type=Path, required=True, help="root of a checkout of the earlier build")
    parser.add_argument("--encoder", default="small")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    rows = []
    for folder in options.folders:
        before, now = (course_of(build, folder, options) for build in (options.before, ROOT))
        rows += rows_of(folder.name, before, now)
    print(narrow_tables(HEADS, rows, keys=2, cuts=()))


if __name__ == "__main__":
    main()
