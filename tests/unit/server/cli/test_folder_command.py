"""The coordinator's folder is the first word of a command; it may be left out, and ``--home`` is still taken."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.cli.main import app
from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerSettings
from server.coordinator.new_coordinator import make_coordinator
from shared.encoder.file import EncoderCard, save_encoder
from shared.errors import ConfigError
from tests.federation_world import START


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A coordinator with the platform ``north``."""
    save_encoder(tmp_path / "start.safetensors", START, EncoderCard())
    folder = tmp_path / "coordinator"
    made = make_coordinator(folder, tmp_path / "start.safetensors", ServerSettings(), now=datetime.now(UTC))
    Enrolment(made.home.platforms).enroll("north", "ssh-key one")
    Enrolment(made.home.platforms).enroll("south", "ssh-key two")
    return folder


def said(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def users(home: Path) -> list[int | None]:
    return [row["users"] for row in json.loads(said("platforms", home, "--json").stdout)]


def test_takes_the_folder_as_the_first_word(home: Path, tmp_path: Path) -> None:
    assert said("platforms", home).stdout.startswith("north: enrolled")
    assert said("enroll", home, "north", "south", "--users", 100).exit_code == 0
    assert users(home) == [128, 128]
    assert said("enroll", "--users", 1000, home, "south").exit_code == 0
    assert users(home) == [128, 1024]
    assert said("encoder", "export", home, tmp_path / "out.safetensors").exit_code == 0
    assert said("revoke", home, "north").stdout == "north: revoked\n"


def test_takes_the_one_it_is_run_in_where_no_word_names_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert said("enroll", "north", "south", "--users", 100).exit_code == 0
    assert users(home) == [128, 128]
    assert said("encoder", "export", "out.safetensors").exit_code == 0
    assert said("revoke", "north").stdout == "north: revoked\n"
    assert said("status", "--json").exit_code == 0


def test_takes_the_one_that_the_environment_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_SERVER", str(home))
    assert said("enroll", "south", "--users", 100).exit_code == 0
    assert users(home) == [None, 128]
    assert said("revoke", "north").stdout == "north: revoked\n"


@pytest.mark.parametrize("form", [["--home", "{}"], ["--home={}"]])
def test_still_takes_home_with_a_note(home: Path, form: list[str]) -> None:
    words = [word.format(home) for word in form]
    done = said("enroll", "north", "south", *words, "--users", 100)
    assert done.exit_code == 0
    assert done.stderr == f"note: --home DIR is the first word now: graft-server enroll {home}\n"
    assert users(home) == [128, 128]
    assert said("revoke", *words, "north").stdout == "north: revoked\n"


@pytest.mark.parametrize("words", [["platforms"], ["revoke", "north"], ["enroll", "north", "--users", "3"]])
def test_a_folder_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^nowhere: no coordinator's folder"):
        said(words[0], "nowhere", *words[1:])
    with pytest.raises(ConfigError, match=r"^\.: no coordinator's folder"):
        said(*words)


def test_former_names_of_options_are_taken_beside_it(home: Path) -> None:
    with pytest.raises(ConfigError, match="the server does not run"):
        said("run", home, "--strategy", "fedavgm")
