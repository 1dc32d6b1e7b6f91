"""Shamir's shares: the threshold gives the secret, fewer do not, wrong ones are noticed."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import WireError
from shared.secure_sum.shamir import PRIME, SHARE, Recovery, split

SECRET = bytes(range(32))


def is_secret(found: bytes) -> bool:
    return found == SECRET


def shares(holders: int = 7, threshold: int = 4) -> dict[int, bytes]:
    return split(SECRET, range(1, holders + 1), threshold, np.random.default_rng(0).bytes)


def wrong(share: bytes) -> bytes:
    """Another one, as far away as any."""
    return hashlib.sha256(share).digest() + b"\x00"


def test_the_field_is_of_a_prime_above_every_secret() -> None:
    """Miller and Rabin's test to twelve bases."""
    odd, twos = PRIME - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        powers = [pow(base, odd * 2**k, PRIME) for k in range(twos)]
        assert powers[0] == 1 or PRIME - 1 in powers
    assert PRIME > 2**256


@given(st.binary(min_size=32, max_size=32), st.integers(1, 9), st.data())
def test_any_threshold_of_shares_gives_the_secret(secret: bytes, threshold: int, data) -> None:
    drawn = np.random.default_rng(1)
    dealt = split(secret, range(1, 10), threshold, drawn.bytes)
    chosen = data.draw(st.permutations(sorted(dealt)))[:threshold]
    found, beside = Recovery(threshold).secret({one: dealt[one] for one in chosen}, lambda one: one == secret)
    assert (found, beside) == (secret, ())


def test_fewer_than_the_threshold_are_refused_and_are_any_secrets() -> None:
    dealt = shares()
    few = {one: dealt[one] for one in (1, 2, 3)}
    with pytest.raises(WireError, match="expected 4 shares of a secret; found 3"):
        Recovery(4).secret(few, is_secret)
    for other in (b"a" * 32, b"b" * 32):
        completed = split(other, range(1, 8), 4, np.random.default_rng(2).bytes)
        with pytest.raises(WireError, match="give none"):
            Recovery(4).secret({**few, 4: completed[4]}, lambda found, other=other: found in (SECRET, other))


@pytest.mark.parametrize("corrupted", [(1,), (1, 5), (2, 3, 6)])
def test_wrong_shares_are_found_where_enough_are_left(corrupted: tuple[int, ...]) -> None:
    given_ = {one: wrong(share) if one in corrupted else share for one, share in shares().items()}
    found, beside = Recovery(4).secret(given_, is_secret)
    assert (found, beside) == (SECRET, corrupted)


def test_one_wrong_share_too_many_is_noticed() -> None:
    dealt = {one: share for one, share in shares().items() if one <= 4}
    with pytest.raises(WireError, match="give none that its owner committed themselves to"):
        Recovery(4).secret({**dealt, 2: wrong(dealt[2])}, is_secret)


@pytest.mark.parametrize("holders", [(1, 1, 2), (0, 1, 2)])
def test_numbers_of_holders_are_checked(holders: tuple[int, ...]) -> None:
    with pytest.raises(WireError, match="numbers from 1 on, each once"):
        split(SECRET, holders, 2, np.random.default_rng(0).bytes)


@pytest.mark.parametrize("share", [b"", b"\xff" * SHARE, b"\x00" * (SHARE + 1)])
def test_what_is_no_share_is_refused(share: bytes) -> None:
    with pytest.raises(WireError, match="expected a share of 33 bytes below the prime"):
        Recovery(2).secret({1: share, 2: shares()[2]}, is_secret)
