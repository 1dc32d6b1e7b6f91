from dataclasses import replace

import numpy as np
import pytest
import torch

from client.features.hashing import hash_texts, hashing_space, probe_vectors
from client.training.loop import TrainingSettings
from client.transfer.alignment import (
    Alignment,
    CoralLoss,
    ProbeLoss,
    alignment_loss,
    moment_distance,
    parse_alignment,
    squared_distance,
)
from client.transfer.model import tune
from client.transfer.part_settings import TuningSettings
from client.transfer.release import MIN_ITEMS, released_item_moments
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import ItemMoments
from shared.errors import ConfigError, EncoderFileError
from shared.feature_space import PROBE_TEXTS
from tests.unit.client.training.world import SPACE, SPEC, features, walks

RECEIVED = Encoder.initial(SPEC, 3)
PROBES = features(n_items=12, seed=5)
PHASE = TrainingSettings(epochs=6, tokens=64, warm_up=0, encoder_rate=1e-2, head_rate=1e-2)
SETTINGS = TuningSettings(head=replace(PHASE, epochs=0, encoder_rate=0.0), both=PHASE)


def test_is_half_the_sum_of_squared_differences():
    local, received = torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([[0.0, 2.0], [3.0, 1.0]])
    # differences 1, 0, -3, -2: squares 1 + 0 + 9 + 4 = 14
    assert squared_distance(local, received).item() == 7.0


def test_is_the_distance_of_means_and_covariances():
    outputs = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    # mean (2, 2), covariance [[1, 2], [2, 4]]; away from (1, 2) by 1 and from the identity by 0, 2, 2, 3
    found = moment_distance(outputs, torch.tensor([1.0, 2.0]), torch.eye(2))
    assert found.item() == pytest.approx(1 / 2 + (0 + 4 + 4 + 9) / (4 * 2**2))


def tuned(aligned):
    """From a received encoder, with and without an alignment that pulls it back."""
    return tune(
        encoder=RECEIVED,
        head=None,
        features=features(),
        sequences=walks(),
        validation=None,
        settings=SETTINGS,
        seed=0,
        aligned=aligned,
    ).encoder


@torch.no_grad()
def outputs(encoder, vectors):
    return encoder.sequence_module().item(torch.from_numpy(vectors))


def test_holds_the_tower_to_the_received_one_on_the_probes():
    def moved(encoder):
        return squared_distance(outputs(encoder, PROBES), outputs(RECEIVED, PROBES)).item()

    assert moved(tuned(ProbeLoss(RECEIVED, PROBES, 1.0))) < moved(tuned(None)) / 4


def test_brings_the_catalogues_moments_to_the_released_ones():
    elsewhere = outputs(RECEIVED, features(n_items=300, seed=9)).numpy() + 1
    released = ItemMoments(mean=elsewhere.mean(0), covariance=np.cov(elsewhere, rowvar=False).astype(np.float32))

    def away(encoder):
        found = outputs(encoder, features())
        return moment_distance(found, torch.from_numpy(released.mean), torch.from_numpy(released.covariance)).item()

    assert away(tuned(CoralLoss(released, 10.0))) < min(away(tuned(None)), away(RECEIVED)) / 4


def test_changes_nothing_where_it_is_off():
    assert np.array_equal(tuned(None).flat, tuned(None).flat)
    assert not np.array_equal(tuned(None).flat, tuned(ProbeLoss(RECEIVED, PROBES, 1.0)).flat)


def test_releases_rounded_moments_of_item_vectors():
    vectors = features(n_items=MIN_ITEMS, seed=2)
    released = ItemMoments.from_json(released_item_moments(vectors, RECEIVED), SPEC.architecture.width)
    expected = outputs(RECEIVED, vectors).double()
    assert np.allclose(released.mean, expected.mean(0), atol=6e-4)
    assert np.allclose(released.covariance, torch.cov(expected.T, correction=0), atol=6e-4)
    assert np.allclose(released.covariance * 1000, np.round(released.covariance * 1000), atol=1e-2)


def test_releases_none_of_a_small_catalogue():
    assert released_item_moments(features(n_items=MIN_ITEMS - 1), RECEIVED) == {}


def test_reads_off_a_weight_and_the_gates_three():
    assert parse_alignment("off") == (None,)
    assert parse_alignment("coral:0.5") == (Alignment(kind="coral", weight=0.5),)
    assert [one and one.kind for one in parse_alignment("gate")] == [None, "probe", "coral"]


@pytest.mark.parametrize(
    "text", ["probe", "probe:", "probe:much", "probe:-1", "probe:0", "probe:nan", "mmd:1", "on", ""]
)
def test_says_what_an_alignment_must_be(text):
    with pytest.raises(ConfigError, match=f"alignment must be off, probe:WEIGHT, .*; got '{text}'"):
        parse_alignment(text)


def test_reads_the_probe_texts_in_the_encoders_space():
    space = hashing_space(64)
    assert np.array_equal(probe_vectors(space), hash_texts(PROBE_TEXTS, 64))
    encoder = Encoder.initial(EncoderSpec(preset="tiny", input_dim=64, feature_space=space), 0)
    assert isinstance(alignment_loss(Alignment(kind="probe", weight=1.0), encoder, {}), ProbeLoss)


def test_says_what_a_space_or_a_source_lacks():
    with pytest.raises(ConfigError, match=f"reads texts .hashing.; got {SPACE.name}"):
        alignment_loss(Alignment(kind="probe", weight=1.0), RECEIVED, {})
    with pytest.raises(ConfigError, match="moments that a source releases"):
        alignment_loss(Alignment(kind="coral", weight=1.0), RECEIVED, {})


@pytest.mark.parametrize(
    "values", [{"mean": [0.0]}, {"mean": [0.0], "covariance": [[1.0]]}, {"mean": 1, "covariance": "x"}]
)
def test_refuses_moments_that_do_not_fit_the_encoder(values):
    with pytest.raises(EncoderFileError, match="released moments of items cannot be used"):
        alignment_loss(Alignment(kind="coral", weight=1.0), RECEIVED, values)
