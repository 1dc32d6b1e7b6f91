"""The masks of a vector: one of the party's own, and one with each neighbour that cancels out in the sum."""

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from shared.secure_sum.ring import Elements, Ring
from shared.secure_sum.setup import Setup
from shared.secure_sum.streams import agreed, derived, private_key
from shared.secure_sum.sum_messages import Plan


def self_mask(ring: Ring, plan: Plan, seed: bytes) -> Elements:
    """What a party adds alone (Bonawitz et al. 2017, section 4.0.2: against a coordinator that says it dropped).

    Args:
        ring: of the sum.
        plan: of the sum, to whose digest the mask is bound.
        seed: 32 bytes, the party's seed of this mask.

    Returns:
        [P] elements.
    """
    return ring.mask(derived(seed, b"self mask", plan.digest), plan.terms.length)


def pair_masks(ring: Ring, plan: Plan, setup: Setup, own_number: int, private: bytes) -> Elements:
    """The sum of a party's masks with its neighbours among the members.

    Args:
        ring: of the sum.
        plan: of the sum, to whose digest masks are bound.
        setup: with the neighbours and their public keys.
        own_number: the party's number in the roster.
        private: 32 bytes, the party's mask key for this sum.

    Returns:
        [P] elements.
    """
    others = [other for other in setup.neighbours[own_number] if other in set(plan.members)]
    total, key = np.zeros(plan.terms.length, ring.dtype), private_key(private)
    for other in others:
        add_pair_mask(total, ring, plan, setup, (own_number, other), key)
    return total


def add_pair_mask(
    total: Elements, ring: Ring, plan: Plan, setup: Setup, pair: tuple[int, int], private: X25519PrivateKey
) -> None:
    """Add to ``total`` [P] what the first of a pair adds for the second: the other adds its negative.

    Args:
        total: changed in place.
        ring: of the sum.
        plan: of the sum, to whose digest masks are bound.
        setup: with the second's public key.
        pair: numbers of both.
        private: the first's mask key for this sum.
    """
    first, second = pair
    secret = agreed(private, setup.book.adverts[second].sums[plan.number].mask)
    both = min(pair).to_bytes(2, "little") + max(pair).to_bytes(2, "little")
    mask = ring.mask(derived(secret, b"pair mask", plan.digest + both), plan.terms.length)
    if first < second:
        np.add(total, mask, out=total)
    else:
        np.subtract(total, mask, out=total)
