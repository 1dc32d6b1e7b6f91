"""A platform in a secure sum, through its real app."""

from dataclasses import replace

import numpy as np
import pytest

from client.rounds.own_party import SUM_STATE
from client.rounds.round_tasks import train_reply
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore
from shared.encoder.changes import change_grid
from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.federation.messages import Declined, DeclineReason, Failed, FailureCode
from shared.federation.sum_messages import SumReply, SumWork
from shared.federation.sum_vector import VectorForm
from shared.federation.wire import decode_sum_reply
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.terms import SumTerms
from tests.federation_world import START, opened
from tests.sum_shops import RUN, SumShops, sum_shops

LOCAL = LocalSettings(tokens=256, steps=2, encoder_epochs=1, clip_norm=2.0)
WORK = SumWork(
    run=RUN,
    round=1,
    seed=0,
    parts=("train",),
    encoder=START,
    weights=dict.fromkeys(("shop0", "shop1", "shop2"), 1.0),
    settings=LOCAL,
)
SIZE = int(change_grid(START.spec).lengths.sum())


def terms(work: SumWork = WORK) -> SumTerms:
    form = VectorForm.of(work)
    most = int(form.bound * 2**18)
    return SumTerms(length=form.length, exponent=-18, most=most, about=bytes.fromhex(work.meaning))


def exchange(shops: SumShops, coordinator: Coordinator, work: SumWork | None = WORK) -> dict[str, object]:
    """One stage: who answered what."""
    found: dict[str, object] = {}
    beside = work if coordinator.stage == "mask" else None
    for name, message in coordinator.outgoing().items():
        reply = decode_sum_reply(shops.content(name, message, beside))
        found[name] = reply
        if isinstance(reply, SumReply):
            coordinator.take(name, reply.answer)
    return found


def until(stage: str, shops: SumShops, coordinator: Coordinator, work: SumWork = WORK) -> Coordinator:
    while coordinator.stage != stage:
        exchange(shops, coordinator, work)
        coordinator.close()
        if coordinator.stage == "ready" and stage != "ready":
            coordinator.begin(terms(work))
    return coordinator


def own_update(name: str, shops: SumShops, tmp_path) -> np.ndarray:
    """What the platform's plain answer to the same task changes."""
    workspace = Workspace.on(prepared=shops.platforms[name], heads=HeadStore(tmp_path / "apart" / name))
    return change_grid(START.spec).values(train_reply(WORK.train_task, workspace).flat).astype(np.float64)


def test_the_sum_is_that_of_the_plain_updates(tmp_path) -> None:
    shops = sum_shops(tmp_path)
    coordinator = until("open", shops, shops.coordinator())
    exchange(shops, coordinator)
    coordinator.close()
    plain = sum(own_update(name, shops, tmp_path) for name in shops.platforms)
    assert np.abs(plain).max() > 0.001
    assert coordinator.result.values == pytest.approx(plain, abs=3 * 2.0**-19)


def test_a_platform_answers_a_step_that_comes_again_with_the_same_bytes_after_a_kill(tmp_path) -> None:
    shops = sum_shops(tmp_path)
    coordinator = until("mask", shops, shops.coordinator())
    message = coordinator.outgoing()["shop0"]
    first = decode_sum_reply(shops.content("shop0", message, WORK))
    other = replace(WORK, encoder=replace(START, flat=START.flat + np.float32(1)))
    for record in ("answer-sum", "answered"):
        HeadStore(tmp_path / "shop0").delete(record)
    assert decode_sum_reply(shops.content("shop0", message, WORK)) == first
    assert decode_sum_reply(shops.content("shop0", message, other)) == Failed(round=1, code=FailureCode.NONCE_REUSED)


def test_a_platform_seals_its_state_before_its_answer_leaves(tmp_path, monkeypatch) -> None:
    shops = sum_shops(tmp_path)
    coordinator = shops.coordinator()
    monkeypatch.setattr("client.app.EgressGuard.let_out", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shops.content("shop0", coordinator.outgoing()["shop0"])
    assert SUM_STATE in HeadStore(tmp_path / "shop0").names()


def test_a_platform_masks_no_answer_to_another_task_than_the_sums_terms_name(tmp_path) -> None:
    shops = sum_shops(tmp_path)
    coordinator = until("mask", shops, shops.coordinator())
    for work in (replace(WORK, seed=1), None):
        assert set(map(str, exchange(shops, coordinator, work).values())) == {
            str(Failed(round=1, code=FailureCode.SUM_REFUSED))
        }


def test_no_sum_has_terms_for_adapters_of_own_factors() -> None:
    with pytest.raises(ConfigError, match="adapters must be none or shared:RANK in a sum of updates; got 'lora:1'"):
        terms(replace(WORK, settings=replace(LOCAL, adapters="lora:1")))


def test_a_platform_sums_no_deltas(tmp_path) -> None:
    shops, work = sum_shops(tmp_path), replace(WORK, settings=replace(LOCAL, updates="int8-delta"))
    coordinator = until("mask", shops, shops.coordinator(), work)
    assert exchange(shops, coordinator, work)["shop1"] == Failed(round=1, code=FailureCode.SUM_REFUSED)


def test_an_update_is_cut_to_the_terms_bound_before_it_is_masked(tmp_path, monkeypatch) -> None:
    shops, narrow = sum_shops(tmp_path), replace(terms(), most=4)
    monkeypatch.setattr("tests.unit.client.rounds.test_sum_step.terms", lambda _work: narrow)
    coordinator = until("open", shops, shops.coordinator())
    exchange(shops, coordinator)
    coordinator.close()
    assert 4 < np.abs(coordinator.result.cells).max() <= 12
    assert np.abs(own_update("shop0", shops, tmp_path)).max() > 20 * narrow.bound


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("least-parties = 4", Failed(round=1, code=FailureCode.TOO_FEW_PARTIES, least=4)),
        ('tasks = ["train"]', Declined(round=1, reason=DeclineReason.SITE_POLICY)),
    ],
)
def test_a_platform_gives_no_keys_where_its_policy_says_no(tmp_path, policy, expected) -> None:
    shops = sum_shops(tmp_path, policy=policy)
    assert exchange(shops, shops.coordinator())["shop0"] == expected


def test_a_platform_that_has_too_few_users_gives_no_keys(tmp_path) -> None:
    shops = sum_shops(tmp_path)
    shops.platforms["shop1"] = opened("shop1", users=10)
    found = exchange(shops, shops.coordinator())
    assert found["shop1"] == Declined(round=1, reason=DeclineReason.TOO_FEW_USERS)
    assert isinstance(found["shop0"], SumReply)


def test_a_platform_that_knows_no_others_gives_no_keys(tmp_path) -> None:
    shops = sum_shops(tmp_path)
    HeadStore(tmp_path / "shop2").delete("sum-parties")
    assert exchange(shops, shops.coordinator())["shop2"] == Failed(round=1, code=FailureCode.PARTIES_UNKNOWN)


@pytest.mark.parametrize(
    ("stage", "opens"), [("keys", True), ("shares", False), ("mask", True), ("agree", False), ("open", False)]
)
def test_data_are_opened_for_keys_and_vectors_alone(stage, opens, tmp_path, monkeypatch) -> None:
    shops = sum_shops(tmp_path)
    coordinator = until(stage, shops, shops.coordinator())
    looks = []
    monkeypatch.setattr(Workspace, "prepared", property(lambda self: looks.append(self.name) or self.open_data()))
    answers = exchange(shops, coordinator)
    assert all(isinstance(one, SumReply) for one in answers.values())
    assert set(looks) == (set(answers) if opens else set())
