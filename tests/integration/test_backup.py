"""A coordinator goes through one file and comes back as it was."""

import io
import json
import os
import shutil
import sqlite3
import stat
import tarfile
from contextlib import closing

import pytest

from server.coordinator.home import ServerHome
from server.coordinator.old_runs import prune
from server.coordinator.run_book import RunBook, Standing
from server.engine.backup import MANIFEST, back_up, restore
from server.engine.database import compact
from shared.encoder.file import EncoderCard, save_encoder
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from tests.federation_world import START
from tests.integration.commands import run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A coordinator as the command makes it."""
    folder = tmp_path_factory.mktemp("made")
    save_encoder(folder / "start.safetensors", START, EncoderCard())
    assert run("graft-server", "init", folder / "server", "--encoder", folder / "start.safetensors").returncode == 0
    return folder / "server"


@pytest.fixture
def home(made, tmp_path):
    """A coordinator with a platform, a run, and an engine's database that is being written."""
    home = shutil.copytree(made, tmp_path / "server")
    RunBook(home / "runs").add(RoundsConfig(rounds=3), b"an encoder")
    (home / "logs" / "superlink.log").write_text("left out")
    with closing(sqlite3.connect(home / "state" / "engine.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE node (name TEXT)")
        database.execute("INSERT INTO node VALUES ('north')")
        database.commit()
        yield home


def contents(folder, *, without=()) -> dict[str, bytes]:
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(without)}


def test_comes_back_as_it_was_with_the_engines_database(home, tmp_path) -> None:
    file, back = tmp_path / "backup.tar.gz", tmp_path / "back"
    done = run("graft-server", "backup", home, file)
    assert (done.returncode, done.stderr) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("graft-server", "restore", file, back).returncode == 0
    found = contents(back, without=("state", "logs"))
    assert "tls/ca.key" in found
    assert found == contents(home, without=("state", "logs"))
    assert not (back / "logs" / "superlink.log").exists()
    with closing(sqlite3.connect(back / "state" / "engine.db")) as database:
        assert database.execute("SELECT name FROM node").fetchall() == [("north",)]
    assert RunBook(back / "runs").get(1).config().rounds == 3
    assert [path for path in back.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_shrinks_as_old_runs_are_made_small(home, tmp_path) -> None:
    book = RunBook(home / "runs")
    for _ in range(4):
        run = book.add(RoundsConfig(rounds=3), b"an encoder")
        run.out.mkdir()
        (run.out / "moments-0123456789abcdef.safetensors").write_bytes(os.urandom(100_000))
        run.stands(Standing(state="completed"))
    whole = back_up(ServerHome(home), tmp_path / "whole")
    prune(book, 1)
    assert whole - back_up(ServerHome(home), tmp_path / "small") > 300_000


def test_writes_over_nothing(home, tmp_path) -> None:
    (tmp_path / "there").write_text("mine")
    done = run("graft-server", "backup", home, tmp_path / "there")
    assert (done.returncode, (tmp_path / "there").read_text()) == (2, "mine")
    assert run("graft-server", "backup", home, tmp_path / "file").returncode == 0
    done = run("graft-server", "restore", tmp_path / "file", home)
    assert done.returncode == 2
    assert "exists already" in done.stderr


def changed(file, target, change) -> None:
    """A copy of a backup whose contents by name ``change`` has had."""
    with tarfile.open(file) as archive:
        found = {entry.name: archive.extractfile(entry).read() for entry in archive.getmembers()}
    change(found)
    with tarfile.open(target, "w:gz") as archive:
        for name, content in found.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def newer_engine(found) -> None:
    found[MANIFEST] = json.dumps({**json.loads(found[MANIFEST]), "engine": "99.0"}).encode()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda found: found.update({"settings.toml": b"port = 1"}), "damaged, settings.toml is not as it was"),
        (lambda found: found.update({"../evil": b""}), "does not hold the files that it lists"),
        (lambda found: found.pop("tls/ca.key"), "does not hold the files that it lists"),
        (lambda found: found.update({MANIFEST: b"{}"}), "not a coordinator's backup"),
        (newer_engine, "of flwr 99.0, whose database"),
    ],
    ids=["changed", "more", "less", "no manifest", "newer engine"],
)
def test_believes_nothing_of_a_file_that_is_not_whole_or_of_a_newer_engine(home, tmp_path, change, sentence) -> None:
    file, bad = tmp_path / "file", tmp_path / "bad"
    assert run("graft-server", "backup", home, file).returncode == 0
    changed(file, bad, change)
    with pytest.raises(ConfigError, match=sentence):
        restore(bad, tmp_path / "back")
    assert not (tmp_path / "back").exists()
    assert not (tmp_path / "evil").exists()


def test_refuses_what_is_no_backup_at_all(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"?")
    with pytest.raises(ConfigError, match="cannot be restored"):
        restore(tmp_path / "file", tmp_path / "back")


def test_a_database_that_is_mostly_free_is_made_small_and_loses_nothing(tmp_path) -> None:
    path = tmp_path / "engine.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE object (content BLOB)")
        database.executemany("INSERT INTO object VALUES (?)", [(bytes(10**5),)] * 50 + [(b"kept",)])
        database.commit()
        assert not compact(path)
        database.execute("DELETE FROM object WHERE content != ?", (b"kept",))
        database.commit()
    before = path.stat().st_size
    assert compact(path)
    assert path.stat().st_size < before / 10
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT content FROM object").fetchall() == [(b"kept",)]
