"""A whole federation in one process: the same ServerApp and ClientApps that are deployed, on an in-process Grid.

Beside it, leave-one-out contributions of the linear part alone: what a platform's validation loses when another's
moments are left out. Moments add up, so the linear part of a federation without one platform is exact and takes a
solve, no round.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from flwr.app import Context, RecordDict
from flwr.clientapp import ClientApp

from client.app import app, client_app
from client.data.held_out import Stage
from client.data.platform import examples
from client.data.sequences import Sequences
from client.evaluation.ranking import ranks_by_column, whole_ndcg_of
from client.features.prepared_platform import PreparedPlatform
from client.guard.site_policy import SitePolicy
from client.rounds.own_party import OwnParty
from client.rounds.workspace import NodeSettings, already_open
from client.scorers.encoder_scorers import Linear
from client.scorers.scorer import HistoryBatch
from client.store.head_store import open_heads
from client.transfer.method import unseen_by_rounds
from server.aggregation.server_optimiser import BuildAggregation, ServerOptimiser
from server.aggregation.size_classes import NO_CLASSES, SizeClasses
from server.app import server_app
from server.rounds.checkpoints import ENCODER_FILE, HISTORY_FILE, load_moments
from server.rounds.sum_groups import ALL
from server.rounds.sum_roster import roster_text
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.encoder.linear import Moments, solve_all
from shared.federation.config import RoundsConfig
from shared.federation.messages import power_of_two
from shared.secure_sum.roster import Roster
from shared.seeding import rng_for
from shared.system.settings_file import to_toml
from shared.system.whole_file import write_whole
from simulations.federation.in_process_grid import RUN_ID, SERVER_NODE, InProcessGrid, Node, task_identity

MAX_USERS = 500


def leave_one_out(
    opened: Mapping[str, PreparedPlatform],
    start: Encoder,
    moments: Mapping[str, Moments],
    *,
    ridge: float,
    seed: int,
    is_counted: bool = False,
) -> dict[str, dict[str, float]]:
    """The lift of the linear part of all over the one without a helper, for each helper and helped platform.

    Each counts by its size class, as in the rounds. Helpers are groups where a masked run summed such apart.

    Measured by NDCG without a cutoff on the validation events of users of the helped platform whose events are in
    nobody's moments. A platform's own moments stand on the diagonal.

    Args:
        opened: the platforms by name.
        start: the encoder whose linear part is replaced.
        moments: by helper, its sums over pairs of history and next item.
        ridge: of the linear maps, a multiple of the mean eigenvalue; 0 stands for ``usual_ridge``.
        seed: draws the users.
        is_counted: whether moments are counted by size class already, as those of groups are.

    Returns:
        Helper to helped to lift, in percent. Empty where fewer than two platforms sent any moments.
    """
    if len(moments) < 2:
        return {}
    moments = moments if is_counted else size_classes(opened).counted(moments)
    without = {
        name: {other: platform_moments for other, platform_moments in moments.items() if other != name}
        for name in moments
    }
    encoders = [start.with_linear(solve_all(subset, ridge=ridge)) for subset in (moments, *without.values())]
    lifts: dict[str, dict[str, float]] = {name: {} for name in moments}
    for helped, prepared in opened.items():
        everybody, *others = _whole_list_ndcg(prepared, encoders, seed)
        for helper, left_out in zip(moments, others, strict=True):
            if left_out > 0:
                lifts[helper][helped] = 100 * (everybody / left_out - 1)
    return lifts


def _whole_list_ndcg(prepared: PreparedPlatform, encoders: list[Encoder], seed: int) -> list[float]:
    """The mean for each encoder's linear part, on the platform's users whom it has not seen."""
    platform = prepared.platform
    users = rng_for(seed, platform.name, "who-helps").permutation(unseen_by_rounds(platform))[:MAX_USERS]
    held_out = examples(platform, Stage.VALIDATION, np.sort(users))
    features, device = prepared.features, prepared.device
    scorers = [Linear(encoder.linear_on(features), features, device) for encoder in encoders]

    def score(histories: Sequences) -> list[torch.Tensor]:
        batch = HistoryBatch(histories, platform.n_items)
        return [scorer.score(batch)[0] for scorer in scorers]

    ranks = ranks_by_column(score, held_out, len(scorers), n_items=platform.n_items, repeats=platform.repeats)
    return [float(ndcg) for ndcg in whole_ndcg_of(ranks, held_out.sizes).mean(1)]


@dataclass(frozen=True, eq=False, kw_only=True)
class FederationResult:
    """What a federation leaves."""

    encoder: Encoder
    history: tuple[dict[str, Any], ...]
    """one entry per question, as server/rounds/run_state.py has it"""
    moments: Mapping[str, Moments]
    """by platform"""

    @property
    def labels(self) -> dict[str, str]:
        """Names of a masked run's groups to those that say who is in them, of the last record of each."""
        members = {
            name: platforms
            for entry in self.history
            for name, platforms in entry.get("groups", {}).items()
            if name != ALL
        }
        return {name: f"{name} ({' + '.join(platforms)})" for name, platforms in members.items()}

    @property
    def dropped(self) -> dict[str, list[str]]:
        """Platform to why its replies were dropped."""
        reasons: dict[str, list[str]] = {}
        for entry in self.history:
            for name, reason in entry["dropped"].items():
                reasons.setdefault(name, []).append(reason)
        return reasons

    def rounds(self) -> list[dict[str, Any]]:
        """One entry per round, its evaluation taken in.

        An entry is {kind, number, seconds, bytes_up, bytes_down, losses,
        cosines, weights, validation: {platform or group: NDCG@10 of both parts}, kept: whether its encoder is what the
        run left, dropped}. What the starting encoder's evaluation took is in the first.
        """
        start = [entry for entry in self.history[:1] if entry["kind"] == "evaluate"]
        merged: list[dict[str, Any]] = []
        kept_round: dict[str, Any] = {}
        for entry in self.history[len(start) :]:
            if entry["kind"] != "evaluate":
                merged.append(_round_entry(entry, self.labels))
                continue
            validation = _labelled(entry["validation"], self.labels)
            merged[-1]["validation"] = {name: parts["both"] for name, parts in validation.items()}
            _add(entry, merged[-1])
            kept_round = merged[-1] if entry["kept"] else kept_round
        for entry in start if merged else []:
            _add(entry, merged[0])
        return [{**record, "kept": record is kept_round} for record in merged]


