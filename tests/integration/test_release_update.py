"""A platform takes releases into service, refuses what its gate does not serve, and goes back."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.agent.home import AgentHome, AgentSettings
from client.agent.own_updates import OwnUpdates
from client.agent.private_part import require_private_part
from client.agent.status import status, status_lines
from client.api.releases import roll_back
from client.recommender.recommender import ListQuery, open_recommender
from client.recommender.served_head import RECORD
from client.releases.installed import Begun, Installed, read_installed, write_installed
from client.releases.kept_heads import kept_versions
from client.releases.place import ReleasesPlace
from client.store.head_store import open_heads
from shared.encoder.file import load_encoder
from shared.errors import ConfigError, ReleaseRefused
from shared.system.settings_file import read_settings
from tests.hostile_repository import HostileRepository
from tests.integration.commands import run
from tests.integration.killed_work import KilledWork, killed_work
from tests.integration.release_shop import Encoders, make_shop, release, updated, write_encoders

MOMENTS = 20


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> Encoders:
    return write_encoders(tmp_path_factory.mktemp("encoders"))


@pytest.fixture
def world(tmp_path) -> HostileRepository:
    return HostileRepository(tmp_path / "releases")


@pytest.fixture
def home(tmp_path, world) -> AgentHome:
    made = make_shop(tmp_path)
    ReleasesPlace(made.releases).pin(world.root_bytes)
    return made


def heads(home: AgentHome):
    return open_heads(home.vault, f"file:{home.vault_key}")


def lists(home: AgentHome) -> list[list[str]]:
    """What is served to some users."""
    recommender = open_recommender(heads(home))
    return [
        [listed.item for listed in recommender.recommend(recommender.history_of(user), ListQuery(k=10))]
        for user in ("1", "7", "30")
    ]


def installed(home: AgentHome):
    return read_installed(ReleasesPlace(home.releases).installed)


def versions(home: AgentHome) -> list[int]:
    return ReleasesPlace(home.releases).versions()


def test_a_better_release_is_installed_and_the_one_before_is_kept(home, world, encoders) -> None:
    release(world, 1, encoders.weak)
    assert updated(home, world).done == "installed"
    first = lists(home)
    release(world, 2, encoders.good)
    outcome = updated(home, world)
    assert (outcome.version, outcome.done, outcome.verdict.served) == (2, "installed", "feature")
    assert lists(home) != first
    assert (installed(home).current, installed(home).last_good, versions(home)) == (2, 1, [1, 2])
    assert sorted(path.name for path in (home.releases / "2").iterdir()) == [
        "encoder.safetensors",
        "manifest.json",
        "statement.json",
    ]
    assert (home.releases / "2" / "encoder.safetensors").read_bytes() == encoders.good.read_bytes()
    assert updated(home, world).done == "current"
    assert roll_back(home.folder).current == 1
    assert lists(home) == first, "byte for byte the head of before: nothing is fitted"
    again = updated(home, world)
    assert (again.done, again.reason) == ("refused before", "the operator went back to release 1")
    assert roll_back(home.folder, to=2).current == 2
    assert updated(home, world).done == "current"


def test_what_was_served_before_any_release_comes_back(home, world, encoders) -> None:
    assert run("graft-client", "fit", home.folder, "--no-own").returncode == 0
    before = lists(home)
    with pytest.raises(ConfigError, match="no release is installed, so there is none to go back from; kept: none"):
        roll_back(home.folder)
    release(world, 1, encoders.good)
    updated(home, world)
    assert lists(home) != before
    done = run("graft-client", "roll-back", home.folder)
    assert (done.returncode, done.stdout.strip()) == (
        0,
        f"{home.folder}: serves what was served before any release again",
    )
    assert lists(home) == before
    with pytest.raises(ConfigError, match="the head of release 9 is not kept any more; kept: release 1"):
        roll_back(home.folder, to=9)
    with pytest.raises(ConfigError, match="is what is served now"):
        roll_back(home.folder, to=0)


def test_what_the_gate_refuses_is_not_tried_again(home, world, encoders) -> None:
    release(world, 1, encoders.good)
    updated(home, world)
    before = lists(home)
    release(world, 2, encoders.noise)
    with pytest.raises(ReleaseRefused, match="the platform's gate keeps the encoder that it has") as refusal:
        updated(home, world)
    assert refusal.value.code == "gate"
    assert lists(home) == before
    assert (installed(home).current, installed(home).looked.outcome) == (1, str(refusal.value))
    assert versions(home) == [1]
    assert not (home.releases / "arriving").exists()
    again = updated(home, world)
    assert again.done == "refused before"
    assert "--force tries it again" in again.sentence
    with pytest.raises(ReleaseRefused, match="the platform's gate keeps"):
        updated(home, world, force=True)
    assert any("release: 1 is installed; last looked" in line for line in status_lines(status(home)))


def test_a_release_that_brings_an_earlier_one_back_takes_the_place_of_a_better_one(home, world, encoders) -> None:
    release(world, 1, encoders.weak)
    updated(home, world)
    first = lists(home)
    release(world, 2, encoders.good)
    updated(home, world)
    world.publish(3, load_encoder(encoders.weak)[0], encoders.weak, rolls_back_to=1)
    assert updated(home, world).done == "installed"
    assert lists(home) == first
    assert installed(home).current == 3


def test_only_so_many_releases_are_kept(home, world, encoders) -> None:
    for version in range(1, 6):
        is_back = version in (3, 5)
        world.publish(
            version,
            load_encoder(encoders.good if version in (2, 4) else encoders.weak)[0],
            encoders.good if version in (2, 4) else encoders.weak,
            rolls_back_to=version - 2 if is_back else None,
        )
        updated(home, world)
    assert (versions(home), kept_versions(heads(home))) == ([3, 4, 5], [3, 4])
    assert installed(home).last_good == 4


def test_a_source_that_forgot_a_release_is_refused(home, world, encoders) -> None:
    release(world, 1, encoders.good)
    updated(home, world)
    del world.targets.targets["encoder-1.safetensors"]
    del world.targets.targets["encoder-1.manifest.json"]
    del world.targets.targets["encoder-1.statement.json"]
    world.write()
    with pytest.raises(
        ReleaseRefused, match="expected release 1, which was installed here, or a later one; found none"
    ):
        updated(home, world)


# the command


def test_the_command_pins_a_root_and_says_what_it_did(tmp_path, world, encoders) -> None:
    home, root = make_shop(tmp_path), world.metadata_folder / "1.root.json"
    release(world, 1, encoders.good)
    unsaid = run("graft-client", "update", home.folder, "--from", world.folder, "--no-own")
    assert unsaid.returncode == 2
    assert "expected --root FILE, the root.json that the coordinator's operator gives" in unsaid.stderr
    done = run("graft-client", "update", home.folder, "--root", root, "--from", world.folder, "--no-own", "--json")
    assert (done.returncode, json.loads(done.stdout)["done"]) == (0, "installed"), done.stderr
    stranger = HostileRepository(tmp_path / "stranger")
    other = run("graft-client", "update", home.folder, "--root", stranger.metadata_folder / "1.root.json")
    assert other.returncode == 2
    assert "another root is pinned already" in other.stderr
    none = run("graft-client", "update", home.folder, "--root", home.authority)
    assert none.returncode == 2
    assert "expected the root of releases, signed by its own keys" in none.stderr


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        (["nowhere"], "nowhere: expected a folder of releases, with metadata/ in it; found none"),
        (["ftp://mirror.example"], "a source of releases must be coordinator, a folder or https://...; got"),
        (["http://mirror.example"], "a source of releases must be coordinator, a folder or https://...; got"),
        (["https://localhost:1/releases"], "https://localhost:1/releases: it cannot be fetched from: "),
        ([], "coordinator: it cannot be fetched from: "),
    ],
)
def test_the_command_says_in_one_sentence_why_not(home, sources, sentence) -> None:
    given = [word for source in sources for word in ("--from", source)]
    done = run("graft-client", "update", home.folder, *given, "--no-own")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert sentence in done.stderr


def test_one_update_at_a_time(home, world, encoders) -> None:
    release(world, 1, encoders.good)
    with ReleasesPlace(home.releases).alone():
        done = run("graft-client", "update", home.folder, "--from", world.folder)
    assert done.returncode == 2
    assert f"an update is under way, as process {os.getpid()}" in done.stderr


def test_init_pins_a_root_or_makes_nothing(tmp_path, home, world) -> None:
    words = ("--ca", home.authority, "--server", "localhost:9443", "--name", "shop", "--data", tmp_path / "data")
    refused = run("graft-client", "init", tmp_path / "new", *words, "--release-root", home.authority)
    assert (refused.returncode, (tmp_path / "new").exists()) == (2, False), refused.stderr
    root = world.metadata_folder / "1.root.json"
    done = run("graft-client", "init", tmp_path / "new", *words, "--release-root", root)
    assert done.returncode == 0, done.stderr
    assert ReleasesPlace(AgentHome(tmp_path / "new").releases).root() == root.read_bytes()


def test_a_running_agent_updates_by_itself(tmp_path, world, encoders) -> None:
    home = make_shop(tmp_path, update_every=1.0, update_from=("../releases",))
    ReleasesPlace(home.releases).pin(world.root_bytes)
    release(world, 1, encoders.good)
    settings = read_settings(AgentSettings, home.settings)
    updates = OwnUpdates(home=home, settings=settings, seconds=time.monotonic)
    deadline = time.monotonic() + 120
    while updates.look():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    look = installed(home).looked
    assert look is not None, (home.logs / "update.log").read_text()
    assert (installed(home).current, look.outcome.partition(";")[0]) == (1, "release 1 is installed"), look
    assert "looks every 1 hours" in status(home)["release"]["words"]


# kill -9


@pytest.fixture(scope="module")
def killer() -> Iterator[KilledWork]:
    with killed_work() as process:
        yield process


def test_a_kill_at_any_moment_leaves_a_whole_release_in_service(tmp_path, home, world, encoders, killer) -> None:
    release(world, 1, encoders.weak)
    updated(home, world)
    before = lists(home)
    release(world, 2, encoders.good)
    whole = Path(shutil.copytree(home.folder, tmp_path / "whole"))
    total = killer.killed_at(0, "update", home.folder, world.folder)
    after = lists(home)
    assert after != before
    assert total >= MOMENTS, "walks through all that an update writes"
    seen = set()
    for moment in sorted({1 + round(at * (total - 1) / (MOMENTS - 1)) for at in range(MOMENTS)}):
        _restore(home, whole)
        assert killer.killed_at(moment, "update", home.folder, world.folder) is None, moment
        served = lists(home)
        assert served in (before, after), moment
        seen.add(served == after)
        for version in versions(home):
            assert len(list((home.releases / str(version)).iterdir())) == 3, moment
        outcome = updated(home, world)
        assert (outcome.version, installed(home).current) == (2, 2), moment
        assert lists(home) == after, moment
        assert roll_back(home.folder).current == 1
        assert lists(home) == before, moment
    assert seen == {True, False}, "some came after the new head was in service"


def test_a_kill_at_any_moment_of_a_roll_back_leaves_a_whole_head(tmp_path, home, world, encoders, killer) -> None:
    release(world, 1, encoders.weak)
    updated(home, world)
    before = lists(home)
    release(world, 2, encoders.good)
    updated(home, world)
    after, whole = lists(home), Path(shutil.copytree(home.folder, tmp_path / "whole"))
    total = killer.killed_at(0, "roll-back", home.folder, world.folder)
    for moment in range(1, total + 1):
        _restore(home, whole)
        assert killer.killed_at(moment, "roll-back", home.folder, world.folder) is None, moment
        assert lists(home) in (before, after), moment
        updated(home, world)
        if installed(home).current == 2:
            roll_back(home.folder)
        assert (installed(home).current, lists(home)) == (1, before), moment


def _restore(home: AgentHome, whole: Path) -> None:
    shutil.rmtree(home.folder)
    shutil.copytree(whole, home.folder)


def test_a_roll_back_that_was_cut_off_before_all_was_erased_is_dropped(home, world, encoders) -> None:
    place = ReleasesPlace(home.releases)
    write_installed(place.installed, Installed(current=2, newest=2, begun=Begun(version=1)))
    release(world, 3, encoders.good)
    assert updated(home, world).done == "installed"
    assert (installed(home).current, installed(home).begun, installed(home).last_good) == (3, None, None)


def test_what_was_erased_is_installed_again(home, world, encoders) -> None:
    release(world, 1, encoders.good)
    updated(home, world)
    assert run("graft-client", "delete-all", home.folder, "--yes").returncode == 0
    require_private_part(home, read_settings(AgentSettings, home.settings))  # as the next start does
    assert updated(home, world).done == "installed"


def test_the_record_is_named_where_it_cannot_be_read(home, world) -> None:
    ReleasesPlace(home.releases).installed.write_text("{")
    with pytest.raises(ConfigError, match="expected what was written down of installed releases"):
        updated(home, world)
    assert heads(home).stamp(RECORD) is None
