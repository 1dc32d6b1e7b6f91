"""What a round of a deployed federation takes beside a round of Flower's bare engine that sends the same arrays.

    python -m benchmarks.round_overhead OUT [--rounds 5] [--repeats 3]

The bare engine is Flower's own: a SuperLink and one SuperNode for each platform, no TLS, an app that sends one flat
array to each and takes one of the same size back (``bare_app``). Ours is all that is deployed: TLS, the proxy, node
authentication, the gate before bundles, platforms opened and checked, vault, training, guard and ledger, the checkpoint
after each round. The platforms are so small that there is next to nothing to train. Both are up together and take
turns; compared are the medians over all rounds but the first of each turn, in which programs and files are cold.
"""

import argparse
import json
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from server.coordinator.run_book import OPEN, RunBook
from shared.encoder.file import load_encoder
from shared.federation.config import LocalSettings, RoundsConfig
from tests.integration.deployed.deployment import Deployment
from tests.integration.deployed.kill_trial import NAMES, asked, federation
from tests.integration.engine import CONNECTION, Engine, running_engine
from tests.integration.engine_world import toml

BARE_APP = Path(__file__).with_name("bare_app")
SECONDS = 900.0
LOOK_SECONDS = 0.05


def main() -> None:
    """Take turns, and print both medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for what runs meanwhile")
    parser.add_argument("--rounds", type=int, default=5, help="of each turn")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each")
    asked_for = parser.parse_args()
    asked_for.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=asked_for.out) as folder:
        figures = compared(Path(folder), asked_for.rounds, asked_for.repeats)
    print(json.dumps(figures, indent=1))


def compared(folder: Path, rounds: int, repeats: int) -> dict[str, Any]:
    """Seconds of every round but each turn's first, the medians and the ratio."""
    bare: list[float] = []
    graft: list[float] = []
    (folder / "graft").mkdir()
    with running_engine(folder / "engine") as engine, federation(folder / "graft") as deployed:
        numbers = len(load_encoder(deployed.folder / "start.safetensors")[0].flat)
        for name in NAMES:
            engine.start_node(name, {})
        for turn in range(repeats):
            bare += bare_rounds(engine, rounds, numbers, turn)[1:]
            graft += graft_rounds(deployed, rounds)[1:]
    return {
        "platforms": len(NAMES),
        "array_bytes": 4 * numbers,
        "bare_seconds": bare,
        "graft_seconds": graft,
        "bare_median": median(bare),
        "graft_median": median(graft),
        "ratio": median(graft) / median(bare),
    }


def bare_rounds(engine: Engine, rounds: int, numbers: int, turn: int) -> list[float]:
    """Seconds of each round of the app that does nothing."""
    out = engine.folder / f"bare-{turn}.json"
    config: dict[str, int | str] = {"numbers": numbers, "rounds": rounds, "nodes": len(NAMES), "out": str(out)}
    file = out.with_suffix(".toml")
    file.write_text("".join(f"{key} = {toml(value)}\n" for key, value in config.items()), "utf-8")
    run = engine.command("run", str(BARE_APP), CONNECTION, "--run-config", str(file))
    engine.wait_for_run(str(run["run-id"]), seconds=SECONDS)
    seconds: list[float] = json.loads(out.read_text("utf-8"))
    return seconds


def graft_rounds(deployed: Deployment, rounds: int) -> list[float]:
    """Seconds from one round's end to the next, everything between included, the first from the submission on."""
    config = RoundsConfig(
        rounds=rounds,
        moments=False,
        min_platforms=len(NAMES),
        require_all=True,
        evaluate_every=0,
        wait_seconds=SECONDS,
        deadline_seconds=SECONDS,
        local=LocalSettings(tokens=512, encoder_epochs=1),
    )
    deployed.on_server("run", "--detach", *asked(config))
    run = RunBook(deployed.server / "runs").runs()[-1]
    ends = [time.monotonic()]
    while run.standing().state in OPEN or len(run.history()) >= len(ends):
        if len(run.history()) >= len(ends):
            ends.append(time.monotonic())
        time.sleep(LOOK_SECONDS)
    standing = run.standing()
    if standing.state != "completed":
        raise RuntimeError(f"the run is {standing.state}: {standing.reason}")
    return [end - begin for begin, end in pairwise(ends)]


if __name__ == "__main__":
    main()