def _add(entry: dict[str, Any], merged: dict[str, Any]) -> None:
    """What an evaluation took, and whose answers to it were dropped, to a round's."""
    merged["dropped"] = {**entry["dropped"], **merged["dropped"]}
    for total in ("seconds", "bytes_up", "bytes_down"):
        merged[total] += entry[total]


def _labelled(by_name: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """What is said by group under the groups' labels, what is said by platform as it is."""
    return {labels.get(name, name): value for name, value in by_name.items()}


def _round_entry(entry: dict[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    figures = {name: entry[name] for name in ("seconds", "bytes_up", "bytes_down", "losses")}
    figures |= {name: _labelled(entry[name], labels) for name in ("cosines", "weights")}
    figures["cosines"] = {name: _labelled(row, labels) for name, row in figures["cosines"].items()}
    kind = "training" if entry["kind"] == "train" else entry["kind"]
    return {
        "kind": kind,
        "number": entry["round"],
        **figures,
        "validation": {},
        "dropped": {**_labelled(entry["held_back"], labels), **entry["dropped"]},
    }


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
    card: EncoderCard | None = None,
    classes: SizeClasses = NO_CLASSES,
) -> FederationResult:
    """Run the server's app over the platforms' apps; a platform that names no site policy lets leave what is asked for.

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
        card: of the starting encoder.
        classes: the platforms' size classes, as a coordinator has them registered.

    Raises:
        GraftError: where the run cannot go on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start, out = folder / "start.safetensors", folder / "server"
    save_encoder(start, encoder, card or EncoderCard())
    policy = _policy_for(config, folder / "policy.toml")
    nodes = {
        name: Node(
            app=(apps or {}).get(name, app),
            config=replace(settings, policy=settings.policy or str(policy)).to_node_config(),
            answers=name not in silent,
        )
        for name, settings in platforms.items()
    }
    roster = _roster_of(platforms) if config.is_masked else ""
    further = {"roster": roster, "encoder": str(start), "out": str(out), "resume": resume, "classes": classes.to_text()}
    run_config: dict[str, Any] = {**config.to_run_config(), **further}
    context = Context(run_id=RUN_ID, node_id=SERVER_NODE, node_config={}, state=RecordDict(), run_config=run_config)
    with task_identity(), quiet_engine():
        server_app(aggregation)(InProcessGrid(nodes, serialise=serialise), context)
    return read_result(out)


def _roster_of(platforms: Mapping[str, NodeSettings]) -> str:
    """All platforms' keys for secure sums, by which each of them knows the others."""
    heads = {name: open_heads(Path(settings.heads), settings.vault_key) for name, settings in platforms.items()}
    parties = [OwnParty(store, name) for name, store in heads.items()]
    roster = Roster.of(party.member for party in parties)
    for party in parties:
        party.pin(roster)
    return roster_text(roster)


def _policy_for(config: RoundsConfig, file: Path) -> Path:
    """A site policy under which platforms answer what the run asks for; kept in ``file``."""
    policy = SitePolicy(
        privacy=config.privacy,
        epsilon=config.epsilon,
        delta=config.delta,
        colluding_platforms=config.colluding_platforms,
    )
    write_whole(file, to_toml(policy))
    return file


def run_held_federation(
    platforms: Mapping[str, PreparedPlatform],
    encoder: Encoder,
    config: RoundsConfig,
    *,
    folder: Path,
    aggregation: BuildAggregation = ServerOptimiser,
    card: EncoderCard | None = None,
) -> FederationResult:
    """The same over platforms that this process has prepared already, each of the size class of its training users.

    Args:
        platforms: by name.
        encoder: the starting encoder.
        config: of the rounds.
        folder: for the server's files; heads go to ``folder / heads / NAME``.
        aggregation: makes what takes the server's step.
        card: of the starting encoder; None: an empty one.

    Returns:
        The encoder, the history and the moments that the server left.

    Raises:
        GraftError: if the run cannot go on.
    """
    settings = {
        name: NodeSettings(platform=name, heads=str(folder / "heads" / name), seed=config.seed) for name in platforms
    }
    apps = {name: client_app(already_open(prepared)) for name, prepared in platforms.items()}
    return run_federation(
        settings,
        encoder,
        config,
        folder=folder,
        apps=apps,
        serialise=False,
        aggregation=aggregation,
        card=card,
        classes=size_classes(platforms),
    )


def size_classes(platforms: Mapping[str, PreparedPlatform]) -> SizeClasses:
    """As an operator would register these platforms: their training users, rounded to a power of two."""
    users = {name: power_of_two(len(prepared.platform.training_users)) for name, prepared in platforms.items()}
    return SizeClasses({name: count for name, count in users.items() if count})


def read_result(out: Path) -> FederationResult:
    """What the server left in its folder."""
    encoder, _card = load_encoder(out / ENCODER_FILE)
    return FederationResult(
        encoder=encoder,
        history=tuple(json.loads((out / HISTORY_FILE).read_text("utf-8"))),
        moments=load_moments(out, encoder.spec.input_dim),
    )


@contextmanager
def quiet_engine() -> Iterator[None]:
    """Flower says every aggregation on its own logger; warnings still come through."""
    logger = logging.getLogger("flwr")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
