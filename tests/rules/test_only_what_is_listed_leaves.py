"""The real ClientApp: whatever its own code is about to send, only what the manifest lists leaves, and it is noted."""

from types import SimpleNamespace

import numpy as np
import pytest
from flwr.app import ConfigRecord, Context, Message, RecordDict

from client.app import client_app
from client.guard.ledger import Ledger
from client.rounds.workspace import NodeSettings, already_open
from shared.encoder.changes import change_grid
from shared.federation.config import LocalSettings
from shared.federation.messages import (
    Declined,
    DeclineReason,
    EvaluateTask,
    Failed,
    FailureCode,
    MomentsTask,
    TrainReply,
    TrainTask,
)
from shared.federation.wire import (
    EVALUATE_TYPE,
    MOMENTS_TYPE,
    TRAIN_TYPE,
    content_bytes,
    decode_train_reply,
    encode_reply,
    encode_task,
)
from shared.federation.wire_records import array_record
from simulations.federation.in_process_grid import task_identity
from tests.federation_world import START, opened
from tests.plain_policy import PLAIN
from tests.unit.client.training.world import SPACE

RUN = "0" * 32
LOCAL = LocalSettings(tokens=256, steps=2)
TASKS = {
    MOMENTS_TYPE: MomentsTask(run=RUN, round=0, nonce=RUN, feature_space=SPACE),
    TRAIN_TYPE: TrainTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=START, settings=LOCAL),
    EVALUATE_TYPE: EvaluateTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=START),
}


def answer(tmp_path, kind: str = TRAIN_TYPE, policy: str = "") -> RecordDict:
    """What the app gives to the engine; the ledger is ``outbound.jsonl``."""
    (tmp_path / "policy.toml").write_text(PLAIN + policy)
    settings = NodeSettings(
        platform=f"a={tmp_path}",
        heads=str(tmp_path / "heads"),
        policy=str(tmp_path / "policy.toml"),
        ledger=str(tmp_path / "outbound.jsonl"),
    )
    node = settings.to_node_config()
    context = Context(run_id=1, node_id=2, node_config=node, state=RecordDict(), run_config={})
    app = client_app(already_open(opened("a")))
    with task_identity():
        return app(Message(encode_task(TASKS[kind]), 2, kind), context).content


def ledger(tmp_path):
    return Ledger(tmp_path / "outbound.jsonl").lines()[0]


@pytest.mark.parametrize("kind", TASKS)
def test_what_is_listed_leaves_and_stands_in_the_ledger_byte_for_byte(tmp_path, kind) -> None:
    content = answer(tmp_path, kind)
    (line,) = ledger(tmp_path)
    assert dict(content["header"])["kind"] == line.kind
    assert (line.held_back, line.bytes) == ("", content_bytes(content))


def leaking(add):
    """The wire's own writer, with something added to every training reply."""

    def written(reply):
        content = encode_reply(reply)
        _ = isinstance(reply, TrainReply) and add(content)
        return content

    return written


LEAKS = {
    "a head": lambda content: content.update(head=array_record(v=np.zeros((24, 16), np.float32))),
    "an item's text": lambda content: content.update(note=ConfigRecord({"text": "secret text 7"})),
    "a user's id": lambda content: content["header"].update(user="user-7"),
    "an unlisted metric": lambda content: content["metrics"].update(purchases=7.0),
    "float64": lambda content: content.update(encoder=array_record(flat=START.flat.astype(np.float64))),
    "a larger array": lambda content: content.update(encoder=array_record(flat=np.zeros(10**6, np.float32))),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_nothing_else_leaves_even_where_the_code_that_encodes_adds_it(tmp_path, monkeypatch, leak) -> None:
    monkeypatch.setattr("client.guard.egress_guard.encode_reply", leaking(leak))
    content = answer(tmp_path)
    assert decode_train_reply(content) == Failed(round=1, code=FailureCode.REFUSED)
    assert content_bytes(content) < 1000
    held, left = ledger(tmp_path)
    assert held.held_back
    assert left.kind == "failed"


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_the_same_would_leave_without_the_guard(tmp_path, monkeypatch, leak) -> None:
    """The test above can fail: what it looks for is really there to be stopped."""
    monkeypatch.setattr("client.guard.egress_guard.encode_reply", leaking(leak))
    monkeypatch.setattr("client.guard.egress_guard.LedgerLine.left", lambda *_, **__: None)
    monkeypatch.setattr("client.guard.egress_guard.EgressGuard._note", lambda *_: None)
    monkeypatch.setattr("client.guard.egress_guard.check", lambda *_: SimpleNamespace(kind="failed"))
    content = answer(tmp_path)
    assert dict(content["header"])["kind"] == "train-reply"


@pytest.mark.parametrize(("policy", "kind"), [('tasks = ["train"]', MOMENTS_TYPE), ("tasks = []", TRAIN_TYPE)])
def test_the_site_policy_beats_what_the_server_asks(tmp_path, policy, kind) -> None:
    content = answer(tmp_path, kind, policy)
    assert decode_train_reply(content) == Declined(round=TASKS[kind].round, reason=DeclineReason.SITE_POLICY)


def test_a_platform_with_fewer_users_than_its_policy_asks_for_tells_nothing(tmp_path) -> None:
    for kind, task in TASKS.items():
        declined = Declined(round=task.round, reason=DeclineReason.TOO_FEW_USERS)
        assert decode_train_reply(answer(tmp_path, kind, "minimum-users = 121")) == declined


def test_an_answer_over_the_policys_bytes_stays(tmp_path) -> None:
    content = answer(tmp_path, TRAIN_TYPE, "maximum-bytes = 2000")
    assert decode_train_reply(content) == Failed(round=1, code=FailureCode.REFUSED)


def test_what_is_switched_off_is_left_out_and_the_rest_still_leaves(tmp_path) -> None:
    reply = decode_train_reply(answer(tmp_path, TRAIN_TYPE, "tell-losses = false\ntell-users = false"))
    assert (reply.losses, reply.users) == ({}, 0)
    assert reply.flat.size == change_grid(START.spec).layout.size


def test_nothing_leaves_where_the_ledger_cannot_be_written(tmp_path) -> None:
    (tmp_path / "outbound.jsonl").mkdir()
    assert decode_train_reply(answer(tmp_path)) == Failed(round=1, code=FailureCode.HEAD_STORE)


def test_nothing_leaves_where_the_policy_cannot_be_read(tmp_path) -> None:
    assert decode_train_reply(answer(tmp_path, TRAIN_TYPE, "task = 3")) == Failed(round=1, code=FailureCode.SETTINGS)
