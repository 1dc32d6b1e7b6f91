"""Alignment losses: while an encoder is tuned, its item tower F is held to the one that was received.

Two federated forms of L = ½ Σ (F(X_A) − F(X_B))², which would need both platforms' items in one place:

1. ``probe``: the formula itself over a public list of texts, between the received tower and the local one;
2. ``coral``: mean and covariance of the local catalogue's outputs against those that the source released with its
   encoder (deep CORAL; Sun and Saenko 2016).

P probe texts, m items, d width.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from client.features.hashing import probe_vectors
from client.training.batches import Batch
from client.training.losses import FurtherLoss, StepTensors
from client.training.sequence_model import SequenceModel
from shared.encoder.encoder import Encoder
from shared.encoder.file import ItemMoments
from shared.errors import ConfigError, EncoderFileError
from shared.system.options import Checked, bounded

KINDS = ("probe", "coral")
GATE = "gate"


@dataclass(frozen=True, kw_only=True)
class AlignmentSettings(Checked):
    """What the two alignments are made with."""

    probe: float = bounded(0.01, above=0)
    """weight with which ``probe`` competes where the gate is to choose: a tuning that it let go would add .04 nats"""
    coral: float = bounded(10.0, above=0)
    """the same of ``coral``: it would add .07 nats"""
    items: int = bounded(512, least=2)
    """of the catalogue, drawn per step for the moments of ``coral``"""


DEFAULT = AlignmentSettings()


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """One alignment loss; raises ConfigError where it makes no sense."""

    kind: str
    """one of ``KINDS``"""
    weight: float
    """of the loss beside the cross-entropy"""

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not (math.isfinite(self.weight) and self.weight > 0):
            raise ConfigError(f"alignment must be probe or coral with a positive weight; got {self.kind}:{self.weight}")


def parse_alignment(text: str, settings: AlignmentSettings = DEFAULT) -> tuple[Alignment | None, ...]:
    """What is tuned under ``off``, ``probe:WEIGHT``, ``coral:WEIGHT`` or ``gate``: one way, or three that compete.

    Args:
        text: one of these four; WEIGHT is a number above 0.
        settings: the weights under which the alignments compete where the gate is to choose.

    Returns:
        Alignments, of which None stands for a tuning without one.

    Raises:
        ConfigError: if the text is anything else.
    """
    kind, _, weight = text.partition(":")
    if text == "off":
        return (None,)
    if text == GATE:
        return (None, *(Alignment(kind=way, weight=getattr(settings, way)) for way in KINDS))
    try:
        return (Alignment(kind=kind, weight=float(weight)),)
    except (ConfigError, ValueError):
        raise ConfigError(
            f"alignment must be off, probe:WEIGHT, coral:WEIGHT or gate, with a positive weight; got {text!r}"
        ) from None


def alignment_loss(
    alignment: Alignment, received: Encoder, item_moments: Mapping[str, Any], settings: AlignmentSettings = DEFAULT
) -> FurtherLoss:
    """The loss that holds a tower to that of ``received``.

    Args:
        alignment: which, and how much.
        received: the encoder as it came.
        item_moments: those released with it, as JSON values; empty where there are none.
        settings: how many items are drawn.

    Raises:
        ConfigError: where the feature space has no probe vectors, or the encoder came without moments.
        EncoderFileError: where these cannot be read.
    """
    if alignment.kind == "probe":
        return ProbeLoss(received, probe_vectors(received.spec.feature_space), alignment.weight)
    if not item_moments:
        raise ConfigError("alignment coral needs the moments that a source releases with its encoder; it has none")
    try:
        moments = ItemMoments.from_json(item_moments, received.spec.architecture.width)
    except (KeyError, TypeError, ValueError) as error:
        raise EncoderFileError(f"the encoder's released moments of items cannot be used: {error}") from error
    return CoralLoss(moments, alignment.weight, settings.items)


def squared_distance(local: torch.Tensor, received: torch.Tensor) -> torch.Tensor:
    """½ Σ (local − received)² over both axes.

    Args:
        local: [P, d] outputs of the local tower.
        received: [P, d] outputs of the received one.

    Returns:
        A scalar.
    """
    return (local - received).square().sum() / 2


def moment_distance(outputs: torch.Tensor, mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """‖mean of outputs − mean‖² / d + ‖covariance of outputs − covariance‖²_F / (4 d²).

    The second term is CORAL (Sun and Saenko 2016, eq. 1); the first is the same for the means.

    Args:
        outputs: [m, d] of the local tower.
        mean: [d] the released one.
        covariance: [d, d] the released one.

    Returns:
        A scalar.
    """
    width = outputs.shape[1]
    centre = outputs.mean(0)
    spread = (outputs - centre).T @ (outputs - centre) / len(outputs)
    return (centre - mean).square().sum() / width + (spread - covariance).square().sum() / (4 * width**2)


class ProbeLoss(FurtherLoss):
    """weight · ½ Σ over the probe texts of (received tower − local tower)²."""

    def __init__(self, received: Encoder, probes: NDArray[np.float32], weight: float) -> None:
        self._probes, self._weight = torch.from_numpy(probes), weight
        with torch.no_grad():
            self._received = received.sequence_module().item(self._probes)

    @override
    def items(self, batch: Batch) -> NDArray[np.int64]:
        return _NONE

    @override
    def loss(self, step: StepTensors, rng: np.random.Generator) -> torch.Tensor:
        device = step.model.device
        outputs = _outputs(step.model, self._probes.to(device))
        return self._weight * squared_distance(outputs, self._received.to(device))


class CoralLoss(FurtherLoss):
    """weight · distance between the moments of the local catalogue's outputs and the released ones."""

    def __init__(self, released: ItemMoments, weight: float, items: int = DEFAULT.items) -> None:
        self._mean, self._covariance = torch.from_numpy(released.mean), torch.from_numpy(released.covariance)
        self._weight, self._items = weight, items

    @override
    def items(self, batch: Batch) -> NDArray[np.int64]:
        return _NONE

    @override
    def loss(self, step: StepTensors, rng: np.random.Generator) -> torch.Tensor:
        features = step.model.features
        if features is None:
            raise ValueError("a model of ids only has no item tower to align")
        device = features.device
        rows = torch.from_numpy(rng.permutation(len(features))[: self._items]).to(device)
        outputs = _outputs(step.model, features[rows])
        return self._weight * moment_distance(outputs, self._mean.to(device), self._covariance.to(device))


_NONE = np.empty(0, np.int64)


def _outputs(model: SequenceModel, vectors: torch.Tensor) -> torch.Tensor:
    """[m, D] -> [m, d] of the model's item tower."""
    if model.item is None:
        raise ValueError("a model of ids only has no item tower to align")
    outputs: torch.Tensor = model.item(vectors)
    return outputs
