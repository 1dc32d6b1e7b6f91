import pytest

from shared.federation.sum_weights import capped, is_outweighed


@pytest.mark.parametrize(
    ("weights", "least", "expected"),
    [
        ((1.0, 1.0, 1.0), 3, True),
        ((1.0, 0.5, 0.5), 3, True),
        ((1.0, 0.5, 0.4), 3, False),
        ((1.0, 1e-9, 1e-9), 3, False),
        ((1.0, 1.0, 0.01, 0.01), 3, False),
        ((1.0, 0.5, 0.5, 0.5), 3, True),
        ((1.0, 1.0, 1.0), 6, False),
        ((1.0,) * 6, 6, True),
    ],
    ids=["alike", "just", "not quite", "next to nothing", "one may drop out", "three", "too few for K", "enough for K"],
)
def test_the_others_that_may_stay_weigh_half_of_what_alike_ones_do(weights, least, expected) -> None:
    names = dict(zip("abcdef", weights, strict=False))
    assert is_outweighed("a", names, least) is expected


def test_the_largest_are_halved_until_nobody_weighs_too_much() -> None:
    sizes = {"a": 4096.0, "b": 128.0, "c": 128.0, "d": 256.0}
    found = capped(sizes, 3)
    assert found == {"a": 256.0, "b": 128.0, "c": 128.0, "d": 256.0}
    assert all(is_outweighed(name, found, 3) for name in found)


def test_weights_that_are_as_they_should_be_stay() -> None:
    sizes = {"a": 256.0, "b": 128.0, "c": 128.0}
    assert capped(sizes, 3) == sizes


def test_too_few_are_refused_however_alike_they_are() -> None:
    with pytest.raises(ValueError, match="expected at least 9 parties; got 3"):
        capped({"a": 4.0, "b": 1.0, "c": 1.0}, 9)
