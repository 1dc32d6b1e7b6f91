"""Real graft-device processes on loopback: three masked rounds, some of them killed at random; memory beside Flower's.

    python -m benchmarks.device_fleet OUT [--devices 60] [--alive 20] [--least 16] [--killed 12] [--seed 1]

Devices take turns, as many at a time as may be alive: each round is of those that are there, over TLS and
authentication, then the next ones come. In each round as many as its share are killed, all their processes at once and
at a random moment after the round has begun, and started again soon after. Nothing is lost where each device afterwards
has its history and head as before, its ledger whole, and a party state that opens. Memory is resident: of a device that
joined and waits, all its processes; of Flower's bare SuperNode as it is started by hand, with the process that it
starts.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

from client.guard.ledger import Ledger
from client.joined.home import JoinedHome
from client.rounds.own_party import OwnParty
from client.store.head_store import open_heads
from shared.encoder.file import load_encoder
from shared.secure_sum.party_state import PartyState
from shared.seeding import rng_for
from tests.integration.commands import command_server
from tests.integration.deployed.fleet import Fleet, fleet, over_devices, processes_of_device, resident
from tests.integration.engine import running_engine

ROUNDS = 3
OPEN = ("queued", "running")
SECONDS = 1800.0
STEADY_SECONDS = 15.0
"""for which what is measured has waited"""


def main() -> None:
    """Run the rounds, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for what runs meanwhile")
    parser.add_argument("--devices", type=int, default=60, help="of the fleet")
    parser.add_argument("--alive", type=int, default=20, help="at a time")
    parser.add_argument("--least", type=int, default=16, help="K of the devices' policy")
    parser.add_argument("--killed", type=int, default=12, help="of all")
    parser.add_argument("--seed", type=int, default=1, help="draws who is killed, and when")
    asked_for = parser.parse_args()
    asked_for.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=asked_for.out) as folder:
        bare = bare_memory(Path(folder) / "engine")
        with command_server(), fleet(Path(folder), asked_for.devices, least=asked_for.least) as running:
            figures = rounds_of(running, asked_for)
        figures["memory"] |= {**bare, "ratio": figures["memory"]["device"] / bare["bare"]}
    print(json.dumps(figures, indent=1))


def bare_memory(folder: Path) -> dict[str, float]:
    """Of Flower's SuperNode with the process that it starts, and of the SuperNode alone, in MiB."""
    with running_engine(folder) as engine:
        engine.start_node("bare", {})
        time.sleep(STEADY_SECONDS)
        node = psutil.Process(engine.processes[-1].pid)
        return {"bare": resident([node, *node.children(recursive=True)]), "bare_node_alone": resident([node])}


def rounds_of(running: Fleet, asked_for: argparse.Namespace) -> dict[str, Any]:
    """A round of each wave; how long, how many answers, what was lost."""
    before = {name: running.standing(name) for name in running.names}
    waves = [list(running.names)[place * asked_for.alive : (place + 1) * asked_for.alive] for place in range(ROUNDS)]
    began, memory = time.monotonic(), list[float]()
    rounds, killed = list[dict[str, Any]](), list[str]()
    number = 0
    for place, wave in enumerate(waves):
        _come(running, wave)
        memory = memory or _idle_memory(running, wave)
        number = running.begin(over_devices(1, cohort=asked_for.alive, least=asked_for.least))
        killed += _killed_in(running, place, wave, asked_for)
        rounds.append(_ended(running, number))
        for name in wave:
            running.stop(name)
    start, end = (load_encoder(path)[0] for path in (running.folder / "start.safetensors", running.encoder(number)))
    return {
        "memory": {"device": median(memory)},
        "seconds": time.monotonic() - began,
        "rounds": rounds,
        "encoder_moved_by": float(np.linalg.norm(end.flat - start.flat)),
        "killed": killed,
        "lost": [name for name in running.names if is_lost(running, name, before[name])],
    }


def _come(running: Fleet, wave: Sequence[str]) -> None:
    for name in wave:
        running.start(name)
    running.wait_until(lambda: all(map(running.connected, wave)), SECONDS)


def _ended(running: Fleet, number: int) -> dict[str, Any]:
    """What the history says of the one round of a run, once it is over."""
    running.wait_until(lambda: running.state(number) not in OPEN, SECONDS)
    (record,) = running.history(number)
    return {key: record[key] for key in ("counts", "note", "seconds", "bytes_up")}


def _idle_memory(running: Fleet, alive: Sequence[str]) -> list[float]:
    time.sleep(STEADY_SECONDS)
    return [resident(processes_of_device(running.device(name))) for name in alive]


def _killed_in(running: Fleet, place: int, wave: Sequence[str], asked_for: argparse.Namespace) -> list[str]:
    """Kill this round's share, each at a moment of its own once the first answer of the round has left."""
    rng = rng_for(asked_for.seed, "fleet", place)
    victims = [str(name) for name in rng.choice(wave, asked_for.killed // ROUNDS, replace=False)]
    running.wait_until(lambda: any(_answers(running, name) for name in wave), SECONDS)
    for name in victims:
        time.sleep(float(rng.uniform(0, 8)))
        running.kill(name)
    for name in victims:
        running.start(name)
    return victims


def _answers(running: Fleet, name: str) -> int:
    ledger = JoinedHome.joined(running.device(name)).ledger
    return len(Ledger(ledger).lines()[0]) if ledger.exists() else 0


def is_lost(running: Fleet, name: str, before: dict[str, Any]) -> bool:
    """Whether anything of a device differs from before, or does not open."""
    after, home = running.standing(name), JoinedHome.joined(running.device(name))
    same = all(after[key] == before[key] for key in ("events", "head", "version"))
    heads = open_heads(home.vault, str(home.device.key_source()))
    state = OwnParty(heads, name).state
    if state:
        PartyState.from_bytes(state)
    cut = Ledger(home.ledger).lines()[1] if home.ledger.exists() else []
    return not same or bool(cut)


if __name__ == "__main__":
    main()
