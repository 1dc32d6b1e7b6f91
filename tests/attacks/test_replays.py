"""A coordinator, or who recorded its tasks, that asks again: the answer that left is all that there is to get."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Array, ConfigRecord, Context, Message, RecordDict

import client.rounds.told_answers as told_module
from client.app import client_app
from client.guard.ledger import Ledger
from client.rounds.workspace import NodeSettings, already_open
from client.store.head_store import HeadStore
from shared.encoder.changes import Int8Delta
from shared.encoder.encoder import Encoder
from shared.federation.config import LocalSettings
from shared.federation.messages import EvaluateTask, KnownEncoder, MomentsTask, TrainTask
from shared.federation.wire import EVALUATE_TYPE, MOMENTS_TYPE, TRAIN_TYPE, encode_task
from simulations.federation.in_process_grid import task_identity
from tests.federation_world import START, opened
from tests.plain_policy import PLAIN
from tests.unit.client.training.world import SPACE

RUN, NONCE, OTHER = "0" * 32, "1" * 32, "2" * 32
LOCAL = LocalSettings(tokens=256, steps=2)
TRAIN = TrainTask(run=RUN, round=1, nonce=NONCE, seed=0, encoder=START, settings=LOCAL)
EVALUATE = EvaluateTask(run=RUN, round=1, nonce=NONCE, seed=0, encoder=START)
TASKS = {
    MOMENTS_TYPE: MomentsTask(run=RUN, round=0, nonce=NONCE, feature_space=SPACE),
    TRAIN_TYPE: TRAIN,
    EVALUATE_TYPE: EVALUATE,
}
MOVED = Encoder(spec=START.spec, flat=START.flat + np.float32(0.01))
SHOP = opened("shop", users=300)


def answer(tmp_path: Path, kind: str, task, *, data=SHOP, policy: str = "", app=None) -> RecordDict:
    """What the app gives to the engine."""
    (tmp_path / "policy.toml").write_text(PLAIN + policy)
    settings = NodeSettings(
        platform=f"shop={tmp_path}",
        heads=str(tmp_path / "heads"),
        policy=str(tmp_path / "policy.toml"),
        ledger=str(tmp_path / "outbound.jsonl"),
    )
    context = Context(run_id=1, node_id=2, node_config=settings.to_node_config(), state=RecordDict(), run_config={})
    with task_identity():
        asked = Message(encode_task(task), 2, kind)
        return (app or client_app(already_open(data)))(asked, context).content


def in_bytes(content: RecordDict) -> list[object]:
    """All of it, in its order."""
    return [
        (name, key, value.data if isinstance(value, Array) else value)
        for name, record in content.items()
        for key, value in record.items()
    ]


def code(content: RecordDict) -> str:
    header = dict(content["header"])
    return str(header.get("code") or header.get("reason") or header["kind"])


def closed(_settings, _minimum_users, _moment):
    raise AssertionError("the data were opened")


@pytest.mark.parametrize("kind", TASKS)
def test_a_repeated_task_gets_the_answer_that_left_byte_for_byte_and_opens_no_data(kind, tmp_path) -> None:
    first = answer(tmp_path, kind, TASKS[kind])
    again = answer(tmp_path, kind, TASKS[kind], app=client_app(closed))
    assert in_bytes(again) == in_bytes(first)
    assert [line.kind for line in Ledger(tmp_path / "outbound.jsonl").lines()[0]] == [code(first)] * 2


@pytest.mark.parametrize("kind", TASKS)
def test_without_the_defence_the_answer_follows_the_data(kind, tmp_path, monkeypatch) -> None:
    """What shows that the test above can fail."""
    monkeypatch.setattr(told_module.ToldAnswers, "again", lambda _self, _task: None)
    first = answer(tmp_path, kind, TASKS[kind])
    grown = answer(tmp_path, kind, TASKS[kind], data=opened("shop", users=900, seed=5))
    assert in_bytes(grown) != in_bytes(first)


def test_how_the_encoder_came_makes_no_other_question(tmp_path) -> None:
    first = answer(tmp_path, TRAIN_TYPE, TRAIN)
    step = Int8Delta.between(START, START)
    for sent in (step, None):
        known = KnownEncoder(spec=START.spec, base=START.digest, delta=sent, digest=START.digest)
        assert in_bytes(answer(tmp_path, TRAIN_TYPE, replace(TRAIN, encoder=known))) == in_bytes(first)
    assert in_bytes(answer(tmp_path, TRAIN_TYPE, replace(TRAIN, keep=True))) == in_bytes(first)


OTHERS = {
    "another encoder for one platform": (TRAIN_TYPE, replace(TRAIN, encoder=MOVED)),
    "another encoder, said to be known": (
        TRAIN_TYPE,
        replace(TRAIN, encoder=KnownEncoder(spec=START.spec, base="b", delta=None, digest=MOVED.digest)),
    ),
    "other settings": (TRAIN_TYPE, replace(TRAIN, settings=replace(LOCAL, steps=3))),
    "another form": (TRAIN_TYPE, replace(TRAIN, settings=replace(LOCAL, updates="int8-delta"))),
    "another seed": (TRAIN_TYPE, replace(TRAIN, seed=1)),
    "another round": (TRAIN_TYPE, replace(TRAIN, round=2)),
    "another run": (TRAIN_TYPE, replace(TRAIN, run=OTHER)),
    "another encoder to evaluate": (EVALUATE_TYPE, replace(EVALUATE, encoder=MOVED)),
    "another sample": (EVALUATE_TYPE, replace(EVALUATE, seed=1)),
    "another feature space": (
        MOMENTS_TYPE,
        replace(TASKS[MOMENTS_TYPE], feature_space=replace(SPACE, fingerprint="other")),
    ),
}


@pytest.mark.parametrize(("kind", "task"), OTHERS.values(), ids=OTHERS)
def test_the_same_nonce_with_other_content_is_refused(kind, task, tmp_path) -> None:
    answer(tmp_path, kind, TASKS[kind])
    assert code(answer(tmp_path, kind, task)) == "nonce-reused"


def test_a_question_whose_answer_is_no_longer_kept_is_refused(tmp_path) -> None:
    answer(tmp_path, TRAIN_TYPE, TRAIN)
    assert code(answer(tmp_path, TRAIN_TYPE, replace(TRAIN, round=2, nonce=OTHER))) == "train-reply"
    assert code(answer(tmp_path, TRAIN_TYPE, TRAIN)) == "answer-gone"


def test_a_nonce_is_good_for_one_kind_of_question(tmp_path) -> None:
    answer(tmp_path, TRAIN_TYPE, TRAIN)
    assert code(answer(tmp_path, EVALUATE_TYPE, EVALUATE)) == "answer-gone"


def test_a_decline_and_a_failure_are_no_answers(tmp_path) -> None:
    assert code(answer(tmp_path, TRAIN_TYPE, TRAIN, policy="tasks = []")) == "site-policy"
    assert code(answer(tmp_path, TRAIN_TYPE, TRAIN, policy="minimum-users = 301")) == "too-few-users"
    assert code(answer(tmp_path, TRAIN_TYPE, TRAIN, data=opened("shop", space=replace(SPACE, fingerprint="o")))) == (
        "feature-space"
    )
    assert code(answer(tmp_path, TRAIN_TYPE, TRAIN)) == "train-reply"


@pytest.mark.parametrize("policy", ["tell-users = false", "minimum-users = 301", "maximum-bytes = 1000"])
def test_todays_policy_holds_back_an_answer_that_left_under_another(policy, tmp_path) -> None:
    answer(tmp_path, TRAIN_TYPE, TRAIN)
    assert code(answer(tmp_path, TRAIN_TYPE, TRAIN, policy=policy)) == "refused"


def test_the_known_nonces_are_bounded_and_the_oldest_go_first(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(told_module, "MOST_NONCES", 3)
    for number in range(5):
        answer(tmp_path, EVALUATE_TYPE, replace(EVALUATE, round=number, nonce=f"{number:032x}"))
    stored = HeadStore(tmp_path / "heads").read(told_module.NONCES)
    assert stored is not None
    assert [row.tobytes().hex() for row in stored.arrays["nonces"]] == [f"{number:032x}" for number in (2, 3, 4)]


class Killed(BaseException):
    """The whole process ends; no handler of errors sees it."""


SECOND = replace(TRAIN, round=2, nonce=OTHER)
WRITES = 4
"""of an answer to the second round: the committed head, the staged one, the answer, its nonce"""


def stops_at_write(place: int):
    real, left = HeadStore.write, iter(range(place))

    def write(store: HeadStore, name: str, head) -> None:
        if next(left, None) is None:
            raise Killed
        real(store, name, head)

    return write


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The answer to the second round, and the folder of who gave it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    answer(folder, TRAIN_TYPE, TRAIN)
    return in_bytes(answer(folder, TRAIN_TYPE, SECOND)), folder


@pytest.mark.parametrize("place", range(WRITES))
def test_wherever_it_was_killed_the_same_answer_leaves(place, undisturbed, tmp_path, monkeypatch) -> None:
    answer(tmp_path, TRAIN_TYPE, TRAIN)
    with monkeypatch.context() as patched:
        patched.setattr(HeadStore, "write", stops_at_write(place))
        with pytest.raises(Killed):
            answer(tmp_path, TRAIN_TYPE, SECOND)
    content, folder = undisturbed
    assert in_bytes(answer(tmp_path, TRAIN_TYPE, SECOND)) == content
    assert code(answer(tmp_path, TRAIN_TYPE, TRAIN)) == "answer-gone"
    heads = [HeadStore(one / "heads").read("sequence-staged").arrays["v"] for one in (tmp_path, folder)]
    assert heads[0].tobytes() == heads[1].tobytes()


def test_those_are_all_the_writes_of_an_answer(tmp_path, monkeypatch) -> None:
    answer(tmp_path, TRAIN_TYPE, TRAIN)
    monkeypatch.setattr(HeadStore, "write", stops_at_write(WRITES))
    assert code(answer(tmp_path, TRAIN_TYPE, SECOND)) == "train-reply"


def test_the_digest_of_the_encoder_stands_in_the_ledger(tmp_path) -> None:
    answer(tmp_path, TRAIN_TYPE, TRAIN)
    (line,) = Ledger(tmp_path / "outbound.jsonl").lines()[0]
    assert line.encoder == START.digest


def test_headers_of_a_kept_answer_keep_their_order(tmp_path) -> None:
    first = answer(tmp_path, MOMENTS_TYPE, TASKS[MOMENTS_TYPE])
    again = answer(tmp_path, MOMENTS_TYPE, TASKS[MOMENTS_TYPE])
    assert isinstance(again["header"], ConfigRecord)
    assert list(again["header"]) == list(first["header"])
