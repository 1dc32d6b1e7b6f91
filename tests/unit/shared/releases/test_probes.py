import numpy as np
import pytest

from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.presets import PRESETS
from shared.errors import ReleaseRefused
from shared.releases.probes import Probes, check_probes, probe_inputs, probes_of
from tests.unit.shared.releases.release_samples import SPACE, learnt_encoder


def test_inputs_are_the_same_for_ever():
    inputs = probe_inputs(0, 3)
    assert inputs.shape == (8, 3)
    assert np.allclose(np.linalg.norm(inputs, axis=1), 1)
    assert np.allclose(inputs[0], [0.6932019, -0.21230935, -0.68876404], atol=1e-7)
    assert not np.allclose(probe_inputs(1, 3), inputs)


def test_hold_after_they_were_written():
    encoder = learnt_encoder()
    probes = Probes.from_json(probes_of(encoder).to_json())
    check_probes(encoder, probes)
    assert np.abs(probes.linear).max() > 0.1
    assert np.abs(probes.sequence).max() > 0.1


@pytest.mark.parametrize("part", ["linear", "sequence"])
def test_refuse_an_encoder_that_answers_otherwise(part):
    encoder = learnt_encoder()
    flat = encoder.flat.copy()
    place = encoder.spec.sequence_place
    flat[: place.start] *= 1.01 if part == "linear" else 1
    flat[place] *= 1.01 if part == "sequence" else 1
    with pytest.raises(ReleaseRefused, match=f"expected the manifest's {part} scores") as refusal:
        check_probes(Encoder(spec=encoder.spec, flat=flat), probes_of(encoder))
    assert refusal.value.code == "probes"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_and_form_answers(preset):
    spec = EncoderSpec(preset=preset, input_dim=6, feature_space=SPACE)
    encoder = Encoder.initial(spec, 0)
    check_probes(encoder, probes_of(encoder))
    crossed = encoder.with_cross(np.arange(21, dtype=np.float32) / 21)
    assert probes_of(crossed).linear.any()
    check_probes(crossed, Probes.from_json(probes_of(crossed).to_json()))
    assert not probes_of(encoder.without_sequence()).sequence.any()
