"""Private runs of real processes that are killed: what was released leaves again, and nobody spends twice."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from server.coordinator.home import ServerHome
from server.coordinator.run_book import RunBook
from server.rounds.known_ledgers import KnownLedgers
from shared.privacy.promise import Promise
from tests.integration.deployed.deployment import Deployment
from tests.integration.deployed.kill_trial import (
    NAMES,
    PRIVATE_RUN,
    Kill,
    Tried,
    account_of,
    federation,
    forget,
    kill_trial,
    same_heads,
    undisturbed,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]
USERS = 4_000
"""so many that hashed texts pay at this ε"""
EVALUATED = replace(PRIVATE_RUN, config=replace(PRIVATE_RUN.config, evaluate_every=1))
"""each platform answers three questions; where its mean under noise is the worse one, the sum is passed over"""
BUDGET = Promise(epsilon=PRIVATE_RUN.config.epsilon).budget


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Iterator[Deployment]:
    """Started, and all platforms online."""
    folder = tmp_path_factory.mktemp("killed-private")
    promise = ("--privacy", "private", "--epsilon", str(PRIVATE_RUN.config.epsilon))
    with federation(folder, users=USERS, promise=promise) as made:
        yield made


def usual_seconds(made: Deployment, tried: Tried) -> float:
    """Of a run that nobody disturbs."""
    forget(made)
    return undisturbed(made, tried).seconds


@pytest.fixture(scope="module")
def seconds(deployed) -> float:
    return usual_seconds(deployed, PRIVATE_RUN)


@pytest.fixture(scope="module")
def evaluated_seconds(deployed) -> float:
    return usual_seconds(deployed, EVALUATED)


def require_one_release(made: Deployment, kill: Kill) -> None:
    """Nobody has spent more than their promise, the sum was released once, and the coordinator knows this ledger."""
    known = KnownLedgers(ServerHome(made.server).ledgers)
    for name in NAMES:
        account = account_of(made, name)
        assert account.most <= BUDGET * (1 + 1e-9), kill
        assert [entry.released for entry in account.ledger.entries].count("cross") == 1, kill
        assert account.ledger.digest_where(known.seen(name)) == known.of(name).entries[-1].told, kill


@pytest.mark.parametrize("seed", range(200, 203), ids=lambda seed: Kill.drawn(seed).target)
def test_whoever_is_killed_what_was_released_leaves_again_and_makes_the_same_encoder(deployed, seconds, seed) -> None:
    found = kill_trial(deployed, Kill.drawn(seed), usual_seconds=seconds, tried=PRIVATE_RUN)
    again = undisturbed(deployed, PRIVATE_RUN)
    assert again.encoder == found.ending.encoder, found.kill
    assert same_heads(again.heads, found.ending.heads) == dict.fromkeys(NAMES, True), found.kill
    require_one_release(deployed, found.kill)


@pytest.mark.parametrize("seed", range(203, 206), ids=lambda seed: Kill.drawn(seed).target)
def test_whoever_is_killed_between_evaluations_nobody_spends_twice(deployed, evaluated_seconds, seed) -> None:
    found = kill_trial(deployed, Kill.drawn(seed), usual_seconds=evaluated_seconds, tried=EVALUATED)
    rounds = RunBook(deployed.server / "runs").runs()[-1].history()
    assert [entry["kind"] for entry in rounds] == ["evaluate", "moments", "evaluate"], found.kill
    assert [entry["dropped"] for entry in rounds] == [{}] * 3, found.kill
    assert rounds[1]["platforms"] == list(NAMES), found.kill
    require_one_release(deployed, found.kill)
