import numpy as np
import pytest

from shared.encoder.cross import CatalogueMoments
from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.federation.sum_messages import SumWork
from shared.federation.sum_vector import PartForm, VectorForm
from tests.federation_world import START


def work(**changes) -> SumWork:
    usual = {"parts": ("train",), "settings": LocalSettings(clip_norm=4.0)}
    return SumWork(run="0" * 32, round=1, seed=0, encoder=START, weights={"a": 1.0}, **{**usual, **changes})


FORM = VectorForm(
    parts={
        "moments": PartForm(length=2, bound=1.0, fine=2.0**-20),
        "train": PartForm(length=3, bound=6.0, fine=2.0**-10),
    }
)


def test_parts_lie_one_after_the_other_and_come_back() -> None:
    parts = {"moments": np.array([0.3, -1.0]), "train": np.array([6.0, 0.1, -0.5])}
    vector = FORM.joined(parts)
    assert (len(vector), FORM.length, FORM.bound) == (5, 5, 6.0)
    assert np.array_equal(vector[2:], parts["train"])
    assert all(np.array_equal(found, parts[part]) for part, found in FORM.split(vector).items())


def test_small_numbers_are_brought_to_the_largest_bound_by_a_power_of_two() -> None:
    parts = {"moments": np.array([0.3, -1.0]), "train": np.zeros(3)}
    assert FORM.joined(parts)[:2].tolist() == [4 * 0.3, -4.0]
    assert FORM.fine == 2.0**-18


def test_an_update_needs_a_length_to_which_it_is_cut() -> None:
    assert VectorForm.of(work()).bound == 4.0
    with pytest.raises(ConfigError, match="expected updates that are cut to a length; got a clip norm of 0"):
        VectorForm.of(work(settings=LocalSettings()))


def test_says_which_parts_are_summed() -> None:
    public = CatalogueMoments.none(START.spec.input_dim)
    with pytest.raises(ConfigError, match="expected parts of moments, train, evaluate; got cross"):
        VectorForm.of(work(parts=("cross",), settings=None, public=public, noise=1.0))


def test_a_vector_is_as_long_as_what_is_asked_of_an_encoder() -> None:
    both = VectorForm.of(work(parts=("train", "evaluate")))
    sequence = START.flat[START.spec.sequence_place].size
    assert {part: one.length for part, one in both.parts.items()} == {"train": sequence, "evaluate": 6}
