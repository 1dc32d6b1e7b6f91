"""The site policy: what a file says holds, and a rule that cannot be read is an error, not a missing rule."""

from dataclasses import replace
from datetime import datetime

import pytest

from client.features.hashing import hashing_space
from client.guard.site_policy import SitePolicy, TaskKind, read_policy
from shared.errors import ConfigError, PlainTask
from shared.federation.messages import DeclineReason, TaskFacts
from shared.federation.moment_cells import MomentGrid


def written(tmp_path, text: str) -> str:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return str(path)


def test_reads_what_is_there_and_keeps_the_rest(tmp_path) -> None:
    path = written(
        tmp_path, 'tasks = ["train"]\nmaximum-bytes = 5000\nquiet-hours = "22:00-06:00"\ntell-users = false\n'
    )
    expected = SitePolicy(tasks=("train",), maximum_bytes=5000, quiet_hours="22:00-06:00", tell_users=False)
    assert read_policy(path) == expected
    assert read_policy("") == SitePolicy()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("maximum-byte = 5", "unknown option 'maximum-byte'"),
        ("maximum-bytes = 0", "maximum-bytes must be 1 or more"),
        ('maximum-bytes = "5"', "maximum-bytes must be a whole number"),
        ("minimum-users = 99", "minimum-users must be 100 or more"),
        ('tasks = ["moments", "events"]', "tasks must be some of moments, cross, train, evaluate, sum; got 'events'"),
        ('tasks = "moments"', "a list of texts"),
        ('quiet-hours = "22-6"', "quiet-hours must be HH:MM-HH:MM or empty"),
        ('quiet-hours = "24:00-06:00"', "quiet-hours must be"),
        ("tell-users = 1", "tell-users must be true or false"),
        ("tasks = [", "is not TOML"),
        ('task-tokens = "256"', "task-tokens must be LEAST..MOST, as in 256..65536; got '256'"),
        ('task-tokens = "512..256"', "task-tokens must be LEAST..MOST"),
        ("task-tokens = 256", "task-tokens must be LEAST..MOST"),
        ('task-tokens = "-1..256"', "task-tokens must be LEAST..MOST"),
        ('task-tokens = "1..inf"', "task-tokens must be LEAST..MOST"),
    ],
)
def test_refuses(tmp_path, text, words) -> None:
    with pytest.raises(ConfigError, match=words):
        read_policy(written(tmp_path, text))


def test_refuses_a_file_that_is_gone(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_policy(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("hours", "moment", "quiet"),
    [
        ("22:00-06:00", "21:59", False),
        ("22:00-06:00", "22:00", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("09:30-17:00", "09:29", False),
        ("09:30-17:00", "09:30", True),
        ("09:30-17:00", "17:00", False),
        ("", "03:00", False),
    ],
)
def test_knows_its_quiet_hours(hours, moment, quiet) -> None:
    now = datetime.fromisoformat(f"2026-03-01T{moment}:00").astimezone()
    assert SitePolicy(quiet_hours=hours).quiet(now) is quiet


def test_turns_a_task_away_that_it_does_not_list_or_at_a_quiet_hour() -> None:
    noon = datetime.fromisoformat("2026-03-01T12:00:00").astimezone()
    assert SitePolicy().turns_away(TaskKind.MOMENTS, noon) is None
    assert SitePolicy(tasks=("train",)).turns_away(TaskKind.MOMENTS, noon) is DeclineReason.SITE_POLICY
    assert SitePolicy(quiet_hours="11:00-13:00").turns_away(TaskKind.TRAIN, noon) is DeclineReason.SITE_POLICY


def test_has_room_for_the_moments_of_the_usual_feature_space() -> None:
    """And for twice its dimensions; the manifest holds each answer to its own size besides."""
    layout = MomentGrid(dim=2 * hashing_space().dim).layout
    assert layout.size * layout.dtype.itemsize < SitePolicy().maximum_bytes


def test_answers_in_sums_alone_where_it_is_masked() -> None:
    policy = SitePolicy(privacy="masked")
    facts = TaskFacts(kind="sum", round=1, run="0" * 32, nonce="0" * 32, meaning="")
    policy.require_within_bounds(facts)
    with pytest.raises(PlainTask, match="in secure sums alone; the task is of kind moments"):
        policy.require_within_bounds(replace(facts, kind="moments"))
