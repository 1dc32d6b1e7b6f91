"""A private platform lets no plain answer leave, whatever it is asked, and none with less noise than it promised."""

from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pytest
from flwr.app import Context, Message, RecordDict

from client.app import client_app
from client.guard.manifest import ExpectedReply, manifest
from client.guard.site_policy import SitePolicy, TaskKind
from client.rounds.workspace import NodeSettings, already_open
from shared.encoder.cross import CatalogueMoments
from shared.federation.config import LocalSettings
from shared.federation.messages import CrossTask, EvaluateTask, MomentsTask, TrainTask
from shared.federation.wire import CROSS_TYPE, EVALUATE_TYPE, MOMENTS_TYPE, TRAIN_TYPE, encode_task
from shared.privacy.ledger import Ledger, LedgerState, seal_of
from simulations.federation.in_process_grid import task_identity
from tests.federation_world import START, opened
from tests.unit.client.training.world import SPACE, features

RUN = "0" * 32
PROMISE = SitePolicy(epsilon=50.0)
PUBLIC = CatalogueMoments.of(features())
CROSS = CrossTask(
    run=RUN,
    round=0,
    nonce="1" * 32,
    feature_space=SPACE,
    public=PUBLIC,
    noise=PROMISE.noise,
    seen=Ledger().state.seen,
)
TYPES = {CrossTask: CROSS_TYPE, EvaluateTask: EVALUATE_TYPE, MomentsTask: MOMENTS_TYPE, TrainTask: TRAIN_TYPE}
SHOP = opened("shop", users=600)


def answer(folder: Path, task, policy: str = "epsilon = 50.0\n") -> RecordDict:
    (folder / "policy.toml").write_text(policy)
    settings = NodeSettings(platform="shop=x", heads=str(folder / "heads"), policy=str(folder / "policy.toml"))
    context = Context(run_id=1, node_id=2, node_config=settings.to_node_config(), state=RecordDict(), run_config={})
    with task_identity():
        return client_app(already_open(SHOP))(Message(encode_task(task), 2, TYPES[type(task)]), context).content


def code(content: RecordDict) -> str:
    header = dict(content["header"])
    return str(header.get("code") or header.get("reason") or header["kind"])


PLAIN = {
    "moments": MomentsTask(run=RUN, round=0, nonce=RUN, feature_space=SPACE),
    "train": TrainTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=START, settings=LocalSettings(tokens=256, steps=2)),
    "evaluate": EvaluateTask(run=RUN, round=0, nonce=RUN, seed=0, encoder=START),
    "cross": replace(CROSS, noise=0.0),
}


@pytest.mark.parametrize("kind", list(PLAIN))
def test_no_answer_without_noise_leaves(kind, tmp_path) -> None:
    assert code(answer(tmp_path, PLAIN[kind])) == "privacy"


@pytest.mark.parametrize("noise", [PROMISE.noise * 0.99, 1e-9], ids=["a little less", "next to none"])
def test_no_answer_with_less_noise_than_was_promised_leaves(noise, tmp_path) -> None:
    assert code(answer(tmp_path, replace(CROSS, noise=noise))) == "privacy-budget"
    assert code(answer(tmp_path, replace(PLAIN["evaluate"], noise=noise))) == "privacy-budget"


@pytest.mark.parametrize("noise", [nan, inf, -1.0, 1e9])
def test_noise_that_is_none_is_no_task(noise, tmp_path) -> None:
    assert code(answer(tmp_path, replace(CROSS, noise=noise))) == "protocol"


def test_what_was_seen_of_the_ledger_makes_no_other_question(tmp_path) -> None:
    """A run that goes on has seen the answer that it asks for again."""
    first = answer(tmp_path, CROSS)
    head = dict(first["header"])["ledger-head"]
    again = answer(tmp_path, replace(CROSS, seen=LedgerState(entries=1, head=head).seen))
    assert code(first) == "cross-reply"
    assert again == first


def test_no_digest_of_the_ledger_leaves_but_the_last_and_the_one_that_is_shown() -> None:
    shop = {"fingerprint": "f", "dim": 8, "grid": None, "training_users": 600, "catalogue": 24, "noise": 1.0}
    asked = ExpectedReply(task=TaskKind.CROSS, round=0, seal=seal_of("a" * 64), **shop)
    allowed = manifest(asked, SitePolicy())["cross-reply"].header["ledger-before"]
    assert allowed.holds("a" * 64)
    assert allowed.holds(Ledger().state.head)
    assert not allowed.holds("b" * 64)
    assert not allowed.holds(seal_of("a" * 64))


def test_a_digest_of_the_ledger_leaves_beside_a_vector_under_noise_alone() -> None:
    shop = {"fingerprint": "f", "dim": 8, "grid": None, "training_users": 600, "catalogue": 24, "answer_bytes": 64}
    policy = SitePolicy(privacy="masked-private")
    for noise in (0.0, 1.0):
        asked = ExpectedReply(task=TaskKind.SUM, round=0, noise=noise, **shop)
        allowed = manifest(asked, policy)["sum-reply"].header["ledger"]
        assert [allowed.holds(value) for value in ("", "a" * 64, "a" * 63)] == [not noise, bool(noise), False]


def test_the_guard_lists_no_plain_answer_of_a_private_platform() -> None:
    for task in TaskKind:
        shop = {"fingerprint": "f", "dim": 8, "grid": None, "training_users": 600, "catalogue": 24}
        asked = ExpectedReply(task=task, round=0, **shop)
        assert set(manifest(asked, SitePolicy())) == {"failed", "declined"}


def test_what_was_told_while_it_was_plain_is_not_told_again(tmp_path) -> None:
    plain = 'privacy = "plain"\n'
    assert code(answer(tmp_path, PLAIN["moments"], plain)) == "moments-reply"
    assert code(answer(tmp_path, PLAIN["moments"])) == "privacy"
