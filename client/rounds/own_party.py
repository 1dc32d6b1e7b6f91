"""What a platform keeps of secure sums in its vault: its key, the platforms that it knows, where it stands."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.rounds.known_parties import KnownParties, KnownParty
from client.rounds.sum_mark import SumMark, count_of, counted
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore, StoredRecord
from shared.privacy.gaussian_draws import Draw
from shared.secure_sum.answer_size import answer_size
from shared.secure_sum.introduction import read_introductions
from shared.secure_sum.party import Party
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.party_state import PartyState
from shared.secure_sum.roster import Member, Roster
from shared.secure_sum.streams import KEY

SUM_KEY, SUM_STATE = "sum-key", "sum-state"
"""Records. An older state must never be put back (docs/decisions/0048-secure-sums.md)."""
_BYTES = "bytes"


class OwnParty:
    """A platform as a party of secure sums; raises StorageError where its vault cannot be read or written."""

    def __init__(self, heads: HeadStore, name: str, machine: Path | None = None) -> None:
        """``machine`` is where this machine keeps account outside the vault (client/rounds/sum_mark.py)."""
        self._heads, self.name, self._machine = heads, name, machine

    @property
    def member(self) -> Member:
        """Its name and the public half of its key, which is made where there is none."""
        return Member(self.name, self._key().public_key().public_bytes_raw())

    def pin(self, roster: Roster) -> None:
        """Sum with these platforms from now on, and with no others.

        Args:
            roster: all of them, with their keys.

        Raises:
            StorageError: if the vault cannot be written.
        """
        known = {member.party: KnownParty(name=member.party, key=member.key.hex()) for member in roster.members}
        KnownParties(known=known).write(self._heads)

    def meet(self, introductions: bytes, now: datetime, *, first_use: bool) -> None:
        """Take notice of platforms that the coordinator introduces.

        Args:
            introductions: as they came; empty changes nothing.
            now: since when they are known.
            first_use: whether they are taken at once where none is known.

        Raises:
            WireError: if one is not signed for.
            StorageError: if the vault cannot be read or written.
        """
        if not introductions:
            return
        before = self.parties
        after = before.met(read_introductions(introductions), now, first_use=first_use)
        if after != before:
            after.write(self._heads)

    def sum_with(self, introductions: bytes, now: datetime) -> None:
        """Sum with those whom the coordinator introduces, until it introduces others; with nobody of before.

        Args:
            introductions: as they came; empty changes nothing.
            now: since when they are known.

        Raises:
            WireError: if one is not signed for.
            StorageError: if the vault cannot be written.
        """
        if introductions:
            KnownParties().met(read_introductions(introductions), now, first_use=True).write(self._heads)

    def accept(self, names: Iterable[str], now: datetime) -> None:
        """Sum with these platforms from now on.

        Args:
            names: of platforms that wait.
            now: since when they are known.

        Raises:
            ConfigError: if a name does not wait.
            StorageError: if the vault cannot be read or written.
        """
        self.parties.accepted(names, now).write(self._heads)

    @property
    def parties(self) -> KnownParties:
        """Who is known, and who waits to be."""
        return KnownParties.read(self._heads)

    @property
    def state(self) -> bytes:
        """Where it stands; empty before its first set-up. An older vault is none: its sums under way are given up."""
        return self._sealed()[0]

    def _sealed(self) -> tuple[bytes, int]:
        """The state, and how many answers were sealed."""
        stored, mark = self._heads.read(SUM_STATE), self._mark.read()
        state, count = (b"", 0) if stored is None else (_content(stored), count_of(stored))
        if mark is not None and mark.count > count:
            return PartyState(history=mark.history).to_bytes(), mark.count
        return state, count

    @property
    def _mark(self) -> SumMark:
        return SumMark(self._machine, self.member.key)

    def party(self, least_parties: int, least_spread: float, draw: Draw = os.urandom) -> Party:
        """The platform as a party of a sum, where it goes on.

        Args:
            least_parties: platforms below which it takes part in no sum.
            least_spread: spread from which on noise counts, in the unit of the values.
            draw: gives random bytes for secrets and noise; by default the system's cryptographic source.

        Returns:
            the party, in the state that the vault has.

        Raises:
            ConfigError: if ``least_parties`` or ``least_spread`` makes no sense.
            StorageError: if the vault cannot be read or written.
        """
        policy = PartyPolicy(self.parties.roster, least_parties, least_spread)
        return Party(self.name, self._key(), policy, self.state, draw)

    def seal(self, party: Party) -> None:
        """Keep where the party stands now, before the answer leaves.

        Args:
            party: after it has answered.

        Raises:
            StorageError: if the vault or the mark cannot be written.
        """
        count, state = self._sealed()[1] + 1, party.to_bytes()
        self._heads.write(SUM_STATE, counted(state, count))
        self._mark.write(count, state)

    def _key(self) -> Ed25519PrivateKey:
        secret = self._read(SUM_KEY)
        if not secret:
            secret = os.urandom(KEY)
            self._write(SUM_KEY, secret)
        return Ed25519PrivateKey.from_private_bytes(secret)

    def _read(self, record: str) -> bytes:
        stored = self._heads.read(record)
        return b"" if stored is None else _content(stored)

    def _write(self, record: str, content: bytes) -> None:
        self._heads.write(record, StoredRecord(arrays={_BYTES: np.frombuffer(content, np.uint8)}))


def _content(stored: StoredRecord) -> bytes:
    return stored.arrays[_BYTES].tobytes()


def answer_bytes(message: bytes, workspace: Workspace) -> int:
    """How long the platform's answer to a sum's message is.

    Args:
        message: of the coordinator; empty for none.
        workspace: the platform.

    Returns:
        bytes; 0 where there is no message.

    Raises:
        WireError: if the message is none.
        SumRefused: if this party cannot be asked it.
    """
    if not message:
        return 0
    party = OwnParty(workspace.heads, workspace.name, workspace.machine)
    return answer_size(party.state, party.name, message)
