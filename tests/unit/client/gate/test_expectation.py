"""What known pairs make one expect."""

import numpy as np
import pytest

from client.gate.expectation import (
    DEFAULT,
    Expectation,
    KnownPair,
    content_share,
    known_pairs,
    nearest_pair,
    read_pairs,
    write_pairs,
)


def pair(name: str, *, shown: float, adds: float, lift: float, users: int = 10**6, content: float = 1.0) -> KnownPair:
    return KnownPair(
        name=name,
        related="unrelated domains",
        fraction=1.0,
        users=users,
        adds=adds,
        content=content,
        shown=shown,
        error=1.0,
        lift=lift,
        low=lift - 1,
        high=lift + 1,
    )


def drawn(count: int, noise: float = 0.0) -> list[KnownPair]:
    """Pairs whose lift is that shown to the power 1.5, but for noise."""
    rng = np.random.default_rng(0)
    shown = rng.uniform(-10, 60, count)
    lifts = 100 * np.expm1(1.5 * np.log1p(shown / 100) + noise * rng.normal(size=count))
    adds = rng.uniform(-10, 10, count)
    return [
        pair(f"p{number}", shown=s, adds=a, lift=lift)
        for number, (s, a, lift) in enumerate(zip(shown, adds, lifts, strict=True))
    ]


def test_finds_the_relation_that_was_planted() -> None:
    expectation = Expectation.fitted(drawn(40))
    found = expectation.of(shown=20.0, error=0.1, adds=0.0, content=1.0, users=10**6)
    assert found.mean == pytest.approx(100 * (1.2**1.5 - 1), abs=2)


def test_its_interval_holds_what_it_says_on_pairs_that_it_has_not_seen() -> None:
    pairs = drawn(240, noise=0.15)
    expectation = Expectation.fitted(pairs[:40])
    inside = []
    for one in pairs[40:]:
        found = expectation.of(shown=one.shown, error=one.error, adds=one.adds, content=1.0, users=one.users)
        inside.append(found.low <= one.lift <= found.high)
    assert 0.9 <= np.mean(inside) <= 0.99


def test_few_users_are_believed_less_and_their_noise_widens_the_interval() -> None:
    expectation = Expectation.fitted(drawn(40, noise=0.05))
    many, few = (
        expectation.of(shown=30.0, error=error, adds=0.0, content=1.0, users=n) for error, n in ((1, 10**6), (25, 50))
    )
    assert few.mean < many.mean
    assert few.high - few.low > many.high - many.low


def test_an_encoder_is_worth_less_where_content_is_far_below_local() -> None:
    rng = np.random.default_rng(0)
    near = rng.uniform(0.1, 1, 40)
    pairs = [
        pair(f"p{number}", shown=0, adds=50, lift=100 * np.expm1(0.8 * share * np.log(1.5)), content=float(share))
        for number, share in enumerate(near)
    ]
    expectation = Expectation.fitted(pairs)
    found = [expectation.of(shown=0.0, error=0.1, adds=50.0, content=share, users=10**6).mean for share in (0.2, 1.0)]
    assert found == pytest.approx([100 * (1.5 ** (0.8 * share) - 1) for share in (0.2, 1.0)], rel=0.1)
    assert expectation.spread < 0.02


@pytest.mark.parametrize(
    ("scorers", "local", "share"),
    [
        ({"content-knn@0.6": 0.02, "item-knn@0.6": 0.09}, 0.08, 0.25),
        ({"content-knn@0.6": 0.05}, 0.04, 1.0),
        ({"item-knn@0.6": 0.09}, 0.08, 0.0),
        ({"content-knn@0.6": 0.0}, 0.0, 1.0),
    ],
)
def test_content_has_a_share_of_local_and_never_more_than_all(scorers, local, share) -> None:
    assert content_share(scorers, local) == pytest.approx(share)


def test_cells_of_one_pair_count_as_one_pair() -> None:
    assert Expectation.fitted([pair("same", shown=1, adds=1, lift=1)] * 30) is None
    assert Expectation.fitted(drawn(DEFAULT.least_pairs)) is not None


def test_pairs_come_back_from_the_file_as_they_were_written() -> None:
    pairs = tuple(drawn(3))
    assert [(one.name, one.users) for one in read_pairs(write_pairs(pairs))] == [(p.name, p.users) for p in pairs]
    assert read_pairs(write_pairs(pairs))[1].lift == pytest.approx(pairs[1].lift, rel=1e-3)


def test_the_nearest_pair_is_the_one_that_adds_as_much_to_content() -> None:
    pairs = [pair(str(adds), shown=0, adds=adds, lift=0) for adds in (-5.0, 10.0, 40.0)]
    assert nearest_pair(14.0, pairs) is pairs[1]
    assert nearest_pair(14.0, []) is None


def test_this_release_knows_pairs() -> None:
    assert all(one.low <= one.lift <= one.high for one in known_pairs())
    assert len(known_pairs()) > 0
