"""Where a run's platforms come from: real folders, or the embedded synthetic world written as folders."""

from pathlib import Path

from client.data.spec import PlatformSpec
from shared.errors import ConfigError
from simulations.config.run_config import RunConfig
from simulations.synthetic.config import WorldConfig
from simulations.synthetic.folders import write_folders
from simulations.synthetic.world import World, build_world

_FILES = ("items.parquet", "events.parquet")


def open_platforms(config: RunConfig, directory: Path) -> tuple[tuple[PlatformSpec, ...], World | None]:
    """The platforms' specifications, and the synthetic truth where the world is embedded.

    Args:
        config: the run; the world follows from its first seed.
        directory: where a synthetic world's folders are written.

    Raises:
        ConfigError: if a real folder is missing or holds no platform.
    """
    if not config.synthetic:
        check_folders(config)
        return config.platforms, None
    world = build_world(WorldConfig(), config.seed)
    folders = write_folders(world, directory)
    return tuple(PlatformSpec(name=name, path=path) for name, path in folders.items()), world


def check_folders(config: RunConfig) -> None:
    """Raise ConfigError unless every platform's folder has the files of a platform."""
    for spec in config.platforms:
        missing = [name for name in _FILES if not (spec.path / name).is_file()]
        if missing:
            raise ConfigError(f"platform {spec.name!r}: {spec.path} must be a platform folder; it has no {missing[0]}")
