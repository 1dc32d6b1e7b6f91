"""How much longer a list takes with scorers that know the moment, and when a report shows in the lists of others.

    python -m benchmarks.serving_time OUT [--items 20000] [--rate 50] [--stretches 12] [--seconds 10]

Two made-up heads of one platform with a clock: one has those scorers, the other has all but them. First both take
turns request by request in one thread. Every list comes after four reports, as at 50 lists and 200 reports a second
four come between two. Then each is served by a process of its own (``graft-client serve``), and they take turns in
stretches: one other process asks for lists, one reports single events, each call when it is due, whatever became of the
one before; every other second a probe clicks one item many times and asks for the list of somebody without a history.
"""

import argparse
import os
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import grpc
import numpy as np
import torch

from benchmarks.made_up_head import made_up_head
from benchmarks.serving import print_row, quantiles
from benchmarks.serving_process import Service, running_service, steadily
from client.recommender.recommender import NO_HISTORY, ListQuery, Recommender
from client.recommender.served_head import RECORD, read_served
from client.scorers.scorer import TABLE
from client.scorers.table import SCORERS, TIMED
from client.serving.journal import JOURNAL
from client.store.head_store import HeadStore
from shared.serving_api import recommend_pb2 as api
from shared.serving_api import recommend_pb2_grpc

HEADS = {"without": {name: scorer for name, scorer in SCORERS.items() if name not in TIMED}, "with": SCORERS}
REPORTS = 4
"""For each list."""
LATEST = 300
"""Items that reports and probes are about: about those of the last day."""
CLICKS = 100
"""Of a probe on its item, in one request."""
BETWEEN = 2.0
"""Seconds between two probes."""


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the heads")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--lists", type=int, default=400, help="within one thread")
    parser.add_argument("--rate", type=float, default=50.0, help="lists a second; four times as many reports")
    parser.add_argument("--stretches", type=int, default=12, help="of both services together")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a stretch")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, scorers in HEADS.items():
        store = HeadStore(options.out / name / "heads")
        if store.stamp(RECORD) is None:
            made_up_head(options.items, options.users, "small", seed=0, clock=True, scorers=scorers).write(store)
        (options.out / name / "heads" / JOURNAL).unlink(missing_ok=True)
    print(f"| milliseconds, {options.items} items | p5 | p50 | p95 | p99 |\n|---|---|---|---|---|")
    in_process(options.out, options.lists)
    over_grpc(options.out, options.rate, options.stretches, options.seconds)


def in_process(out: Path, lists: int) -> None:
    """Rows for lists and counts of one thread, and how many bytes counts take."""
    tracemalloc.start()
    recommenders = {name: Recommender.of(read_served(HeadStore(out / name / "heads"))) for name in HEADS}
    print_bytes(out, recommenders["with"])
    tracemalloc.stop()
    taking_turns(recommenders, lists)


def print_bytes(out: Path, recommender: Recommender) -> None:
    """Of counts that fade, by item and half-life, in memory after an event and a list, and in the record."""
    for shown in (False, True):
        recommender.count(np.zeros(1, np.int32), np.array([time.time()]), shown=shown)
    recommender.recommend(NO_HISTORY, ListQuery(k=10))
    files = ("*/client/scorers/fading.py", "*/client/scorers/recent.py", "*/client/scorers/shown.py")
    filters = [tracemalloc.Filter(True, pattern) for pattern in (*files, "*/client/data/event_log.py")]
    held = sum(
        statistic.size for statistic in tracemalloc.take_snapshot().filter_traces(filters).statistics("filename")
    )
    statistics = read_served(HeadStore(out / "with" / "heads")).statistics
    lives = {name: len(statistics[f"{TABLE}{name}"]) - 1 for name in ("recent", "shown")}
    stored = sum(np.asarray(values).nbytes for name, values in statistics.items() if name.partition("@")[0] in lives)
    count = len(recommender.items.item_ids) * sum(lives.values())
    print(
        f"| bytes an item and half-life ({lives}): {held / count:.1f} in memory, {stored / count:.1f} stored | | | | |"
    )


def taking_turns(recommenders: dict[str, Recommender], lists: int) -> None:
    """Rows for lists under each recommender, and the ratios of their quantiles."""
    rng = np.random.default_rng(0)
    users = recommenders["with"].users.user_ids
    spent: dict[str, list[float]] = {name: [] for name in recommenders}
    for user in rng.choice(len(users), lists):
        for name, recommender in recommenders.items():
            recommender.count(
                rng.integers(0, len(recommender.items.item_ids), REPORTS).astype(np.int32),
                np.full(REPORTS, time.time()),
            )
            began = time.thread_time()
            recommender.recommend(
                recommender.history_of(users[user]), ListQuery(k=10), recommender.times_of(users[user])
            )
            spent[name].append(1e3 * (time.thread_time() - began))
    for name, milliseconds in spent.items():
        print_row(f"a list within the process, {name} scorers that know the moment, of one thread", milliseconds)
    print_ratio(spent)


def print_ratio(spent: dict[str, list[float]]) -> None:
    """Of the quantiles with those scorers to the quantiles without."""
    ratios = quantiles(spent["with"]) / quantiles(spent["without"])
    print(f"| ratio | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |")


# ---- processes


@dataclass(frozen=True, kw_only=True)
class Called:
    """What callers in other processes need of a service."""

    port: int
    metadata: tuple[tuple[str, str], ...]
    items: int
    users: int
    rate: float
    """lists a second"""

    @contextmanager
    def stub(self) -> Iterator[recommend_pb2_grpc.RecommenderStub]:
        """Over a channel of its own."""
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            yield recommend_pb2_grpc.RecommenderStub(channel)  # type: ignore[no-untyped-call]


