import numpy as np
import pytest

from client.rounds.round_tasks import received_encoder
from client.store.head_store import HeadStore
from shared.encoder.changes import Int8Delta
from shared.encoder.encoder import Encoder
from shared.errors import EncoderUnknown
from shared.federation.messages import EvaluateTask, KnownEncoder
from tests.federation_world import START

AFTER = Encoder(spec=START.spec, flat=START.flat + np.float32(0.01) * (START.flat != 0))
DELTA = Int8Delta.between(START, AFTER)
REACHED = DELTA.added_to(START)


def task(encoder, *, keep=True):
    return EvaluateTask(run="0" * 32, round=1, nonce="0" * 32, seed=0, encoder=encoder, keep=keep)


def known(*, base=START, delta=DELTA, meant=REACHED):
    return KnownEncoder(spec=START.spec, base=base.digest, delta=delta, digest=meant.digest)


@pytest.fixture
def store(tmp_path):
    return HeadStore(tmp_path)


def test_keeps_an_encoder_only_where_it_is_asked_to(store) -> None:
    assert received_encoder(task(START, keep=False), store) is START
    assert store.names() == ()
    received_encoder(task(START), store)
    assert store.names() == ("received",)


def test_reaches_the_next_encoder_by_a_step_and_goes_on_from_there(store) -> None:
    received_encoder(task(START), store)
    assert received_encoder(task(known()), store).flat.tobytes() == REACHED.flat.tobytes()
    again = received_encoder(task(known(base=REACHED, delta=None)), store)
    assert again.flat.tobytes() == REACHED.flat.tobytes()


@pytest.mark.parametrize(
    "sent",
    [known(base=REACHED), known(base=REACHED, delta=None), known(meant=AFTER), known(delta=None)],
    ids=["a step from another", "another", "a step to another", "no step to another"],
)
def test_refuses(sent, store) -> None:
    received_encoder(task(START), store)
    with pytest.raises(EncoderUnknown):
        received_encoder(task(sent), store)


def test_refuses_a_step_where_nothing_was_kept(store) -> None:
    with pytest.raises(EncoderUnknown, match="not the one kept here"):
        received_encoder(task(known()), store)
