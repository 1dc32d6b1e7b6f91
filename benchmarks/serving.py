"""How long a list takes: bare matrix work, the recommender, and the real service from a second process.

    python -m benchmarks.serving OUT [--items 20000] [--rate 50] [--seconds 30] [--before BUILD]

The full recommender of preset ``small``: every scorer, the history encoded afresh for each request. Bare work, ensemble
and recommender take turns request by request, so that their ratio holds on a busy machine too; the service's times do
not. With ``--before``, the root of another checkout, nothing but two services is measured: of that build and of this
one, which answer from the same head in turns: the earlier one makes it, this one also writes it anew in its own format.
A head that is in OUT already is not made again, be it a fitted one.
"""

import argparse
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.made_up_head import made_up_head
from benchmarks.serving_process import Service, running_service, steadily
from client.data.sequences import Sequences
from client.recommender.recommender import ListQuery, Recommender
from client.recommender.served_head import RECORD, WeighedEnsemble, read_served, served_ensembles
from client.scorers.scorer import HistoryBatch, QueryScorer
from client.store.head_store import HeadStore
from shared.serving_api import recommend_pb2 as api

HERE = Path(__file__).resolve().parents[1]
TURNS = 60
QUANTILES = (0.05, 0.5, 0.95, 0.99)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the head")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--before", type=Path, help="the root of an earlier build, beside which this one is measured")
    parser.add_argument("--stretches", type=int, default=8, help="of both builds together")
    options = parser.parse_args()
    torch.set_num_threads(1)
    store = HeadStore(options.out / "heads")
    if store.stamp(RECORD) is None and options.before is not None:
        made_by(options.before, options.out / "heads", options.items, options.users)
    elif store.stamp(RECORD) is None:
        made_up_head(options.items, options.users, "small", seed=0).write(store)
    if options.before is not None:
        beside(options.out, options.before, options.rate, options.seconds, options.stretches)
        return
    print(f"| milliseconds, {options.items} items | p5 | p50 | p95 | p99 |\n|---|---|---|---|---|")
    in_process(store)
    over_grpc(options.out, options.rate, options.seconds)


