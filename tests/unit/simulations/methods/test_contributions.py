"""What is fitted with several encoders at once is what would be fitted with each alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.data.held_out import Stage
from client.data.platform import examples
from client.ensemble.fitting import rank_all
from client.fitting.platform_fit import PlatformFit
from client.transfer.method import Encoders, ReceivedEncoder
from client.transfer.part_settings import PartSettings
from shared.encoder.encoder import Encoder, EncoderSpec
from simulations.config.run_config import RunConfig
from simulations.methods.contributions import ndcg_without
from simulations.methods.platform_methods import run_stacks
from simulations.run.run_recorder import RunRecorder
from tests.unit.client.recommender.world import prepared, small_platform

SETTINGS = PartSettings(preset="tiny", own=False)
WHERE = prepared(small_platform())
SPEC = EncoderSpec(preset="tiny", input_dim=WHERE.space.dim, feature_space=WHERE.space)


def received(seed: int) -> ReceivedEncoder:
    """An encoder whose linear part is drawn, too."""
    encoder = Encoder.initial(SPEC, seed)
    flat = encoder.flat.copy()
    front = SPEC.sequence_place.start
    flat[:front] = 0.01 * np.random.default_rng(seed).normal(size=front)
    return ReceivedEncoder(encoder=replace(encoder, flat=flat), seen=True)


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
    (contribution,) = recorder.result(complete=False).contributions
    federated = recorder.result(complete=False).outcomes[1]
    assert (contribution.platform, contribution.method, contribution.seed) == ("small", "federated", 3)
    np.testing.assert_array_equal(contribution.users, federated.users)
    np.testing.assert_allclose(contribution.ndcg, federated.ndcg, atol=1e-6)
    assert set(contribution.without) == {"news"}
