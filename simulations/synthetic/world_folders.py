"""The synthetic platforms as folders, for whoever wants to try the other commands on them."""

from dataclasses import replace
from pathlib import Path

from shared.errors import ConfigError
from simulations.synthetic.config import PLANS, WorldConfig
from simulations.synthetic.folders import write_folders
from simulations.synthetic.world import World, build_world


def write_world(out: Path, *, drift: float, share: float, seed: int) -> list[str]:
    """Draw the world and write it; a line for each platform. Raises ConfigError for what cannot be, or be written."""
    if not 0 < share <= 1:
        raise ConfigError(f"--share must be above 0 and at most 1; got {share:g}")
    taken = [out / plan.name for plan in PLANS if (out / plan.name).exists()]
    if taken:
        raise ConfigError(f"{taken[0]}: exists already")
    plans = tuple(replace(plan, users=max(1, round(share * plan.users))) for plan in PLANS)
    world = build_world(WorldConfig(drift=drift, plans=plans), seed)
    try:
        folders = write_folders(world, out)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}") from error
    return [_line(world, name, folder) for name, folder in folders.items()]


def _line(world: World, name: str, folder: Path) -> str:
    truth = world.truths[name]
    users, items = len(truth.user_ids), len(truth.item_ids)
    return f"{folder}: {users:,} users, {items:,} items, {int(truth.lengths.sum()):,} events; trade {truth.plan.trade}"
