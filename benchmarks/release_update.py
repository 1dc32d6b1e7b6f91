"""Agents that serve while they update: how many lists were dropped, how many were wrong, how long they took.

    python -m benchmarks.release_update OUT [--agents 3] [--rate 50] [--updates 3]

Each agent is a shop of its own with a vault; ``graft-client serve`` answers from it, asked so many times a second
whether or not earlier answers have come, while ``graft-client update`` takes one release after the other from a folder:
TUF's checks, a fit, the installation; then ``graft-client roll-back``. Each list must be the one that the head it names
gives in this process. OUT must not be there yet.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from benchmarks.serving_process import SCRIPT, Service, called_service, steadily
from client.agent.home import AgentHome
from client.recommender.served_head import read_served
from client.releases.place import ReleasesPlace
from client.serving.histories import Histories
from client.serving.live_head import LiveHead
from client.serving.requests import ListRequest
from client.serving.tokens import add_token
from client.store.head_store import open_heads
from shared.encoder.file import load_encoder
from shared.serving_api import recommend_pb2 as api
from simulations.results.table import markdown
from tests.hostile_repository import HostileRepository
from tests.integration.release_shop import USERS, Encoders, make_shop, write_encoders

LENGTH = 10
SECONDS = 30
"""a request's deadline: what is shown is that none is dropped"""
LEAD_SECONDS = 2.0
"""of load before the first update and after the last"""


@dataclass(kw_only=True)
class Shop:
    """An agent, and what its service answered."""

    home: AgentHome
    right: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """head and user to the list that is right"""
    answers: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    """head, user, items"""
    milliseconds: list[float] = field(default_factory=list)
    """from when a list was due; infinite where it was dropped"""
    update_seconds: list[float] = field(default_factory=list)

    def learn_right(self) -> None:
        """What the head that is stored now lists."""
        store = open_heads(self.home.vault, f"file:{self.home.vault_key}")
        live = LiveHead.of(read_served(store))
        for user in map(str, range(USERS)):
            past = Histories().of(user, (), live.recommender)
            listed = live.answer(live.asked(ListRequest(user=user, k=LENGTH), past, ()))
            self.right[live.name, user] = tuple(item.item for item in listed.items)

    @property
    def dropped(self) -> int:
        """Lists that did not come."""
        return len(self.milliseconds) - len(self.answers)

    @property
    def wrong(self) -> int:
        """Lists that are not those of the head that they name."""
        return sum(self.right.get((head, user)) != items for head, user, items in self.answers)

    @property
    def heads(self) -> int:
        """By how many heads lists came."""
        return len({head for head, _, _ in self.answers})


def main() -> None:
    """Update under load and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for shops and releases")
    parser.add_argument("--agents", type=int, default=3)
    parser.add_argument("--rate", type=float, default=50.0, help="lists a second, of each agent")
    parser.add_argument("--updates", type=int, default=3)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    torch.set_num_threads(1)
    shops = updated_under_load(options.out.resolve(), options.agents, options.rate, options.updates)
    print(table(shops))


def updated_under_load(out: Path, agents: int, rate: float, updates: int) -> list[Shop]:
    """Serve, update and go back.

    Args:
        out: an empty folder.
        agents: number of shops.
        rate: lists a second, of each.
        updates: releases that each takes while it serves.

    Returns:
        The shops, with what their services answered.
    """
    encoders, world = write_encoders(out), HostileRepository(out / "releases")
    shops = [Shop(home=make_shop(_new_folder(out / f"shop-{number}"))) for number in range(agents)]
    _publish(world, encoders, 1)
    for shop in shops:
        ReleasesPlace(shop.home.releases).pin(world.root_bytes)
        _client("update", shop.home, "--from", str(world.folder), "--no-own")
        shop.learn_right()
    with ExitStack() as running, ThreadPoolExecutor(agents) as pool:
        services = [running.enter_context(_service(shop.home)) for shop in shops]
        for shop, service in zip(shops, services, strict=True):
            running.enter_context(_load(shop, service, rate))
        time.sleep(LEAD_SECONDS)
        for version in range(2, updates + 2):
            _publish(world, encoders, version)
            list(pool.map(lambda shop: _update(shop, world), shops))
        for shop in shops:
            _client("roll-back", shop.home)
        time.sleep(LEAD_SECONDS)
    return shops


def table(shops: Sequence[Shop]) -> str:
    """A row a shop."""
    rows = [
        [
            str(number),
            f"{len(shop.milliseconds):,}",
            f"{shop.dropped} / {shop.wrong}",
            str(shop.heads),
            " / ".join(f"{np.percentile(shop.milliseconds, share):.0f}" for share in (50, 99)),
            f"{np.mean(shop.update_seconds):.1f}",
        ]
        for number, shop in enumerate(shops)
    ]
    heads = ["agent", "lists", "dropped / wrong", "heads", "ms, p50 / p99", "s an update"]
    return markdown(heads, rows)


def _new_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _publish(world: HostileRepository, encoders: Encoders, version: int) -> None:
    """One encoder and the other in turn; from the third on each is brought back, so that every shop takes it."""
    file = encoders.weak if version % 2 else encoders.good
    world.publish(version, load_encoder(file)[0], file, rolls_back_to=version - 2 if version > 2 else None)


def _update(shop: Shop, world: HostileRepository) -> None:
    began = time.monotonic()
    _client("update", shop.home, "--from", str(world.folder), "--no-own")
    shop.update_seconds.append(time.monotonic() - began)
    shop.learn_right()


def _client(command: str, home: AgentHome, *words: str) -> None:
    line = [sys.executable, "-c", SCRIPT, command, str(home.folder), *words, "--json"]
    done = subprocess.run(line, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    json.loads(done.stdout)


@contextmanager
def _service(home: AgentHome) -> Iterator[Service]:
    """``graft-client serve`` of an agent's folder while it lasts."""
    token = add_token(home.tokens, "benchmark")
    with called_service((str(home.folder), "--seconds", str(SECONDS)), token) as service:
        yield service


@contextmanager
def _load(shop: Shop, service: Service, rate: float) -> Iterator[None]:
    """Ask so many times a second until the block ends."""
    ended = threading.Event()

    def ask(number: int) -> None:
        user = str(number % USERS)
        request = api.RecommendRequest(user=user, k=LENGTH)
        reply = service.stub.Recommend(request, metadata=service.metadata, timeout=SECONDS)
        shop.answers.append((reply.head, user, tuple(item.item for item in reply.items)))

    def ask_on() -> None:
        began, seconds = time.perf_counter(), 0
        while not ended.is_set():
            shop.milliseconds += steadily(ask, rate, 1.0, began + seconds)
            seconds += 1

    thread = threading.Thread(target=ask_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    main()
