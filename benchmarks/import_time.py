"""Time and memory of ``graft-client import csv`` beside a polars script that does the same by hand.

``python -m benchmarks.import_time [--rows N] [--ids numbers|texts]`` makes a table of events, then times two processes
in turn: the command, and a script that reads the table, codes ids as numbers, sorts by user and time, and writes
Parquet. Printed are seconds, their ratio and the peak memory of each process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

USERS_PER_ROW, ITEMS = 1 / 140, 27_000
BEGIN = 1_100_000_000
_BLOCK = 1_000_000
SCRIPT = """
import sys
import polars as pl

events = pl.read_csv(sys.argv[1])
events = events.with_columns(pl.col("user", "item").rank("dense").cast(pl.Int32) - 1)
events.sort("user", "time").write_parquet(sys.argv[2])
"""
COMMAND = "import sys; from client.cli.main import main; sys.exit(main())"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One process."""

    seconds: float
    cpu: float
    """seconds of all threads, which other work on the machine moves less"""
    peak: float
    """GiB of resident memory at most"""


def make_table(path: Path, rows: int, ids: str) -> None:
    """Events of a size like MovieLens 20M: user, item, rating, time."""
    draw = np.random.default_rng(0)
    users = max(10, int(rows * USERS_PER_ROW))
    with path.open("wb") as table:
        table.write(b"user,item,rating,time\n")
        for start in range(0, rows, _BLOCK):
            size = min(_BLOCK, rows - start)
            block = pl.DataFrame(
                {
                    "user": draw.integers(0, users, size),
                    "item": (draw.pareto(1.0, size) * 50).astype(np.int64) % ITEMS,
                    "rating": draw.integers(1, 11, size) / 2,
                    "time": BEGIN + draw.integers(0, 400_000_000, size),
                }
            )
            if ids == "texts":
                names = {name: pl.format(name[0] + "-{}-of-this-shop", pl.col(name)) for name in ("user", "item")}
                block = block.with_columns(**names)
            block.write_csv(table, include_header=False)


def measure(words: list[str]) -> Measured:
    """A process from its start to its end; raises SystemExit where it fails."""
    began = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{words[:4]} ended with {os.waitstatus_to_exitcode(status)}")
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(seconds=time.monotonic() - began, cpu=cpu, peak=usage.ru_maxrss / 2**20)


def main() -> None:
    """Print the figures of both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--ids", choices=("numbers", "texts"), default="numbers")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="graft-import-time-") as name:
        folder = Path(name)
        table = folder / "events.csv"
        make_table(table, chosen.rows, chosen.ids)
        python = sys.executable
        script = measure([python, "-c", SCRIPT, str(table), str(folder / "by-hand.parquet")])
        out = folder / "out"
        words = ["graft-client", "import", "csv", str(table), "--out", str(out)]
        mapped = ["--map", "user_id=user,item_id=item,timestamp=time,text=item"]
        command = measure([python, "-c", COMMAND, *words[1:], *mapped])
        size = table.stat().st_size / 2**20
    print(f"{chosen.rows:,} rows, {size:,.0f} MiB, ids are {chosen.ids}")
    print("| | seconds | CPU seconds | peak GiB |\n|---|---|---|---|")
    for what, spent in {"polars script": script, "graft-client import csv": command}.items():
        print(f"| {what} | {spent.seconds:.1f} | {spent.cpu:.1f} | {spent.peak:.2f} |")
    times, cpus = command.seconds / script.seconds, command.cpu / script.cpu
    print(f"ratio of the seconds {times:.2f}, of the CPU seconds {cpus:.2f}")


if __name__ == "__main__":
    main()
