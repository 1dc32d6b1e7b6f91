"""How much longer a list takes with scorers that know the moment, and whether a report shows in the next list.

    python -m benchmarks.serving_time OUT [--items 20000]

Two made-up heads of one platform, with a clock and without, take turns request by request; every fourth request comes
after a report, as at 50 lists and 200 reports a second four reports come between two lists. Times are of one thread.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.made_up_head import made_up_head
from benchmarks.serving import print_row
from client.recommender.recommender import Recommender, Wish
from client.recommender.served_head import RECORD, read_served
from client.store.head_store import HeadStore

REPORTS = 4
"""Between two lists."""
CHANGES = 8
"""Lists of somebody without a history, each asked for after clicks on one item."""
CLICKS = 4
"""Times as many on each such item as on all before it."""


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the heads")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--lists", type=int, default=400)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    recommenders = {}
    for name, clock in (("without", False), ("with", True)):
        store = HeadStore(asked.out / name)
        if store.stamp(RECORD) is None:
            made_up_head(asked.items, asked.users, "small", seed=0, clock=clock).write(store)
        recommenders[name] = Recommender.of(read_served(store))
    print(f"| milliseconds of a thread, {asked.items} items | p5 | p50 | p95 | p99 |\n|---|---|---|---|---|")
    taking_turns(recommenders, asked.lists)
    print(f"| longest from a report to a list that shows it | {1e3 * slowest_change(recommenders['with']):.1f} | | | |")


def taking_turns(recommenders: dict[str, Recommender], lists: int) -> None:
    """Rows for lists under each recommender, and the ratios of their quantiles."""
    rng = np.random.default_rng(0)
    users = recommenders["with"].users.user_ids
    spent: dict[str, list[float]] = {name: [] for name in recommenders}
    for user in rng.choice(len(users), lists):
        for name, one in recommenders.items():
            one.count(rng.integers(0, len(one.items.item_ids), REPORTS).astype(np.int32), np.full(REPORTS, time.time()))
            began = time.thread_time()
            one.recommend(one.history_of(users[user]), Wish(k=10), one.times_of(users[user]))
            spent[name].append(1e3 * (time.thread_time() - began))
    for name, found in spent.items():
        print_row(f"a list, {name} scorers that know the moment", found)
    ratios = [np.quantile(spent["with"], at) / np.quantile(spent["without"], at) for at in (0.05, 0.5, 0.95, 0.99)]
    print(f"| ratio | {' | '.join(f'{one:.2f}' for one in ratios)} |")


def slowest_change(recommender: Recommender) -> float:
    """The most seconds from clicks on an item to a list for somebody without a history that it leads."""
    rng, longest = np.random.default_rng(1), 0.0
    chosen = rng.choice(len(recommender.items.item_ids), CHANGES, replace=False).astype(np.int32)
    for place, item in enumerate(chosen, start=1):
        clicks = CLICKS**place
        began = time.perf_counter()
        recommender.count(np.full(clicks, item, np.int32), np.full(clicks, time.time()))
        listed = recommender.recommend(np.zeros(0, np.int32), Wish(k=10))
        longest = max(longest, time.perf_counter() - began)
        if item not in [one.item for one in listed]:
            raise SystemExit(f"item {item} was clicked {clicks} times, and is not among the first 10")
    return longest


if __name__ == "__main__":
    main()