@dataclass(kw_only=True)
class CallTimes:
    """Milliseconds of one service's calls, over its stretches."""

    lists: list[list[float]] = field(default_factory=list)
    reports: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    probed: list[str] = field(default_factory=list)
    """items"""


def over_grpc(out: Path, rate: float, stretches: int, seconds: float) -> None:
    """Rows for lists, reports and changes of both services, in turns: A B B A and so on."""
    call_times = {name: CallTimes() for name in HEADS}
    with (
        running_service(out / "without") as without,
        running_service(out / "with") as with_,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as callers,
    ):
        services = {"without": called(out, "without", without, rate), "with": called(out, "with", with_, rate)}
        for name in HEADS:
            stretch(callers, services[name], 2.0, CallTimes())  # warms up
        print(f"| load of the machine before: {os.getloadavg()[0]:.1f} | | | | |")
        for number in range(stretches):
            name = ("without", "with", "with", "without")[number % 4]
            stretch(callers, services[name], seconds, call_times[name])
    print_call_times(call_times, rate)


def called(out: Path, name: str, service: Service, rate: float) -> Called:
    """The service of a head."""
    served = read_served(HeadStore(out / name / "heads"))
    sizes = {"items": len(served.items.item_ids), "users": len(served.users.user_ids)}
    return Called(port=service.ports[0], metadata=service.metadata, rate=rate, **sizes)


def stretch(callers: Executor, service: Called, seconds: float, call_times: CallTimes) -> None:
    """Lists and reports for so long, and probes beside them."""
    began = time.perf_counter() + 1.0
    lists = callers.submit(asked_for, service, seconds, began)
    reports = callers.submit(reported, service, seconds, began)
    time.sleep(max(0.0, began - time.perf_counter()))
    with service.stub() as stub:
        rng = np.random.default_rng(time.time_ns())
        while not (lists.done() and reports.done()):
            item = str(rng.integers(service.items - LATEST, service.items))
            call_times.changes.append(change(service, stub, item, before=call_times.probed))
            call_times.probed.append(item)
            time.sleep(BETWEEN)
    call_times.lists.append(lists.result())
    call_times.reports += reports.result()


def asked_for(service: Called, seconds: float, began: float) -> list[float]:
    """Milliseconds of lists for drawn users."""
    users = np.random.default_rng(time.time_ns()).integers(0, service.users, int(service.rate * seconds))
    with service.stub() as stub:

        def ask(number: int) -> None:
            stub.Recommend(api.RecommendRequest(user=f"u{users[number]}", k=10), metadata=service.metadata, timeout=60)

        return steadily(ask, service.rate, seconds, began)


def reported(service: Called, seconds: float, began: float) -> list[float]:
    """Milliseconds of reports of one event each, every other of what was shown, about the latest items."""
    rate, rng = REPORTS * service.rate, np.random.default_rng(time.time_ns())
    drawn = rng.integers(0, (service.users, LATEST), (int(rate * seconds), 2))
    with service.stub() as stub:

        def report(number: int) -> None:
            user, back = drawn[number]
            kind = ("clicked", "shown")[number % 2]
            event = one_event(f"{time.time_ns()}-{number}", f"u{user}", str(service.items - 1 - back), kind)
            stub.ReportFeedback(api.ReportFeedbackRequest(events=[event]), metadata=service.metadata, timeout=60)

        return steadily(report, rate, seconds, began)


def change(service: Called, stub: recommend_pb2_grpc.RecommenderStub, item: str, before: list[str]) -> float:
    """Milliseconds from a report of clicks on an item until a list without those ``before`` shows it to who is unknown.

    Infinite where the list that is asked for next does not, or a call fails.
    """
    user = f"probe{time.time_ns()}"
    events = [one_event(f"{user}-{number}", f"{user}-{number}", item, "clicked") for number in range(CLICKS)]
    began = time.perf_counter()
    try:
        stub.ReportFeedback(api.ReportFeedbackRequest(events=events), metadata=service.metadata, timeout=60)
        listed = stub.Recommend(api.RecommendRequest(k=10, exclude=before), metadata=service.metadata, timeout=60)
    except grpc.RpcError:
        return np.inf
    return 1e3 * (time.perf_counter() - began) if item in [entry.item for entry in listed.items] else np.inf


def one_event(event_id: str, user: str, item: str, kind: str) -> api.Feedback:
    """Of now."""
    return api.Feedback(event_id=event_id, user=user, item=item, kind=kind, time=time.time())


def print_call_times(call_times: dict[str, CallTimes], rate: float) -> None:
    """Rows."""
    lists = {name: [value for part in each.lists for value in part] for name, each in call_times.items()}
    for name, times in lists.items():
        print_row(f"a list over gRPC, {name} them, at {rate:g} lists and {REPORTS * rate:g} reports a second", times)
    print_ratio(lists)
    p99 = {name: [quantiles(part)[-1] for part in each.lists] for name, each in call_times.items()}
    for name, each in call_times.items():
        print(f"| p99 of each stretch, {name} them: {', '.join(f'{value:.0f}' for value in p99[name])} | | | | |")
        print_row(f"a report over gRPC, {name} them", each.reports)
    changes = call_times["with"].changes
    print_row(f"from {CLICKS} clicks to the list that they change, {len(changes)} probes", changes)
    print(f"| the longest of them | {max(changes):.1f} | | | |")
    failed = sum(np.isinf([*lists[name], *each.reports]).sum() for name, each in call_times.items())
    print(f"\ncalls that failed, which count as infinite: {failed}")


if __name__ == "__main__":
    main()
