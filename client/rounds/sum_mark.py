"""How far a platform's secure sums have come, kept on the machine outside its vault: an older vault shows by it.

A vault that was put back from a backup holds masks that left already and sets that it may have signed since. It is
known by its count, which is lower than the machine's; then the sums under way are given up, and the sets that were
summed are those of the machine. Fingerprints of public keys stand there, nothing of users.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from client.store.head_store import HeadStore, StoredRecord
from shared.errors import HeadStoreError, WireError
from shared.secure_sum.apart import SetHistory
from shared.secure_sum.fields import Reader, Writer
from shared.secure_sum.party_state import PartyState

_BYTES, _COUNT = "bytes", "count"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What the machine knows."""

    count: int
    """answers that were sealed"""
    history: SetHistory


class SumMark:
    """Of one key for sums; without a folder there is none, as in simulations. Raises StorageError."""

    def __init__(self, machine: Path | None, key: bytes) -> None:
        self._store, self._name = (None if machine is None else HeadStore(machine)), f"sums-{key.hex()[:32]}"

    def read(self) -> Mark | None:
        """None where nothing was sealed on this machine yet."""
        stored = self._store.read(self._name) if self._store else None
        if stored is None:
            return None
        reader = Reader("the machine's mark of sums", stored.arrays[_BYTES].tobytes())
        try:
            return Mark(count=count_of(stored), history=SetHistory.read(reader))
        except WireError as error:
            raise HeadStoreError(f"record {self._name!r} is damaged") from error

    def write(self, count: int, state: bytes) -> None:
        """Note an answer, after the vault has its state.

        Args:
            count: number of the answer.
            state: of the party, as the vault has it.

        Raises:
            StorageError: if the mark cannot be written.
        """
        if self._store is not None:
            writer = Writer()
            PartyState.from_bytes(state).history.write(writer)
            self._store.write(self._name, counted(writer.content, count))


def counted(content: bytes, count: int) -> StoredRecord:
    """A record of bytes with a count beside.

    Args:
        content: the bytes.
        count: the count.

    Returns:
        the record.
    """
    return StoredRecord(arrays={_BYTES: np.frombuffer(content, np.uint8)}, facts={_COUNT: count})


def count_of(stored: StoredRecord) -> int:
    """The count of a record; 0 where it has none."""
    count: Any = stored.facts.get(_COUNT, 0)
    return int(count)
