"""People who are known on two platforms are dropped from the source, so that nothing is learnt on a test user."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl

from client.data.spec import PlatformSpec

_FILE = "users.parquet"
_EVENTS = "events.parquet"


def without_shared_people(specs: tuple[PlatformSpec, ...], source: str, work: Path) -> tuple[PlatformSpec, ...]:
    """The specifications, the source's replaced by a folder without its users who are also elsewhere.

    People are matched by ``person_key`` in ``users.parquet`` (user_id, person_key), where platforms have it. Parts of
    one and the same folder are told apart by their ``users`` ranges instead.
    """
    own = next(spec for spec in specs if spec.name == source)
    others = [_people(spec.path) for spec in specs if spec.path != own.path]
    known = pl.concat([pl.DataFrame(schema={"person_key": pl.String}), *[one.select("person_key") for one in others]])
    shared = _people(own.path).filter(pl.col("person_key").is_in(known["person_key"].unique().implode()))
    if shared.is_empty():
        return specs
    folder = _copy_without(own.path, shared["user_id"], work)
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
