"""What peers cost on a synthetic platform, and how good they are on the events that ``evaluate`` judges.

A peer that is fitted in one go is fitted under a few settings, of which the best counts, with the seconds of that fit
alone. SASRec is asked after each lap, and its seconds are those to its best lap. Both know the answers by which their
best is told, so the choice can only be to their advantage.
"""

import json
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.environments import ENVIRONMENTS, drive
from benchmarks.peers.race_log import RaceLog
from client.data.folder_options import Preparation
from client.data.preparation import prepare
from client.data.sequences import part
from client.data.source import read_folder
from simulations.results.table import markdown

NEIGHBOURS = (20, 100, 200)
LAPS, PATIENCE = 1, 5
"""of an epoch of SASRec, and laps without a better NDCG@10 behind which it is over"""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One way of recommending that is not ours."""

    driver: str
    """module under benchmarks.peers"""
    environment: str
    settings: tuple[dict[str, Any], ...] = field(default_factory=tuple)
    """of a peer that is fitted in one go; without any it trains in laps"""


PEERS = {
    "implicit ItemKNN": Peer(
        driver="implicit_item_knn",
        environment="rectools",
        settings=tuple({"weighting": "tf-idf", "neighbours": count} for count in NEIGHBOURS),
    ),
    "implicit iALS": Peer(
        driver="implicit_als",
        environment="rectools",
        settings=tuple({"factors": 64, "regularization": strength, "alpha": 5.0} for strength in (1.0, 10.0, 50.0)),
    ),
    "LensKit ItemKNN": Peer(
        driver="lenskit_item_knn",
        environment="lenskit",
        settings=tuple({"neighbours": count} for count in NEIGHBOURS),
    ),
    "RecTools EASE": Peer(
        driver="rectools_ease",
        environment="rectools",
        settings=tuple({"regularization": strength} for strength in (50.0, 200.0, 500.0)),
    ),
    "RecTools SASRec": Peer(driver="rectools_sasrec", environment="rectools"),
}


@dataclass(frozen=True, kw_only=True)
class PeerCost:
    """One peer on one platform."""

    name: str
    seconds: float
    """of the processor, all threads; of the fit alone"""
    peak: float
    """GiB of resident memory at most, ranking in it"""
    ndcg: float
    """NDCG@10 of all users' last events over the whole catalogue"""
    settings: dict[str, Any]


def write_course(platform_folder: Path, file: Path, seed: int) -> None:
    """What all peers are given: every event but users' last ones, which are to be found.

    Args:
        platform_folder: the platform's.
        file: where it is written, as ``Course.read`` takes it.
        seed: of the platform's preparation.
    """
    platform = prepare(read_folder(platform_folder), Preparation(), name=platform_folder.name, seed=seed)
    sequences, users = platform.sequences, np.arange(platform.n_users)
    known = part(sequences, users, np.zeros_like(users), sequences.lengths() - 1)
    np.savez(
        file,
        offsets=known.offsets,
        items=known.items,
        targets=sequences.items[sequences.offsets[1:] - 1],
        asked=users,
        n_items=platform.n_items,
    )


def peer_cost(name: str, course: Path, *, seed: int, budget: float) -> PeerCost:
    """Fit and judge a peer in its own environment.

    Args:
        name: of ``PEERS``.
        course: what ``write_course`` wrote; the peer's words and lines are written beside it.
        seed: of what it draws.
        budget: processor seconds behind which SASRec begins no lap.

    Raises:
        SystemExit: where it fails.
    """
    peer = PEERS[name]
    if peer.settings:
        driver, flags = "one_fit", [f"--peer={peer.driver}", f"--settings={json.dumps(peer.settings)}"]
    else:
        driver, flags = peer.driver, ["--settings={}", f"--budget={budget}", f"--laps={LAPS}", f"--patience={PATIENCE}"]
    lines, words = (course.with_name(f"{course.stem}-{peer.driver}.{end}") for end in ("jsonl", "log"))
    arguments = [str(course), *flags, f"--seed={seed}"]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        code, peak = pool.submit(_driven, driver, peer.environment, arguments, lines, words).result()
    if code:
        raise SystemExit(f"{name} ended with code {code}; its last words are in {words}")
    text = lines.read_text("utf-8").splitlines()
    if not peer.settings:
        log = RaceLog.parse(name, text, "processor")
        best = int(np.argmax(log.ndcg))
        return PeerCost(name=name, seconds=log.seconds[best], peak=peak, ndcg=log.best, settings=log.settings)
    fitted = max(map(json.loads, text), key=lambda each: each["ndcg"])
    return PeerCost(name=name, seconds=fitted["seconds"], peak=peak, ndcg=fitted["ndcg"], settings=fitted["settings"])


def _driven(driver: str, environment: str, arguments: list[str], lines: Path, words: Path) -> tuple[int, float]:
    """Exit code, and GiB of resident memory at most; in a process of its own, which has no other child."""
    scratch = lines.parent / "scratch"
    with lines.open("w") as out, words.open("w") as errors:
        code = drive(driver, ENVIRONMENTS[environment], arguments, scratch=scratch, threads=1, out=out, errors=errors)
    return code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def measured_peers(platform: Path, out: Path, *, seed: int, budget: float) -> list[PeerCost]:
    """All peers on a platform; those whose figures are in ``out`` are not measured again.

    Args:
        platform: the platform folder.
        out: where figures are kept.
        seed: of what peers draw.
        budget: as of ``peer_cost``.
    """
    course = out / f"course-{platform.name}.npz"
    if not course.is_file():
        write_course(platform, course, seed)
    costs = []
    for name, peer in PEERS.items():
        file = out / f"peer-{platform.name}-{peer.driver}.json"
        if not file.is_file():
            print(f"{platform.name}, {name}", file=sys.stderr, flush=True)
            file.write_text(json.dumps(asdict(peer_cost(name, course, seed=seed, budget=budget))), "utf-8")
        costs.append(PeerCost(**json.loads(file.read_text("utf-8"))))
    return costs


def peers_table(costs: list[PeerCost]) -> str:
    """The costs, one line each, the best first."""
    rows = [
        [each.name, f"{each.seconds:.1f}", f"{each.peak:.2f}", f"{each.ndcg:.4f}", _words(each.settings)]
        for each in sorted(costs, key=lambda each: -each.ndcg)
    ]
    return markdown(["method", "fit, s", "peak, GiB", "NDCG@10", "settings"], rows)


def _words(settings: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())
