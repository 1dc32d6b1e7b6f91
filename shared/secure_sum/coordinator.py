"""The coordinator: gives messages, takes answers, ends a stage when it is told; deadlines stand outside.

It learns the sum of the vectors that came before the stage's end. Whoever does not answer a stage is left out of what
follows; where fewer are left than more than two thirds of the roster, or than hold enough shares of each secret, the
sum fails, and the next has the next number.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from shared.errors import ConfigError, SumFailed, WireError
from shared.secure_sum.coordinator_state import Answers, CoordinatorState
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.opening import Opening
from shared.secure_sum.quorum import quorum
from shared.secure_sum.roster import Roster
from shared.secure_sum.scheme import CoordinatorSide, SumResult
from shared.secure_sum.setup import Setup, require_advert
from shared.secure_sum.setup_messages import PARCELS, Advert, KeyBook, Parcels, SetupRequest
from shared.secure_sum.signing import SIGNATURE, require_signature
from shared.secure_sum.streams import digest
from shared.secure_sum.sum_messages import (
    AGREEMENT,
    MASKED,
    SHARES,
    Masked,
    MaskRequest,
    OpenRequest,
    Plan,
    Shares,
    Survivors,
)
from shared.secure_sum.terms import SetupTerms, SumTerms


class Coordinator(CoordinatorSide):
    """See above."""

    def __init__(self, state: CoordinatorState) -> None:
        self._state = state
        self._setup = None if state.stage in {"keys", "over"} else Setup.known(state.request, _book(state))
        self._result: SumResult | None = None

    @classmethod
    def of(cls, roster: Roster, terms: SetupTerms, nonce: bytes) -> "Coordinator":
        """At the beginning of a set-up.

        Args:
            roster: who is asked.
            terms: of the set-up.
            nonce: 32 bytes that no set-up had before.

        Returns:
            The coordinator.
        """
        return cls(CoordinatorState(request=SetupRequest(nonce, terms, roster)))

    @classmethod
    def from_bytes(cls, state: bytes) -> "Coordinator":
        """Where another one was; raises WireError for bytes that are no state."""
        return cls(CoordinatorState.from_bytes(state))

    def to_bytes(self) -> bytes:
        """See ``CoordinatorSide``."""
        return self._state.to_bytes()

    @property
    def stage(self) -> str:
        """For those who watch: keys, shares, ready, mask, agree, open, or over."""
        return self._state.stage

    @property
    def parties(self) -> tuple[str, ...]:
        """All that are asked for keys of the set-up."""
        return tuple(member.party for member in self._state.request.roster.members)

    @property
    def is_bare(self) -> bool:
        """Whether the sum under way bears no noise."""
        return self._state.plan is not None and self._state.plan.terms.noise is None

    @property
    def sums_left(self) -> int:
        """How many sums can be begun before the next set-up."""
        return 0 if self.stage == "over" else self._state.request.terms.sums - self._state.next_sum

    @property
    def terms(self) -> SetupTerms:
        """Of the set-up."""
        return self._state.request.terms

    @property
    def neighbours(self) -> int:
        """With how many others a party masks, once keys are known."""
        return self._checked_setup().degree.neighbours

    @property
    def result(self) -> SumResult | None:
        """See ``CoordinatorSide``."""
        return self._result

    @property
    def missing(self) -> tuple[str, ...]:
        """See ``CoordinatorSide``."""
        return tuple(self._name(number) for number in self._asked() if number not in self._answers())

    def begin(self, terms: SumTerms) -> None:
        """Begin a sum, once nothing is outgoing. See ``CoordinatorSide``.

        Args:
            terms: of the sum.

        Raises:
            ConfigError: if the set-up is not ready, has no sum left, or the terms cannot be.
        """
        state, setup = self._state, self._setup
        if state.stage != "ready" or setup is None:
            raise ConfigError(f"a sum: expected a set-up with no sum under way; found the stage {state.stage}")
        if not self.sums_left:
            raise ConfigError(f"a sum: expected one of {state.request.terms.sums} of the set-up; all were begun")
        if terms.noise is not None and not state.request.terms.noised:
            raise ConfigError("a sum: expected no noise, since the set-up shared no seeds of it; got terms with noise")
        fixed = FixedPoint.of(terms, len(state.request.roster))
        plan = Plan(setup.digest, state.next_sum, state.members, terms)
        zero = np.zeros(terms.length, fixed.ring.dtype)
        cleared = replace(state, masked={}, agreements={}, shares={}, total=zero.tobytes())
        self._state = replace(cleared, stage="mask", plan=plan, next_sum=state.next_sum + 1)
        self._result = None

    def outgoing(self) -> Mapping[str, bytes]:
        """See ``CoordinatorSide``."""
        waiting = [number for number in self._asked() if number not in self._answers()]
        return {self._name(number): message for number, message in self._messages(waiting).items()}

    def take(self, party: str, message: bytes) -> None:
        """Take a party's answer; the same once more changes nothing. See ``CoordinatorSide``.

        Args:
            party: name of the one that sent it.
            message: as it came.

        Raises:
            WireError: if the party was not asked in this stage, gave another answer before, or this one does not fit.
        """
        number = self._state.request.roster.places.get(party, -1)
        takes: dict[str, Callable[[int, bytes], None]] = {
            "keys": self._take_advert,
            "shares": self._take_parcels,
            "mask": self._take_masked,
            "agree": self._take_agreement,
            "open": self._take_shares,
        }
        if number not in self._asked() or self.stage not in takes:
            raise WireError(f"expected answers of those who were asked in the stage {self.stage}; found one of others")
        known = self._answers().get(number)
        if known is None:
            takes[self.stage](number, message)
        elif known not in (message, digest(b"masked", message)):
            raise WireError(f"expected one answer of {party} in the stage {self.stage}; found another")

    def close(self) -> None:
        """See ``CoordinatorSide``."""
        ends = {
            "keys": self._end_keys,
            "shares": self._end_shares,
            "mask": self._end_mask,
            "agree": self._end_agree,
            "open": self._end_open,
        }
        if self.stage in ends:
            ends[self.stage]()

    def _asked(self) -> tuple[int, ...]:
        state = self._state
        by_stage: dict[str, tuple[int, ...]] = {
            "keys": tuple(range(len(state.request.roster))),
            "shares": tuple(sorted(state.adverts)),
            "mask": state.members,
            "agree": tuple(sorted(state.masked)),
            "open": tuple(sorted(state.agreements)),
        }
        return by_stage.get(self.stage, ())

    def _answers(self) -> Answers:
        state = self._state
        answers = {"keys": state.adverts, "shares": state.parcels, "mask": state.masked}
        answers |= {"agree": state.agreements, "open": state.shares}
        return answers.get(self.stage, {})

    def _messages(self, waiting: list[int]) -> dict[int, bytes]:
        """What each of them is asked; the same for all but for parcels."""
        if self.stage == "mask":
            return {number: self._mask_request(number).to_bytes() for number in waiting}
        return dict.fromkeys(waiting, self._message()) if waiting else {}

    def _message(self) -> bytes:
        """What everybody who is asked gets in this stage."""
        if self.stage == "keys":
            return self._state.request.to_bytes()
        if self.stage == "shares":
            return self._checked_setup().book.to_bytes()
        if self.stage == "agree":
            return self._survivors().to_bytes()
        return OpenRequest(self._plan().digest, dict(sorted(self._state.agreements.items()))).to_bytes()

    def _mask_request(self, number: int) -> MaskRequest:
        if number in self._state.delivered:
            return MaskRequest(self._plan(), {})
        size, setup = self._state.request.parcel, self._checked_setup()
        senders = [sender for sender in setup.neighbours[number] if sender in self._state.parcels]
        parcels = {sender: Parcels.from_bytes(self._state.parcels[sender], size) for sender in senders}
        return MaskRequest(
            self._plan(), {sender: sender_parcels.sealed[number] for sender, sender_parcels in parcels.items()}
        )

    def _take_advert(self, number: int, message: bytes) -> None:
        require_advert(self._state.request, number, Advert.from_bytes(message))
        self._state = replace(self._state, adverts={**self._state.adverts, number: message})

    def _take_parcels(self, number: int, message: bytes) -> None:
        setup = self._checked_setup()
        parcels = Parcels.from_bytes(message, self._state.request.parcel)
        require_signature(setup.member(number), PARCELS, setup.digest, parcels.body, parcels.signature)
        if tuple(parcels.sealed) != setup.neighbours[number]:
            raise WireError(f"expected a parcel for each neighbour of {self._name(number)}; found others")
        self._state = replace(self._state, parcels={**self._state.parcels, number: message})

    def _take_masked(self, number: int, message: bytes) -> None:
        setup, fixed = self._checked_setup(), self._fixed()
        answer = Masked.from_bytes(message, fixed.size)
        require_signature(setup.member(number), MASKED, setup.digest, answer.body, answer.signature)
        self._require_plan(answer.plan)
        total = np.frombuffer(self._state.total, fixed.ring.dtype) + fixed.ring.unpacked(answer.vector)
        masked = {**self._state.masked, number: digest(b"masked", message)}
        self._state = replace(self._state, total=total.tobytes(), masked=masked)

    def _take_agreement(self, number: int, message: bytes) -> None:
        setup = self._checked_setup()
        if len(message) != SIGNATURE:
            raise WireError(f"expected a signature of {SIGNATURE} bytes; found {len(message)} bytes")
        require_signature(setup.member(number), AGREEMENT, setup.digest, self._survivors().body, message)
        self._state = replace(self._state, agreements={**self._state.agreements, number: message})

    def _take_shares(self, number: int, message: bytes) -> None:
        setup, shares = self._checked_setup(), Shares.from_bytes(message)
        require_signature(setup.member(number), SHARES, setup.digest, shares.body, shares.signature)
        self._require_plan(shares.plan)
        survivors = set(self._survivors().members)
        wrong = [
            owner for owner, owner_shares in shares.owners.items() if bool(owner_shares.mask) == (owner in survivors)
        ]
        if wrong or not set(shares.owners) <= {number, *setup.neighbours[number]}:
            raise WireError(f"expected shares of {self._name(number)} of its neighbours' secrets; found others")
        self._state = replace(self._state, shares={**self._state.shares, number: message})

    def _end_keys(self) -> None:
        self._require_quorum(len(self._state.adverts), "advertised keys")
        self._state = replace(self._state, stage="shares", adverts=dict(sorted(self._state.adverts.items())))
        self._setup = Setup.checked(self._state.request, _book(self._state))

    def _end_shares(self) -> None:
        self._require_quorum(len(self._state.parcels), "sent shares")
        self._state = replace(self._state, stage="ready")

    def _end_mask(self) -> None:
        delivered = tuple(sorted({*self._state.delivered, *self._state.masked}))
        self._state = replace(self._state, delivered=delivered)
        self._require_holders(self._state.masked, "sent their vectors")
        self._state = replace(self._state, stage="agree")

    def _end_agree(self) -> None:
        self._require_holders(self._state.agreements, "signed the set of survivors")
        self._state = replace(self._state, stage="open")

    def _end_open(self) -> None:
        self._require_holders(self._state.shares, "gave shares")
        state, fixed = self._state, self._fixed()
        shares = {number: Shares.from_bytes(message) for number, message in sorted(state.shares.items())}
        opening = Opening(self._checked_setup(), self._plan(), fixed, self._survivors().members, shares)
        self._state = replace(state, stage="ready", plan=None, total=b"", masked={}, agreements={}, shares={})
        self._result = opening.result(np.frombuffer(state.total, fixed.ring.dtype))

    def _require_holders(self, answers: Answers, did: str) -> None:
        """That a quorum answered, and of each member's holders as many as its secret needs."""
        self._require_quorum(len(answers), did)
        setup = self._checked_setup()
        for number in self._state.members:
            held = sum(holder in answers for holder in setup.holders(number))
            if held < setup.degree.threshold:
                expected = f"{setup.degree.threshold} holders of shares of {self._name(number)}"
                self._fail(f"expected at least {expected} among those who {did}; found {held}")

    def _require_quorum(self, count: int, did: str) -> None:
        least = quorum(len(self._state.request.roster))
        if count < least:
            expected = f"at least {least} of {len(self._state.request.roster)} parties that {did}"
            self._fail(f"expected {expected}; found {count}; missing: {', '.join(self.missing)}")

    def _fail(self, why: str) -> None:
        """End the sum, or the set-up; what came for it is dropped."""
        is_sum = self.stage in {"mask", "agree", "open"}
        state = replace(self._state, plan=None, total=b"", masked={}, agreements={}, shares={})
        self._state = replace(state, stage="ready" if is_sum else "over")
        raise SumFailed(f"a {'sum' if is_sum else 'set-up of sums'} ends without a result: {why}")

    def _require_plan(self, plan_digest: bytes) -> None:
        if plan_digest != self._plan().digest:
            raise WireError("expected an answer for the sum under way; found one for another")

    def _survivors(self) -> Survivors:
        return Survivors(self._plan().digest, tuple(sorted(self._state.masked)))

    def _fixed(self) -> FixedPoint:
        return FixedPoint.of(self._plan().terms, len(self._state.request.roster))

    def _plan(self) -> Plan:
        if self._state.plan is None:
            raise WireError("expected a sum under way; found none")
        return self._state.plan

    def _checked_setup(self) -> Setup:
        if self._setup is None:
            raise WireError("expected a set-up whose keys are known; found none")
        return self._setup

    def _name(self, number: int) -> str:
        return self._state.request.roster.members[number].party


def _book(state: CoordinatorState) -> KeyBook:
    return KeyBook({number: Advert.from_bytes(content) for number, content in sorted(state.adverts.items())})
