"""An evaluation under noise: who may be asked, and what it costs whom."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import client.rounds.private_evaluation as evaluation
import client.rounds.round_tasks as tasks
from client.data.held_out import Stage
from client.data.platform import examples
from client.privacy.account import digests_of
from client.privacy.accounts import Accounts
from client.rounds.private_evaluation import able_sample, noised_mean
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore
from shared.errors import BudgetBroken
from shared.federation.messages import EvaluateReply, EvaluateTask
from shared.privacy.ledger import Release
from shared.privacy.promise import Promise
from tests.federation_world import START, opened

PROMISE = Promise(epsilon=100.0)
TASK = EvaluateTask(run="0" * 32, round=0, nonce="1" * 32, seed=0, encoder=START, noise=PROMISE.noise)


def workspace(folder: Path) -> Workspace:
    return Workspace.on(
        prepared=opened("shop", users=400),
        heads=HeadStore(folder / "heads"),
        promise=PROMISE,
        machine=folder / "machine",
        noise_seed=0,
        own_draws=True,
    )


def test_users_who_have_spent_since_they_were_found_able_are_not_told_of(tmp_path) -> None:
    """A second agent on the same data, or a second task, may have come between."""
    shop = workspace(tmp_path)
    rows = able_sample(TASK, shop, shop.platform.calibration_users)
    assert isinstance(rows, np.ndarray)
    sample = examples(shop.platform, Stage.VALIDATION, rows)
    with Accounts(shop.machine).changing() as book:
        spent = digests_of([shop.platform.user_ids[rows[0]]])
        release = Release(time="now", released="cross", noise=PROMISE.noise, delta=PROMISE.delta)
        book.replace(book.account.charged(spent, PROMISE.budget, release))
    with pytest.raises(BudgetBroken):
        noised_mean(np.ones(len(sample)), TASK, "", shop, sample)
    assert Accounts(shop.machine, shop.heads).read().most == pytest.approx(PROMISE.budget)


def test_one_user_more_takes_the_place_of_one_other_at_the_most(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(evaluation, "MOST_USERS", 20)
    shop = workspace(tmp_path)
    task, users = replace(TASK, noise=0.16), shop.platform.training_users
    whole = able_sample(task, replace(shop, promise=Promise(epsilon=60.0)), users)
    assert len(whole) == 20
    for left_out in (*whole[:3], *np.setdiff1d(users, whole)[:3]):
        fewer = able_sample(task, replace(shop, promise=Promise(epsilon=60.0)), np.setdiff1d(users, [left_out]))
        assert len(np.setdiff1d(fewer, whole)) <= 1


def test_a_head_that_encoder_users_trained_in_plain_rounds_is_in_no_value(tmp_path, monkeypatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tasks, "newest_head", lambda layout, _workspace: asked.append(layout))
    assert isinstance(tasks.evaluate_reply(TASK, workspace(tmp_path)), EvaluateReply)
    assert not asked
    tasks.evaluate_reply(replace(TASK, noise=0.0), workspace(tmp_path))
    assert asked
