"""One party: takes the coordinator's messages, gives its answers; no files, no network, no clock.

A set-up has two exchanges, a sum three (Bonawitz et al. 2017, figure 4, with its consistency check):
1. keys: it advertises an encryption key, and for each sum a mask key and commitments, signed.
2. shares: it seals for each neighbour the shares of its secrets.
3. mask: it sends its vector under its own mask and those with its neighbours. A sum's number is used once.
4. agree: it signs the set of those whose vectors came; one set a sum.
5. open: where more than two thirds of the roster signed the set that it signed itself, it gives its shares: of a
   survivor's self-mask seed, of a drop-out's mask key, never both of one party.
"""

import os
from collections.abc import Callable
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import ConfigError, SumRefused, WireError
from shared.privacy.gaussian_draws import Draw
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.masks import pair_masks, self_mask
from shared.secure_sum.own_secrets import OwnSecrets, Sealing, dealt, share_at
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.party_state import PartyState
from shared.secure_sum.scheme import Contribution, PartySide
from shared.secure_sum.setup import Setup
from shared.secure_sum.setup_messages import ADVERT, BOOK, PARCELS, SETUP, KeyBook, Parcels, SetupRequest
from shared.secure_sum.signing import require_signature, signature
from shared.secure_sum.streams import digest
from shared.secure_sum.sum_messages import (
    AGREE,
    AGREEMENT,
    MASK,
    MASKED,
    OPEN,
    SHARES,
    Masked,
    MaskRequest,
    OpenRequest,
    OwnerShares,
    Plan,
    Shares,
    Survivors,
)
from shared.secure_sum.terms import SumTerms

Step = tuple[PartyState, bytes]
"""The state after a message, and the answer"""


