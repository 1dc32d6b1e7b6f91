"""The sequence scorer's model: the encoder's towers joined with a platform's private head.

n items of the catalogue, D feature dim, d width, m rows.
"""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from shared.encoder.presets import Preset
from shared.encoder.towers import (
    Dropout,
    HistoryTower,
    HistoryTowers,
    ItemTower,
    ItemTowers,
    SequenceModule,
    history_tower,
    initialise,
    item_norm,
)
from shared.seeding import torch_generator_for
from shared.system.device import Device

Float32 = NDArray[np.float32]
Towers = tuple[ItemTower | ItemTowers | None, nn.LayerNorm | nn.GroupNorm, HistoryTower | HistoryTowers]

BENEATH_AN_ADAPTER = ".original"
"""How the names of parameters end that torch keeps beneath a parametrisation (client/training/low_rank.py)."""

ID_SPREAD = 0.05
"""Standard deviation of drawn id rows: under the norm their length only sets how fast they turn."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SequenceHead:
    """What a platform learns about its own items; never leaves it."""

    v: Float32
    """[n, d] id rows; 0 for an item the platform knows nothing of"""
    a: Float32
    """[n] how much an item's id row counts"""
    b: Float32
    """[n] biases"""

    @classmethod
    def initial(cls, n_items: int, width: int) -> "SequenceHead":
        """Ids add nothing yet.

        Args:
            n_items: n.
            width: d.

        Returns:
            A head whose id rows and biases are 0, and whose ids count by 1.
        """
        return cls(
            v=np.zeros((n_items, width), np.float32),
            a=np.ones(n_items, np.float32),
            b=np.zeros(n_items, np.float32),
        )

    def of_rows(self, rows: NDArray[np.int64]) -> "SequenceHead":
        """The head for items [m] that stand in ``rows`` of this one; ids of -1 add nothing, as in ``initial``."""
        known = rows >= 0
        return SequenceHead(
            v=np.where(known[:, None], self.v[rows], 0).astype(np.float32),
            a=np.where(known, self.a[rows], 1).astype(np.float32),
            b=np.where(known, self.b[rows], 0).astype(np.float32),
        )


