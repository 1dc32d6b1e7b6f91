"""What a platform keeps of secure sums in its vault: its key, the platforms that it knows, where it stands."""

import os

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore, StoredHead
from shared.errors import HeadStoreError, SumRefused, WireError
from shared.privacy.gaussian_draws import Draw
from shared.secure_sum.answer_size import answer_size
from shared.secure_sum.fields import Reader
from shared.secure_sum.party import Party
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.roster import Member, Roster
from shared.secure_sum.streams import KEY

SUM_KEY, SUM_PARTIES, SUM_STATE = "sum-key", "sum-parties", "sum-state"
"""Records. An older state must never be put back (docs/decisions/0048-secure-sums.md)."""
_BYTES = "bytes"


class OwnParty:
    """A platform as a party of secure sums; raises StorageError where its vault cannot be read or written."""

    def __init__(self, heads: HeadStore, name: str) -> None:
        self._heads, self.name = heads, name

    @property
    def member(self) -> Member:
        """Its name and the public half of its key, which is made where there is none."""
        return Member(self.name, self._key().public_key().public_bytes_raw())

    def pin(self, roster: Roster) -> None:
        """From now on these are the platforms that it sums with, and no others."""
        self._write(SUM_PARTIES, roster.to_bytes())

    @property
    def known(self) -> Roster:
        """The platforms that it sums with; raises SumRefused where it knows none."""
        content = self._read(SUM_PARTIES)
        if not content:
            raise SumRefused("expected platforms whose keys this one knows; found none")
        try:
            reader = Reader("the platforms that this one knows", content)
            roster = Roster.read(reader)
            reader.end()
        except WireError as error:
            raise HeadStoreError(f"record {SUM_PARTIES!r} is damaged") from error
        return roster

    @property
    def state(self) -> bytes:
        """Where it stands; empty before its first set-up."""
        return self._read(SUM_STATE)

    def party(self, least_parties: int, least_spread: float, draw: Draw = os.urandom) -> Party:
        """Where it goes on; noise of ``least_spread`` counts, and secrets and noise are drawn from ``draw``."""
        policy = PartyPolicy(self.known, least_parties, least_spread)
        return Party(self.name, self._key(), policy, self.state, draw)

    def seal(self, party: Party) -> None:
        """Where it stands now: before the answer leaves."""
        self._write(SUM_STATE, party.to_bytes())

    def _key(self) -> Ed25519PrivateKey:
        secret = self._read(SUM_KEY)
        if not secret:
            secret = os.urandom(KEY)
            self._write(SUM_KEY, secret)
        return Ed25519PrivateKey.from_private_bytes(secret)

    def _read(self, record: str) -> bytes:
        stored = self._heads.read(record)
        return b"" if stored is None else stored.arrays[_BYTES].tobytes()

    def _write(self, record: str, content: bytes) -> None:
        self._heads.write(record, StoredHead(arrays={_BYTES: np.frombuffer(content, np.uint8)}))


def answer_bytes(message: bytes, workspace: Workspace) -> int:
    """How long the platform's answer to a sum's message is; 0 where there is no message."""
    own = OwnParty(workspace.heads, workspace.platform.name)
    return answer_size(own.state, own.name, message) if message else 0
