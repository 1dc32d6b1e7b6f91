"""Noise in parts: enough of it stays whoever drops out, and what is taken off is exactly what was added."""

from dataclasses import replace

import numpy as np
import pytest

from shared.errors import ConfigError
from shared.secure_sum.noise_parts import NoiseParts, levels, seeds_of
from shared.secure_sum.quorum import most_missing
from shared.secure_sum.terms import Noise, SumTerms

TERMS = SumTerms(length=20_000, exponent=-4, most=100, noise=Noise(spread=40.0))
FIRST = b"\x05" * 32


def parts(parties: int, colluding: int = 0) -> NoiseParts:
    found = NoiseParts.of(replace(TERMS, noise=Noise(spread=40.0, colluding=colluding)), parties)
    assert found is not None
    return found


@pytest.mark.parametrize(("parties", "expected"), [(3, (0,)), (8, (0, 1, 2)), (32, (0, 1, 2, 4, 8, 10))])
def test_parts_end_at_doubled_numbers_of_drop_outs(parties: int, expected: tuple[int, ...]) -> None:
    assert levels(parties) == expected


@pytest.mark.parametrize("parties", [3, 4, 8, 31, 100])
@pytest.mark.parametrize("colluding", [0, 1])
def test_what_stays_is_at_least_what_was_asked_for_and_at_most_a_quarter_more(parties: int, colluding: int) -> None:
    found, asked = parts(parties, colluding), (40.0 * 2**4) ** 2
    for missing in range(most_missing(parties) + 1):
        honest = parties - missing - colluding
        assert asked * (1 - 1e-9) <= honest * found.left(missing) <= 1.25 * asked


def test_noise_of_as_many_as_may_collude_is_not_counted_on() -> None:
    with pytest.raises(ConfigError, match="fewer than 6 colluding parties of 8"):
        parts(8, colluding=6)


def test_a_grid_too_coarse_for_the_noise_is_refused() -> None:
    with pytest.raises(ConfigError, match="take a finer grid"):
        NoiseParts.of(replace(TERMS, noise=Noise(spread=0.5)), 8)


def test_the_seed_of_a_part_takes_off_the_parts_from_there_on_and_no_other() -> None:
    found = parts(32)
    whole = found.whole(TERMS.length, FIRST, lambda size: np.random.default_rng(0).bytes(size))
    seeds = seeds_of(FIRST, 32)
    assert len(seeds) == len(levels(32)) - 1
    for missing in (0, 1, 3, 8):
        left = whole - found.surplus(TERMS.length, seeds[found.level(missing)], missing)
        assert left.var() == pytest.approx(found.left(missing), rel=0.05)
        assert seeds[0] not in seeds[1:]


def test_the_whole_noise_has_the_spread_of_its_parts() -> None:
    found = parts(8)
    whole = found.whole(TERMS.length, FIRST, np.random.default_rng(0).bytes)
    assert whole.var() == pytest.approx(sum(spread**2 for spread in found.spreads), rel=0.05)
    assert whole.var() == pytest.approx(found.left(2), rel=0.05)
