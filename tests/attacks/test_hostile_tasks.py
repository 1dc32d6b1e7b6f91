"""A coordinator that asks for what no honest one asks: every such task is refused with a code, and nothing else leaves.

Tasks are signed, as the coordinator's are; what strangers send is in test_unsigned_tasks.py.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict

from client.app import client_app
from client.guard.task_bounds import TaskBounds
from client.rounds.workspace import NodeSettings, already_open
from shared.encoder.changes import Int8Delta
from shared.encoder.encoder import Encoder
from shared.federation.config import LocalSettings
from shared.federation.message_kinds import Task
from shared.federation.messages import EvaluateTask, KnownEncoder, MomentsTask, TrainTask
from shared.federation.signatures import TaskSigner, content_digest
from shared.federation.wire import EVALUATE_TYPE, MOMENTS_TYPE, TRAIN_TYPE, content_bytes, encode_task
from shared.federation.wire_records import SIGNATURE
from simulations.federation.in_process_grid import task_identity
from tests.federation_world import START, opened
from tests.plain_policy import PLAIN
from tests.unit.client.training.world import SPACE

RUN, NONCE, OTHER = "0" * 32, "1" * 32, "2" * 32
LOCAL = LocalSettings(tokens=256, steps=2)
TRAIN = TrainTask(run=RUN, round=1, nonce=NONCE, seed=0, encoder=START, settings=LOCAL)
EVALUATE = EvaluateTask(run=RUN, round=1, nonce=NONCE, seed=0, encoder=START)
MOMENTS = MomentsTask(run=RUN, round=1, nonce=NONCE, feature_space=SPACE)
TYPES = {TrainTask: TRAIN_TYPE, EvaluateTask: EVALUATE_TYPE, MomentsTask: MOMENTS_TYPE}
KEY = TaskSigner(Ed25519PrivateKey.generate())
SHOP = opened("shop")
Change = Callable[[RecordDict], object]


def answer(folder: Path, task: Task, change: Change = lambda _content: None, policy: str = "") -> RecordDict:
    """Of a platform with the usual site policy that has the coordinator's key."""
    (folder / "policy.toml").write_text(PLAIN + policy)
    (folder / "ca.crt").write_bytes(KEY.public)
    settings = NodeSettings(
        platform=f"shop={folder}",
        heads=str(folder / "heads"),
        policy=str(folder / "policy.toml"),
        coordinator=str(folder / "ca.crt"),
    )
    content = encode_task(task)
    change(content)
    content[SIGNATURE] = KEY.signature(content_digest(content), "shop")
    context = Context(run_id=1, node_id=2, node_config=settings.to_node_config(), state=RecordDict(), run_config={})
    with task_identity():
        return client_app(already_open(SHOP))(Message(content, 2, TYPES[type(task)]), context).content


def code(content: RecordDict) -> str:
    header = dict(content["header"])
    return str(header.get("code") or header.get("reason") or header["kind"])


@pytest.mark.parametrize("task", [TRAIN, EVALUATE, MOMENTS], ids=["train", "evaluate", "moments"])
def test_honest_tasks_are_answered(task, tmp_path) -> None:
    """What shows that the tasks below are refused for what they ask."""
    assert code(answer(tmp_path, task)).endswith("-reply")


BEYOND = {
    "one position a step": {"tokens": 1},
    "few positions a step": {"tokens": 255},
    "a step that takes all memory": {"tokens": 10**6},
    "a round without end": {"steps": 10**9},
    "a head trained without end": {"head_epochs": 101},
    "an encoder trained without end": {"encoder_epochs": 101},
    "a head's rate that blows up": {"head_rate": 1.5},
    "an encoder's rate that blows up": {"encoder_rate": 0.2},
    "one negative": {"negatives": 1},
    "negatives that take all memory": {"negatives": 10**6},
    "a pull that leaves nothing else": {"proximal": 1e6},
    "nothing but dropout": {"dropout": 0.99},
    "no ids at all": {"id_dropout": 0.999},
}


def with_setting(name: str, value: object) -> Change:
    return lambda content: content["settings"].update({name: value})


def with_field(name: str, value: object) -> Change:
    return lambda content: content["header"].update({name: value})


