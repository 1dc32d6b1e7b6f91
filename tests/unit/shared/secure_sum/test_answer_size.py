"""The length of each answer is known before it is given."""

import pytest

from shared.errors import SumRefused, WireError
from shared.secure_sum.answer_size import answer_size
from shared.secure_sum.terms import Noise, SetupTerms, SumTerms
from tests.secure_sum_world import TERMS, SumWorld, sum_world

NOISED = SumTerms(length=9, exponent=-10, most=2**10, noise=Noise(spread=0.5))
DROPS = [{}, {"mask": ["shop003"]}, {"shares": ["shop001"], "agree": ["shop002"]}]


def foretold(world: SumWorld) -> list[tuple[int, int]]:
    """Of each answer from here on, what was said of its length, and its length."""
    found, real = [], world.answer

    def answer(party: str, message: bytes) -> bytes:
        said = answer_size(world.parties[party].to_bytes(), party, message)
        given = real(party, message)
        found.append((said, len(given)))
        assert answer_size(world.parties[party].to_bytes(), party, message) == len(given)
        return given

    world.answer = answer  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize("drops", DROPS, ids=["none", "mask", "shares and agree"])
@pytest.mark.parametrize("terms", [TERMS, NOISED], ids=["bare", "noised"])
@pytest.mark.parametrize("count", [7, 40])
def test_each_answer_is_as_long_as_the_party_knew_before(count, terms, drops) -> None:
    world = sum_world(count, SetupTerms(sums=2, noised=terms.noise is not None), spread=0.1)
    found = foretold(world)
    world.sum(terms, drops)
    assert len(found) > 4 * count
    assert {said - given for said, given in found} == {0}


def test_refuses_what_no_party_can_be_asked() -> None:
    with pytest.raises(WireError, match="expected a message of kind 1 to 5 of a secure sum; found kind 9"):
        answer_size(b"", "shop000", b"\x09")
    world = sum_world(3)
    world.until({"shares"})
    (book, *_) = world.coordinator.outgoing().values()
    with pytest.raises(SumRefused, match="expected one book of keys after each request"):
        answer_size(b"", "shop000", book)
