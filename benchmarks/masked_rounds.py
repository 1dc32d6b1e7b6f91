"""What masked rounds take beside plain ones: seconds, bytes, and how far apart both encoders are.

    python -m benchmarks.masked_rounds OUT [--shops 8] [--rounds 10] [--users 1800]

Everything is deployed on loopback: a coordinator and its platforms as processes, TLS, node authentication, vaults,
guards, a checkpoint after each round. Both runs begin with the same encoder of preset small and no heads, and end with
the same number of rounds; the masked one makes its keys first, which counts. Plain updates have two bytes a number, so
beside the bytes that they take there are those that they would take as float32.
"""

import argparse
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from client.features.hashing import hashing_space
from client.rounds.round_heads import SEQUENCE_HEAD, STAGED_HEAD
from server.coordinator.run_book import OPEN, Run, RunBook
from shared.encoder.encoder import Encoder
from shared.encoder.file import load_encoder
from shared.federation.config import LocalSettings, RoundsConfig
from shared.federation.updates import WHOLE
from shared.privacy.promise import Privacy
from tests.integration.commands import command_server
from tests.integration.deployed.deployment import SECONDS, Deployment, deployment
from tests.integration.deployed.kill_trial import asked, store_of

MODES: tuple[Privacy, Privacy] = ("plain", "masked")
PRESET, DIM = "small", 512
CLIP = 8.0
LOOK_SECONDS = 0.05
FLOAT32 = 4


def main() -> None:
    """Both runs in one federation, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for what runs meanwhile")
    parser.add_argument("--shops", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--users", type=int, default=1800, help="of each shop")
    asked_for = parser.parse_args()
    asked_for.out.mkdir(parents=True, exist_ok=True)
    names = tuple(f"shop{number}" for number in range(asked_for.shops))
    with (
        command_server(),
        TemporaryDirectory(dir=asked_for.out) as folder,
        deployment(Path(folder), names, users=asked_for.users, preset=PRESET, space=hashing_space(DIM)) as deployed,
    ):
        figures = compared(deployed, asked_for.rounds)
    text = json.dumps(figures, indent=1)
    (asked_for.out / "masked_rounds.json").write_text(text, "utf-8")
    print(text)


def compared(deployed: Deployment, rounds: int) -> dict[str, Any]:
    """Seconds, exchanges, bytes of each, the ratios, and the largest difference between the encoders."""
    deployed.on_server("start", "--background")
    for name in deployed.platforms:
        deployed.on_agent("start", name, "--background")
    deployed.wait_until(
        lambda: (
            [platform["engine"] for platform in deployed.status()["platforms"]] == ["online"] * len(deployed.platforms)
        )
    )
    figures, encoders = dict[str, dict[str, float]](), dict[str, Encoder]()
    for mode in MODES:
        shutil.copy(deployed.folder / "start.safetensors", deployed.server / "encoder.safetensors")
        for store in (store_of(deployed.agent(name)) for name in deployed.platforms):
            for record in {SEQUENCE_HEAD, STAGED_HEAD} & set(store.names()):
                store.delete(record)
        run, seconds = _ended(deployed, _config(mode, rounds, len(deployed.platforms)))
        encoders[mode] = load_encoder(run.encoder)[0]
        figures[mode] = {"seconds": seconds, **_bytes(run.history(), encoders[mode])}
    plain, masked = (figures[mode] for mode in MODES)
    return {
        "shops": len(deployed.platforms),
        "rounds": rounds,
        **figures,
        "seconds_ratio": masked["seconds"] / plain["seconds"],
        "bytes_ratio": masked["bytes"] / plain["bytes"],
        "bytes_ratio_to_float32": masked["bytes"] / plain["bytes_as_float32"],
        "difference": float(np.abs(np.subtract(*(encoders[mode].flat.astype(np.float64) for mode in MODES))).max()),
    }


def _config(mode: Privacy, rounds: int, shops: int) -> RoundsConfig:
    return RoundsConfig(
        rounds=rounds,
        privacy=mode,
        robust="none",
        min_platforms=shops,
        require_all=True,
        wait_seconds=SECONDS,
        deadline_seconds=SECONDS,
        local=LocalSettings(clip_norm=CLIP),
    )


def _ended(deployed: Deployment, config: RoundsConfig) -> tuple[Run, float]:
    """The run, and its seconds from the submission on."""
    began = time.monotonic()
    deployed.on_server("run", "--detach", *asked(config))
    run = RunBook(deployed.server / "runs").runs()[-1]
    while (standing := run.standing()).state in OPEN:
        time.sleep(LOOK_SECONDS)
    if standing.state != "completed":
        raise RuntimeError(f"the run is {standing.state}: {standing.reason}{deployed.logs()}")
    return run, time.monotonic() - began


def _bytes(history: Sequence[Mapping[str, Any]], encoder: Encoder) -> dict[str, float]:
    """Of all records, and what they would be if each plain update had four bytes a number."""
    total = sum(record["bytes_up"] + record["bytes_down"] for record in history)
    updates = sum(len(record["losses"]) for record in history if record["kind"] == "train")
    grid = WHOLE.grid(encoder.spec).layout
    further = updates * grid.size * (FLOAT32 - grid.dtype.itemsize)
    return {"records": len(history), "bytes": total, "bytes_as_float32": total + further}


if __name__ == "__main__":
    main()
