"""A coordinator that asks one platform alone, or beside others that are its own: it learns no more than from a round.

A platform cannot tell how many others answer. So nothing that leaves it may count on them: a private answer bears the
whole noise. A plain one is as bare beside others as alone, and no number of platforms would change that.
"""

from pathlib import Path

import numpy as np
import pytest
from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp

import client.rounds.private_release as release_module
from client.data.platform import training_sequences
from client.training.cross_moments import cross_moment
from client.training.moments import platform_moments
from shared.encoder.cross import CatalogueMoments
from shared.federation.messages import CrossReply, MomentsReply
from shared.federation.wire import CROSS_TYPE, MOMENTS_TYPE, decode_cross_reply, decode_moments_reply
from shared.privacy.grid import cells_of, middles
from shared.privacy.promise import Promise
from tests.federation_world import config, federate, opened
from tests.unit.client.training.world import SPACE, features

SHOP = opened("shop", users=300)
OTHERS = {name: opened(name, users=300, seed=seed) for seed, name in enumerate(("films", "news"), 1)}
PRIVATE = {"privacy": "private", "epsilon": 100.0}
NOISE = Promise(epsilon=100.0).noise
CONTRIBUTED = training_sequences(SHOP.platform, SHOP.platform.encoder_users)


def told(folder: Path, kind: str, *, others=OTHERS, **changes) -> RecordDict:
    """What the shop answers to this kind of question of a run."""
    heard = {}

    def answer(real: ClientApp, message: Message, context: Context) -> Message:
        reply = real(message, context)
        heard[message.metadata.message_type] = reply.content
        return reply

    federate(folder, {"shop": SHOP, **others}, config(rounds=1, **changes), apps={"shop": answer})
    return heard[kind]


def summed(folder: Path, **options) -> np.ndarray:
    """The cross moment that the shop tells, as the coordinator reads it."""
    reply = decode_cross_reply(told(folder, CROSS_TYPE, **PRIVATE, **options))
    assert isinstance(reply, CrossReply)
    return middles(reply.cells, reply.noise)


def exact() -> np.ndarray:
    return cross_moment(features(), CONTRIBUTED, CatalogueMoments.none(SPACE.dim))


def test_a_private_platform_answers_alone_as_it_does_beside_others(tmp_path) -> None:
    alone, beside = summed(tmp_path / "alone", others={}), summed(tmp_path / "beside")
    assert alone.tobytes() == beside.tobytes()


def test_alone_its_answer_bears_the_whole_noise(tmp_path) -> None:
    assert np.std(summed(tmp_path, others={}) - exact()) == pytest.approx(NOISE, rel=0.4)


def test_without_noise_of_its_own_it_is_its_users_sum(tmp_path, monkeypatch) -> None:
    """What shows that the test above can fail."""
    monkeypatch.setattr(release_module, "noised", lambda values, sigma, _draw: cells_of(values, sigma))
    assert np.abs(summed(tmp_path, others={}) - exact()).max() <= NOISE / 16


@pytest.mark.parametrize("others", [{}, OTHERS], ids=["alone", "beside others"])
def test_a_plain_platform_is_as_bare_beside_others_as_alone(tmp_path, others) -> None:
    reply = decode_moments_reply(told(tmp_path, MOMENTS_TYPE, others=others))
    assert isinstance(reply, MomentsReply)
    sums = platform_moments(features(), CONTRIBUTED)
    means = reply.moments.to_flat()[:-1] / reply.moments.n
    np.testing.assert_allclose(means, sums.to_flat()[:-1] / sums.n, atol=2.0**-28)
