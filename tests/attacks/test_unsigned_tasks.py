"""Who reaches a platform's agent with a task, and has not the coordinator's key: nothing is worked on."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict

import client.app as app_module
from client.app import client_app
from client.guard.pinned_key import pinned_key
from client.rounds.workspace import NodeSettings, already_open
from server.aggregation.server_optimiser import ServerOptimiser
from server.rounds.loop import RoundLoop
from server.rounds.run_state import RunState
from server.rounds.waiting import Clock
from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.federation.messages import TrainTask
from shared.federation.signatures import TaskSigner, content_digest, with_public_key
from shared.federation.wire import TRAIN_TYPE, encode_task
from shared.federation.wire_records import SIGNATURE
from simulations.federation.in_process_grid import InProcessGrid, Node, task_identity
from tests.federation_world import QUICK, START, config, opened
from tests.plain_policy import plain_policy

RUN = "0" * 32
TASK = TrainTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=START, settings=LocalSettings(tokens=256, steps=1))
COORDINATOR, STRANGER = TaskSigner(Ed25519PrivateKey.generate()), TaskSigner(Ed25519PrivateKey.generate())
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SHOP = opened("shop")


def signed(content: RecordDict, signer: TaskSigner = COORDINATOR, platform: str = "shop") -> RecordDict:
    return RecordDict({**content, SIGNATURE: signer.signature(content_digest(content), platform)})


def task() -> RecordDict:
    return encode_task(TASK)


def node(tmp_path: Path, pem: bytes) -> NodeSettings:
    (tmp_path / "ca.crt").write_bytes(pem)
    return NodeSettings(
        platform=f"shop={tmp_path}",
        heads=str(tmp_path / "heads"),
        coordinator=str(tmp_path / "ca.crt"),
        policy=plain_policy(tmp_path),
    )


def answer(tmp_path: Path, content: RecordDict, pem: bytes | None = None) -> str:
    """Kind of the answer of a platform that has the coordinator's key, or the code of none."""
    settings = node(tmp_path, with_public_key(CERTIFICATE, COORDINATOR.public) if pem is None else pem)
    context = Context(run_id=1, node_id=2, node_config=settings.to_node_config(), state=RecordDict(), run_config={})
    with task_identity():
        found = client_app(already_open(SHOP))(Message(content, 2, TRAIN_TYPE), context).content
    header = dict(found["header"])
    return str(header.get("code", header["kind"]))


def test_works_on_what_the_coordinator_signed(tmp_path) -> None:
    assert answer(tmp_path, signed(task())) == "train-reply"


def with_field(name: str, value: object):
    return lambda content: content["header"].update({name: value})


def with_setting(name: str, value: object):
    return lambda content: content["settings"].update({name: value})


def with_number(content: RecordDict) -> None:
    flat = content["encoder"]["flat"].numpy().copy()
    flat[7] = np.nextafter(flat[7], np.float32(1))
    content["encoder"] = ArrayRecord({"flat": Array(flat)})


CHANGES = {
    "another round": with_field("round", 2),
    "another nonce": with_field("nonce", "1" * 32),
    "another seed": with_field("seed", 1),
    "one field more": with_field("more", 1),
    "a setting": with_setting("local-steps", 2),
    "the last bit of a number": with_number,
    "one record more": lambda content: content.update(more=ConfigRecord({})),
    "one record less": lambda content: content.pop("settings"),
    "no signature": lambda content: content.pop(SIGNATURE),
    "a signature that is none": lambda content: content.update({SIGNATURE: ConfigRecord({"ed25519": "no digits"})}),
    "a signature of another kind": lambda content: content.update({SIGNATURE: ConfigRecord({"rsa": "00"})}),
    "a signature in an array": lambda content: content.update({SIGNATURE: ArrayRecord({})}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_refuses_what_was_changed_after_it_was_signed(change, tmp_path) -> None:
    content = signed(task())
    change(content)
    assert answer(tmp_path, content) == "unsigned"


def test_refuses_a_strangers_task_and_one_for_another_platform(tmp_path) -> None:
    assert answer(tmp_path, signed(task(), STRANGER)) == "unsigned"
    assert answer(tmp_path, signed(task(), platform="market")) == "unsigned"


def test_reads_nothing_of_it_first(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(app_module, "decode_train_task", None)
    assert answer(tmp_path, RecordDict({"header": ConfigRecord({"round": 1})})) == "unsigned"


def test_without_the_defence_a_stranger_is_answered(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(app_module, "require_signed", lambda *_: None)
    assert answer(tmp_path, signed(task(), STRANGER)) == "train-reply"


@pytest.mark.parametrize("content", [task(), signed(task())], ids=["unsigned", "signed"])
def test_a_platform_without_the_key_works_on_both(content, tmp_path) -> None:
    assert answer(tmp_path, content, pem=CERTIFICATE) == "train-reply"


def test_a_key_of_another_kind_is_an_error_and_not_no_key(tmp_path) -> None:
    other = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert answer(tmp_path, task(), pem=CERTIFICATE + other) == "settings"
    with pytest.raises(ConfigError, match="got a public key of another kind"):
        pinned_key(str(tmp_path / "ca.crt"))


def test_a_key_file_that_is_gone_is_an_error_and_not_no_key(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        pinned_key(str(tmp_path / "ca.crt"))
    assert pinned_key("") is None


def test_a_newer_key_takes_the_place_of_the_one_before(tmp_path) -> None:
    pem = with_public_key(with_public_key(CERTIFICATE, STRANGER.public), COORDINATOR.public)
    assert pem == CERTIFICATE + COORDINATOR.public


def rounds(tmp_path: Path, signers: dict[str, TaskSigner]) -> RunState:
    """A training round of two platforms, each with a key, asked by the coordinator."""
    nodes = {}
    for name, signer in signers.items():
        (tmp_path / name).mkdir()
        settings = replace(node(tmp_path / name, with_public_key(CERTIFICATE, signer.public)), platform=f"{name}=x")
        app = client_app(already_open(opened(name)))
        nodes[name] = Node(app=app, config=settings.to_node_config())
    clock, state = Clock(now=time.monotonic, sleep=time.sleep), RunState(encoder=START, run=RUN)
    with task_identity():
        loop = RoundLoop(InProcessGrid(nodes), config(local=QUICK), clock, ServerOptimiser, state, COORDINATOR)
        return loop.training_round(state)


def test_the_server_signs_for_each_platform_and_takes_one_digest_a_question(tmp_path, monkeypatch) -> None:
    digests = []
    monkeypatch.setattr(
        "server.rounds.exchange.content_digest", lambda content: digests.append(1) or content_digest(content)
    )
    record = rounds(tmp_path, {"a": COORDINATOR, "b": COORDINATOR, "c": STRANGER}).history[0]
    assert record.platforms == ("a", "b")
    assert record.failed == {"c": "unsigned"}
    assert digests == [1]
