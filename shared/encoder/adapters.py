"""A low-rank adapter: a change of the encoder's sequence part that is small enough to travel in the encoder's place.

A matrix W [o, i] of the towers φ and ψ changes by (α/r) · B · A (LoRA; Hu et al. 2022). Where the factors are trained
(client/training/low_rank.py), B [o, r] starts at 0, so that training starts at the received encoder, and A [r, i] is
drawn from N(0, 1/i); what travels in rounds is cut from a whole change (``cut``). An array
that two factors would not make smaller changes as it is: biases, norms and distances are 3,233 of the 390,305
numbers of the sequence part of preset ``small``. The linear part never changes: it is solved from moments alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.layout import ArraySpec, Layout, flatten, unflatten
from shared.encoder.step import ByteRows, byte_layout, row_lengths
from shared.errors import ConfigError, GraftError

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
        return tuple(self.encoder.sequence_arrays)

    def is_product(self, array: ArraySpec) -> bool:
        """Whether the array changes by a product of two factors, which are smaller than itself."""
        return len(array.shape) == 2 and self.rank * sum(array.shape) < array.size

    def layout(self) -> Layout:
        """The order in which factors and whole differences lie in the adapter's flat array."""
        return Layout(tuple(part for array in self.changed() for part in self._parts(array)))

    def byte_layout(self) -> Layout:
        """The same numbers as codes and scales in one flat array of bytes."""
        return byte_layout("adapter", self.layout().arrays)

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

    @classmethod
    def from_bytes(cls, spec: AdapterSpec, flat: NDArray[np.int8]) -> "Adapter":
        """The inverse of ``to_bytes``, but for what rounding took; raises ValueError for another length or dtype."""
        lengths = row_lengths(spec.layout().arrays)
        return cls(spec=spec, flat=ByteRows.from_flat(flat, spec.byte_layout()).values(lengths))

    def to_bytes(self) -> NDArray[np.int8]:
        """In the order of ``spec.byte_layout()``; no number is off by more than half a level of its row's largest."""
        return ByteRows.nearest(self.flat.astype(np.float64), row_lengths(self.spec.layout().arrays)).to_flat()

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


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A change in two parts."""

    adapter: Adapter
    left_out: NDArray[np.float32]
    """[S] the change of the sequence part less what the adapter adds"""


def cut(
    encoder: EncoderSpec, change: NDArray[np.float64], rank: int, moments: Mapping[str, NDArray[np.float64]]
) -> Cut:
    """``change`` [S] of an encoder's sequence part as an adapter of ``rank``, and what is cut off.

    The nearest product by numbers is not the nearest by effect. A matrix's change Δ [o, i] on inputs whose second
    moment is S [i, i] does Δ S^½, and of rank r the nearest to that is U Uᵀ Δ with U [o, r] the first eigenvectors of
    Δ S Δᵀ. What was cut off is added to the next round's change (error feedback; Stich et al. 2018, Vogels et al.
    2019). A matrix whose inputs ``moments`` does not know is cut as if they were all alike.

    Raises GraftError where numbers are not finite.
    """
    if not np.isfinite(change).all():
        raise GraftError("training must leave finite numbers; found others, as too high a learning rate leaves them")
    spec = AdapterSpec(encoder=encoder, rank=rank)
    changes = unflatten(Layout(tuple(replace(array, dtype="float64") for array in spec.changed())), change)
    parts: dict[str, NDArray[np.float32]] = {}
    for array in spec.changed():
        name, own = array.name, changes[array.name]
        if spec.is_product(array):
            seen = own @ moments[name] if name in moments else own
            left = np.linalg.eigh(seen @ own.T)[1][:, : -rank - 1 : -1]
            parts[name + LEFT] = (left.T / spec.scale).astype(np.float32)
            parts[name + RIGHT] = (left.T @ own).astype(np.float32)
        else:
            parts[name] = own.astype(np.float32)
    adapter = Adapter(spec=spec, flat=flatten(spec.layout(), parts))
    return Cut(adapter=adapter, left_out=(change - adapter.change()[-len(change) :]).astype(np.float32))
