"""A dry run says exactly what a round would send, and changes nothing."""

import json

import pytest
from flwr.app import RecordDict

from client.rounds.dry_run import RUN
from client.rounds.round_tasks import train_reply
from client.rounds.workspace import NodeSettings, open_workspace
from shared.encoder.changes import change_grid
from shared.encoder.cross import triangle_size
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.federation.config import LocalSettings
from shared.federation.messages import TrainTask
from shared.federation.moment_cells import MomentGrid
from shared.federation.private_parts import NUMBERS
from shared.federation.wire import content_bytes, encode_reply
from tests.federation_world import START
from tests.integration.commands import run
from tests.integration.engine_world import write_platform
from tests.small_space import FEATURES, SPACE


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a platform, its agent, and an encoder on offer; nothing changes it."""
    folder = tmp_path_factory.mktemp("made")
    start = Encoder.initial(EncoderSpec(preset="nano", input_dim=SPACE.dim, feature_space=SPACE), seed=1)
    save_encoder(folder / "start.safetensors", start, EncoderCard())
    write_platform(folder / "north", seed=0, users=140)
    run("graft-server", "init", folder / "server", "--encoder", folder / "start.safetensors")
    arguments = ("--server", "a:1", "--ca", folder / "server" / "tls" / "ca.crt", "--name", "north")
    arguments += ("--features", FEATURES)
    for agent, privacy in (("agent", "plain"), ("private", "private"), ("summed", "masked-private")):
        options = ("--data", folder / "north", "--privacy", privacy)
        assert run("graft-client", "init", folder / agent, *arguments, *options).returncode == 0
    return folder


def test_says_to_the_byte_what_a_round_would_send_and_changes_nothing(made, tmp_path) -> None:
    agent = made / "agent"
    before = {path: path.stat().st_mtime_ns for path in agent.rglob("*")}
    done = run("graft-client", "dry-run", agent, "--encoder", made / "start.safetensors", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = {one["answer"]: one for one in json.loads(done.stdout)}
    assert list(found) == ["moments", "train", "evaluate"]
    assert {path: path.stat().st_mtime_ns for path in agent.rglob("*")} == before

    encoder, _ = load_encoder(made / "start.safetensors")
    workspace = open_workspace(NodeSettings(platform=f"north={made / 'north'}", features=FEATURES, heads=str(tmp_path)))
    task = TrainTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=encoder, settings=LocalSettings())
    content: RecordDict = encode_reply(train_reply(task, workspace))
    assert found["train"]["bytes"] == content_bytes(content)
    assert found["train"]["values"]["encoder.flat"].startswith(f"int16 [{change_grid(encoder.spec).layout.size}], ")
    assert [name for name, value in found["train"]["values"].items() if "int16 [" in str(value)] == ["encoder.flat"]
    assert found["moments"]["values"]["moments.flat"].startswith(
        f"int32 [{MomentGrid(dim=encoder.spec.input_dim).layout.size}]"
    )


def test_of_a_private_platform_it_says_what_noise_leaves_and_spends_nothing(made) -> None:
    agent = made / "private"
    done = run("graft-client", "dry-run", agent, "--encoder", made / "start.safetensors", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = {one["answer"]: one["values"] for one in json.loads(done.stdout)}
    assert {answer: values["header.reason"] for answer, values in found.items()} == {
        "cross": "too-much-noise",
        "evaluate": "too-much-noise",
    }
    shown = json.loads(run("graft-client", "privacy", agent, "--json").stdout)
    assert (shown["ledger"], shown["privacy"], shown["pays"]) == ([], "private", False)


def test_of_a_platform_that_takes_part_in_sums_under_noise_it_says_what_enters_one_and_spends_nothing(made) -> None:
    agent = made / "summed"
    done = run("graft-client", "dry-run", agent, "--encoder", made / "start.safetensors", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = {one["answer"]: one for one in json.loads(done.stdout)}
    assert list(found) == ["cross", "evaluate", "sum"]
    assert found["cross"]["values"]["header.reason"] == "too-much-noise"
    masked = found["sum"]["values"]["sum.flat"]
    size = triangle_size(SPACE.dim) + NUMBERS
    assert masked.startswith("int8 [")
    assert size * 4 < int(masked[6:].partition("]")[0]) < size * 6
    shown = run("graft-client", "privacy", agent).stdout
    assert "nothing was released under noise yet" in shown
    assert "or that of a sum over 3 platforms or more, which then holds against 1 of the others" in shown
    assert "so nothing would leave by itself, and in a sum over platforms that have as many together" in shown


def test_says_in_a_sentence_that_an_encoder_is_of_another_feature_space(made, tmp_path) -> None:
    save_encoder(tmp_path / "other.safetensors", START, EncoderCard())
    done = run("graft-client", "dry-run", made / "agent", "--encoder", tmp_path / "other.safetensors")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "north" in done.stderr