class SequenceModel(nn.Module):
    """e_i = LN(φ(x_i) + a_i·v_i), u = ψ(e_1..e_t), score = <u, e_i> + b_i; ids only: without φ and a."""

    def __init__(
        self,
        *,
        length: int,
        towers: Towers,
        head: SequenceHead,
        features: torch.Tensor | None,
    ) -> None:
        super().__init__()
        self.length = length
        self.item, self.item_norm, self.history = towers
        self.v = nn.Parameter(torch.from_numpy(head.v.copy()))
        self.a = nn.Parameter(torch.from_numpy(head.a.copy()))
        self.b = nn.Parameter(torch.from_numpy(head.b.copy()))
        self.features = features
        self._content: torch.Tensor | None = None

    @classmethod
    def over(cls, module: SequenceModule, head: SequenceHead, features: Float32) -> "SequenceModel":
        """A model over an encoder's towers, with a copy of the head's numbers.

        Args:
            module: the encoder's sequence part; its towers are shared with the model.
            head: of the n items.
            features: [n, D] vectors of the catalogue; shared, not copied.

        Returns:
            The model.
        """
        return cls(
            length=module.length,
            towers=(module.item, module.item_norm, module.history),
            head=head,
            features=torch.from_numpy(features),
        )

    @classmethod
    def ids_only(cls, preset: Preset, n_items: int, seed: int) -> "SequenceModel":
        """The same model without content: id rows drawn at random (SASRec; Kang and McAuley 2018).

        Args:
            preset: size of the history tower, and width of the id rows.
            n_items: n.
            seed: of all draws.

        Returns:
            A model that has no item tower.
        """
        generator = torch_generator_for(seed, "ids-only")
        head = SequenceHead.initial(n_items, preset.width)
        with torch.device("meta"):
            norm, history = item_norm(preset), history_tower(preset)
        norm, history = norm.to_empty(device="cpu"), history.to_empty(device="cpu")
        model = cls(length=preset.length, towers=(None, norm, history), head=head, features=None)
        initialise(model.history, generator)
        initialise(model.item_norm, generator)
        with torch.no_grad():
            model.item_norm.weight.fill_(1.0)
            model.v.normal_(0, ID_SPREAD, generator=generator)
        return model

    def on(self, device: Device) -> "SequenceModel":
        """The model itself where it lies on ``device``, else a copy there."""
        if self.device.type == device:
            return self
        copied = deepcopy(self, {id(self.features): self.features}).to(device)
        copied.features = None if self.features is None else self.features.to(device)
        return copied

    @property
    def device(self) -> torch.device:
        """Where its numbers lie."""
        return self.b.device

    @property
    def n_items(self) -> int:
        """How many items there are, ``n``."""
        return len(self.b)

    @property
    def members(self) -> int:
        """Into how many equal parts states and item vectors fall, each of which is trained to score alone."""
        return len(self.history.members) if isinstance(self.history, HistoryTowers) else 1

    def head(self) -> SequenceHead:
        """A copy of the private part."""
        v, a, b = (value.detach().cpu().numpy().copy() for value in (self.v, self.a, self.b))
        return SequenceHead(v=v, a=a, b=b)

    def towers(self) -> nn.ModuleDict:
        """The towers by their names in an encoder's module; raises ValueError for a model of ids only."""
        if self.item is None:
            raise ValueError("a model of ids only has no item tower to hand over")
        return nn.ModuleDict({"item": self.item, "item_norm": self.item_norm, "history": self.history})

    def shared_parameters(self) -> list[nn.Parameter]:
        """What training may move of the encoder: its parameters, those beneath an adapter left out."""
        towers = [tower for tower in (self.item, self.item_norm, self.history) if tower is not None]
        named = [pair for tower in towers for pair in tower.named_parameters()]
        return [parameter for name, parameter in named if not name.endswith(BENEATH_AN_ADAPTER)]

    def private_parameters(self) -> list[nn.Parameter]:
        """The head's parameters."""
        return [self.v, self.a, self.b]

    def freeze_content(self) -> None:
        """Compute φ once for the whole catalogue: for training that leaves the item tower as it is."""
        self._content = self._computed_content(None).detach()

    def thaw_content(self) -> None:
        """Compute φ afresh from now on."""
        self._content = None

    def item_vectors(self, rows: torch.Tensor | None, dropout: Dropout | None = None) -> torch.Tensor:
        """Vectors e of some rows of the catalogue, or of all.

        Args:
            rows: [m] rows of the catalogue; None: all n.
            dropout: hides whole ids; None hides none. A model of ids only hides none either.

        Returns:
            [m, d].

        Raises:
            ValueError: if the model has an item tower and no features.
        """
        v = self.v if rows is None else functional.embedding(rows, self.v)
        if self.item is None:
            return torch.as_tensor(self.item_norm(v))
        a = self.a if rows is None else functional.embedding(rows, self.a[:, None])[:, 0]
        private = a[:, None] * v
        content = self._computed_content(rows) if self._content is None else self._cached_content(rows)
        normed: torch.Tensor = self.item_norm(content + (dropout.rows(private) if dropout else private))
        return normed

    def _computed_content(self, rows: torch.Tensor | None) -> torch.Tensor:
        if self.item is None or self.features is None:
            raise ValueError("a model of ids only has no content")
        content: torch.Tensor = self.item(self.features if rows is None else self.features[rows])
        return content

    def _cached_content(self, rows: torch.Tensor | None) -> torch.Tensor:
        if self._content is None:
            raise ValueError("content was not frozen")
        return self._content if rows is None else self._content[rows]
