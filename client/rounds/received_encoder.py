"""The encoder that a task means: sent whole, or reached by a step from the one that this platform kept."""

from client.store.head_store import HeadStore, StoredHead
from shared.encoder.encoder import Encoder
from shared.errors import EncoderUnknown
from shared.federation.messages import EvaluateTask, KnownEncoder, TrainTask

RECEIVED = "received"


def received_encoder(task: TrainTask | EvaluateTask, store: HeadStore) -> Encoder:
    """The whole encoder, kept in the store where the server will count on it.

    Raises EncoderUnknown where the task leads on from an encoder that is not the one kept, or not to the one it says.
    """
    sent = task.encoder
    if isinstance(sent, Encoder):
        encoder = sent
    else:
        kept = _kept(sent, store)
        encoder = kept if sent.step is None else sent.step.added_to(kept)
        if encoder.digest != sent.digest:
            raise EncoderUnknown("the step from the kept encoder leads to another one than the server's")
        if sent.step is None:
            return encoder
    if task.keep:
        store.write(RECEIVED, StoredHead(arrays={"flat": encoder.flat}, facts={"digest": encoder.digest}))
    return encoder


def _kept(sent: KnownEncoder, store: HeadStore) -> Encoder:
    stored = store.read(RECEIVED)
    if stored is None or stored.facts["digest"] != sent.base:
        raise EncoderUnknown("the encoder that the server counts on is not the one kept here")
    return Encoder(spec=sent.spec, flat=stored.arrays["flat"])
