"""What callers report is in the next round's events, and a task that comes again finds what it found before."""

from pathlib import Path

import pytest

from client.data.data_moment import DataMoment
from client.data.feedback import FeedbackKind
from client.rounds.workspace import NodeSettings, open_workspace
from client.serving.private_folder import open_private_folder
from client.serving.requests import Feedback
from client.store.head_store import open_records
from client.store.vault import Vault
from tests.integration.tiny_folders import write_tiny_folder
from tests.unit.client.store.vaults import key_file

MOMENTS, FIRST, SECOND = (DataMoment(task=name) for name in ("moments/1", "run/1", "run/2"))


@pytest.fixture(params=["plain", "sealed"])
def node(request, tmp_path) -> NodeSettings:
    """A platform whose service has run."""
    key = key_file(tmp_path / "vault.key")
    heads = tmp_path / "heads"
    if request.param == "sealed":
        Vault.make(heads, key)
    platform = f"shop={write_tiny_folder(tmp_path / 'shop')}"
    return NodeSettings(platform=platform, heads=str(heads), vault_key=str(key) if request.param == "sealed" else "")


def report(node: NodeSettings, *users: str) -> None:
    """Three clicks of each user."""
    events = [
        Feedback(event_id=f"{user}-{item}", user=user, item=str(item), kind=FeedbackKind.CLICKED, time=1.8e9 + item)
        for user in users
        for item in range(3)
    ]
    journal = open_private_folder(_heads(node), node.vault_key).journal()
    journal.append([event.to_json() for event in events])
    journal.close()


def users(node: NodeSettings, moment: DataMoment | None) -> set[str]:
    """Of the opened platform, those who came through reports."""
    return {str(user) for user in open_workspace(node, moment=moment).platform.user_ids if int(user) >= 9000}


def _heads(node: NodeSettings) -> Path:
    return Path(node.heads)


def test_a_new_task_learns_from_what_was_reported_and_the_same_one_finds_the_same_again(node) -> None:
    assert users(node, MOMENTS) == set()
    report(node, "9001")
    assert users(node, FIRST) == {"9001"}
    report(node, "9002")
    assert users(node, FIRST) == {"9001"}
    assert users(node, DataMoment(task="")) == {"9001"}
    assert users(node, SECOND) == {"9001", "9002"}
    assert users(node, None) == set()


def test_who_shall_be_forgotten_is_out_at_once(node) -> None:
    report(node, "9001", "9002")
    assert users(node, FIRST) == {"9001", "9002"}
    journal = open_private_folder(_heads(node), node.vault_key).journal()
    journal.remove(lambda facts: facts.get("user") == "9001")
    journal.close()
    assert users(node, FIRST) == {"9002"}


def test_what_a_task_has_taken_is_a_record_like_the_others(node) -> None:
    report(node, "9001")
    assert users(node, FIRST) == {"9001"}
    records = open_records(_heads(node), node.vault_key)
    records.write("reports-taken", b"no longer a record")
    report(node, "9002")
    assert users(node, FIRST) == {"9001", "9002"}
