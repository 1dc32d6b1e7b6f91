"""Secure sums: every byte that the coordinator sees is as likely as any other, but for public fields."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

from shared.errors import WireError
from shared.secure_sum import party as party_module
from shared.secure_sum.apart import SetHistory
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.masks import add_pair_mask, self_mask
from shared.secure_sum.ring import Elements, Ring
from shared.secure_sum.setup_messages import Advert, Parcels
from shared.secure_sum.shamir import Recovery
from shared.secure_sum.streams import private_key
from shared.secure_sum.sum_messages import Masked, Plan, Shares
from shared.secure_sum.terms import Noise, SetupTerms, SumTerms
from tests.secure_sum_world import SumWorld, sum_world

LENGTH = 4000
WIDTHS = {16: 2**10, 24: 2**20, 32: 2**26, 48: 2**42}
"""bits of the ring to the most cells of terms that need it"""


def terms(bits: int = 16) -> SumTerms:
    return SumTerms(length=LENGTH, exponent=-10, most=WIDTHS[bits])


def uniform(content: bytes | np.ndarray) -> float:
    """The p of the chi-square test that all values of a byte are equally likely."""
    found = np.frombuffer(content, np.uint8) if isinstance(content, bytes) else content
    return float(chisquare(np.bincount(found, minlength=256)).pvalue)


def of_stage(world: SumWorld, stage: str) -> dict[str, bytes]:
    return {sent.party: sent.answer for sent in world.sent if sent.stage == stage}


def vectors(world: SumWorld, plan: Plan) -> dict[str, Elements]:
    """Masked vectors as they came."""
    ring = FixedPoint.of(plan.terms, len(world.parties)).ring
    answers = of_stage(world, "mask").items()
    size = LENGTH * ring.width
    return {name: ring.unpacked(Masked.from_bytes(answer, size).vector) for name, answer in answers}


def summed(bits: int = 16, sums: int = 1, drop: tuple[str, ...] = ()) -> tuple[SumWorld, Plan]:
    """Five parties whose vectors are all zero, so that whatever is not uniform is no accident of the values."""
    world = sum_world(5, SetupTerms(sums=sums), length=LENGTH)
    world.values = dict.fromkeys(world.parties, np.zeros(LENGTH))
    world.until({"ready"})
    world.coordinator.begin(terms(bits))
    plan = world.coordinator._state.plan
    assert plan is not None
    world.until({"ready"}, drops={"agree": drop, "open": drop, "mask": drop})
    return world, plan


@pytest.mark.parametrize("bits", WIDTHS)
def test_masked_vectors_are_uniform_in_every_byte_of_an_element(bits: int) -> None:
    world, _ = summed(bits)
    width = bits // 8
    for answer in of_stage(world, "mask").values():
        vector = np.frombuffer(Masked.from_bytes(answer, LENGTH * width).vector, np.uint8).reshape(LENGTH, width)
        assert min(uniform(vector[:, place]) for place in range(width)) > 1e-4


def test_vectors_without_masks_are_not(monkeypatch) -> None:
    """The tests here can fail: so much tells the same test of vectors that are all alike."""
    zero = Ring(16).elements(np.zeros(LENGTH, np.int64))
    monkeypatch.setattr(party_module, "self_mask", lambda *_: zero.copy())
    monkeypatch.setattr(party_module, "pair_masks", lambda *_: zero.copy())
    world = sum_world(5, length=LENGTH)
    world.until({"ready"})
    world.coordinator.begin(terms())
    answer = world.answer("shop000", world.coordinator.outgoing()["shop000"])
    assert uniform(Masked.from_bytes(answer, 2 * LENGTH).vector) < 1e-100


def test_no_sum_of_some_of_the_vectors_is_other_than_uniform() -> None:
    """All sums of one to four of five, and all differences of two: self-masks stand on each."""
    world, plan = summed()
    found = list(vectors(world, plan).values())
    some = [sum(one for place, one in enumerate(found) if subset >> place & 1) for subset in range(1, 32)]
    pairs = [first - second for first in found for second in found if first is not second]
    ps = [uniform(np.asarray(one).astype("<u2").tobytes()) for one in (*some, *pairs)]
    assert min(ps) > 1e-5
    assert np.mean(ps) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("noised", [False, True])
def test_parcels_commitments_and_shares_are_uniform(noised: bool) -> None:
    """But for the last byte of a share, which is 0 but for once in 2^247, and of an X25519 key, with its free bit."""
    world = sum_world(12, SetupTerms(sums=8, noised=noised), length=9)
    for _ in range(8):
        world.sum(replace(terms(), length=9, noise=Noise(spread=0.5) if noised else None))
    request = world.coordinator._state.request
    parcels = [Parcels.from_bytes(one, request.parcel).sealed.values() for one in of_stage(world, "shares").values()]
    assert uniform(b"".join(one for listed in parcels for one in listed)) > 1e-4
    adverts = [Advert.from_bytes(answer) for answer in of_stage(world, "keys").values()]
    assert uniform(b"".join(c for one in adverts for keys in one.sums for c in keys.commitments)) > 1e-4
    assert uniform(b"".join(keys.mask[:31] for one in adverts for keys in one.sums)) > 1e-4
    given = [Shares.from_bytes(sent.answer) for sent in world.sent if sent.stage == "open"]
    shares = [share for one in given for own in one.owners.values() for share in (own.self_mask, own.surplus) if share]
    assert uniform(b"".join(share[:32] for share in shares)) > 1e-4


def test_nothing_but_the_listed_fields_is_in_an_answer() -> None:
    """Lengths: digest, vector, signature; a signature; shares."""
    world, _ = summed()
    assert {len(one) for one in of_stage(world, "mask").values()} == {32 + 2 * LENGTH + 64}
    assert {len(one) for one in of_stage(world, "agree").values()} == {64}
    assert {len(one) for one in of_stage(world, "open").values()} == {32 + 2 + 5 * (2 + 1 + 33) + 64}


def opened_vector(world: SumWorld, plan: Plan, of: str, self_seed: bytes, mask_key: bytes) -> Elements:
    """What a coordinator that has these two secrets of a party finds under its masks."""
    setup, ring = world.coordinator._checked_setup(), FixedPoint.of(plan.terms, len(world.parties)).ring
    number = setup.request.roster.places[of]
    found = vectors(world, plan)[of] - self_mask(ring, plan, self_seed)
    for other in setup.neighbours[number]:
        pairs = np.zeros(LENGTH, ring.dtype)
        add_pair_mask(pairs, ring, plan, setup, (number, other), private_key(mask_key))
        found = found - pairs
    return found


def test_who_drops_in_the_second_sum_has_their_vector_of_the_first_closed_still(monkeypatch) -> None:
    """Why mask keys are per sum: with one key for both, the two secrets that are opened would open the first vector."""
    monkeypatch.setattr(SetHistory, "require_apart", lambda *_: None)
    world, plan = summed(sums=2)
    secrets = world.parties["shop004"]._state.secrets
    first_seeds = self_seed_of_first_sum(world)
    world.sent = [sent for sent in world.sent if sent.stage == "mask"]
    keep = list(world.sent)
    world.coordinator.begin(terms())
    world.until({"ready"}, drops={"mask": ["shop004"]})
    revealed = revealed_mask_key(world)
    assert secrets is not None
    assert revealed == secrets.sums[1].mask
    world.sent = keep
    assert uniform(opened_vector(world, plan, "shop004", first_seeds, revealed).tobytes()) > 1e-4


def test_the_key_of_the_same_sum_would_open_it() -> None:
    """The test above can fail."""
    world = sum_world(5, length=LENGTH)
    world.values = dict.fromkeys(world.parties, np.zeros(LENGTH))
    world.until({"ready"})
    secrets = world.parties["shop004"]._state.secrets
    world.coordinator.begin(terms())
    plan = world.coordinator._state.plan
    world.until({"ready"})
    assert plan is not None
    assert secrets is not None
    found = opened_vector(world, plan, "shop004", secrets.sums[0].self_mask, secrets.sums[0].mask)
    assert not found.any()


def self_seed_of_first_sum(world: SumWorld) -> bytes:
    """Of shop004, from the shares that the coordinator was given."""
    given = {
        world.coordinator._state.request.roster.places[name] + 1: Shares.from_bytes(answer).owners[4].self_mask
        for name, answer in of_stage(world, "open").items()
    }
    return Recovery(4).secret(given, lambda _: True)[0]


def revealed_mask_key(world: SumWorld) -> bytes:
    """Of shop004, who dropped out of the sum."""
    given = {
        world.coordinator._state.request.roster.places[name] + 1: Shares.from_bytes(answer).owners[4].mask
        for name, answer in of_stage(world, "open").items()
    }
    return Recovery(4).secret(given, lambda _: True)[0]


def test_fewer_shares_than_the_threshold_open_no_secret() -> None:
    world, _ = summed()
    given = Shares.from_bytes(of_stage(world, "open")["shop000"]).owners[4].self_mask
    with pytest.raises(WireError, match="expected 4 shares of a secret; found 1"):
        Recovery(4).secret({1: given}, lambda _: True)
