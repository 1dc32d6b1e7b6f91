"""People who are known on two platforms leave the source, and only the source."""

from pathlib import Path

import polars as pl
import pytest

from client.data.check import check_folder
from client.data.spec import PlatformSpec
from simulations.platforms.run_platforms import without_shared_people
from tests.unit.client.data.folders import IMPRESSIONS, write_folder

PEOPLE = {"source": {1: "ann", 2: "bob"}, "shop": {1: "cleo", 2: "ann"}, "films": {1: "dan", 2: "eve"}}


def platform(root: Path, name: str, people: dict[int, str] | None) -> PlatformSpec:
    """A folder of users 1 (two events) and 2 (one event), with ``users.parquet`` where people are given."""
    folder = write_folder(root / name, impressions=IMPRESSIONS)
    if people is not None:
        frame = pl.DataFrame({"user_id": list(people), "person_key": list(people.values())})
        frame.write_parquet(folder / "users.parquet")
    return PlatformSpec(name=name, path=folder, max_users=7)


@pytest.fixture
def specs(tmp_path: Path) -> tuple[PlatformSpec, ...]:
    return tuple(platform(tmp_path, name, people) for name, people in PEOPLE.items())


def users(spec: PlatformSpec, file: str = "events") -> list[int]:
    return pl.read_parquet(spec.path / f"{file}.parquet")["user_id"].to_list()


def test_drops_the_shared_from_the_source_and_touches_no_target(
    specs: tuple[PlatformSpec, ...], tmp_path: Path
) -> None:
    before = {spec.name: (spec.path / "events.parquet").read_bytes() for spec in specs}
    made = without_shared_people(specs, "source", tmp_path / "work")
    assert users(made[0]) == [2]
    assert users(made[0], "impressions") == []
    assert made[1:] == specs[1:]
    assert {spec.name: (spec.path / "events.parquet").read_bytes() for spec in specs} == before


def test_keeps_the_sources_options_and_makes_a_sound_folder(specs: tuple[PlatformSpec, ...], tmp_path: Path) -> None:
    made = without_shared_people(specs, "source", tmp_path / "work")
    assert (made[0].name, made[0].max_users) == ("source", 7)
    report = check_folder(made[0].path)
    assert (report.unreadable, [one.kind for one in report.violations]) == ((), ["few-events"])
    assert pl.read_parquet(made[0].path / "items.parquet").equals(pl.read_parquet(specs[0].path / "items.parquet"))


def test_copies_nothing_where_no_one_is_shared(specs: tuple[PlatformSpec, ...], tmp_path: Path) -> None:
    apart = (specs[0], specs[2])
    assert without_shared_people(apart, "source", tmp_path / "work") == apart
    assert not (tmp_path / "work").exists()


def test_copies_nothing_where_a_platform_does_not_know_its_people(tmp_path: Path) -> None:
    specs = (platform(tmp_path, "source", PEOPLE["source"]), platform(tmp_path, "shop", None))
    assert without_shared_people(specs, "source", tmp_path / "work") == specs
    unknown = (platform(tmp_path / "b", "source", None), platform(tmp_path / "b", "shop", PEOPLE["shop"]))
    assert without_shared_people(unknown, "source", tmp_path / "work") == unknown


def test_leaves_parts_of_one_folder_to_their_ranges(tmp_path: Path) -> None:
    source = platform(tmp_path, "source", PEOPLE["source"])
    part = PlatformSpec(name="part", path=source.path, users=(80, 100))
    assert without_shared_people((source, part), "source", tmp_path / "work") == (source, part)


def test_starts_its_copy_afresh(specs: tuple[PlatformSpec, ...], tmp_path: Path) -> None:
    stale = tmp_path / "work" / "source"
    stale.mkdir(parents=True)
    (stale / "stale.parquet").write_bytes(b"")
    made = without_shared_people(specs, "source", tmp_path / "work")
    assert not (made[0].path / "stale.parquet").exists()
    assert users(made[0]) == [2]
