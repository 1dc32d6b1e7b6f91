"""Who masks with whom: everybody up to 32 parties; beyond, a regular graph drawn from what all parties know.

Bell, Bonawitz, Gascon, Lepoint and Raykova 2020, section 3: each of n parties masks with k others and gives them its
shares, t of which give its secrets. k is the least for which there is a t, at most gamma n parties being the
coordinator's and at most delta n dropping out,
1. nobody has t of the coordinator's parties beside it: n P[Hypergeometric(n - 1, gamma n, k) >= t] < 2^-sigma;
2. those who are left hang together: n (gamma + delta)^(k/2) < 2^-sigma;
3. everybody is left with t holders: n P[Hypergeometric(n - 1, (1 - delta) n, k) < t] < 2^-eta.
t stands halfway between what 1 asks for at least and what 3 allows at most, so that more may collude, and more drop,
than was assumed. The complete graph is that of Bonawitz et al. 2017.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from shared.secure_sum.quorum import quorum
from shared.secure_sum.streams import derived
from shared.secure_sum.terms import SetupTerms

COMPLETE = 32
"""parties up to which everybody masks with everybody"""


@dataclass(frozen=True)
class Degree:
    """How many neighbours a party has."""

    neighbours: int
    """k"""
    threshold: int
    """t: shares that give a secret; a party holds one of its own secrets too"""


@lru_cache(maxsize=64)
def degree(terms: SetupTerms, parties: int, roster: int) -> Degree:
    """The least that the terms allow; everybody's where no smaller one is safe.

    Args:
        terms: what is assumed.
        parties: n, who advertised keys.
        roster: who was asked to; everybody masks with everybody where it has at most 32.

    Returns:
        k, how many neighbours a party has, and t, how many shares give a secret.
    """
    whole = Degree(parties - 1, quorum(roster))
    if roster <= COMPLETE:
        return whole
    colluding, dropping = parties * terms.colluding // 100, parties * terms.dropping // 100
    broken = (terms.colluding + terms.dropping) / 100
    for k in range(2, parties - 1, 2):
        if parties * broken ** (k / 2) >= 2.0**-terms.security:
            continue
        least = _least_threshold(parties, colluding, k, 2.0**-terms.security / parties)
        most = _most_threshold(parties, dropping, k, 2.0**-terms.correctness / parties)
        if least <= most:
            return Degree(k, (least + most) // 2)
    return whole


def neighbours(setup: bytes, parties: tuple[int, ...], k: int) -> dict[int, tuple[int, ...]]:
    """Each party's neighbours in rising order.

    The parties stand in a circle in an order drawn from the digest of roster and keys, and each has the k/2 on either
    side (Harary 1962), or all others.

    Args:
        setup: the digest.
        parties: their numbers.
        k: even, or one less than the parties.

    Returns:
        Numbers of neighbours by number of the party.
    """
    if k >= len(parties) - 1:
        return {party: tuple(other for other in parties if other != party) for party in parties}
    circle = sorted(parties, key=lambda party: derived(setup, b"circle", party.to_bytes(2, "little")))
    offsets = [step for half in range(1, k // 2 + 1) for step in (half, -half)]
    return {
        party: tuple(sorted(circle[(place + step) % len(circle)] for step in offsets))
        for place, party in enumerate(circle)
    }


def _least_threshold(parties: int, colluding: int, k: int, chance: float) -> int:
    """The least t that as many of k neighbours are the coordinator's with no more than this chance."""
    return next(t for t in range(1, k + 2) if _chance(range(t, k + 1), parties - 1, colluding, k) < chance)


def _most_threshold(parties: int, dropping: int, k: int, chance: float) -> int:
    """The largest t that fewer of k neighbours are left with no more than this chance."""
    staying = parties - 1 - dropping
    return next(t for t in range(k, -1, -1) if _chance(range(t), parties - 1, staying, k) < chance)


def _chance(numbers: range, others: int, marked: int, k: int) -> float:
    """P[Hypergeometric(others, marked, k) is one of the numbers]."""
    ways = sum(math.comb(marked, number) * math.comb(others - marked, k - number) for number in numbers)
    return ways / math.comb(others, k)
