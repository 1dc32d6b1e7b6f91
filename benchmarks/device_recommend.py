"""What a list costs on a device, and how far it is the platform's own.

    python -m benchmarks.device_recommend OUT [NAME=HEADS ...] [--items 20000] [--least-users 10] [--users 100]

Of each folder of heads, and of a made-up head with encoders, a pack is made, and a device with the history of one of
the platform's users. A process without torch opens it and asks for lists: again and again, and with a further event
before each; seconds are those of its one thread's processor, which other work on the machine moves less. Then the
command is timed as a whole. Beside it the platform answers the same users, by what the pack holds
of its counts and by all of them: the items that both lists have among their first ten.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.made_up_head import made_up_head
from benchmarks.narrow_tables import narrow_tables
from client.api.packs import make_pack
from client.data.feedback import FeedbackKind
from client.device.device_lists import DeviceLists
from client.device.home import DeviceHome
from client.device.own_history import OwnHistory
from client.device.own_records import OwnEvent
from client.device.pack import CataloguePack
from client.device.taken_packs import new_device
from client.packing.thinned import thinned
from client.recommender.recommender import ListQuery, Recommender
from client.recommender.served_head import RECORD, ServedHead, read_served
from client.store.head_store import HeadStore

MADE_UP = "made-up"
LISTS = 200
K = 10
HEADS = (
    "platform",
    "items",
    "columns",
    "pack, MB",
    "command, s",
    "command, MB",
    "open, s",
    "first list, ms",
    "again p50, ms",
    "again p99, ms",
    "event p50, ms",
    "event p99, ms",
    "MB in use",
    "same, thinned",
    "same, all counts",
)
CUTS = (6, 9, 12)
_ASK = """
import json, sys, time
from pathlib import Path
begun = time.perf_counter()
from client.device.opened_device import open_device
device = open_device(Path(sys.argv[1]))
opened = time.perf_counter()
device.recommend()
first = time.perf_counter()

def timed(lists, before):
    taken = []
    for place in range(lists):
        before(place)
        start = time.perf_counter(), time.process_time()
        device.recommend()
        taken.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return taken

lists, items = int(sys.argv[2]), json.loads(sys.argv[3])
again = timed(lists, lambda place: None)
event = timed(len(items), lambda place: device.record(items[place]))
peak = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
assert not {"torch", "scipy", "polars", "flwr", "pandas"} & set(sys.modules)
print(json.dumps({"open": opened - begun, "first": first - opened, "again": again, "event": event, "peak": peak}))
"""


_COMMAND = """
import sys
from client.joined.cli.main import app
try:
    app()
finally:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    sys.stderr.write(peak.split()[1])
"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Asked:
    """What a process without torch took for its lists."""

    open: float
    first: float
    again: np.ndarray
    """[N, 2] seconds of each list, by the wall and of the processor"""
    event: np.ndarray
    """[M, 2] the same, a further event recorded before each"""
    peak: float
    """MB"""


