import numpy as np
import pytest

from client.ensemble.candidates import Candidate
from client.gate.gate import cross_validated, decide
from client.gate.transferability import TransferabilityScore
from client.store.head_store import HeadStore


def stack(name: str) -> Candidate:
    return Candidate(name=name, weights=np.zeros(1))


LOCAL = (stack("fitted(1):computed"),)
FEATURE = (stack("fitted(1):computed+received"),)
MODEL = (stack("fitted(1):computed+tuned"),)


def verdict_of(local, feature, model=None, seed=0, related=None):
    validation = {LOCAL[0].name: local, FEATURE[0].name: feature}
    options = {"local": LOCAL, "feature": FEATURE}
    if model is not None:
        validation[MODEL[0].name] = model
        options["model"] = MODEL
    return decide(options, validation, np.random.default_rng(seed), {"feature": related, "model": related})


def users(seed: int, count: int = 600) -> np.ndarray:
    """NDCG@10 of users of whom few are served well."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(count) < 0.2, rng.random(count), 0.0)


def test_serves_transfer_that_is_better_for_most_users():
    local = users(0)
    verdict = verdict_of(local, np.minimum(1, local * 1.3 + users(1) * 0.3))
    assert verdict.accepted
    assert verdict.served == "feature"
    assert verdict.candidates["feature"].bound > 0
    assert "feature beats local" in verdict.reason
    assert verdict.reason.endswith("% with 95 % confidence")


def test_serves_local_where_nothing_is_gained():
    verdict = verdict_of(users(0), users(0))
    assert not verdict.accepted
    assert verdict.served == "local"
    assert verdict.candidates["feature"].lift == 0


def test_serves_local_where_transfer_hurts():
    verdict = verdict_of(users(0), users(0) * 0.5)
    assert verdict.served == "local"
    assert verdict.candidates["feature"].lift == pytest.approx(-50)
    assert "no transfer method is above local" in verdict.reason


def test_accepts_a_method_of_no_worth_as_seldom_as_its_level_says():
    accepted = [verdict_of(users(2 * k, 200), users(2 * k + 1, 200), seed=k).accepted for k in range(200)]
    assert np.mean(accepted) <= 0.10


def test_asks_more_of_each_method_where_more_compete():
    local, better = users(0), users(0) + 0.3 * users(1)
    alone = verdict_of(local, better).candidates["feature"].bound
    among_two = verdict_of(local, better, model=users(5)).candidates["feature"].bound
    assert among_two < alone


def related(bound: float) -> TransferabilityScore:
    return TransferabilityScore(users=60, events=400, lift=bound + 10, bound=bound)


def test_believes_the_past_events_of_few_users():
    local = users(0, 60)
    better = 0.8 * local + 0.3 * users(1, 60)
    assert not verdict_of(local, better).accepted
    verdict = verdict_of(local, better, related=related(5.0))
    assert verdict.served == "feature"
    assert verdict.candidates["feature"].bound < 0
    assert "over 400 past events of 60 users" in verdict.reason
    assert verdict.reason.endswith("% with 99 % confidence")


def test_does_not_believe_them_where_the_encoder_is_not_related_beyond_noise():
    local = users(0, 60)
    assert not verdict_of(local, 0.8 * local + 0.3 * users(1, 60), related=related(-1.0)).accepted


def test_does_not_believe_them_against_the_users_who_choose():
    local = users(0, 60)
    assert not verdict_of(local, 0.9 * local, related=related(5.0)).accepted


def test_needs_no_past_events_where_many_users_choose():
    local = users(0)
    noisy = local + 0.02 * (users(1) - users(2))
    assert not verdict_of(local, noisy, related=related(5.0)).accepted


def test_serves_the_better_of_two_that_pass():
    local = users(0)
    assert verdict_of(local, local * 1.2, model=local * 1.5).served == "model"


def test_says_so_where_local_finds_nothing():
    verdict = verdict_of(np.zeros(50), np.ones(50))
    assert verdict.served == "local"
    assert "no lift can be told" in verdict.reason


def test_is_not_fooled_by_the_luckiest_of_many_stacks():
    luck = [stack("fitted(1):computed"), *[stack(f"alone:{k}") for k in range(60)]]
    honest, best = [], []
    for draw in range(30):
        validation = {one.name: users(100 * draw + k, 60) for k, one in enumerate(luck)}
        honest.append(cross_validated({"local": luck}, validation, np.arange(60) % 5)["local"].mean())
        best.append(max(found.mean() for found in validation.values()))
    worth = 0.2 * 0.5
    assert np.mean(honest) == pytest.approx(worth, abs=0.02)
    assert np.mean(best) > 1.5 * worth


def test_is_kept_beside_the_head(tmp_path):
    verdict = verdict_of(users(0), users(1))
    HeadStore(tmp_path).write("gate", verdict.to_stored())
    assert HeadStore(tmp_path).read("gate").facts == verdict.to_json()
