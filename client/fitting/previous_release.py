"""What a platform has served until now: the encoder in its record competes with the one that has come since."""

import logging
from typing import Any

from client.recommender.served_head import ORIGIN, RELEASED, SEEN
from client.recommender.served_parts import NOT_A_RECORD, ServedParts
from client.store.head_store import HeadStore, StoredHead
from client.transfer.encoders import ReceivedEncoder
from shared.encoder.encoder import Encoder
from shared.errors import StorageError
from shared.feature_space import FeatureSpace

_NEVER_SEEN = "received"
_TAUGHT = "student"
_LOG = logging.getLogger("graft.client")


def previous_release(store: HeadStore, record: str, space: FeatureSpace, received: Encoder) -> ReceivedEncoder | None:
    """The encoder of a served record, without what the platform learnt of its items beside it.

    None where there is none: no record, one that cannot be read (the log says so), one of another feature space, one
    that serves nobody else's encoder, a student, or a form of ``received`` itself.
    """
    try:
        stored = store.read(record)
        return None if stored is None else _of(stored, space, received)
    except (StorageError, *NOT_A_RECORD) as error:
        _LOG.warning("what was served before does not compete: %s", error)
        return None


def _of(stored: StoredHead, space: FeatureSpace, received: Encoder) -> ReceivedEncoder | None:
    facts: dict[str, Any] = dict(stored.facts)
    if facts["fingerprint"] != space.fingerprint:
        return None
    encoders = ServedParts.from_record(stored.arrays, facts["parts"], space).encoders
    for part, kept in encoders.items():
        origin = str(facts.get(ORIGIN, kept.encoder.digest))
        if not part.endswith(_TAUGHT) and origin != received.digest:
            seen = bool(facts.get(SEEN, part != _NEVER_SEEN))
            released = dict(facts.get(RELEASED, {}))
            return ReceivedEncoder(encoder=kept.encoder, seen=seen, released=released, origin=origin)
    return None