def main() -> None:
    """Print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for packs and devices")
    parser.add_argument("heads", nargs="*", metavar="NAME=HEADS", help="folders of heads")
    parser.add_argument("--items", type=int, default=20_000, help="of the made-up head; 0 for none")
    parser.add_argument("--least-users", type=int, default=10)
    parser.add_argument("--users", type=int, default=100, help="whose lists are compared")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folders = [(name, Path(heads)) for name, _, heads in (each.partition("=") for each in options.heads)]
    if options.items:
        folders.append((MADE_UP, options.out / MADE_UP))
        if HeadStore(options.out / MADE_UP).stamp(RECORD) is None:
            told = counted(made_up_head(options.items, 10_000, "small", seed=0))
            told.write(HeadStore(options.out / MADE_UP))
    rows = [row(options.out, name, heads, options.least_users, options.users) for name, heads in folders]
    print(narrow_tables(HEADS, rows, keys=1, cuts=CUTS))


def counted(served: ServedHead) -> ServedHead:
    """A head that tells whose events it counts."""
    users = replace(served.users, counted=np.ones(len(served.users.sequences), bool))
    return replace(served, users=users)


def row(out: Path, name: str, heads: Path, least_users: int, users: int) -> list[object]:
    """One platform's.

    Args:
        out: folder for its pack and device.
        name: what it is called.
        heads: its folder of heads.
        least_users: as ``make_pack`` takes it.
        users: whose lists are compared.

    Returns:
        The cells under ``HEADS``.
    """
    file, device = out / f"{name}.pack", out / f"{name}.device"
    make_pack(None, heads, file, least_users=least_users)
    shutil.rmtree(device, ignore_errors=True)
    pack = new_device(device, str(file))
    served = read_served(HeadStore(heads))
    histories = drawn_histories(served, users)
    further = record(device, histories[0], pack)
    seconds, peak = command(device)
    asked = ask(device, further)
    of_thinned = shares(pack, thinned(served, least_users).served, histories)
    of_all = shares(pack, served, histories)
    again, event = (1e3 * np.quantile(taken[:, 1], (0.5, 0.99)) for taken in (asked.again, asked.event))
    return [
        name,
        f"{len(pack.item_ids):,}",
        len(pack.facts["columns"]),
        f"{file.stat().st_size / 1e6:.1f}",
        f"{seconds:.2f}",
        f"{peak:.0f}",
        f"{asked.open:.2f}",
        f"{1e3 * asked.first:.0f}",
        *(f"{value:.1f}" for value in (*again, *event)),
        f"{asked.peak:.0f}",
        f"{of_thinned:.3f}",
        f"{of_all:.3f}",
    ]


def drawn_histories(served: ServedHead, count: int) -> list[OwnHistory]:
    """What some users met, with times a day apart where none are known."""
    sequences = served.users.sequences
    long = np.flatnonzero(sequences.lengths() >= 3)
    histories = []
    for user in np.random.default_rng(0).permutation(long)[:count]:
        start, end = sequences.offsets[user : user + 2]
        times = sequences.clock[start:end]
        histories.append(OwnHistory(items=sequences.items[start:end].astype(np.int64), times=times))
    return histories


def record(device: Path, history: OwnHistory, pack: CataloguePack) -> list[str]:
    """Write a history into a device; ids of items for further events.

    Args:
        device: its folder.
        history: of a user.
        pack: that the device has.

    Returns:
        The ids.
    """
    now = time.time()
    times = np.where(np.isnan(history.times), now - 86_400.0 * np.arange(len(history.items))[::-1], history.times)
    ids = [pack.item_ids[item] for item in history.items]
    events = [
        OwnEvent(item=item, time=float(at), kind=FeedbackKind.CLICKED) for item, at in zip(ids, times, strict=True)
    ]
    DeviceHome(device).records().write_events(events)
    met = set(ids)
    by_users = np.argsort(-pack.arrays["item.users"].astype(np.int64))
    return [pack.item_ids[item] for item in by_users[:LISTS] if pack.item_ids[item] not in met]


def command(device: Path) -> tuple[float, float]:
    """Seconds of ``graft-device recommend``, the median of five, and MB at its peak."""
    seconds, peaks = [], []
    for _ in range(5):
        start = time.perf_counter()
        arguments = [sys.executable, "-c", _COMMAND, "recommend", str(device)]
        said = subprocess.run(arguments, check=True, capture_output=True, text=True, env=environment()).stderr
        seconds.append(time.perf_counter() - start)
        peaks.append(int(said.split()[-1]) / 1024)
    return float(np.median(seconds)), max(peaks)


def ask(device: Path, further: list[str]) -> Asked:
    """Lists in a process that holds no torch.

    Args:
        device: its folder.
        further: ids of items that are recorded one by one.

    Returns:
        What they took.
    """
    arguments = [sys.executable, "-c", _ASK, str(device), str(LISTS), json.dumps(further)]
    said = json.loads(subprocess.run(arguments, check=True, capture_output=True, text=True, env=environment()).stdout)
    return Asked(**{**said, "again": np.array(said["again"]), "event": np.array(said["event"])})


def environment() -> dict[str, str]:
    """Of a process on one core."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def shares(pack: CataloguePack, served: ServedHead, histories: list[OwnHistory]) -> float:
    """The mean share of the platform's first ten items that a device lists.

    Args:
        pack: of the device.
        served: by which the platform answers.
        histories: of its users.

    Returns:
        From 0 to 1.
    """
    recommender, common = Recommender.of(served), []
    for history in histories:
        items = [each.item for each in DeviceLists(pack).best(history, K)]
        query = ListQuery(k=K)
        answer = recommender.recommend(history.items.astype(np.int32), query, history.times)
        common.append(len(set(items) & {each.item for each in answer}) / len(answer))
    return float(np.mean(common))


if __name__ == "__main__":
    main()
