"""Who gives to a release of the linear part, and what: the same for who answers and for who asks what it would cost."""

import numpy as np

from client.data.platform import Platform, training_sequences
from client.data.sequences import Sequences, select
from client.privacy.account import Digests, digests_of


def contributions(platform: Platform) -> tuple[Sequences, Digests]:
    """Training events of the encoder-training users who have a history and a next item, and who they are."""
    rows = platform.encoder_users
    sequences = training_sequences(platform, rows)
    eligible = np.flatnonzero(sequences.lengths() > 1)
    return select(sequences, eligible), digests_of([platform.user_ids[row] for row in rows[eligible]])
