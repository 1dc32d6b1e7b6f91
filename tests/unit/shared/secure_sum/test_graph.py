"""Who masks with whom: complete where parties are few, else drawn, regular and within the bounds of Bell et al."""

from dataclasses import replace

import pytest
from scipy.stats import hypergeom

from shared.secure_sum.graph import Degree, degree, neighbours
from shared.secure_sum.terms import SetupTerms

TERMS = SetupTerms(sums=1)
DIGEST = b"\x07" * 32


@pytest.mark.parametrize(("parties", "expected"), [(2, Degree(1, 2)), (3, Degree(2, 3)), (32, Degree(31, 22))])
def test_everybody_masks_with_everybody_where_there_are_few(parties: int, expected: Degree) -> None:
    assert degree(TERMS, parties, parties) == expected


@pytest.mark.parametrize("parties", [100, 400])
def test_a_drawn_graph_keeps_the_bounds_that_the_terms_state(parties: int) -> None:
    """By SciPy's hypergeometric distribution."""
    found = degree(TERMS, parties, parties)
    few = parties // 10
    assert found.neighbours < parties - 1
    assert parties * 0.2 ** (found.neighbours / 2) < 2.0**-60
    assert parties * hypergeom(parties - 1, few, found.neighbours).sf(found.threshold - 1) < 2.0**-60
    assert parties * hypergeom(parties - 1, parties - 1 - few, found.neighbours).cdf(found.threshold - 1) < 2.0**-30
    assert parties * 0.2 ** (found.neighbours / 2 - 1) >= 2.0**-60


def test_where_no_drawn_graph_is_safe_everybody_masks_with_everybody() -> None:
    assert degree(replace(TERMS, colluding=33, dropping=33), 100, 100) == Degree(99, 67)


def test_a_drawn_graph_is_regular_and_mutual_and_hangs_on_the_digest() -> None:
    parties = tuple(range(0, 80, 2))
    found = neighbours(DIGEST, parties, 10)
    assert {len(set(others)) for others in found.values()} == {10}
    assert all(one in found[other] and one != other for one, others in found.items() for other in others)
    assert found == neighbours(DIGEST, parties, 10)
    assert found != neighbours(b"\x08" * 32, parties, 10)
