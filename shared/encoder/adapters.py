"""A low-rank adapter: a change of the encoder's sequence part that is small enough to travel in the encoder's place.

A matrix W [o, i] of the towers φ and ψ changes by (α/r) · B · A (LoRA; Hu et al. 2022). Where the factors are trained
(client/training/low_rank.py), B [o, r] starts at 0, so that training starts at the received encoder, and A [r, i] is
drawn from N(0, 1/i); what travels in rounds is cut from a whole change (client/training/low_rank_cut.py). An array
that two factors would not make smaller changes as it is: biases, norms and distances are 3,233 of the 390,305
numbers of the sequence part of preset ``small``. The linear part never changes: it is solved from moments alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import SEQUENCE, Encoder, EncoderSpec
from shared.encoder.layout import ArraySpec, Layout, flatten, unflatten
from shared.errors import ConfigError

ALPHA = 32.0
"""α: with α/r a step moves W by about as much at every rank, so that a learning rate need not follow the rank."""

LEFT, RIGHT = ".B", ".A"
"""What follows a matrix's name in the names of its factors. B lies transposed, [r, o]: a row is of one product."""


@dataclass(frozen=True, kw_only=True)
class AdapterSpec:
    """Which adapter an encoder gets; equal specs have equal layouts."""

    encoder: EncoderSpec
    rank: int
    """r"""

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ConfigError(f"the rank of an adapter must be 1 or more; got {self.rank}")

    @property
    def scale(self) -> float:
        """α/r, the factor before B · A."""
        return ALPHA / self.rank

    def changed(self) -> tuple[ArraySpec, ...]:
        """The encoder's arrays that an adapter changes: those of the sequence part."""
        return tuple(array for array in self.encoder.layout().arrays if array.name.startswith(SEQUENCE))

    def is_product(self, array: ArraySpec) -> bool:
        """Whether the array changes by a product of two factors, which are smaller than itself."""
        return len(array.shape) == 2 and self.rank * sum(array.shape) < array.size

    def layout(self) -> Layout:
        """The order in which factors and whole differences lie in the adapter's flat array."""
        return Layout(tuple(part for array in self.changed() for part in self._parts(array)))

    def _parts(self, array: ArraySpec) -> tuple[ArraySpec, ...]:
        if not self.is_product(array):
            return (array,)
        rows, columns = array.shape
        left = ArraySpec(name=array.name + LEFT, shape=(self.rank, rows))
        return left, ArraySpec(name=array.name + RIGHT, shape=(self.rank, columns))


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """The numbers of an adapter; never changed in place."""

    spec: AdapterSpec
    flat: NDArray[np.float32]
    """[A] in the order of ``spec.layout()``"""

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Views into the flat array, by name; raises ValueError where its length or dtype is wrong."""
        return unflatten(self.spec.layout(), self.flat)

    def change(self) -> NDArray[np.float32]:
        """[P] what is added to the encoder's flat array: the products and whole differences, 0 in the linear part.

        Factors of absurd size give numbers that are not finite, without a warning.
        """
        spec, parts = self.spec, self.arrays()
        layout = spec.encoder.layout()
        changes = {array.name: np.zeros(array.shape, np.float32) for array in layout.arrays}
        with np.errstate(over="ignore", invalid="ignore"):
            for array in spec.changed():
                name = array.name
                is_product = spec.is_product(array)
                changes[name] = spec.scale * (parts[name + LEFT].T @ parts[name + RIGHT]) if is_product else parts[name]
        return flatten(layout, changes)

    def scaled(self, share: float) -> "Adapter":
        """The adapter whose change is ``share`` times this one's."""
        arrays = {
            name: value if name.endswith(RIGHT) else (share * value).astype(np.float32)
            for name, value in self.arrays().items()
        }
        return Adapter(spec=self.spec, flat=flatten(self.spec.layout(), arrays))

    def added_to(self, encoder: Encoder) -> Encoder:
        """The whole encoder: it scores as the given one did with the adapter beside it."""
        return Encoder(spec=encoder.spec, flat=encoder.flat + self.change())
