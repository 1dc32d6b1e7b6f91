"""What an exported bundle takes, and how far its lists are the platform's own.

    python -m benchmarks.exported OUT [NAME=HEADS ...] [--items 20000] [--users 200]

Of each folder of heads, and of a made-up head with encoders, a bundle is made in whole precision and one in eight bits
a number. A process without torch opens each with examples/exported/reader.py on one core and lists for some of the
platform's users; milliseconds are those of its processor, which other work on the machine moves less than the clock.
Beside it the platform answers the same users: the items that both lists have among their first ten.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.made_up_head import made_up_head
from benchmarks.narrow_tables import narrow_tables
from client.api.exports import INT8, ExportOptions, make_bundle
from client.recommender.recommender import ListQuery, Recommender
from client.recommender.served_head import RECORD, ServedHead, read_served
from client.store.head_store import HeadStore

MADE_UP = "made-up"
K = 10
HEADS = (
    "platform",
    "items",
    "columns",
    "MB",
    "MB, int8",
    "share",
    "same",
    "same, int8",
    "platform p50, ms",
    "platform p99, ms",
    "p50, ms",
    "p99, ms",
    "int8 p50, ms",
    "int8 p99, ms",
    "MB in use",
    "MB in use, int8",
)
CUTS = (6, 8, 12, 14)
_READER = Path(__file__).parents[1] / "examples" / "exported"
_ASK = """
import json, sys, time
sys.modules["torch"] = None
sys.path.insert(0, sys.argv[1])
import reader
bundle = reader.Bundle(sys.argv[2])
taken, lists = [], []
for asked in json.load(sys.stdin):
    start = time.process_time()
    lists.append(bundle.recommend(*asked))
    taken.append(time.process_time() - start)
peak = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
assert not {"scipy", "polars", "client", "shared"} & set(sys.modules)
print(json.dumps({"seconds": taken, "lists": [[item for item, _ in each] for each in lists], "peak": peak}))
"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Read:
    """What a process without torch took for its lists."""

    size: int
    """bytes of the bundle"""
    seconds: np.ndarray
    """[N] of the processor"""
    lists: list[list[str]]
    """[N] ids"""
    peak: float
    """MB"""


def main() -> None:
    """Print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for bundles")
    parser.add_argument("heads", nargs="*", metavar="NAME=HEADS", help="folders of heads")
    parser.add_argument("--items", type=int, default=20_000, help="of the made-up head; 0 for none")
    parser.add_argument("--users", type=int, default=200, help="who are listed for")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folders = [(name, Path(heads)) for name, _, heads in (each.partition("=") for each in options.heads)]
    if options.items:
        folders.append((MADE_UP, options.out / f"{MADE_UP}.heads"))
        if HeadStore(folders[-1][1]).stamp(RECORD) is None:
            made_up_head(options.items, 10_000, "small", seed=0).write(HeadStore(folders[-1][1]))
    print(
        narrow_tables(
            HEADS, [row(options.out, name, heads, options.users) for name, heads in folders], keys=1, cuts=CUTS
        )
    )


def row(out: Path, name: str, heads: Path, users: int) -> list[object]:
    """One platform's.

    Args:
        out: folder for its bundles.
        name: what it is called.
        heads: its folder of heads.
        users: who are listed for.

    Returns:
        The cells under ``HEADS``.
    """
    served = read_served(HeadStore(heads))
    asked = drawn_histories(served, users)
    lists, seconds = answered(served, asked)
    whole, rounded = (read(out / f"{name}.bundle{bits}", heads, asked, bits) for bits in ("", INT8))
    same = [np.mean([_share(*pair) for pair in zip(lists, bundle.lists, strict=True)]) for bundle in (whole, rounded)]
    times = [1e3 * np.quantile(taken, (0.5, 0.99)) for taken in (seconds, whole.seconds, rounded.seconds)]
    manifest = json.loads((out / f"{name}.bundle" / "manifest.json").read_text("utf-8"))
    return [
        name,
        f"{len(served.items.item_ids):,}",
        len(manifest["columns"]),
        f"{whole.size / 1e6:.1f}",
        f"{rounded.size / 1e6:.1f}",
        f"{rounded.size / whole.size:.3f}",
        *(f"{share:.3f}" for share in same),
        *(f"{value:.1f}" for pair in times for value in pair),
        f"{whole.peak:.0f}",
        f"{rounded.peak:.0f}",
    ]


def drawn_histories(served: ServedHead, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows [L] and times [L] of what some users met."""
    sequences = served.users.sequences
    long = np.flatnonzero(sequences.lengths() >= 3)
    spans = [sequences.offsets[user : user + 2] for user in np.random.default_rng(0).permutation(long)[:count]]
    return [(sequences.items[start:end], sequences.clock[start:end]) for start, end in spans]


def answered(served: ServedHead, asked: list[tuple[np.ndarray, np.ndarray]]) -> tuple[list[list[str]], np.ndarray]:
    """The platform's own lists, and what each took.

    Args:
        served: the record.
        asked: rows and times of histories.

    Returns:
        [N] ids, and [N] seconds of the processor.
    """
    recommender, ids = Recommender.of(served), served.items.item_ids
    lists, seconds = [], []
    for rows, times in asked:
        start = time.process_time()
        answer = recommender.recommend(rows.astype(np.int32), ListQuery(k=K), times)
        seconds.append(time.process_time() - start)
        lists.append([ids[each.item] for each in answer])
    return lists, np.array(seconds)


def read(bundle: Path, heads: Path, asked: list[tuple[np.ndarray, np.ndarray]], quantize: str) -> Read:
    """Make a bundle, and have it read by a process without torch.

    Args:
        bundle: the folder that is made anew.
        heads: what is exported.
        asked: rows and times of histories.
        quantize: as ``ExportOptions`` takes it.

    Returns:
        What it took.
    """
    shutil.rmtree(bundle, ignore_errors=True)
    made_bundle = make_bundle(None, heads, bundle, ExportOptions(quantize=quantize))
    ids = read_served(HeadStore(heads)).items.item_ids
    words = [[[ids[row] for row in rows], K, times.tolist()] for rows, times in asked]
    said = subprocess.run(
        [sys.executable, "-c", _ASK, str(_READER), str(bundle)],
        input=json.dumps(words),
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    ).stdout
    told = json.loads(said)
    return Read(size=made_bundle.size, seconds=np.array(told["seconds"]), lists=told["lists"], peak=told["peak"])


def _share(expected: list[str], listed: list[str]) -> float:
    return len(set(expected) & set(listed)) / len(expected)


if __name__ == "__main__":
    main()
