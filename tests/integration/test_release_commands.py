"""Releases by the commands of an operator, from a folder without any to a mirror that was tampered with."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.coordinator.home import ServerHome
from server.dashboard.overview import overview
from server.engine.backup import back_up, restore
from server.releases.repository import Repository
from server.releases.verification import verify
from shared.errors import ConfigError
from shared.releases.targets import KINDS
from tests.integration.commands import run
from tests.unit.server.releases.release_world import judged, left_by
from tests.unit.shared.releases.release_samples import write_encoder


def release(*words: object):
    """``graft-server release`` with these words."""
    return run("graft-server", "release", *map(str, words))


def asked(*words: object) -> dict:
    """What it answers as JSON."""
    done = release(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(*words: object) -> str:
    """Its one sentence on stderr, with exit code 2."""
    done = release(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def coordinator(tmp_path_factory) -> Path:
    """With two releases; its first encoder was held."""
    folder = tmp_path_factory.mktemp("coordinator")
    write_encoder(folder / "start.safetensors")
    home = folder / "server"
    assert run("graft-server", "init", str(home), "--encoder", str(folder / "start.safetensors")).returncode == 0
    assert "there is no release yet" in refused("root", home, folder / "root.json")
    assert "the release is held: no platform has judged it" in refused("publish", home)
    assert "despite must be one line" in refused("publish", home, "--despite", "a\nb")
    first = release("publish", home, "--despite", "for a trial", "--root-keys", 2, "--root-threshold", 2)
    assert first.returncode == 0, first.stderr
    assert "release 1: tiny" in first.stdout
    assert "published despite the gate: for a trial" in first.stdout
    assert f"graft-server release root {home} root.json" in first.stdout
    assert "move root-*.pem, targets-*.pem and statement-*.pem from" in first.stdout
    write_encoder(home / "encoder.safetensors", 1)
    assert f"graft-server release publish {home}" not in asked("list", home)["newest-encoder"]
    left_by(ServerHome(home), *judged())
    assert f"graft-server release publish {home}" in asked("list", home)["newest-encoder"]
    second = asked("publish", home)
    assert (second["version"], second["parent"], second["accepted"]) == (2, 1, 3)
    return home


@pytest.fixture
def home(coordinator, tmp_path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(coordinator, tmp_path / "server"))


def test_lists_and_shows_them(home):
    lines = release("list", home).stdout.splitlines()
    assert [line[:10] for line in lines[:2]] == ["release 1:", "release 2:"]
    assert lines[1].endswith(", current")
    assert lines[2].startswith("signed (UTC): root until ")
    assert lines[3] == "the newest encoder is that of release 2"
    shown = asked("show", home, 1)
    assert (shown["version"], shown["despite"], shown["licence"]) == (1, "for a trial", "CC-BY-4.0")
    assert "privacy: {" in release("show", home, 2).stdout
    assert "release 7 is not listed; expected one of: 1, 2" in refused("show", home, 7)


def test_verifies_them_and_names_a_file_that_was_changed(home, tmp_path):
    assert asked("verify", home)["releases"] == [1, 2]
    mirror = Path(shutil.copytree(home / "releases", tmp_path / "mirror"))
    assert "release 1, 2: all holds, until " in release("verify", home, "--folder", mirror).stdout
    root = mirror / "metadata" / "root.json"
    assert asked("verify", tmp_path, "--folder", mirror, "--root", root)["releases"] == [1, 2]
    assert "expected --root FILE with --folder" in refused("verify", tmp_path, "--folder", mirror)
    assert "the root cannot be read" in refused("verify", home, "--root", tmp_path / "none")
    repository = Repository(mirror)
    for kind in KINDS:
        path = repository.file(repository.chain().releases[1][kind])
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
        assert "that was signed; found others: the file was changed" in refused("verify", home, "--folder", mirror)
        assert asked("verify", home, "--folder", mirror, "--release", 2)["releases"] == [2]


def test_rolls_back_prunes_and_signs_anew(home, tmp_path):
    back = asked("roll-back", home)
    assert (back["version"], back["rolls-back-to"]) == (3, 1)
    assert asked("prune", home, "--keep", 2) == {"dropped": [1]}
    assert "keep must be at least 2" in refused("prune", home, "--keep", 1)
    assert asked("refresh", home)["renewed"] == []
    assert release("refresh", home).stdout == "nothing is due yet\n"
    rotated = asked("rotate", home, "root", "--count", 3)
    assert (len(rotated["keys"]), rotated["threshold"], len(rotated["removed"])) == (3, 2, 2)
    assert asked("root", home, tmp_path / "root.json")["version"] == 2
    newest = (home / "releases" / "metadata" / "root.json").read_bytes()
    assert (tmp_path / "root.json").read_bytes() == newest
    assert asked("verify", home)["releases"] == [2, 3]


def test_keys_may_lie_on_a_stick(home, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    for path in (home / "release-keys").glob("root-*"):
        shutil.move(path, stick)
    assert "expected 2 of the 2 keys of root; found 0 in" in refused("rotate", home, "timestamp")
    assert asked("rotate", home, "timestamp", "--keys", stick)["threshold"] == 1


def test_a_backup_holds_releases_and_keys(home, tmp_path):
    back_up(ServerHome(home), tmp_path / "backup")
    restored = restore(tmp_path / "backup", tmp_path / "restored")
    assert len(verify(Repository(restored.releases), datetime.now(UTC)).manifests) == 2
    for folder in ("releases", "release-keys"):
        names = [
            {path.name for path in (place / folder).rglob("*") if path.is_file()} for place in (home, restored.folder)
        ]
        assert names[0] - {".lock"} == names[1]
    assert asked("roll-back", restored.folder)["version"] == 3


def test_no_backup_is_made_while_releases_are_changed(home, tmp_path):
    with Repository(home / "releases").alone(), pytest.raises(ConfigError, match="releases are being changed"):
        back_up(ServerHome(home), tmp_path / "backup")


def test_the_page_says_which_release_is_current(home):
    page = overview(ServerHome(home), now=datetime.now(UTC))
    assert page.release.startswith("Platforms install release 2: tiny, ")
    path = next((home / "releases" / "targets").glob("*.encoder-2.manifest.json"))
    path.write_bytes(b"{}")
    page = overview(ServerHome(home), now=datetime.now(UTC))
    assert page.release.startswith("Platforms refuse the current release: encoder-2.manifest.json: expected ")
    shutil.rmtree(home / "releases")
    page = overview(ServerHome(home), now=datetime.now(UTC))
    assert page.release == "No release yet: platforms have nothing to install."
