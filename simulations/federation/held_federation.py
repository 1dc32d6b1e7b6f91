"""A whole federation in one process: the same ServerApp and ClientApps that are deployed, on an in-process Grid."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flwr.app import Context, RecordDict
from flwr.clientapp import ClientApp

from client.app import app, client_app
from client.features.prepared_platform import PreparedPlatform
from client.rounds.workspace import NodeSettings, already_open
from server.aggregation.server_optimiser import BuildAggregation, ServerOptimiser
from server.app import server_app
from server.rounds.checkpoints import ENCODER_FILE, HISTORY_FILE, load_moments
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.encoder.linear import Moments
from shared.federation.config import RoundsConfig
from simulations.federation.in_process_grid import RUN_ID, SERVER_NODE, InProcessGrid, Node, task_identity


@dataclass(frozen=True, kw_only=True)
class FederationResult:
    """What a federation leaves."""

    encoder: Encoder
    history: tuple[dict[str, Any], ...]
    """one entry per question, as server/rounds/loop.py records it"""
    moments: Mapping[str, Moments]
    """by platform"""

    @property
    def dropped(self) -> dict[str, list[str]]:
        """Platform to why its replies were dropped."""
        found: dict[str, list[str]] = {}
        for entry in self.history:
            for name, reason in entry["dropped"].items():
                found.setdefault(name, []).append(reason)
        return found

    def rounds(self) -> list[dict[str, Any]]:
        """One entry per round, its evaluation taken in: {kind, number, seconds, bytes_up, bytes_down, losses,
        cosines, weights, validation: {platform: NDCG@10 of both parts}, kept: whether its encoder is what the run left,
        dropped}."""
        merged: list[dict[str, Any]] = []
        kept: dict[str, Any] = {}
        for entry in self.history:
            if entry["kind"] != "evaluate":
                merged.append(_round_entry(entry))
                continue
            values = {name: parts["both"] for name, parts in entry["validation"].items()}
            last = merged[-1]
            last["validation"] = values
            last["dropped"] = {**entry["dropped"], **last["dropped"]}
            kept = last if entry["kept"] else kept
            for total in ("seconds", "bytes_up", "bytes_down"):
                last[total] += entry[total]
        return [{**one, "kept": one is kept} for one in merged]


def _round_entry(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {name: entry[name] for name in ("seconds", "bytes_up", "bytes_down", "losses", "cosines", "weights")}
    kind = "training" if entry["kind"] == "train" else entry["kind"]
    return {"kind": kind, "number": entry["round"], **kept, "validation": {}, "dropped": dict(entry["dropped"])}


def run_federation(
    platforms: Mapping[str, NodeSettings],
    encoder: Encoder,
    config: RoundsConfig,
    *,
    folder: Path,
    apps: Mapping[str, ClientApp] | None = None,
    silent: frozenset[str] = frozenset(),
    serialise: bool = True,
    aggregation: BuildAggregation = ServerOptimiser,
    resume: bool = False,
) -> FederationResult:
    """Run the server's app over the platforms' apps.

    Args:
        platforms: registered name to node config, as a deployed SuperNode would have it.
        encoder: the starting encoder.
        config: of the rounds.
        folder: for the server's files.
        apps: name to another app than the real one, for platforms that misbehave.
        silent: names of platforms that are online and never reply.
        serialise: whether messages go through Flower's bytes; the result is the same without.
        aggregation: makes what takes the server's step.
        resume: whether to go on with the run that stands in the folder, if any.

    Raises:
        GraftError: where the run cannot go on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start, out = folder / "start.safetensors", folder / "server"
    save_encoder(start, encoder, EncoderCard())
    nodes = {
        name: Node(app=(apps or {}).get(name, app), config=settings.to_node_config(), answers=name not in silent)
        for name, settings in platforms.items()
    }
    run_config: dict[str, Any] = {**config.to_run_config(), "encoder": str(start), "out": str(out), "resume": resume}
    context = Context(run_id=RUN_ID, node_id=SERVER_NODE, node_config={}, state=RecordDict(), run_config=run_config)
    with task_identity(), _quiet_engine():
        server_app(aggregation)(InProcessGrid(nodes, serialise=serialise), context)
    return read_result(out)


def run_held_federation(
    platforms: Mapping[str, PreparedPlatform],
    encoder: Encoder,
    config: RoundsConfig,
    *,
    folder: Path,
    aggregation: BuildAggregation = ServerOptimiser,
) -> FederationResult:
    """The same over platforms that this process has prepared already; heads go to ``folder / heads / NAME``."""
    settings = {name: NodeSettings(platform=name, heads=str(folder / "heads" / name)) for name in platforms}
    apps = {name: client_app(already_open(prepared)) for name, prepared in platforms.items()}
    return run_federation(settings, encoder, config, folder=folder, apps=apps, serialise=False, aggregation=aggregation)


def read_result(out: Path) -> FederationResult:
    """What the server left in its folder."""
    encoder, _card = load_encoder(out / ENCODER_FILE)
    return FederationResult(
        encoder=encoder,
        history=tuple(json.loads((out / HISTORY_FILE).read_text("utf-8"))),
        moments=load_moments(out, encoder.spec.input_dim),
    )


@contextmanager
def _quiet_engine() -> Iterator[None]:
    """Flower says every aggregation on its own logger; warnings still come through."""
    logger = logging.getLogger("flwr")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
