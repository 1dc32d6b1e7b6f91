"""What a training task asks beyond a platform's bounds is not begun: a code leaves, and the reason stays in the log."""

from dataclasses import fields

import pytest
from flwr.app import Context, Message, RecordDict

from client.app import client_app
from client.guard.ledger import Ledger
from client.guard.site_policy import SitePolicy
from client.guard.task_bounds import Range, TaskBounds, read_range
from client.rounds.workspace import NodeSettings
from shared.errors import BudgetBroken, TaskBeyondBounds
from shared.federation.config import LocalSettings
from shared.federation.messages import Declined, DeclineReason, EvaluateTask, TrainTask
from shared.federation.wire import TRAIN_TYPE, decode_train_reply, encode_task
from simulations.federation.in_process_grid import task_identity
from tests.federation_world import START

RUN = "0123456789abcdef" * 2
HOSTILE = {
    "tokens": [1, 255, 10**6],
    "steps": [10**6],
    "head_epochs": [10**6],
    "encoder_epochs": [101],
    "head_rate": [1e6],
    "encoder_rate": [0.5],
    "negatives": [1, 10**6],
    "proximal": [1e30],
    "dropout": [0.95],
    "id_dropout": [0.999],
}


def task(**asked) -> TrainTask:
    return TrainTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=START, settings=LocalSettings(**asked))


def test_every_bound_is_tried_below() -> None:
    assert {f"task_{name}" for name in HOSTILE} == {one.name for one in fields(TaskBounds)}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in HOSTILE for value in HOSTILE[name]])
def test_what_lies_beyond_is_refused_in_words(name, value) -> None:
    words = f"site policy allows task-{name.replace('_', '-')} of .*; the task asks for {value:g}".replace("+", r"\+")
    with pytest.raises(TaskBeyondBounds, match=words):
        SitePolicy(privacy="plain").require_within_bounds(task(**{name: value}).facts)


def test_what_is_usual_lies_within_and_an_operator_may_widen_it() -> None:
    SitePolicy(privacy="plain").require_within_bounds(task().facts)
    wide = SitePolicy(
        privacy="plain", bounds=TaskBounds(task_tokens=read_range("task-tokens", "1..64"), task_steps=Range(1, 1))
    )
    wide.require_within_bounds(task(tokens=1, steps=1).facts)
    assert str(wide.bounds.task_tokens) == "1..64"


def test_a_code_leaves_before_any_data_are_opened(tmp_path, caplog) -> None:
    def never(*_given):
        raise AssertionError("the platform's data were opened")

    ledger = tmp_path / "outbound.jsonl"
    node = NodeSettings(platform=f"films={tmp_path}", heads=str(tmp_path / "heads"), ledger=str(ledger))
    context = Context(run_id=1, node_id=2, node_config=node.to_node_config(), state=RecordDict(), run_config={})
    with task_identity():
        answer = client_app(never)(Message(encode_task(task(tokens=1, steps=1)), 2, TRAIN_TYPE), context).content
    assert decode_train_reply(answer) == Declined(round=1, reason=DeclineReason.TASK_BOUNDS)
    (line,) = Ledger(ledger).lines()[0]
    assert (line.kind, line.code, line.users) == ("declined", "task-bounds", 0)
    assert "site policy allows task-tokens of 256..65536; the task asks for 1" in caplog.text


@pytest.mark.parametrize("noise", [5e-324, 1e-300, 0.6])
def test_noise_that_keeps_less_than_the_promise_is_refused_however_little_it_is(noise) -> None:
    facts = EvaluateTask(run=RUN, round=0, nonce=RUN, seed=0, encoder=START, noise=noise).facts
    with pytest.raises(BudgetBroken, match="promises its users ε 8"):
        SitePolicy().require_within_bounds(facts)
