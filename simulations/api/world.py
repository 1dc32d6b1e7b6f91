"""The synthetic platforms as folders, for tries without data of one's own."""

from pathlib import Path
from typing import Any

from shared.system.options import from_flat
from simulations.synthetic.config import WorldConfig
from simulations.synthetic.folders import write_world as write_folders


def write_world(out: str | Path, *, share: float = 1.0, seed: int = 0, **options: Any) -> dict[str, Path]:
    """Write the synthetic platforms as folders, as ``graft-sim world`` does.

    Args:
        out: the folder to which a folder for each platform is added: a news site, two shops, a film service, a tiny
            shop.
        share: of each platform's users, above 0 and up to 1.
        seed: of every random draw.
        options: those of the command: ``drift``, ``tempo``.

    Returns:
        Name of a platform to its folder.

    Raises:
        ConfigError: if an option makes no sense or a folder cannot be written.
    """
    config = from_flat(WorldConfig, options)
    write_folders(Path(out), config, share=share, seed=seed)
    return {plan.name: Path(out) / plan.name for plan in config.plans}
