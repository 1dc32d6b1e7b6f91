"""A coordinator that asks for moments twice, before and after one user came: what differs must tell nothing of them."""

from dataclasses import replace

import numpy as np
import pytest

import client.rounds.told_moments as told_module
from client.data.platform import training_sequences
from client.features.prepared_platform import PreparedPlatform
from client.rounds.round_tasks import moments_reply
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore
from client.training.moments import platform_moments
from shared.federation.messages import MomentsTask
from tests.federation_world import opened
from tests.unit.client.training.world import SPACE

TASK = MomentsTask(run="0" * 32, round=0, nonce="0" * 32, feature_space=SPACE)


def shop(users: int) -> PreparedPlatform:
    """The first so many of its users, of whom four of five contribute."""
    whole = opened("shop", users=400)
    return replace(whole, platform=replace(whole.platform, training_users=np.arange(users)))


def answer(tmp_path, users: int, minimum_users: int = 100) -> np.ndarray:
    """What an honest platform tells; it keeps its vault."""
    workspace = Workspace.on(prepared=shop(users), heads=HeadStore(tmp_path), minimum_users=minimum_users)
    return moments_reply(TASK, workspace).moments.to_flat()


def exact(users: int) -> np.ndarray:
    platform = shop(users).platform
    return platform_moments(shop(users).features, training_sequences(platform, platform.encoder_users)).to_flat()


def test_one_user_more_changes_nothing(tmp_path) -> None:
    first = answer(tmp_path, 130)
    assert np.array_equal(first, exact(130))
    assert np.array_equal(answer(tmp_path, 132), first)
    assert np.array_equal(answer(tmp_path, 128), first)
    assert not np.array_equal(exact(132), first)


def test_without_the_defence_the_difference_is_that_users_moments(tmp_path, monkeypatch) -> None:
    first = answer(tmp_path, 130)
    monkeypatch.setattr(told_module, "_changed", lambda _before, _now: 10**9)
    assert np.abs(answer(tmp_path, 132) - first - (exact(132) - exact(130))).max() < 1e-9


def test_enough_users_are_told_of_and_a_few_of_them_never_alone(tmp_path) -> None:
    first = answer(tmp_path, 130)
    assert np.array_equal(answer(tmp_path, 200), first)
    grown = answer(tmp_path, 260)
    assert np.array_equal(grown, exact(260))
    assert np.array_equal(answer(tmp_path, 262), grown)


def test_the_same_question_has_the_same_answer_without_another_count(tmp_path, monkeypatch) -> None:
    first = answer(tmp_path, 130)
    monkeypatch.setattr(told_module, "platform_moments", None)
    assert np.array_equal(answer(tmp_path, 130), first)


@pytest.mark.parametrize("minimum_users", [100, 120])
def test_the_site_policy_says_how_many_are_enough(tmp_path, minimum_users) -> None:
    first = answer(tmp_path, 130, minimum_users=minimum_users)
    grown = answer(tmp_path, 260, minimum_users=minimum_users)
    assert np.array_equal(grown, first) == (minimum_users > 104)
