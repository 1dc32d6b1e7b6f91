"""Feedback over kills: what was acknowledged is there afterwards, and nothing is there or counted twice.

    python -m benchmarks.serving_kills OUT [--events 100000] [--kills 10]

Four callers report to ``graft-client serve``, whose folder is a vault, in batches of up to 50 events, one batch in five
twice; the process gets SIGKILL at a random moment of the traffic and is started again, and each caller goes on with
what was not acknowledged. The head has a clock, events are of now, a third were shown. One JSON per kill in OUT; what
stands there is not done again. At the end live counts, before a last kill and after it, are compared with counts made
afresh from the journal's distinct events.
"""

import argparse
import json
import random
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from benchmarks.made_up_head import made_up_head
from benchmarks.serving_process import Service, running_service
from client.data.feedback import MET, FeedbackKind
from client.data.sequences import Sequences
from client.recommender.recommender import NO_HISTORY, Recommender
from client.recommender.served_head import ServedHead, read_served
from client.scorers.recent import Recent
from client.scorers.scorer import TABLE, HistoryBatch
from client.scorers.shown import Shown
from client.serving.id_form import IdForm
from client.serving.journal_lines import Entry
from client.serving.live_head import LiveHead
from client.serving.private_folder import open_private_folder
from client.serving.requests import Feedback, ListRequest
from client.serving.told import Told, count_since
from client.store.head_store import HeadStore
from client.store.keyring import KeySource, new_key
from client.store.vault import Vault
from shared.serving_api import recommend_pb2 as api
from shared.system.whole_file import write_whole

CALLERS, BATCH, TWICE = 4, 50, 0.2
LAST = 2_000
"""Events that a further caller reports before the last kill."""
LATE = 50
"""Seconds that an event may be old when it is reported."""
ITEMS, USERS = 500, 300
KINDS = ("clicked", "shown", "purchased")
SOURCE = "vault.key"