def in_process(store: HeadStore) -> None:
    """Rows for bare work, the ensemble of a run and the recommender, and the ratio of the last to the first."""
    served = read_served(store)
    recommender, whole = Recommender.of(served), served_ensembles(served).whole
    users = np.random.default_rng(0).permutation(len(served.users.user_ids))[:TURNS]
    works: dict[str, Callable[[str], object]] = {
        "bare products": bare_products(recommender),
        "ensemble of a run": lambda user: ensemble_list(whole, recommender, user),
        "recommender": lambda user: recommender.recommend(recommender.history_of(user), ListQuery(k=10)),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for row in users:
        for name, work in works.items():
            began = time.thread_time()
            work(served.users.user_ids[row])
            times[name].append(1e3 * (time.thread_time() - began))
    for name, milliseconds in times.items():
        print_row(f"{name}, seconds of this thread", milliseconds)
    ratio = np.median(np.array(times["recommender"]) / np.array(times["bare products"]))
    print(f"| the recommender takes as long as the bare products times | {ratio:.2f} | | | |")


def bare_products(recommender: Recommender) -> Callable[[str], object]:
    """What no way of scoring every item can do without: each product once, nothing calibrated, ranked or told."""
    items, ensemble = torch.from_numpy(recommender.items.catalogue.features), recommender.whole

    @torch.no_grad()
    def work(user: str) -> None:
        history = recommender.history_of(user)
        batch = HistoryBatch(Sequences(offsets=np.array([0, len(history)]), items=history), len(items))
        queries = [
            query for scorer in ensemble.scorers if isinstance(scorer, QueryScorer) for query in scorer.queries(batch)
        ]
        torch.matmul(items, torch.from_numpy(np.concatenate(queries)).T)
        for scorer in ensemble.scorers:
            if isinstance(scorer, QueryScorer):
                scorer.rest(batch)
            else:
                scorer.score(batch)

    return work


def ensemble_list(whole: WeighedEnsemble, recommender: Recommender, user: str) -> torch.Tensor:
    """The ten best by the ensemble that runs rank with."""
    history = recommender.history_of(user)
    histories = Sequences(offsets=np.array([0, len(history)]), items=history)
    return whole.ensemble.served(whole.weights, histories)[0].topk(10).indices


def over_grpc(out: Path, rate: float, seconds: float) -> None:
    """Rows for requests at a steady rate, sent when they are due and not when the one before is answered."""
    with running_service(out) as service:
        user_ids = read_served(HeadStore(out / "heads")).users.user_ids
        print_row(f"over gRPC at {rate:g} a second", asked_steadily(service, rate, seconds, user_ids))


def beside(out: Path, before: Path, rate: float, seconds: float, stretches: int) -> None:
    """Rows of two builds that are asked in turns: A B B A and so on.

    Args:
        out: folder of the head.
        before: the root of the other build.
        rate: lists a second.
        seconds: of a stretch.
        stretches: of both together.
    """
    copy, rewritten = out / "before", HeadStore(out / "now" / "heads")
    if not copy.is_dir():
        shutil.copytree(out / "heads", copy / "heads")
    if rewritten.stamp(RECORD) is None:
        read_served(HeadStore(out / "heads")).write(rewritten)
    users = read_served(HeadStore(out / "heads")).users.user_ids
    took: dict[str, list[float]] = {"before": [], "now": []}
    spent = {"before": 0.0, "now": 0.0}
    with running_service(copy, build=before) as earlier, running_service(out / "now", build=HERE) as present:
        services = {"before": earlier, "now": present}
        for service in services.values():
            asked_steadily(service, rate, 2.0, users)
        for number in range(stretches):
            name = ("before", "now", "now", "before")[number % 4]
            began = services[name].spent
            took[name] += asked_steadily(services[name], rate, seconds, users)
            spent[name] += services[name].spent - began
        memory = {name: service.most_memory for name, service in services.items()}
    print("| build | p5 | p50 | p95 | p99 | processor, memory |\n| -- | -- | -- | -- | -- | -- |")
    for name, times in took.items():
        of_list = f"{1e3 * spent[name] / len(times):.1f} ms, {memory[name]:.2f} GiB"
        print(f"| {name} | {' | '.join(f'{value:.1f}' for value in quantiles(times))} | {of_list} |")
    ratios = quantiles(took["now"]) / quantiles(took["before"])
    of_spent = spent["now"] * len(took["before"]) / spent["before"] / len(took["now"])
    print(f"| ratio | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} | {of_spent:.2f} |")


def made_by(build: Path, heads: Path, items: int, users: int) -> None:
    """Make the head by another build, whose records this one reads, too; raises SystemExit where that fails."""
    script = (
        "from pathlib import Path; from benchmarks.made_up_head import made_up_head; "
        "from client.store.head_store import HeadStore; "
        f"made_up_head({items}, {users}, 'small', seed=0).write(HeadStore(Path({str(heads.resolve())!r})))"
    )
    environment = {**os.environ, "PYTHONPATH": str(build.resolve())}
    if subprocess.run([sys.executable, "-c", script], env=environment, cwd=build, check=False).returncode:
        raise SystemExit("the earlier build made no head")


def asked_steadily(service: Service, rate: float, seconds: float, user_ids: Sequence[str]) -> list[float]:
    """As ``steadily``, after one that warms up; a request that fails ends the benchmark."""
    users = np.random.default_rng(1).integers(0, len(user_ids), int(rate * seconds))

    def ask(number: int) -> None:
        request = api.RecommendRequest(user=user_ids[users[number]], k=10)
        service.stub.Recommend(request, metadata=service.metadata, timeout=60)

    ask(0)
    times = steadily(ask, rate, seconds, began=time.perf_counter() + 0.1)
    if math.inf in times:
        raise SystemExit("a request failed")
    return times


def print_row(name: str, milliseconds: list[float]) -> None:
    """Quantiles of milliseconds."""
    print(f"| {name} | {' | '.join(f'{value:.1f}' for value in quantiles(milliseconds))} |")


def quantiles(values: list[float]) -> NDArray[np.float64]:
    """[4] each a value that was found, since some may be infinite."""
    return np.asarray(np.quantile(values, QUANTILES, method="higher"))


if __name__ == "__main__":
    main()
