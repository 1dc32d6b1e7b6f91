"""A coordinator and parties of a secure sum in one process; who drops in which stage is said, what was sent is kept."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import GraftError
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.party import Party
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.roster import Member, Roster
from shared.secure_sum.scheme import SumResult
from shared.secure_sum.streams import digest
from shared.secure_sum.terms import SetupTerms, SumTerms

TERMS = SumTerms(length=9, exponent=-10, most=2**10)
ONE = SetupTerms(sums=1)
Drops = Mapping[str, Collection[str]]
"""Stage to who does not answer in it."""
Tamper = Callable[[str, str, bytes], bytes]
"""Of stage, party and message: what arrives in its place."""


def unchanged(_stage: str, _party: str, message: bytes) -> bytes:
    return message


def signing_key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(digest(b"test key", name.encode()))


def member(name: str, key: str = "") -> Member:
    """Of a name, with the key of that or another one."""
    return Member(name, signing_key(key or name).public_key().public_bytes_raw())


def names(count: int) -> list[str]:
    return [f"shop{number:03}" for number in range(count)]


@dataclass(frozen=True)
class Sent:
    stage: str
    party: str
    asked: bytes
    answer: bytes


@dataclass(eq=False)
class SumWorld:
    """All sides, their inputs and the transcript."""

    parties: dict[str, Party]
    coordinator: Coordinator
    values: dict[str, np.ndarray]
    sent: list[Sent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    down: Tamper = unchanged
    up: Tamper = unchanged
    """what a bad coordinator, or a bad party, makes of a message on its way"""

    def answer(self, party: str, message: bytes) -> bytes:
        return self.parties[party].answer(message, lambda _: self.values[party])

    def exchange(self, gone: Collection[str] = ()) -> None:
        """One stage, to its end."""
        stage = self.coordinator.stage
        for party, message in self.coordinator.outgoing().items():
            if party not in gone:
                self.ask(stage, party, self.down(stage, party, message))
        self.coordinator.close()

    def ask(self, stage: str, party: str, message: bytes) -> None:
        """A refusal is noted, and no answer."""
        try:
            answer = self.up(stage, party, self.answer(party, message))
            self.sent.append(Sent(stage, party, message, answer))
            self.coordinator.take(party, answer)
        except GraftError as error:
            self.refused.append(str(error))

    def until(self, stages: Collection[str], drops: Drops | None = None) -> None:
        """Exchanges until the coordinator stands in one of these stages."""
        while self.coordinator.stage not in stages:
            self.exchange((drops or {}).get(self.coordinator.stage, ()))

    def sum(self, terms: SumTerms = TERMS, drops: Drops | None = None) -> SumResult:
        """A set-up, where there is none, and one sum."""
        self.until({"ready"}, drops)
        self.coordinator.begin(terms)
        self.until({"ready"}, drops)
        assert self.coordinator.result is not None
        return self.coordinator.result

    def set_up_again(self, terms: SetupTerms = ONE, parties: Collection[str] = ()) -> None:
        """A new coordinator, of some parties; all go on with their states."""
        roster = Roster.of(member(name) for name in parties or self.parties)
        self.coordinator = Coordinator.of(roster, terms, digest(b"nonce", bytes([len(self.sent) % 256])))

    def plain(self, result: SumResult) -> np.ndarray:
        """[P] the sum of the survivors' rounded values, in cells."""
        scale = 2.0**-result.terms.exponent
        return sum(np.rint(self.values[name] * scale).astype(np.int64) for name in result.survivors)


def sum_world(
    count: int, setup: SetupTerms = ONE, *, least: int = 2, length: int = TERMS.length, seed: int = 0, spread: float = 0
) -> SumWorld:
    """Parties whose values lie between -1 and 1, all of whom know each other."""
    rng = np.random.default_rng([seed, count])
    roster = Roster.of(member(name) for name in names(count))
    policy = PartyPolicy(roster, least, spread)
    return SumWorld(
        parties={name: Party(name, signing_key(name), policy, draw=rng.bytes) for name in names(count)},
        coordinator=Coordinator.of(roster, setup, rng.bytes(32)),
        values={name: rng.uniform(-1, 1, length) for name in names(count)},
    )
