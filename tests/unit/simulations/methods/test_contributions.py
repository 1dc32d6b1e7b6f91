"""A stack ranked with several encoders at once ranks as it does with each alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.data.held_out import Stage
from client.data.platform import examples
from client.ensemble.fitting import rank_all, with_trained
from client.fitting.platform_fit import PlatformFit
from client.transfer.feature import feature_part
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


@pytest.fixture(scope="module")
def fit() -> PlatformFit:
    fitted = PlatformFit(WHERE, Encoders(federated=OF_ALL), ["local", "federated"], SETTINGS, seed=0)
    fitted.train()
    fitted.stack()
    return fitted


@pytest.mark.parametrize("weight", [1.0, 0.0])
def test_each_user_has_what_the_stack_alone_gives_with_that_encoder(fit: PlatformFit, weight: float) -> None:
    stacks = fit.stacks
    even = np.array([weight if name.startswith("federated:") else 0.5 for name in stacks.ensemble.names])
    even[list(stacks.ensemble.names).index("federated:linear")] = 0.0
    stacks = replace(stacks, chosen={"federated": replace(stacks.chosen["federated"], weights=even, at_gaps=None)})
    tests = examples(WHERE.platform, Stage.TEST, np.arange(WHERE.platform.n_users))
    of_all, without = ndcg_without(stacks, WHERE, {name: one.encoder for name, one in WITHOUT.items()}, tests)
    np.testing.assert_allclose(of_all, rank_all(stacks.ensemble, even[None], tests)[0].ndcg, atol=1e-6)
    for name, one in WITHOUT.items():
        alone = with_trained(stacks, fit.trained, {"federated": feature_part("federated", one, WHERE)})
        expected = rank_all(alone.ensemble, even[None], tests)[0].ndcg
        np.testing.assert_allclose(without[name], expected, atol=1e-6)
        assert np.array_equal(expected, of_all) == (weight == 0)


def test_a_run_reports_what_each_platform_contributes_where_rounds_made_the_encoder(tmp_path: Path) -> None:
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
