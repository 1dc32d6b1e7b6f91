"""Nobody but the platform can foresee whom a round draws; the platform itself draws the same again."""

import numpy as np
import pytest

from client.rounds.own_draws import OWN_DRAWS, own_seed
from client.rounds.round_tasks import evaluate_reply, train_reply
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore
from client.store.keyring import KeySource
from client.store.vault import Vault
from shared.federation.config import LocalSettings
from shared.federation.messages import EvaluateTask, TrainTask
from shared.seeding import seed_for
from tests.federation_world import START, opened

RUN = "0" * 32
TASK = TrainTask(
    run=RUN, round=1, nonce=RUN, seed=0, encoder=START, settings=LocalSettings(tokens=256, steps=1, encoder_epochs=1)
)


def test_draws_the_same_again_and_other_things_for_other_purposes(tmp_path) -> None:
    heads = HeadStore(tmp_path)
    first = own_seed(heads, 7, 1)
    assert own_seed(HeadStore(tmp_path), 7, 1) == first
    assert len({first, own_seed(heads, 7, 2), own_seed(heads, 8, 1), own_seed(heads, 7, "round-validation")}) == 4
    assert 0 <= first < 2**63


def test_another_platform_with_the_same_task_draws_otherwise(tmp_path) -> None:
    assert own_seed(HeadStore(tmp_path / "a"), 7, 1) != own_seed(HeadStore(tmp_path / "b"), 7, 1)


def test_the_secret_is_sealed_in_the_vault(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KEY", "5" * 64)
    heads = HeadStore(Vault.make(tmp_path / "vault", KeySource.parse("env:KEY")))
    seed = own_seed(heads, 7, 1)
    stored = heads.read(OWN_DRAWS)
    assert stored is not None
    secret = stored.arrays["secret"].tobytes()
    assert len(secret) == 32
    assert all(secret not in path.read_bytes() for path in (tmp_path / "vault").rglob("*") if path.is_file())
    assert own_seed(HeadStore(Vault.open(tmp_path / "vault", KeySource.parse("env:KEY"))), 7, 1) == seed


def update(folder, *, own_draws: bool) -> bytes:
    data = opened("shop", users=400)
    workspace = Workspace.on(prepared=data, heads=HeadStore(folder), own_draws=own_draws)
    return train_reply(TASK, workspace).flat.tobytes()


@pytest.mark.parametrize(("own_draws", "same"), [(False, True), (True, False)], ids=["simulated", "deployed"])
def test_the_coordinators_seed_alone_foretells_a_simulated_round_and_no_deployed_one(tmp_path, own_draws, same) -> None:
    foretold = update(tmp_path / "coordinators", own_draws=own_draws)
    assert (update(tmp_path / "platforms", own_draws=own_draws) == foretold) is same


class Drawn(Exception):
    """Whom an evaluation is about to judge."""


def sample(folder, monkeypatch) -> np.ndarray:
    def stop(_platform, _stage, users):
        raise Drawn(users)

    task = EvaluateTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=START)
    workspace = Workspace.on(prepared=opened("shop", users=4000), heads=HeadStore(folder), own_draws=True)
    monkeypatch.setattr("client.rounds.round_tasks.examples", stop)
    with pytest.raises(Drawn) as caught:
        evaluate_reply(task, workspace)
    return caught.value.args[0]


def test_an_evaluation_draws_its_sample_by_the_secret_too(tmp_path, monkeypatch) -> None:
    one, other = (sample(tmp_path / name, monkeypatch) for name in "ab")
    assert not np.array_equal(one, other)
    assert np.array_equal(sample(tmp_path / "a", monkeypatch), one)


def test_a_simulation_draws_as_the_runs_seed_says(tmp_path) -> None:
    workspace = Workspace.on(prepared=opened("shop"), heads=HeadStore(tmp_path))
    assert workspace.seed(3, 1) == seed_for(3, "shop", 1)
    assert HeadStore(tmp_path).names() == ()
