"""What a platform has seen of its lists since the head began to serve, as a record of its head store."""

from dataclasses import dataclass

import numpy as np

from client.adaptation.observations import NOTHING, Observations
from client.adaptation.stages import Adaptation
from client.store.head_store import HeadStore, StoredRecord
from shared.errors import HeadStoreError

WATCH = "adaptation"
"""the record of what was seen since the head began to serve, and of how far it has come"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Seen:
    """What the record holds."""

    state: Adaptation
    observations: Observations = NOTHING
    until: int = 0
    """number of the last entry of the journal that was looked at"""

    def write(self, store: HeadStore) -> None:
        """Replace the record; raises StorageError."""
        facts = {"until": self.until, "state": self.state.to_json()}
        store.write(WATCH, StoredRecord(arrays={"rows": self.observations.rows}, facts=facts))


def read_seen(store: HeadStore) -> Seen | None:
    """The record; None before the first look. Raises StorageError."""
    stored = store.read(WATCH)
    if stored is None:
        return None
    try:
        state = Adaptation.from_json(stored.facts["state"])
        observations = Observations(rows=np.asarray(stored.arrays["rows"], np.float64))
        return Seen(state=state, observations=observations, until=int(stored.facts["until"]))
    except (KeyError, TypeError, ValueError) as error:
        raise HeadStoreError(f"head {WATCH!r} is damaged: not what a platform has seen of its lists") from error
