"""Numbers that are told in sums: levels of what encoders are worth, and buckets of numbers of pairs."""

import pytest

from shared.federation.pair_buckets import BUCKETS, OCTAVE, bucket_of, middle_of
from shared.federation.validation_levels import LEAST_VALIDATION, level_of, value_at


@pytest.mark.parametrize("value", [1e-4, 0.0012, 0.05, 0.31, 1.0])
def test_a_level_says_what_the_value_was(value: float) -> None:
    assert 0 <= level_of(value) <= 1
    assert value_at(level_of(value)) == pytest.approx(value)


def test_what_lies_beyond_is_cut() -> None:
    assert (level_of(0.0), level_of(LEAST_VALIDATION), level_of(1.0), level_of(3.0)) == (0.0, 0.0, 1.0, 1.0)
    assert (value_at(-1.0), value_at(2.0)) == (LEAST_VALIDATION, 1.0)


def test_a_tenth_more_is_as_much_wherever_one_stands() -> None:
    assert level_of(0.0011) - level_of(0.001) == pytest.approx(level_of(0.55) - level_of(0.5))


@pytest.mark.parametrize("pairs", [1, 7, 12, 130, 9_900, 1e12])
def test_the_middle_of_a_bucket_is_near_and_scales_with_powers_of_two(pairs: float) -> None:
    assert middle_of(bucket_of(pairs)) == pytest.approx(pairs, rel=0.045 * 1.001)
    for power in (1, 4, 10):
        assert bucket_of(pairs / 2**power) == bucket_of(pairs) - power * OCTAVE
        assert middle_of(bucket_of(pairs) + power * OCTAVE) == 2**power * middle_of(bucket_of(pairs))
    assert bucket_of(pairs) < BUCKETS
