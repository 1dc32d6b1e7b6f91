"""Feedback over kills: what was acknowledged is there afterwards, and nothing is there twice.

    python -m benchmarks.serving_kills OUT [--events 100000] [--kills 10]

Four callers report to ``graft-client serve``, whose folder is a vault, in batches of up to 50 events, one batch in five
twice; the process gets SIGKILL at a random moment of the traffic and is started again, and each caller goes on with
what was not acknowledged. One JSON per kill in OUT; what stands there is not done again.
"""

import argparse
import json
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import grpc

from benchmarks.made_up_head import made_up_head
from benchmarks.serving_process import Service, running_service
from client.serving.private_folder import open_private_folder
from client.store.head_store import HeadStore
from client.store.keyring import KeySource, new_key
from client.store.vault import Vault
from shared.serving_api import recommend_pb2 as api
from shared.system.whole_file import write_whole

CALLERS, BATCH, TWICE = 4, 50, 0.2
ITEMS, USERS = 500, 300
SOURCE = "vault.key"


def main() -> None:
    """Kill what is missing, then look at the journal and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the vault and the kills")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    asked = parser.parse_args()
    key = _prepared(asked.out)
    callers = [Caller(number, start) for number, start in enumerate(_reached(asked.out))]
    for kill in range(len(_kills(asked.out)), asked.kills):
        trial = random.Random(kill)  # noqa: S311
        wanted = asked.events * (kill + 1) // asked.kills + trial.randrange(asked.events // 100)
        repeated = killed_after(asked.out, key, callers, wanted, wait=trial.uniform(0, 0.5))
        acknowledged = [caller.acknowledged for caller in callers]
        facts = {"acknowledged": acknowledged, "repeated": repeated}
        write_whole(asked.out / f"kill-{kill:02d}.json", json.dumps(facts).encode("utf-8"))
        print(f"kill {kill}: {sum(acknowledged)} acknowledged", flush=True)
    print(json.dumps(found(asked.out, key), indent=1))


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
        return api.Feedback(event_id=f"{self.number}-{number}", user=user, item=item, kind="clicked", time=1.7e9)


def killed_after(out: Path, key: str, callers: list[Caller], wanted: int, *, wait: float) -> int:
    """Start the service, report until so many events are acknowledged, and kill it a moment later, amid the reports.

    Returns how many events the service said it knew already.
    """
    done = threading.Event()
    before = sum(caller.repeated for caller in callers)
    with running_service(out, "--vault-key", key, "--seconds", "60") as service:
        threads = [threading.Thread(target=caller.report, args=(service, done)) for caller in callers]
        for thread in threads:
            thread.start()
        while sum(caller.acknowledged for caller in callers) < wanted and any(one.is_alive() for one in threads):
            time.sleep(0.01)
        time.sleep(wait)
        service.process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    return sum(caller.repeated for caller in callers) - before


def found(out: Path, key: str) -> dict[str, Any]:
    """What the journal holds of what was acknowledged."""
    kept = [entry.facts["id"] for entry in open_private_folder(out / "heads", key).reported()]
    reached = _reached(out)
    wanted = {f"{caller}-{number}" for caller, count in enumerate(reached) for number in range(count)}
    return {
        "kills": len(_kills(out)),
        "acknowledged": len(wanted),
        "lost": len(wanted - set(kept)),
        "counted twice": len(kept) - len(set(kept)),
        "sent again and known": sum(one["repeated"] for one in _kills(out)),
        "kept without an acknowledgement": len(set(kept) - wanted),
    }


def _prepared(out: Path) -> str:
    """A vault with a small head; its key."""
    file = out / SOURCE
    key = KeySource(kind="file", where=str(file))
    if not file.exists():
        out.mkdir(parents=True, exist_ok=True)
        write_whole(file, new_key().encode("ascii"), mode=0o600)
        vault = Vault.make(out / "heads", key)
        made_up_head(ITEMS, USERS, "tiny", seed=0).write(HeadStore(vault))
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
