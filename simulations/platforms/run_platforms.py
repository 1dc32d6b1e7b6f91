"""Where a run's platforms come from: real folders, or the embedded synthetic world written as folders.

People who are known on two platforms are dropped from the source, so that nothing is learnt on a test user.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl

from client.data.importers.sql import import_sql
from client.data.importers.table import import_platform
from client.data.source import is_database, require_readable
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
        directory: where a synthetic world's folders are written, and what a database gives now.

    Raises:
        ConfigError: if a real folder is missing or holds no platform.
        DataError: if a database does not answer, or its rows break the data contract.
    """
    if not config.synthetic:
        check_folders(config)
        return tuple(_as_folder(spec, directory) for spec in config.platforms), None
    world = build_world(WorldConfig(), config.seed)
    folders = write_folders(world, directory)
    return tuple(PlatformSpec(name=name, path=path) for name, path in folders.items()), world


def check_folders(config: RunConfig) -> None:
    """Raise ConfigError unless every platform's folder has the files of a platform, or is the file of a database."""
    for spec in config.platforms:
        if is_database(spec.path):
            require_readable(spec.path, now=True)
        else:
            require_platform_folder(spec)


def require_platform_folder(spec: PlatformSpec) -> None:
    """Raise ConfigError unless the platform's folder has the files of a platform."""
    missing = [name for name in _FILES if not (spec.path / name).is_file()]
    if missing:
        raise ConfigError(f"platform {spec.name!r}: {spec.path} must be a platform folder; it has no {missing[0]}")


def _as_folder(spec: PlatformSpec, directory: Path) -> PlatformSpec:
    """The specification; of a database, of a folder with what it gives now."""
    if not is_database(spec.path):
        return spec
    folder = directory / spec.name
    import_platform(import_sql, (spec.path,), folder, time_meaning=spec.said_of_times, force=True)
    return replace(spec, path=folder)


_FILE = "users.parquet"
_EVENTS = "events.parquet"


def without_shared_people(specs: tuple[PlatformSpec, ...], source: str, work: Path) -> tuple[PlatformSpec, ...]:
    """The specifications, the source's replaced by a folder without its users who are also elsewhere.

    People are matched by ``person_key`` in ``users.parquet`` (user_id, person_key), where platforms have it. Parts of
    one and the same folder are told apart by their ``users`` ranges instead.

    Args:
        specs: of all platforms.
        source: name of the platform that pretrains.
        work: the folder that the source's new folder is written to.

    Returns:
        The specifications in the same order; the same ones where no person is shared.
    """
    source_spec = next(spec for spec in specs if spec.name == source)
    others = [_people(spec.path) for spec in specs if spec.path != source_spec.path]
    known = pl.concat(
        [pl.DataFrame(schema={"person_key": pl.String}), *[people.select("person_key") for people in others]]
    )
    shared = _people(source_spec.path).filter(pl.col("person_key").is_in(known["person_key"].unique().implode()))
    if shared.is_empty():
        return specs
    folder = _copy_without(source_spec.path, shared["user_id"], work)
    return tuple(replace(spec, path=folder) if spec.name == source else spec for spec in specs)


def _people(folder: Path) -> pl.DataFrame:
    file = folder / _FILE
    if not file.is_file():
        return pl.DataFrame(schema={"user_id": pl.Int32, "person_key": pl.String})
    return pl.read_parquet(file, columns=["user_id", "person_key"]).cast({"person_key": pl.String}).drop_nulls()


def _copy_without(folder: Path, users: pl.Series, work: Path) -> Path:
    copy = work / folder.name
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for file in folder.iterdir():
        if file.name in (_EVENTS, "impressions.parquet"):
            pl.read_parquet(file).filter(~pl.col("user_id").is_in(users.implode())).write_parquet(copy / file.name)
        elif file.is_file():
            shutil.copyfile(file, copy / file.name)
    return copy
