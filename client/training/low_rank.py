"""Training a low-rank adapter in place of the towers' matrices, through the one training loop."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils import parametrize

from client.training.sequence_model import BENEATH_AN_ADAPTER, SequenceModel
from shared.encoder.changes import LEFT, RIGHT, Adapter, AdapterSpec
from shared.encoder.encoder import SEQUENCE, ArraySpec, Encoder, flatten


class _Product(nn.Module):
    """W -> W + scale · B · A, recomputed whenever W is read."""

    def __init__(self, array: ArraySpec, spec: AdapterSpec, generator: torch.Generator) -> None:
        super().__init__()
        rows, columns = array.shape
        self.scale = spec.scale
        self.B = nn.Parameter(torch.zeros(rows, spec.rank))
        self.A = nn.Parameter(torch.empty(spec.rank, columns).normal_(0, columns**-0.5, generator=generator))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """[o, i] to [o, i]."""
        return torch.addmm(weight, self.B, self.A, alpha=self.scale)


class LowRank:
    """From its making on, what training moves of a model's towers is an adapter; their matrices stay as they are."""

    def __init__(self, model: SequenceModel, encoder: Encoder, rank: int, generator: torch.Generator) -> None:
        """``model`` holds the numbers of ``encoder``; A is drawn from ``generator``, B starts at 0."""
        self._model = model
        self._received = encoder.arrays()
        self._spec = AdapterSpec(encoder=encoder.spec, rank=rank)
        self._products: dict[str, _Product] = {}
        for array in self._spec.changed():
            if self._spec.is_product(array):
                self._products[array.name] = self._attached(array, generator)

    def adapter(self) -> Adapter:
        """What training has made of it until now."""
        parameters = dict(self._model.named_parameters())
        arrays: dict[str, NDArray[np.float32]] = {}
        for array in self._spec.changed():
            name = array.name
            if name in self._products:
                arrays[name + LEFT] = _numbers(self._products[name].B.T)
                arrays[name + RIGHT] = _numbers(self._products[name].A)
            else:
                arrays[name] = _numbers(parameters[name.removeprefix(SEQUENCE)]) - self._received[name]
        return Adapter(spec=self._spec, flat=flatten(self._spec.layout(), arrays))

    def _attached(self, array: ArraySpec, generator: torch.Generator) -> _Product:
        owner, _, parameter = array.name.removeprefix(SEQUENCE).rpartition(".")
        product = _Product(array, self._spec, generator)
        module = self._model.get_submodule(owner)
        parametrize.register_parametrization(module, parameter, product)
        module.get_parameter(f"parametrizations.{parameter}{BENEATH_AN_ADAPTER}").requires_grad_(False)
        return product


def _numbers(parameter: torch.Tensor) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = parameter.detach().numpy().copy()
    return numbers
