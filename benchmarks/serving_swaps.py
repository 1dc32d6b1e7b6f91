"""Requests during live swaps of the head: how many were dropped, how many were answered wrongly.

    python -m benchmarks.serving_swaps OUT [--requests 10000] [--swaps 20] [--items 20000]

The full recommender of preset ``small``, every scorer, the history encoded afresh for each request. Four callers ask
without a pause while another process than theirs serves; one head after the other is stored beneath it, two that
differ in weights and in the received encoder. Each answer must be the list that the head it names gives in this
process. One JSON per swap in OUT; what stands there is not done again.
"""

import argparse
import json
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import torch

from benchmarks.made_up_head import made_up_head
from benchmarks.serving_process import Service, running_service
from client.recommender.served_head import RECORD, ServedHead, read_served
from client.serving.histories import Histories
from client.serving.live_head import LiveHead
from client.serving.requests import ListRequest
from client.store.head_store import HeadStore
from shared.seeding import rng_for
from shared.serving_api import recommend_pb2 as api
from shared.system.whole_file import write_whole

CALLERS, USERS, ASKED, LENGTH = 4, 10_000, 50, 10
SECONDS = 120
"""a request's deadline: what is shown is that none is dropped, not how fast a busy machine is"""
Answer = tuple[str, str, tuple[str, ...]]
"""head, user, items"""


def main() -> None:
    """Swap what is missing under load and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the heads and the swaps")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--items", type=int, default=20_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    heads = _two_heads(options.out, options.items)
    right = expected(heads)
    if len(_swaps(options.out)) < options.swaps:
        with running_service(options.out, "--seconds", str(SECONDS)) as service, asking(service) as load:
            for swap in range(len(_swaps(options.out)), options.swaps):
                facts = swapped_under(load, options.out, heads[swap % 2], -(-options.requests // options.swaps), right)
                write_whole(options.out / f"swap-{swap:02d}.json", json.dumps(facts).encode("utf-8"))
                print(f"swap {swap}: {facts}", flush=True)
    print(json.dumps(findings(options.out), indent=1))


def expected(heads: tuple[ServedHead, ServedHead]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Head and user to the list that is right."""
    right = {}
    for live in map(LiveHead.of, heads):
        for user in map(_user, range(ASKED)):
            past = Histories().of(user, (), live.recommender)
            listed = live.answer(live.asked(ListRequest(user=user, k=LENGTH), past, ()))
            right[live.name, user] = tuple(item.item for item in listed.items)
    return right


class asking:  # noqa: N801
    """Callers who ask without a pause while it lasts."""

    def __init__(self, service: Service) -> None:
        self._service, self._done = service, threading.Event()
        self._lock = threading.Lock()
        self._answers: list[Answer] = []
        self._errors: list[str] = []
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CALLERS)]

    def __enter__(self) -> "asking":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def taken(self) -> tuple[list[Answer], list[str]]:
        """Answers and errors since this was last asked."""
        with self._lock:
            answers_and_errors = self._answers, self._errors
            self._answers, self._errors = [], []
        return answers_and_errors

    def _ask(self, number: int) -> None:
        rng = rng_for(number, "asking")
        while not self._done.is_set():
            user = _user(int(rng.integers(ASKED)))
            try:
                request = api.RecommendRequest(user=user, k=LENGTH)
                reply = self._service.stub.Recommend(request, metadata=self._service.metadata, timeout=SECONDS)
                answer = (reply.head, user, tuple(item.item for item in reply.items))
                with self._lock:
                    self._answers.append(answer)
            except grpc.RpcError as error:
                with self._lock:
                    self._errors.append(str(error.code()))


def swapped_under(
    load: asking, out: Path, head: ServedHead, requests: int, right: dict[tuple[str, str], tuple[str, ...]]
) -> dict[str, Any]:
    """Store a head beneath the service and ask until it answers, and so many requests were answered in all."""
    name = LiveHead.of(head).name
    began = time.monotonic()
    head.write(HeadStore(out / "heads"))
    answers: list[Answer] = []
    errors: list[str] = []
    while len(answers) < requests or name not in {answer[0] for answer in answers}:
        time.sleep(0.2)
        more = load.taken()
        answers += more[0]
        errors += more[1]
    return {
        "requests": len(answers) + len(errors),
        "dropped": len(errors),
        "wrong": sum(right.get((answer[0], answer[1])) != answer[2] for answer in answers),
        "by_head": dict(Counter(answer[0] for answer in answers)),
        "errors": dict(Counter(errors)),
        "seconds": time.monotonic() - began,
    }


def findings(out: Path) -> dict[str, Any]:
    """All swaps together."""
    swaps = _swaps(out)
    total = {name: sum(swap[name] for swap in swaps) for name in ("requests", "dropped", "wrong")}
    return {"swaps": len(swaps), **total, "under two heads": sum(len(swap["by_head"]) == 2 for swap in swaps)}


def _two_heads(out: Path, items: int) -> tuple[ServedHead, ServedHead]:
    """The store's own, and one of other weights and another received encoder; the first made where there is none."""
    first_store = HeadStore(out / "first")
    if first_store.stamp(RECORD) is None:
        made_up_head(items, USERS, "small", seed=0).write(first_store)
    first = read_served(first_store)
    encoders = made_up_head(200, 50, "small", seed=5).parts.encoders
    weights = rng_for(0, "other-weights").uniform(0, 0.3, len(first.head.weights)).astype(np.float64)
    other = replace(first, head=replace(first.head, weights=weights), parts=replace(first.parts, encoders=encoders))
    if HeadStore(out / "heads").stamp(RECORD) is None:
        other.write(HeadStore(out / "heads"))
    return first, other


def _swaps(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(out.glob("swap-*.json"))]


def _user(number: int) -> str:
    return f"u{number}"


if __name__ == "__main__":
    main()
