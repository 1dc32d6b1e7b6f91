"""Before an agent is made or started, what can never work is refused, what is wrong for now is told."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from client.agent.authority import read_authority
from client.agent.data_look import look_at_data
from client.agent.finding import refuse_lasting
from client.agent.home import AgentHome, AgentSettings
from client.agent.new_agent import make_agent, require_new
from client.agent.preflight import checks_of, checks_of_new, findings
from client.agent.status import status
from client.cli.preflight import preflight
from client.guard.site_policy import SitePolicy
from server.coordinator.certificates import new_authority, server_certificate
from shared.errors import ConfigError
from shared.system.settings_file import to_toml
from tests.devices import needs_no_cuda
from tests.integration.engine_world import write_platform
from tests.unit.client.agent.doors import TASK_KEY, opened

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_platform(folder / "north", seed=0)
    write_platform(folder / "counted", seed=0)
    write_platform(folder / "small", seed=1, users=40)
    write_platform(folder / "tiny", seed=1, users=2)
    return folder


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("door")) as made:
        yield made


@pytest.fixture
def settings(data, door) -> AgentSettings:
    return AgentSettings(server=f"localhost:{door.port}", name="north", data=str(data / "north"))


@pytest.fixture
def home(tmp_path, settings, door) -> AgentHome:
    (tmp_path / "ca.crt").write_bytes(door.authority)
    return make_agent(tmp_path / "agent", settings, tmp_path / "ca.crt")


def causes(home: AgentHome) -> dict[str, tuple[str, bool]]:
    return {one.what: (one.finding.cause, one.finding.lasting) for one in checks_of(home) if one.finding}


def test_finds_nothing_wrong_where_nothing_is(home) -> None:
    assert [one.line() for one in checks_of(home)] == [
        f"{what}: good"
        for what in ("site policy", "disk", "key pair", "vault", "authority", "tasks", "device", "data", "coordinator")
    ]


@needs_no_cuda
def test_refuses_a_gpu_that_is_not_there(home, settings) -> None:
    home.settings.write_bytes(to_toml(replace(settings, device="cuda")))
    assert causes(home) == {"device": ("device", True)}


def test_an_older_folder_without_the_coordinators_key_goes_on_and_says_so(home) -> None:
    home.authority.write_bytes(home.authority.read_bytes().partition(b"-----BEGIN PUBLIC")[0])
    assert causes(home) == {"tasks": ("task-key", False)}
    assert status(home)["tasks"].startswith("not checked: ca.crt holds no key")


def test_a_coordinators_key_of_another_kind_can_never_work(home) -> None:
    damaged = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
    home.authority.write_bytes(home.authority.read_bytes().partition(b"-----BEGIN PUBLIC")[0] + damaged)
    assert causes(home) == {"tasks": ("task-key", True)}


def test_status_shows_the_coordinators_key(home) -> None:
    assert status(home)["tasks"] == f"checked; the coordinator's key is {TASK_KEY.fingerprint}"


def test_the_command_says_that_the_key_was_not_tried_where_no_agent_runs(home, capsys) -> None:
    preflight(home.folder)
    assert capsys.readouterr().out.splitlines()[-1].startswith("enrolment: not looked at: ")


@pytest.mark.parametrize(
    ("name", "cause", "lasting", "words"),
    [
        ("nroth", "data", True, "expected a platform folder, found nothing"),
        ("north,min-rating=9", "too-few-users", False, "nobody is left"),
        ("small", "too-few-users", False, "at least 100 training users to take part in rounds; found 40"),
        ("tiny", "too-few-users", False, "found 2"),
        ("north/items.parquet", "data", True, "expected a platform folder, found a file"),
        ("north.toml", "data", True, "north.toml"),
    ],
)
def test_looks_at_the_data(settings, data, name, cause, lasting, words) -> None:
    finding = look_at_data(replace(settings, data=str(data / name)), now=True)
    assert (finding.cause, finding.lasting) == (cause, lasting)
    assert words in finding.why


def test_takes_what_the_line_says_of_times(settings, data) -> None:
    events = pl.read_parquet(data / "counted" / "events.parquet").with_columns(timestamp=pl.int_range(pl.len()))
    events.write_parquet(data / "counted" / "events.parquet")
    asked, told = (replace(settings, data=f"{data / 'counted'}{option}") for option in ("", ",times=order"))
    assert look_at_data(asked, now=True).cause == "data"
    assert look_at_data(told, now=True) is None


def test_the_site_policy_may_ask_for_more_users(settings) -> None:
    assert look_at_data(settings, now=True) is None
    assert look_at_data(settings, minimum_users=200, now=True).cause == "too-few-users"


def test_data_that_lost_a_file_or_a_column_are_refused(settings, data, tmp_path) -> None:
    shutil.copytree(data / "north", tmp_path / "broken")
    (tmp_path / "broken" / "events.parquet").write_bytes(b"none")
    finding = look_at_data(replace(settings, data=str(tmp_path / "broken")), now=True)
    assert (finding.cause, finding.lasting) == ("data", True)
    assert "events.parquet" in finding.why


def test_a_database_that_does_not_answer_now_may_later(settings, tmp_path) -> None:
    source = tmp_path / "north.toml"
    queries = 'items = "SELECT 1"\nevents = "SELECT 1"\n'
    source.write_text(f'url = "postgresql+psycopg://reader@127.0.0.1:1/shop?connect_timeout=1"\n{queries}')
    finding = look_at_data(replace(settings, data=str(source)), now=True)
    assert (finding.cause, finding.lasting) == ("data", False)
    assert "the database cannot be reached" in finding.why


def test_a_password_may_come_with_the_environment_of_start(settings, tmp_path) -> None:
    source = tmp_path / "north.toml"
    source.write_text(
        'url = "sqlite:///shop.db"\npassword = "env:NOWHERE_SET"\nitems = "SELECT 1"\nevents = "SELECT 1"'
    )
    found = [look_at_data(replace(settings, data=str(source)), now=now) for now in (False, True)]
    assert [(one.cause, one.lasting) for one in found] == [("data", False), ("data", True)]
    assert "NOWHERE_SET" in found[0].why


AUTHORITY = new_authority(NOW)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (AUTHORITY.key, "got a private key"),
        (AUTHORITY.certificate + AUTHORITY.key, "got a private key"),
        (b"shops", "expected the authority's certificate as PEM"),
        (b"", "expected the authority's certificate as PEM"),
        (server_certificate(AUTHORITY, ("localhost",), NOW).certificate, "got one that signs no other"),
        (new_authority(NOW - timedelta(days=4000)).certificate, "this one ended on"),
    ],
    ids=["key", "both", "text", "empty", "server's", "expired"],
)
def test_takes_no_other_file_for_the_authority(tmp_path, content, sentence) -> None:
    (tmp_path / "ca.crt").write_bytes(content)
    with pytest.raises(ConfigError, match=sentence) as refused:
        read_authority(tmp_path / "ca.crt", now=NOW)
    assert "BEGIN" not in str(refused.value)


def test_an_authority_that_is_none_is_refused_before_anything_else(settings, tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        refuse_lasting(findings(checks_of_new(settings, tmp_path / "none")))


def test_a_key_of_the_vault_that_cannot_be_had_is_told_before_a_folder_is_made(settings, home, monkeypatch) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    asked = replace(settings, vault_key="env:NO_KEY")
    with pytest.raises(ConfigError, match="NO_KEY is not set"):
        refuse_lasting(findings(checks_of_new(asked, home.authority)))


def test_a_folder_that_is_there_already_is_refused_with_what_to_do(home, tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"not an empty folder; to change that agent, change .*settings.toml"):
        require_new(home.folder)
    with pytest.raises(ConfigError, match="not an empty folder; name another one"):
        require_new(tmp_path)


def test_keys_that_are_no_pair_are_named(home, tmp_path, settings, door) -> None:
    other = make_agent(tmp_path / "other", settings, home.authority)
    shutil.copy(other.public_key, home.public_key)
    assert causes(home) == {"key pair": ("keys", True)}
    home.key.unlink()
    assert causes(home) == {"key pair": ("keys", True)}


def test_a_vault_that_the_key_does_not_open_and_a_policy_that_is_misspelt_are_named(home) -> None:
    home.vault_key.write_text("0" * 64)
    home.policy.write_text("maximum-byte = 1\n")
    assert causes(home) == {"vault": ("vault", True), "site policy": ("site-policy", True)}


def test_a_policy_that_lets_no_task_begin_is_a_note(home) -> None:
    home.policy.write_bytes(to_toml(SitePolicy(tasks=("moments",))))
    assert causes(home) == {"site policy": ("site-policy", False)}
    assert "no train and no evaluate and no sum task" in next(findings(checks_of(home))).why
    home.policy.write_bytes(to_toml(SitePolicy(quiet_hours="00:00-23:59")))
    assert "quiet hours" in next(findings(checks_of(home))).why


def test_notes_are_told_and_go_on(settings, data, home, capsys) -> None:
    found = refuse_lasting(findings(checks_of_new(replace(settings, data=str(data / "small")), home.authority)))
    assert [one.cause for one in found] == ["too-few-users"]
    assert capsys.readouterr().err.startswith("note: ")


def test_looking_writes_nothing(home) -> None:
    before = {path: path.read_bytes() for path in home.folder.rglob("*") if path.is_file()}
    list(checks_of(home))
    assert {path: path.read_bytes() for path in home.folder.rglob("*") if path.is_file()} == before
