"""Secure sums: corrupted shares and parcels, and one drop-out in each stage."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.errors import SumFailed
from shared.secure_sum.setup_messages import PARCELS, Parcels
from shared.secure_sum.shamir import Recovery
from shared.secure_sum.signing import signature
from shared.secure_sum.sum_messages import SHARES, OwnerShares, Shares
from tests.secure_sum_world import SumWorld, Tamper, names, signing_key, sum_world

Change = Callable[[Shares], Shares]


def wrong(share: bytes) -> bytes:
    """Another share, where there is one."""
    return bytes(one ^ 85 for one in share[:-1]) + b"\x00" if share else b""


def corrupted(found: Shares) -> Shares:
    """All shares that a party gives are others."""
    return replace(
        found,
        owners={
            owner: replace(one, self_mask=wrong(one.self_mask), mask=wrong(one.mask))
            for owner, one in found.owners.items()
        },
    )


def withheld(found: Shares) -> Shares:
    """None but for its own secret."""
    return replace(found, owners=dict(list(found.owners.items())[:1]))


def bad_parties(world: SumWorld, parties: list[str], change: Change) -> None:
    """They sign what they change."""

    def up(stage: str, party: str, answer: bytes) -> bytes:
        if stage != "open" or party not in parties:
            return answer
        changed = change(Shares.from_bytes(answer))
        setup = world.coordinator._checked_setup().digest
        signed = signature(signing_key(party), party, SHARES, setup, changed.body)
        return replace(changed, signature=signed).to_bytes()

    world.up = up


@pytest.mark.parametrize("drop", [[], ["shop003"]], ids=["nobody drops", "a party drops"])
def test_a_party_that_gives_wrong_shares_changes_nothing_and_is_named(drop: list[str]) -> None:
    world = sum_world(7)
    bad_parties(world, ["shop001"], corrupted)
    result = world.sum(drops={"mask": drop})
    assert result.cells.tolist() == world.plain(result).tolist()
    assert result.beside == ("shop001",)


def test_wrong_shares_where_none_are_to_spare_end_the_sum(monkeypatch) -> None:
    """Without the owner's commitment the sum would be wrong, and nobody would know."""
    world = sum_world(3)
    bad_parties(world, ["shop001"], corrupted)
    with pytest.raises(SumFailed, match="a sum cannot be opened: of shop000, 3 shares of a secret give none that its"):
        world.sum()
    assert world.coordinator.result is None
    blind = Recovery.secret
    monkeypatch.setattr(Recovery, "secret", lambda self, shares, _: blind(self, shares, lambda _: True))
    unnoticed = sum_world(3)
    bad_parties(unnoticed, ["shop001"], corrupted)
    result = unnoticed.sum()
    assert result.cells.tolist() != unnoticed.plain(result).tolist()


def test_a_party_that_withholds_shares_changes_nothing_where_enough_are_left() -> None:
    world = sum_world(7)
    bad_parties(world, ["shop000"], withheld)
    result = world.sum()
    assert result.cells.tolist() == world.plain(result).tolist()


def test_too_few_shares_of_one_secret_end_the_sum() -> None:
    world = sum_world(7)
    bad_parties(world, names(7)[4:], lambda found: replace(found, owners={}))
    with pytest.raises(SumFailed, match="of shop000, expected 5 shares of a secret; found 4"):
        world.sum()


def of_the_other_kind(found: Shares) -> Shares:
    """Of a survivor's mask key in place of its self-mask."""
    return replace(found, owners={owner: OwnerShares(mask=one.self_mask) for owner, one in found.owners.items()})


def of_a_stranger(found: Shares) -> Shares:
    return replace(found, owners={**found.owners, 9: OwnerShares(self_mask=b"\x01" * 33)})


@pytest.mark.parametrize("change", [of_the_other_kind, of_a_stranger])
def test_shares_that_nobody_asked_for_are_dropped(change: Change) -> None:
    world = sum_world(7)
    bad_parties(world, ["shop001"], change)
    result = world.sum()
    assert result.cells.tolist() == world.plain(result).tolist()
    assert world.refused == ["expected shares of shop001 of its neighbours' secrets; found others"]


def without_one(sealed: dict[int, bytes]) -> dict[int, bytes]:
    return dict(list(sealed.items())[1:])


def test_a_party_that_leaves_a_neighbour_out_is_no_member() -> None:
    world = sum_world(7)
    world.up = with_parcels(world, without_one)
    assert "shop001" not in world.sum().survivors
    assert world.refused[0] == "expected a parcel for each neighbour of shop001; found others"


def spoiled(sealed: dict[int, bytes]) -> dict[int, bytes]:
    return {receiver: parcel[:-1] + bytes([parcel[-1] ^ 1]) for receiver, parcel in sealed.items()}


def swapped(sealed: dict[int, bytes]) -> dict[int, bytes]:
    """Each parcel for the next receiver."""
    return dict(zip(sealed, [*list(sealed.values())[1:], next(iter(sealed.values()))], strict=True))


def with_parcels(world: SumWorld, change: Callable[[dict[int, bytes]], dict[int, bytes]]) -> Tamper:
    """What shop001 sends in place of its parcels."""

    def up(stage: str, party: str, answer: bytes) -> bytes:
        if (stage, party) != ("shares", "shop001"):
            return answer
        request, setup = world.coordinator._state.request, world.coordinator._checked_setup().digest
        sent = Parcels(change(Parcels.from_bytes(answer, request.parcel).sealed))
        return replace(sent, signature=signature(signing_key(party), party, PARCELS, setup, sent.body)).to_bytes()

    return up


@pytest.mark.parametrize("change", [spoiled, swapped])
def test_a_party_whose_parcels_cannot_be_opened_is_named_where_the_sum_ends(change) -> None:
    """Nobody holds shares of it but itself: fewer than its secret needs."""
    world = sum_world(7)
    world.up = with_parcels(world, change)
    with pytest.raises(SumFailed, match="of shop001, expected 5 shares of a secret; found 1"):
        world.sum()


@pytest.mark.parametrize("stage", ["keys", "shares", "mask", "agree", "open"])
@pytest.mark.parametrize("for_good", [True, False], ids=["for good", "for one stage"])
def test_one_drop_out_in_a_stage_leaves_the_sum_of_those_whose_vectors_came(stage: str, for_good: bool) -> None:
    stages = ["keys", "shares", "mask", "agree", "open"]
    gone = stages[stages.index(stage) :] if for_good else [stage]
    world = sum_world(7)
    result = world.sum(drops={one: ["shop002"] for one in gone})
    assert ("shop002" in result.survivors) == (stage in ("agree", "open"))
    assert result.cells.tolist() == world.plain(result).tolist()
    assert world.refused == []
