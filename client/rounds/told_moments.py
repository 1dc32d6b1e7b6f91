"""Moments are told anew once enough users have changed; until then the platform answers what it answered before.

The difference of two answers is the moments of whoever changed in between: of one user they give the history away.
"""

from collections import Counter
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore, StoredRecord
from client.training.moments import platform_moments
from shared.encoder.linear import Moments

TOLD = "moments-told"
"""Record of the last answer."""
_BYTES = 8
"""of a user's digest: two of a million users share one by chance in 1 of 37 million platforms"""


def told_moments(workspace: Workspace, sequences: Sequences) -> Moments:
    """Moments of the encoder-training users, or those told last.

    The last stand where fewer users than ``minimum_users`` of the site policy came, went or did something since.

    Args:
        workspace: the platform.
        sequences: training events of its encoder-training users.

    Returns:
        the moments.

    Raises:
        HeadStoreError: if the record is damaged.
    """
    users, space = history_digests(workspace.features, sequences), workspace.space.fingerprint
    before = _told(workspace.heads, space)
    if before is not None and _changed(before.arrays["users"], users) < workspace.minimum_users:
        return Moments.from_flat(before.arrays["moments"], workspace.space.dim)
    moments = platform_moments(workspace.features, sequences)
    arrays = {"moments": moments.to_flat(), "users": users}
    workspace.heads.write(TOLD, StoredRecord(arrays=arrays, facts={"space": space}))
    return moments


def _told(heads: HeadStore, space: str) -> StoredRecord | None:
    """In this feature space; those of another one tell of other vectors."""
    stored = heads.read(TOLD)
    return stored if stored is not None and stored.facts.get("space") == space else None


def history_digests(features: NDArray[np.float32], sequences: Sequences) -> NDArray[np.uint64]:
    """What stands for each user's history, by their items' vectors: rows of the catalogue may move.

    Args:
        features: [n, D] vectors of the catalogue's items.
        sequences: U histories.

    Returns:
        [U] digests.
    """
    items, rows = np.unique(sequences.items, return_inverse=True)
    names = np.array([_digest(features[item].tobytes()) for item in items], np.uint64)[rows]
    parts = zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True)
    return np.array([_digest(names[start:end].tobytes()) for start, end in parts], np.uint64)


def _digest(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=_BYTES).digest(), "little")


def _changed(before: NDArray[np.uint64], now: NDArray[np.uint64]) -> int:
    """How many users: who did something has gone under one digest and come under another."""
    old, new = Counter(before.tolist()), Counter(now.tolist())
    return max((old - new).total(), (new - old).total())