class Party(PartySide):
    """See above."""

    def __init__(
        self, name: str, key: Ed25519PrivateKey, policy: PartyPolicy, state: bytes = b"", draw: Draw = os.urandom
    ) -> None:
        """Where a party begins, or goes on.

        Args:
            name: its enrolled name.
            key: signs what it sends; the others know its public half.
            policy: what it asks of every sum.
            state: what ``to_bytes`` gave; empty: it takes part for the first time.
            draw: the source of its secrets.

        Raises:
            WireError: if the bytes are no state.
        """
        self._name, self._key, self._policy, self._draw = name, key, policy, draw
        self._state = PartyState.from_bytes(state) if state else PartyState()

    def answer(self, message: bytes, contribution: Contribution) -> bytes:
        """The answer to a message of the coordinator; a message that is refused leaves the state as it was.

        See ``PartySide``.

        Args:
            message: as it came.
            contribution: asked for the vector, where the message asks for one.

        Returns:
            The answer; the same bytes where the message comes again.

        Raises:
            WireError: if the bytes are no message.
            SumRefused: if this party does not take the step.
        """
        message_digest = digest(b"asked", message)
        if message_digest != self._state.asked:
            state, answer = self._step(message, contribution)
            self._state = replace(state, asked=message_digest, answer=answer)
        return self._state.answer

    def to_bytes(self) -> bytes:
        """See ``PartySide``."""
        return self._state.to_bytes()

    @property
    def parties(self) -> tuple[str, ...]:
        """Names of all who were asked in the set-up under way; empty before the first."""
        request = self._state.request
        return tuple(member.party for member in request.roster.members) if request else ()

    def _step(self, message: bytes, contribution: Contribution) -> Step:
        steps: dict[int, Callable[[], Step]] = {
            SETUP: lambda: self._advertise(SetupRequest.from_bytes(message)),
            BOOK: lambda: self._share(KeyBook.from_bytes(message)),
            MASK: lambda: self._mask(MaskRequest.from_bytes(message), contribution),
            AGREE: lambda: self._agree(Survivors.from_bytes(message)),
            OPEN: lambda: self._open(OpenRequest.from_bytes(message)),
        }
        kind = message[0] if message else 0
        if kind not in steps:
            raise WireError(f"expected a message of kind {SETUP} to {OPEN} of a secure sum; found kind {kind}")
        return steps[kind]()

    def _advertise(self, request: SetupRequest) -> Step:
        """New keys for a new set-up; the one before, if any, cannot go on."""
        self._policy.require_known(request.roster)
        self._policy.require_enough(range(len(request.roster)), "a roster")
        self._own(request)
        if self._state.request is not None and self._state.request.digest == request.digest:
            raise SumRefused("expected one request for keys a set-up; found it again after keys were given")
        secrets = OwnSecrets.drawn(request.terms.sums, self._draw)
        advert = secrets.advert(request)
        advert = replace(advert, signature=self._signature(ADVERT, request.digest, advert.body))
        return PartyState(request=request, secrets=secrets, history=self._state.history), advert.to_bytes()

    def _share(self, book: KeyBook) -> Step:
        """Shares for its neighbours among those who advertised; a set-up has one book of keys."""
        request, secrets = self._state.request, self._state.secrets
        if request is None or secrets is None or self._state.book is not None:
            raise SumRefused("expected one book of keys after each request for keys; found one more")
        setup, own_number = Setup.checked(request, book), self._own(request)
        self._policy.require_enough(book.adverts, "those who advertised keys", setup)
        if own_number not in book.adverts or book.adverts[own_number].body != secrets.advert(request).body:
            raise SumRefused("expected the keys that this party advertised; found none of it, or others")
        if not request.terms.noised:
            self._state.history.require_apart(self._prints(setup, setup.parties), self._policy.least_parties)
        shares, sealing = dealt(setup, own_number, secrets, self._draw), Sealing(setup, own_number, secrets)
        parcels = Parcels(
            {neighbour: sealing.sealed(neighbour, shares[neighbour]) for neighbour in setup.neighbours[own_number]}
        )
        parcels = replace(parcels, signature=self._signature(PARCELS, setup.digest, parcels.body))
        return replace(self._state, book=book, held={own_number: shares[own_number]}), parcels.to_bytes()

    def _mask(self, request: MaskRequest, contribution: Contribution) -> Step:
        """The masked vector; with the first sum of a set-up, what the neighbours sealed."""
        plan, setup = request.plan, self._state.setup(request.plan.setup)
        state = self._with_members(request, setup)
        if not state.next_sum <= plan.number < setup.request.terms.sums:
            expected = f"a sum's number of {state.next_sum} to {setup.request.terms.sums - 1}, each once"
            raise SumRefused(f"expected {expected}; found {plan.number}")
        fixed = self._fixed_point(plan.terms, setup)
        cells = fixed.cells(contribution(plan.terms))
        state = state.without_sums(below=plan.number)
        if state.secrets is None:
            raise SumRefused("expected a set-up before a sum; found none under way")
        secrets, own_number = state.secrets.sums[plan.number], self._own(setup.request)
        if fixed.noise is not None:
            cells = cells + fixed.noise.whole(plan.terms.length, secrets.noise, self._draw)
        masked = fixed.ring.elements(cells) + self_mask(fixed.ring, plan, secrets.self_mask)
        masked += pair_masks(fixed.ring, plan, setup, own_number, secrets.mask)
        answer = Masked(plan.digest, fixed.ring.packed(masked))
        answer = replace(answer, signature=self._signature(MASKED, setup.digest, answer.body))
        return replace(state, plan=plan, survivors=(), next_sum=plan.number + 1), answer.to_bytes()

    def _agree(self, survivors: Survivors) -> Step:
        """Its signature over the set of survivors."""
        plan, setup, _ = self._state.of_sum(survivors.plan)
        if self._state.survivors:
            raise SumRefused("expected one set of survivors a sum; found another")
        own_number = self._own(setup.request)
        if own_number not in survivors.members or not set(survivors.members) <= set(plan.members):
            raise SumRefused("expected survivors among the sum's members, this party one of them; found others")
        self._policy.require_enough(survivors.members, "the survivors", setup)
        state, prints = replace(self._state, survivors=survivors.members), self._prints(setup, survivors.members)
        if self._policy.is_bare(plan.terms):
            state.history.require_apart(prints, self._policy.least_parties)
            state = replace(state, history=state.history.with_set(prints))
        return state, self._signature(AGREEMENT, setup.digest, survivors.body)

    def _open(self, request: OpenRequest) -> Step:
        """Its shares; then it forgets what it held for the sum."""
        plan, setup, _ = self._state.of_sum(request.plan)
        survivors = self._state.survivors
        signed = Survivors(plan.digest, survivors).body
        signers = [number for number in request.signatures if number in survivors]
        if len(signers) < setup.quorum:
            expected = f"signatures of at least {setup.quorum} survivors over the set that this party signed"
            raise SumRefused(f"expected {expected}; found {len(signers)}")
        for number in signers[: setup.quorum]:
            require_signature(setup.member(number), AGREEMENT, setup.digest, signed, request.signatures[number])
        answer = Shares(plan.digest, self._given(plan, setup))
        answer = replace(answer, signature=self._signature(SHARES, setup.digest, answer.body))
        done = replace(self._state.without_sums(below=plan.number + 1), plan=None, survivors=())
        return done, answer.to_bytes()

    def _given(self, plan: Plan, setup: Setup) -> dict[int, OwnerShares]:
        """Shares by owner, of one kind for each."""
        noise, survivors = self._fixed_point(plan.terms, setup).noise, self._state.survivors
        missing = len(setup.request.roster) - len(survivors)
        surplus = noise.level(missing) + 2 if noise is not None else setup.request.secrets
        owner_shares = {}
        for owner in sorted(set(self._state.held) & set(plan.members)):
            shares = self._state.held[owner]
            if owner in survivors:
                of_noise = share_at(setup, shares, plan.number, surplus) if surplus < setup.request.secrets else b""
                owner_shares[owner] = OwnerShares(share_at(setup, shares, plan.number, 1), of_noise)
            else:
                owner_shares[owner] = OwnerShares(mask=share_at(setup, shares, plan.number, 0))
        return owner_shares

    def _with_members(self, request: MaskRequest, setup: Setup) -> PartyState:
        """The state with the set-up's members, and with the shares that the neighbours among them sealed."""
        state, members = self._state, request.plan.members
        own_number = self._own(setup.request)
        if own_number not in members or not set(members) <= set(setup.parties):
            raise SumRefused("expected members among those who advertised keys, this party one of them; found others")
        self._policy.require_enough(members, "the members of a sum", setup)
        if state.members and state.members != members:
            raise SumRefused("expected the members of the set-up's first sum; found others")
        if state.members or state.secrets is None:
            return state
        sealing, size, held = Sealing(setup, own_number, state.secrets), setup.request.parcel, dict(state.held)
        for other in sorted(set(setup.neighbours[own_number]) & set(members) & set(request.parcels)):
            shares = sealing.opened(other, request.parcels[other])
            if shares is not None and len(request.parcels[other]) == size:
                held[other] = shares
        return replace(state, members=members, held=dict(sorted(held.items())))

    def _fixed_point(self, terms: SumTerms, setup: Setup) -> FixedPoint:
        if terms.noise is not None and not setup.request.terms.noised:
            raise SumRefused("expected a sum without noise, since the set-up shared no seeds of it; found one with it")
        try:
            return FixedPoint.of(terms, len(setup.request.roster))
        except ConfigError as error:
            raise SumRefused(str(error)) from error

    def _own(self, request: SetupRequest) -> int:
        """Its number; raises SumRefused where the roster lacks it."""
        member = request.roster.places.get(self._name)
        if member is None or request.roster.members[member].key != self._key.public_key().public_bytes_raw():
            raise SumRefused(f"expected {self._name} with its own key in a roster; found it missing, or another key")
        return member

    def _prints(self, setup: Setup, numbers: tuple[int, ...]) -> frozenset[bytes]:
        return setup.request.roster.fingerprints(numbers)

    def _signature(self, kind: bytes, setup: bytes, body: bytes) -> bytes:
        return signature(self._key, self._name, kind, setup, body)
