"""What a device does in a round, as plain torch modules say it: the loss of its events, and steps of SGD on it.

T + 1 events of a device, m negatives of a step, S steps, n items, D input dim. Imported in the environments of the
peers: needs numpy, torch and this repository.
"""

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from shared.encoder.presets import PRESETS
from shared.encoder.towers import SequenceModule


def candidate_logits(
    module: SequenceModule, features: torch.Tensor, events: torch.Tensor, negatives: torch.Tensor
) -> torch.Tensor:
    """Scores of what came next at each position, and of the negatives, corrected for how they are drawn.

    The correction for uniform draws: Jean et al. 2015, "On Using Very Large Target Vocabulary".

    Args:
        module: the sequence part.
        features: [n, D] of the catalogue.
        events: [T + 1] the device's items, oldest first.
        negatives: [m] items, drawn uniformly.

    Returns:
        [T, 1 + m] the next item's score first; −inf for a negative that is the next item.
    """
    vectors = module.item_norm(module.item(features[torch.cat([events, negatives])]))
    count = len(events)
    states = module.history(vectors[None, : count - 1])[0]
    own = (states * vectors[1:count]).sum(-1, keepdim=True)
    drawn = states @ vectors[count:].T + math.log((len(features) - 1) / len(negatives))
    return torch.cat([own, drawn.masked_fill(negatives == events[1:, None], -torch.inf)], 1)


def device_loss(
    module: SequenceModule, features: torch.Tensor, events: torch.Tensor, negatives: torch.Tensor
) -> torch.Tensor:
    """Sampled softmax over each next event of a device, the mean over its positions.

    Args:
        module: the sequence part.
        features: [n, D] of the catalogue.
        events: [T + 1] the device's items, oldest first.
        negatives: [m] items, drawn uniformly.

    Returns:
        The loss, of no dimension.
    """
    logits = candidate_logits(module, features, events, negatives)
    return (logits.logsumexp(1) - logits[:, 0]).mean()


def train_on_device(
    module: SequenceModule, features: torch.Tensor, events: torch.Tensor, negatives: torch.Tensor, rate: float
) -> None:
    """Steps of plain SGD over all events of a device at once; the module is changed.

    Args:
        module: the sequence part as the round began.
        features: [n, D] of the catalogue.
        events: [T + 1] the device's items, oldest first.
        negatives: [S, m] items of each step.
        rate: η.
    """
    optimizer = torch.optim.SGD([each for each in module.parameters() if each.requires_grad], lr=rate)
    for drawn in negatives:
        optimizer.zero_grad()
        torch.autograd.backward(device_loss(module, features, events, drawn))
        optimizer.step()


def module_of(preset: str, input_dim: int, flat: NDArray[np.float32]) -> SequenceModule:
    """A module that holds the numbers of a flat array.

    Args:
        preset: name of its sizes.
        input_dim: D.
        flat: [P] in the order of the module's state; copied.

    Returns:
        The sequence part, to be trained.
    """
    module = SequenceModule(PRESETS[preset], input_dim)
    load_flat(module, flat)
    return module


@torch.no_grad()
def load_flat(module: nn.Module, flat: NDArray[np.float32]) -> None:
    """Give a module the numbers of a flat array.

    Args:
        module: changed in place.
        flat: [P] in the order of its state.

    Raises:
        ValueError: if there are more or fewer numbers than the module has.
    """
    state = module.state_dict()
    if flat.shape != (sum(value.numel() for value in state.values()),):
        raise ValueError(f"expected as many numbers as the module has; got {list(flat.shape)}")
    parts = torch.split(torch.from_numpy(np.array(flat)), [value.numel() for value in state.values()])
    for value, part in zip(state.values(), parts, strict=True):
        value.copy_(part.view_as(value))


def flat_of(tensors: Iterable[torch.Tensor]) -> NDArray[np.float32]:
    """[P] the numbers of tensors, one after the other."""
    numbers: NDArray[np.float32] = torch.cat([value.detach().reshape(-1) for value in tensors]).numpy()
    return numbers
