"""What is fitted with several encoders at once is what would be fitted with each alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.data.held_out import Stage
from client.data.platform import examples, training_sequences
from client.ensemble.fitting import rank_all
from client.features.prepared_platform import PreparedPlatform
from client.fitting.platform_fit import PlatformFit
from client.training.moments import platform_moments
from client.transfer.method import Encoders, ReceivedEncoder
from client.transfer.part_settings import PartSettings
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import solve
from simulations.config.run_config import RunConfig
from simulations.methods.contributions import ndcg_without
from simulations.methods.platform_methods import run_stacks
from simulations.run.run_recorder import RunRecorder
from tests.unit.client.recommender.world import prepared, small_platform

SETTINGS = PartSettings(preset="tiny", own=False)


def wandering() -> PreparedPlatform:
    """Users go one to five items on at a time, so that nobody can be sure of the next one."""
    platform = small_platform()
    rng = np.random.default_rng(1)
    steps = np.cumsum(rng.integers(1, 6, (platform.n_users, 7)), axis=1)
    items = ((rng.integers(0, platform.n_items, (platform.n_users, 1)) + steps) % platform.n_items).astype(np.int32)
    return prepared(replace(platform, sequences=replace(platform.sequences, items=items.reshape(-1))))


WHERE = wandering()
SPEC = EncoderSpec(preset="tiny", input_dim=WHERE.space.dim, feature_space=WHERE.space)


def received(seed: int) -> ReceivedEncoder:
    """An encoder whose linear part is of some of the platform's users."""
    users = np.sort(np.random.default_rng(seed).permutation(WHERE.platform.encoder_users)[:30])
    moments = platform_moments(WHERE.features, training_sequences(WHERE.platform, users))
    return ReceivedEncoder(encoder=Encoder.initial(SPEC, seed).with_linear(solve(moments, 0.03)), seen=True)


OF_ALL, WITHOUT = received(0), {"news": received(1), "films": received(2)}


def fitted(encoders: Encoders) -> PlatformFit:
    fit = PlatformFit(WHERE, encoders, ["local", "federated"], SETTINGS, seed=0)
    fit.train()
    fit.stack()
    return fit


@pytest.fixture(scope="module")
def fit() -> PlatformFit:
    return fitted(Encoders(federated=OF_ALL))


def test_each_encoder_has_the_stack_that_it_would_have_alone(fit: PlatformFit) -> None:
    tests = examples(WHERE.platform, Stage.TEST, np.arange(WHERE.platform.n_users))
    without = ndcg_without(fit, {name: one.encoder for name, one in WITHOUT.items()}, tests)
    for name, one in WITHOUT.items():
        alone = fitted(Encoders(federated=one)).stacks
        weights = alone.chosen["federated"].by_gap[None]
        np.testing.assert_allclose(without[name], rank_all(alone.ensemble, weights, tests)[0].ndcg, atol=1e-6)
    assert not np.array_equal(*without.values())


def test_a_run_reports_what_each_platform_contributes_to_federated(tmp_path: Path) -> None:
    recorder = RunRecorder(RunConfig.from_dict({"methods": "local,federated", "source": "news"}))
    encoders = Encoders(federated=OF_ALL)
    for methods in (["local", "federated"], ["local"]):
        run_stacks(
            recorder,
            WHERE,
            methods,
            encoders,
            settings=SETTINGS,
            seed=3,
            heads=tmp_path,
            truth=None,
            left_out={"news": WITHOUT["news"].encoder},
        )
    result = recorder.result(complete=False)
    (contribution,) = result.contributions
    (federated,) = (outcome for outcome in result.outcomes if outcome.method == "federated")
    assert (contribution.platform, contribution.method, contribution.seed) == ("small", "federated", 3)
    np.testing.assert_array_equal(contribution.users, federated.users)
    np.testing.assert_allclose(contribution.ndcg, federated.ndcg, atol=1e-6)
    assert set(contribution.without) == {"news"}
