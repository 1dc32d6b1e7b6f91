"""Shamir's secret sharing (Shamir 1979) of 32 bytes over the least prime above 2^256.

A share is the value of a random polynomial of degree ``threshold - 1`` at its holder's number; the secret is the value
at 0. Fewer shares than the threshold tell nothing of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from shared.errors import WireError
from shared.privacy.gaussian_draws import Draw
from shared.secure_sum.streams import KEY

PRIME = 2**256 + 297
SHARE = 33
"""bytes of a share"""
_TRIES = 500
_RANDOM = 48
"""bytes of a coefficient before it is reduced, so that its bias is 2^-127"""


def split(secret: bytes, holders: Sequence[int], threshold: int, draw: Draw) -> dict[int, bytes]:
    """One share for each holder.

    Args:
        secret: 32 bytes.
        holders: their numbers, from 1 on, each once.
        threshold: how many shares give the secret.
        draw: gives so many random bytes.

    Returns:
        Shares of ``SHARE`` bytes, by holder's number.

    Raises:
        WireError: if a number is not from 1 on, or there twice.
        ValueError: if the threshold is below 1 or above the number of holders.
    """
    _require_numbers(holders)
    if not 1 <= threshold <= len(holders):
        raise ValueError(f"expected a threshold of 1 to {len(holders)}; got {threshold}")
    drawn = [int.from_bytes(draw(_RANDOM), "little") % PRIME for _ in range(threshold - 1)]
    falling = [*drawn, int.from_bytes(secret, "little")]
    return {holder: _value(falling, holder).to_bytes(SHARE, "little") for holder in holders}


class Recovery:
    """Secrets from shares of the same holders, whose interpolation weights are computed once."""

    def __init__(self, threshold: int) -> None:
        self._threshold = threshold
        self._weights: dict[tuple[int, ...], tuple[int, ...]] = {}

    def secret(self, shares: Mapping[int, bytes], is_right: Callable[[bytes], bool]) -> tuple[bytes, tuple[int, ...]]:
        """The secret that ``is_right`` takes, and the holders whose shares lie beside its polynomial.

        Wrong shares are found where enough are left without them: any single one, and several as far as
        500 tries go.

        Args:
            shares: by holder's number, from 1 on.
            is_right: whether 32 bytes are what the owner committed themselves to.

        Returns:
            The secret, 32 bytes, and the numbers of the holders whose shares are wrong.

        Raises:
            WireError: if the shares are too few, are no shares, or none of the tried sets gives the secret.
        """
        _require_numbers(tuple(shares))
        values = {holder: _element(share) for holder, share in sorted(shares.items())}
        if len(values) < self._threshold:
            raise WireError(f"expected {self._threshold} shares of a secret; found {len(values)}")
        for tried, chosen in zip(range(_TRIES), self._subsets(tuple(values)), strict=False):
            points = {holder: values[holder] for holder in chosen}
            secret = self._at_zero(points)
            if secret is not None and is_right(secret):
                return secret, () if tried == 0 else self._beside(points, values)
        raise WireError(f"{len(values)} shares of a secret give none that its owner committed themselves to")

    def _subsets(self, holders: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for spared in range(len(holders) - self._threshold + 1):
            for left_out in combinations(holders, spared):
                yield tuple(holder for holder in holders if holder not in left_out)[: self._threshold]

    def _at_zero(self, points: Mapping[int, int]) -> bytes | None:
        holders = tuple(points)
        if holders not in self._weights:
            self._weights[holders] = _weights(holders, 0)
        value = _sum_of_products(self._weights[holders], points.values())
        return value.to_bytes(KEY, "little") if value < 2 ** (8 * KEY) else None

    def _beside(self, points: Mapping[int, int], values: Mapping[int, int]) -> tuple[int, ...]:
        others = [holder for holder in values if holder not in points]
        expected = {holder: _sum_of_products(_weights(tuple(points), holder), points.values()) for holder in others}
        return tuple(holder for holder in others if expected[holder] != values[holder])


def _require_numbers(holders: Sequence[int]) -> None:
    if len(set(holders)) != len(holders) or not all(0 < holder < PRIME for holder in holders):
        raise WireError("expected holders of shares with numbers from 1 on, each once; found others")


def _element(share: bytes) -> int:
    value = int.from_bytes(share, "little")
    if len(share) != SHARE or value >= PRIME:
        raise WireError(f"expected a share of {SHARE} bytes below the prime; found {len(share)} bytes")
    return value


def _value(falling: Sequence[int], at: int) -> int:
    """Horner's rule; coefficients from the highest power down."""
    value = 0
    for coefficient in falling:
        value = (value * at + coefficient) % PRIME
    return value


def _weights(holders: tuple[int, ...], at: int) -> tuple[int, ...]:
    """Lagrange's, of the values at ``holders`` for the value at ``at``."""
    weights = []
    for holder in holders:
        above, below = 1, 1
        for other in holders:
            if other != holder:
                above = above * (at - other) % PRIME
                below = below * (holder - other) % PRIME
        weights.append(above * pow(below, -1, PRIME) % PRIME)
    return tuple(weights)


def _sum_of_products(weights: Sequence[int], values: Iterable[int]) -> int:
    return sum(weight * value for weight, value in zip(weights, values, strict=True)) % PRIME
