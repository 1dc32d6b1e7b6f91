"""A platform's own draws: batches and samples derive from a secret of its vault, so nobody can foresee them.

The secret belongs to the platform and not to a run: the same question has the same draws again, after a restart as in a
second run of the same seed. Whoever chooses the seed learns nothing of them.
"""

import hmac
import os

import numpy as np

from client.store.head_store import HeadStore, StoredRecord

OWN_DRAWS = "own-draws"
"""Record of the secret from which they derive."""
_BYTES = 32


def own_seed(heads: HeadStore, seed: int, *names: str | int) -> int:
    """A seed for one purpose of a task; the platform's secret is made where there is none.

    HMAC-SHA256 of seed and names under the secret.

    Args:
        heads: where the secret is kept.
        seed: of the task.
        *names: the purpose.

    Returns:
        a number of 63 bits.

    Raises:
        StorageError: if the secret cannot be read or written.
    """
    text = "\x1f".join(["graft-draws/1", str(seed), *(str(name) for name in names)])
    return int.from_bytes(hmac.digest(_secret(heads), text.encode("utf-8"), "sha256")[:8], "little") >> 1


def _secret(heads: HeadStore) -> bytes:
    stored = heads.read(OWN_DRAWS)
    if stored is None:
        secret = np.frombuffer(os.urandom(_BYTES), np.uint8)
        heads.write(OWN_DRAWS, StoredRecord(arrays={"secret": secret}))
        return secret.tobytes()
    return stored.arrays["secret"].tobytes()
