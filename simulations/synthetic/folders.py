"""Platform folders of the synthetic world: events drawn from its choice model, written as the contract says."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shared.errors import ConfigError, os_error_as
from shared.seeding import rng_for
from simulations.synthetic.choice import WINDOW, log_weights
from simulations.synthetic.config import WorldConfig
from simulations.synthetic.world import PlatformTruth, World, build_world


@dataclass(frozen=True, kw_only=True)
class WrittenFolder:
    """One platform of the world, written as a folder."""

    folder: Path
    users: int
    items: int
    events: int
    domain: str

    def line(self) -> str:
        """In words."""
        counts = f"{self.users:,} users, {self.items:,} items, {self.events:,} events"
        return f"{self.folder}: {counts}; domain {self.domain}"

    def to_json(self) -> dict[str, Any]:
        """Under the same names."""
        return {**vars(self), "folder": str(self.folder)}


def write_world(out: Path, config: WorldConfig, *, share: float, seed: int) -> list[WrittenFolder]:
    """Draw the world and write it.

    Args:
        out: the folder that gets a folder for each platform.
        config: how the world is drawn.
        share: of each platform's users, above 0 and at most 1.
        seed: of the world.

    Returns:
        What was written, platform by platform.

    Raises:
        ConfigError: if ``share`` lies outside its bounds, a platform's folder exists already, or nothing can be
            written.
    """
    if not 0 < share <= 1:
        raise ConfigError(f"--share must be above 0 and at most 1; got {share:g}")
    taken = [out / plan.name for plan in config.plans if (out / plan.name).exists()]
    if taken:
        raise ConfigError(f"{taken[0]}: exists already")
    plans = tuple(replace(plan, users=max(1, round(share * plan.users))) for plan in config.plans)
    world = build_world(replace(config, plans=plans), seed)
    with os_error_as(ConfigError, f"{out}: cannot be written"):
        folders = write_folders(world, out)
    return [_written(world.truths[name], folder) for name, folder in folders.items()]


def _written(truth: PlatformTruth, folder: Path) -> WrittenFolder:
    return WrittenFolder(
        folder=folder,
        users=len(truth.user_ids),
        items=len(truth.item_ids),
        events=int(truth.lengths.sum()),
        domain=truth.plan.domain,
    )


BEGIN = 1_699_833_600
"""Seconds since 1970 at which the synthetic year begins: Monday, 13 November 2023."""


def write_folders(world: World, directory: Path) -> dict[str, Path]:
    """Write one platform folder for each platform of the world.

    Args:
        world: whose events are drawn.
        directory: that gets the folders.

    Returns:
        The folders by platform.
    """
    folders = {name: directory / name for name in world.truths}
    for name, truth in world.truths.items():
        folders[name].mkdir(parents=True, exist_ok=True)
        items_frame(truth).write_parquet(folders[name] / "items.parquet")
        events_frame(truth, world.seed).write_parquet(folders[name] / "events.parquet")
    return folders


def items_frame(truth: PlatformTruth) -> pl.DataFrame:
    """item_id, text, category (the main topic)."""
    topics = truth.topics.argmax(axis=1)
    return pl.DataFrame(
        {"item_id": truth.item_ids, "text": truth.texts, "category": [f"topic {topic}" for topic in topics.tolist()]}
    )


def events_frame(truth: PlatformTruth, seed: int) -> pl.DataFrame:
    """The events of a platform, drawn from its choice model.

    Args:
        truth: of the platform.
        seed: of the world.

    Returns:
        user_id, item_id, timestamp (seconds since 1970); sorted by user, then time.
    """
    chosen = draw_choices(truth, rng_for(seed, "world", "choices", truth.plan.name))
    users, positions = np.nonzero(chosen >= 0)
    return pl.DataFrame(
        {
            "user_id": np.array(truth.user_ids)[users],
            "item_id": np.array(truth.item_ids)[chosen[users, positions]],
            "timestamp": BEGIN + truth.times[users, positions],
        }
    ).sort("user_id", "timestamp")


def draw_choices(
    truth: PlatformTruth, rng: np.random.Generator, later: tuple[PlatformTruth, int] | None = None
) -> NDArray[np.int64]:
    """Which items each user takes; nobody takes an item twice.

    What is taken in one visit is no part of the history that its later items are drawn after.

    Args:
        truth: of the platform.
        rng: draws the items.
        later: the same platform after a shift, and from when on it is so, in seconds; None: nothing changes.

    Returns:
        [U, longest] item rows in time order, -1 after a user's last event.
    """
    users, items = len(truth.user_ids), len(truth.item_ids)
    seen = np.zeros((users, items), dtype=bool)
    chosen = np.full((users, int(truth.lengths.max())), -1, dtype=np.int64)
    recent = np.full((users, WINDOW), -1, dtype=np.int64)
    latest = recent.copy()
    for position in range(chosen.shape[1]):
        active = np.flatnonzero(truth.lengths > position)
        begins = active[truth.times[active, position] > truth.times[active, max(position - 1, 0)]]
        recent[begins] = latest[begins]
        now = truth.times[active, position]
        scores = log_weights(truth, active, recent[active], now)
        if later is not None and (shifted := now >= later[1]).any():
            scores[shifted] = log_weights(later[0], active[shifted], recent[active[shifted]], now[shifted])
        scores[seen[active]] = -np.inf
        # the largest of log-weights plus Gumbel noise is a draw from their softmax
        picked = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
        chosen[active, position] = picked
        seen[active, picked] = True
        latest[active] = np.concatenate([picked[:, None], latest[active, :-1]], axis=1)
    return chosen
