"""How a device's head learns from the device's own history, with the encoder as it came.

T events that are predicted, m drawn items, n items.
"""

from dataclasses import dataclass

import numpy as np

from client.device.device_head import DeviceHead, HeadExamples, trained
from client.device.device_lists import DeviceLists
from client.device.own_history import OwnHistory
from client.device.pack import CataloguePack
from shared.seeding import rng_for


@dataclass(frozen=True, kw_only=True)
class HeadSettings:
    """What may be chosen about it."""

    rank: int = 2
    """of the adapter"""
    steps: int = 30
    """of plain gradient descent"""
    rate: float = 0.02
    """of a step"""
    shrink: float = 3.0
    """λ of λ/2 times the squared distance from a head that changes nothing"""
    negatives: int = 1_024
    """items that are drawn to stand for the catalogue"""
    least_events: int = 5
    """of a history below which nothing is learnt"""


DEFAULT = HeadSettings()


def learned_head(pack: CataloguePack, history: OwnHistory, settings: HeadSettings = DEFAULT) -> DeviceHead | None:
    """A head for one history.

    Args:
        pack: whose encoder it is for.
        history: the device's own.
        settings: of the training.

    Returns:
        The head; None where the pack has no encoder, or the history is too short.
    """
    if not pack.facts["head"] or len(history.items) < settings.least_events:
        return None
    examples = own_examples(pack, history, settings.negatives)
    head = DeviceHead.initial(examples.states.shape[2], settings.rank)
    return trained(head, examples, steps=settings.steps, rate=settings.rate, shrink=settings.shrink)


def own_examples(pack: CataloguePack, history: OwnHistory, negatives: int) -> HeadExamples:
    """The latest events of one history, each told from items that are drawn evenly.

    Args:
        pack: whose encoder gives states and vectors.
        history: of two events at least.
        negatives: m.

    Returns:
        The examples of one head.
    """
    lists = DeviceLists(pack)
    vectors, biases = lists.head_items
    length = int(pack.facts["lengths"][pack.facts["head"]])
    latest = history.items[-(length + 1) :]
    states, targets = lists.states(latest[:-1]), latest[1:]
    drawn = rng_for(0, "device-head", len(history.items)).integers(len(biases), size=negatives)
    return HeadExamples.of_rows(
        states=states[None],
        targets=targets[None],
        weights=np.ones((1, len(targets)), np.float32),
        drawn=drawn,
        vectors=vectors,
        priors=pack.prior,
        biases=biases,
    )