def main() -> None:
    """Kill what is missing, then look at the journal and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the vault and the kills")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    key = _prepared(options.out)
    callers = [Caller(number, start) for number, start in enumerate(_reached(options.out))]
    for kill in range(len(_kills(options.out)), options.kills):
        trial = random.Random(kill)  # noqa: S311
        target_events = options.events * (kill + 1) // options.kills + trial.randrange(options.events // 100)
        repeated = killed_after(options.out, key, callers, target_events, wait=trial.uniform(0, 0.5))
        acknowledged = [caller.acknowledged for caller in callers]
        facts = {"acknowledged": acknowledged, "repeated": repeated}
        write_whole(options.out / f"kill-{kill:02d}.json", json.dumps(facts).encode("utf-8"))
        print(f"kill {kill}: {sum(acknowledged)} acknowledged", flush=True)
    print(json.dumps(findings(options.out, key), indent=1))


class Caller:
    """Reports events one after the other; knows what was acknowledged, whatever happens to the service."""

    def __init__(self, number: int, acknowledged: int) -> None:
        self.number, self.acknowledged = number, acknowledged
        self.repeated = 0

    def report(self, service: Service, until: threading.Event) -> None:
        """Until told to stop, or until the service is gone."""
        rng = random.Random(self.number)  # noqa: S311
        while not until.is_set():
            size = rng.randint(1, BATCH)
            events = [self._event(number) for number in range(self.acknowledged, self.acknowledged + size)]
            for _ in range(2 if rng.random() < TWICE else 1):
                try:
                    request = api.ReportFeedbackRequest(events=events)
                    answer = service.stub.ReportFeedback(request, metadata=service.metadata, timeout=60)
                except grpc.RpcError:
                    return
                self.repeated += answer.repeated_before
                self.acknowledged = max(self.acknowledged, _number(events[-1]) + 1)

    def _event(self, number: int) -> api.Feedback:
        user, item = f"u{number % USERS}", str(number * 7 % ITEMS)
        kind, when = KINDS[number % len(KINDS)], time.time() - number % LATE
        return api.Feedback(event_id=f"{self.number}-{number}", user=user, item=item, kind=kind, time=when)


def killed_after(out: Path, key: str, callers: list[Caller], target_events: int, *, wait: float) -> int:
    """Start the service, report until so many events are acknowledged, and kill it a moment later, amid the reports.

    Returns how many events the service said it knew already.
    """
    before = sum(caller.repeated for caller in callers)
    with running_service(out, "--vault-key", key, "--seconds", "60") as service:
        threads = reporting(service, callers, target_events, threading.Event())
        time.sleep(wait)
        service.process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    return sum(caller.repeated for caller in callers) - before


def reporting(
    service: Service, callers: list[Caller], target_events: int, done: threading.Event
) -> list[threading.Thread]:
    """Threads that report until ``done``, once so many events are acknowledged or the service is gone."""
    threads = [threading.Thread(target=caller.report, args=(service, done)) for caller in callers]
    for thread in threads:
        thread.start()
    while sum(caller.acknowledged for caller in callers) < target_events and any(
        thread.is_alive() for thread in threads
    ):
        time.sleep(0.01)
    return threads


def findings(out: Path, key: str) -> dict[str, Any]:
    """What the journal and the live counts hold of what was acknowledged."""
    further = Caller(CALLERS, 0)
    lists = [live_list(out, key, [further]), live_list(out, key, [])]
    entries = open_private_folder(out / "heads", key).reported()
    journal_ids = [entry.facts["id"] for entry in entries]
    reached = [*_reached(out), further.acknowledged]
    acknowledged_ids = {f"{caller}-{number}" for caller, count in enumerate(reached) for number in range(count)}
    return {
        "kills": len(_kills(out)),
        "acknowledged": len(acknowledged_ids),
        "lost": len(acknowledged_ids - set(journal_ids)),
        "counted twice": len(journal_ids) - len(set(journal_ids)),
        "sent again and known": sum(kill["repeated"] for kill in _kills(out)),
        "kept without an acknowledgement": len(set(journal_ids) - acknowledged_ids),
        **apart(read_served(open_private_folder(out / "heads", key).heads), entries, lists),
    }


def live_list(out: Path, key: str, callers: list[Caller]) -> dict[str, float]:
    """Item to score for who has no history, once the callers have reported ``LAST`` events.

    The service is killed after that.
    """
    done = threading.Event()
    with running_service(out, "--vault-key", key, "--seconds", "60") as service:
        threads = reporting(service, callers, LAST, done)
        done.set()
        for thread in threads:
            thread.join()
        listed = service.stub.Recommend(api.RecommendRequest(k=ITEMS), metadata=service.metadata, timeout=60)
        service.process.send_signal(signal.SIGKILL)
    return {item.item: item.score for item in listed.items}


def apart(served: ServedHead, entries: Sequence[Entry], lists: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """How far live counts and lists are from those of counts made afresh."""
    reports = Told()
    reports.read(entries, IdForm.of(served))
    restarted = reports.opened(served)
    count_since(restarted, entries)
    fresh = LiveHead.of(counted_afresh(served, entries))
    scores = fresh.answer(fresh.asked(ListRequest(k=ITEMS), (NO_HISTORY, np.zeros(0), 0), ())).items
    gaps = [max(abs(item.score - listed[item.item]) for item in scores) for listed in lists]
    counts = zip(_columns(restarted.recommender), _columns(fresh.recommender), strict=True)
    return {
        "counts after a restart over those made afresh, largest relative difference": max(
            float(np.max(np.abs(live - afresh) / np.maximum(np.abs(afresh), 1.0))) for live, afresh in counts
        ),
        "scores before the last kill, largest difference": gaps[0],
        "scores after it, largest difference": gaps[1],
    }


def counted_afresh(served: ServedHead, entries: Sequence[Entry]) -> ServedHead:
    """The head as if it had counted each event of the journal once: 2^(-age / half-life) for each, in one sum.

    An item is as old as its first event.
    """
    events = {entry.facts["id"]: Feedback.from_json(dict(entry.facts)) for entry in entries}.values()
    statistics, rows = dict(served.statistics), {item: row for row, item in enumerate(served.items.item_ids)}
    for name, kinds in (("recent", MET), ("shown", {FeedbackKind.SHOWN})):
        times = np.array([event.time for event in events if event.kind in kinds])
        items = np.array([rows[event.item] for event in events if event.kind in kinds])
        before, *lives = np.asarray(statistics[f"{TABLE}{name}"]).tolist()
        latest = max(before, times.max())
        for life in lives:
            faded = np.asarray(statistics[f"{name}@{life:g}"], np.float64) * 2 ** ((before - latest) / life)
            added = np.bincount(items, np.exp2((times - latest) / life), minlength=len(rows))
            statistics[f"{name}@{life:g}"] = faded + added
        statistics[f"{TABLE}{name}"] = np.array([latest, *lives])
    met = sorted((event.time, rows[event.item]) for event in events if event.kind in MET)
    first = np.array(statistics["age@first"])
    for at, row in met:
        first[row] = first[row] or at
    statistics["age@first"] = first
    return replace(served, statistics=statistics)


def _columns(recommender: Recommender) -> list[NDArray[np.float32]]:
    """[n] each, of the scorers that count on with fading counts."""
    nobody = HistoryBatch(Sequences(offsets=np.zeros(2, np.int64), items=NO_HISTORY), ITEMS)
    counting = [scorer for scorer in recommender.whole.scorers if isinstance(scorer, Recent | Shown)]
    return [column.numpy()[0] for scorer in counting for column in scorer.score(nobody)]


def _prepared(out: Path) -> str:
    """A vault with a small head; its key."""
    file = out / SOURCE
    key = KeySource(kind="file", where=str(file))
    if not file.exists():
        out.mkdir(parents=True, exist_ok=True)
        write_whole(file, new_key().encode("ascii"), mode=0o600)
        vault = Vault.make(out / "heads", key)
        made_up_head(ITEMS, USERS, "tiny", seed=0, clock=True).write(HeadStore(vault))
    return str(key)


def _kills(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(out.glob("kill-*.json"))]


def _reached(out: Path) -> list[int]:
    """Events acknowledged so far, by caller."""
    kills = _kills(out)
    return kills[-1]["acknowledged"] if kills else [0] * CALLERS


def _number(event: api.Feedback) -> int:
    return int(event.event_id.partition("-")[2])


if __name__ == "__main__":
    main()
