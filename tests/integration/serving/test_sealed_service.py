"""A platform that serves from its vault leaves no user and no text of an item readable, in no file and no log."""

import signal
from pathlib import Path

import polars as pl
import pytest

from client.serving.private_folder import open_private_folder
from client.store.keyring import KeySource
from client.store.vault import Vault
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, save_encoder
from shared.serving_api import recommend_pb2 as api
from tests.integration.commands import run
from tests.integration.serving.loopback import admitted, process_of
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES, SPACE
from tests.unit.client.store.vaults import key_file

CANARIES = ("canary-user", "canarytext", "canary-item")
"""in every user's id, every item's text, and the id of the item that comes while it serves"""
KNOWN, NEW_USER, FORGOTTEN, NEW_ITEM = "canary-user-8", "canary-user-new", "canary-user-7", "canary-item"


def platform(data: Path) -> None:
    """A tiny folder with canaries, and an encoder beside it."""
    folder = write_tiny_folder(data / "shop")
    items, events = pl.read_parquet(folder / "items.parquet"), pl.read_parquet(folder / "events.parquet")
    item_id, user_id = pl.col("item_id").cast(pl.String), pl.col("user_id").cast(pl.String)
    items.with_columns(item_id, text="canarytext " + pl.col("text")).write_parquet(folder / "items.parquet")
    events.with_columns(item_id, user_id="canary-user-" + user_id).write_parquet(folder / "events.parquet")
    spec = EncoderSpec(preset="nano", input_dim=SPACE.dim, feature_space=SPACE)
    save_encoder(data / "encoder.safetensors", Encoder.initial(spec, seed=1), EncoderCard())


def fit(folder: Path, data: Path, key: tuple[str, ...]) -> str:
    """What ``graft-client fit`` says."""
    arguments = (data / "shop", "--encoder", data / "encoder.safetensors", "--heads", folder / "heads", "--no-own")
    arguments += ("--features", FEATURES)
    done = run("graft-client", "fit", *arguments, *key, seconds=600)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def reports(folder: Path, token: str, key: tuple[str, ...]) -> str:
    """Serve, report feedback and an item, forget a user; what the service says."""
    with process_of(folder, token, *key) as (process, caller):
        assert caller.call("Recommend", api.RecommendRequest(user=FORGOTTEN, k=3)).items
        events = [
            api.Feedback(event_id=f"event-{user}", user=user, item="7", kind="clicked")
            for user in (NEW_USER, FORGOTTEN)
        ]
        caller.call("ReportFeedback", api.ReportFeedbackRequest(events=events))
        caller.call("UpsertItems", api.UpsertItemsRequest(items=[api.NewItem(item=NEW_ITEM, text="canarytext new")]))
        caller.call("ForgetUser", api.ForgetUserRequest(user=FORGOTTEN))
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
    return stdout + stderr


def run_all(tmp_path: Path, *, vault: bool) -> tuple[Path, str, KeySource]:
    """Fit, serve, and fit again; the folder of what was made, all that was said, and the key."""
    folder, data, source = tmp_path / "made", tmp_path / "data", key_file(tmp_path / "vault.key")
    folder.mkdir()
    platform(data)
    key = ("--vault-key", str(source)) if vault else ()
    if vault:
        Vault.make(folder / "heads", source)
    token = admitted(folder)
    said = fit(folder, data, key) + reports(folder, token, key) + fit(folder, data, key)
    return folder, said, source


def readable(folder: Path, said: str) -> dict[str, set[str]]:
    """Canary to the files, or the words of the commands, in which it stands."""
    contents = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {"reports.log", "tokens"} <= set(contents)
    places = {**contents, "said": said.encode()}
    return {word: {name for name, content in places.items() if word.encode() in content} for word in CANARIES}


def test_leaves_nothing_readable_and_loses_nothing(tmp_path) -> None:
    folder, said, source = run_all(tmp_path, vault=True)
    assert said.count("heads: serves ") == 2
    assert readable(folder, said) == {word: set() for word in CANARIES}

    private = open_private_folder(folder / "heads", str(source))
    facts = [entry.facts for entry in private.reported()]
    assert [one["user"] for one in facts if one["kind"] == "feedback"] == [NEW_USER]
    assert [one["text"] for one in facts if one["kind"] == "item"] == ["canarytext new"]
    shown = run(
        *("graft-client", "recommend", "--heads", folder / "heads", "--user", KNOWN, "--json"),
        *("--vault-key", source),
    )
    assert shown.returncode == 0, shown.stderr
    for command in (("recommend", "--user", KNOWN), ("serve", "--tokens", folder / "tokens")):
        done = run("graft-client", *command, "--heads", folder / "heads")
        assert (done.returncode, done.stdout) == (2, "")
        assert "holds a vault; say where its key is" in done.stderr


@pytest.mark.parametrize("word", CANARIES)
def test_the_search_finds_them_where_there_is_no_vault(in_the_clear, word: str) -> None:
    assert in_the_clear[word] >= {"reports.log"}


@pytest.fixture(scope="module")
def in_the_clear(tmp_path_factory) -> dict[str, set[str]]:
    """What the same steps leave readable without a vault."""
    folder, said, _source = run_all(tmp_path_factory.mktemp("clear"), vault=False)
    return readable(folder, said)