def with_flat(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda content: content.update(
        encoder=ArrayRecord({"flat": Array(change(content["encoder"]["flat"].numpy().copy()))})
    )


KNOWN = KnownEncoder(spec=START.spec, base=START.digest, delta=Int8Delta.between(START, START), digest=START.digest)
MALFORMED = {
    "a setting that there is none of": (TRAIN, with_setting("everything", 1)),
    "a setting of another type": (TRAIN, with_setting("tokens", "256")),
    "a rate that is no number": (TRAIN, with_setting("head-rate", float("nan"))),
    "positions below nought": (TRAIN, with_setting("tokens", -1)),
    "another form of update": (TRAIN, with_setting("updates", "everything")),
    "an adapter of rank 0": (TRAIN, with_setting("adapters", "lora:0")),
    "an adapter of a giant rank": (TRAIN, with_setting("adapters", "lora:100000")),
    "a round below nought": (TRAIN, with_field("round", -1)),
    "a run that is a path": (TRAIN, with_field("run", "../" * 10 + "00")),
    "a nonce that is a path": (EVALUATE, with_field("nonce", "../" * 10 + "00")),
    "no nonce": (MOMENTS, lambda content: content["header"].pop("nonce")),
    "another kind": (TRAIN, with_field("kind", "evaluate-task")),
    "an encoder of no preset": (EVALUATE, with_field("preset", "../small")),
    "another layout": (EVALUATE, with_field("layout", "[]")),
    "a feature space of giant dimensions": (MOMENTS, with_field("space", '["x", [], 1000000000, "f"]')),
    "an encoder that is not finite": (TRAIN, with_flat(lambda flat: np.full_like(flat, np.nan))),
    "half an encoder": (TRAIN, with_flat(lambda flat: flat[: len(flat) // 2])),
    "an encoder of other numbers": (TRAIN, with_flat(lambda flat: flat.astype(np.float64))),
    "one record more": (TRAIN, lambda content: content.update(head=ConfigRecord({}))),
    "a step whose cells are none": (
        replace(EVALUATE, encoder=KNOWN),
        lambda content: content.update(step=ArrayRecord({"flat": Array(np.full_like(KNOWN.delta.cells, 127))})),
    ),
}
NOT_HELD = {
    "a step from an encoder that was never sent": replace(TRAIN, encoder=KNOWN),
    "an encoder that was never sent": replace(TRAIN, encoder=replace(KNOWN, delta=None)),
}


@pytest.mark.parametrize("asked", BEYOND.values(), ids=BEYOND)
def test_refuses_settings_beyond_the_site_policy(asked, tmp_path) -> None:
    refused(answer(tmp_path, replace(TRAIN, settings=replace(LOCAL, **asked))), "task-bounds")


def test_each_bound_of_the_site_policy_is_tried() -> None:
    tried = {name for asked in BEYOND.values() for name in asked}
    assert tried == {name.removeprefix("task_") for name in vars(TaskBounds())}


@pytest.mark.parametrize(("task", "change"), MALFORMED.values(), ids=MALFORMED)
def test_refuses_what_is_no_task(task, change, tmp_path) -> None:
    refused(answer(tmp_path, task, change), "protocol")


@pytest.mark.parametrize("task", NOT_HELD.values(), ids=NOT_HELD)
def test_refuses_to_lead_on_from_an_encoder_that_is_not_held(task, tmp_path) -> None:
    refused(answer(tmp_path, task), "encoder-unknown")


def test_refuses_another_feature_space(tmp_path) -> None:
    other = replace(SPACE, fingerprint="another")
    refused(answer(tmp_path, replace(MOMENTS, feature_space=other)), "feature-space")
    encoder = Encoder(spec=replace(START.spec, feature_space=other), flat=START.flat)
    refused(answer(tmp_path, replace(TRAIN, encoder=encoder)), "feature-space")


def test_refuses_a_second_encoder_for_a_question_and_an_old_question(tmp_path) -> None:
    moved = Encoder(spec=START.spec, flat=START.flat + np.float32(0.01))
    answer(tmp_path, TRAIN)
    refused(answer(tmp_path, replace(TRAIN, encoder=moved)), "nonce-reused")
    answer(tmp_path, replace(TRAIN, round=2, nonce=OTHER))
    refused(answer(tmp_path, TRAIN), "answer-gone")


@pytest.mark.parametrize("task", [TRAIN, EVALUATE, MOMENTS], ids=["train", "evaluate", "moments"])
def test_refuses_what_the_operator_does_not_let_begin(task, tmp_path) -> None:
    refused(answer(tmp_path, task, policy="tasks = []"), "site-policy")


def refused(content: RecordDict, expected: str) -> None:
    """With this code, and nothing beside it."""
    assert code(content) == expected
    assert set(content) == {"header"}
    assert set(content["header"]) <= {"protocol", "kind", "round", "code", "reason", "least"}
    assert content["header"].get("least", 0) == 0
    assert content_bytes(content) < 1000
