"""How long a party's answer to a message is, from the message and the party's state alone: not even that is free."""

from shared.errors import SumRefused, WireError
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.party_state import PartyState
from shared.secure_sum.setup import Setup
from shared.secure_sum.setup_messages import BOOK, SETUP, Advert, KeyBook, Parcels, SetupRequest, SumKeys
from shared.secure_sum.shamir import SHARE
from shared.secure_sum.signing import SIGNATURE
from shared.secure_sum.streams import KEY, digest
from shared.secure_sum.sum_messages import AGREE, MASK, OPEN, Masked, MaskRequest, OpenRequest, OwnerShares, Shares

_KEY, _SHARE, _SIGNED = bytes(KEY), bytes(SHARE), bytes(SIGNATURE)


def answer_size(state: bytes, party: str, message: bytes) -> int:
    """Bytes of the answer that this party gives to this message, if it gives one.

    Args:
        state: what ``PartySide.to_bytes`` gave before the message came; empty before the first.
        party: its name.
        message: of the coordinator.

    Returns:
        How many bytes.

    Raises:
        WireError: if the message is none of a secure sum, or does not fit.
        SumRefused: if this party cannot be asked it, as where it is of another set-up or sum than the one under way.
    """
    known = PartyState.from_bytes(state) if state else PartyState()
    if known.asked == digest(b"asked", message):
        return len(known.answer)
    kind = message[0] if message else 0
    if kind == SETUP:
        return _advert(SetupRequest.from_bytes(message))
    if kind == BOOK:
        return _parcels(known, party, KeyBook.from_bytes(message))
    if kind == MASK:
        plan = MaskRequest.from_bytes(message).plan
        fixed = FixedPoint.of(plan.terms, len(known.setup(plan.setup).request.roster))
        return len(Masked(_KEY, bytes(fixed.size), _SIGNED).to_bytes())
    if kind == AGREE:
        return SIGNATURE
    if kind == OPEN:
        return _shares(known, OpenRequest.from_bytes(message))
    raise WireError(f"expected a message of kind {SETUP} to {OPEN} of a secure sum; found kind {kind}")


def _advert(request: SetupRequest) -> int:
    keys = SumKeys(_KEY, (_KEY,) * (request.secrets - 1))
    return len(Advert(_KEY, (keys,) * request.terms.sums, _SIGNED).to_bytes())


def _parcels(state: PartyState, party: str, book: KeyBook) -> int:
    if state.request is None:
        raise SumRefused("expected one book of keys after each request for keys; found one more")
    setup, own_number = Setup.checked(state.request, book), state.request.roster.places.get(party, -1)
    parcel = bytes(state.request.parcel)
    return len(Parcels(dict.fromkeys(setup.neighbours.get(own_number, ()), parcel), _SIGNED).to_bytes())


def _shares(state: PartyState, request: OpenRequest) -> int:
    plan, setup, _ = state.of_sum(request.plan)
    parties, secrets = len(setup.request.roster), setup.request.secrets
    noise = FixedPoint.of(plan.terms, parties).noise
    has_surplus = noise is not None and noise.level(parties - len(state.survivors)) + 2 < secrets
    survivor = OwnerShares(self_mask=_SHARE, surplus=_SHARE if has_surplus else b"")
    owners = sorted(set(state.held) & set(plan.members))
    owner_shares = {owner: survivor if owner in state.survivors else OwnerShares(mask=_SHARE) for owner in owners}
    return len(Shares(_KEY, owner_shares, _SIGNED).to_bytes())
