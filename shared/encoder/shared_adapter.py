"""A low-rank adapter whose right factors all share, so that the mean of adapters is the adapter of the mean.

A matrix W [o, i] of the towers becomes W + B A. A [r, i] has rows of length 1 at right angles to each other, drawn from
a seed that all senders have in common; B [o, r] starts at 0 and is all that is trained and travels (FFA-LoRA; Sun et
al. 2024). Sums of such changes are sums of their numbers, which masks and noise need, and as A keeps lengths, a change
is as long as its numbers are. A round draws another A, so that rounds together reach every direction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cells import CellGrid
from shared.encoder.changes import row_lengths
from shared.encoder.encoder import ArraySpec, EncoderSpec, Layout, flatten, unflatten
from shared.errors import ConfigError
from shared.seeding import rng_for

Float32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SharedAdapterSpec:
    """Which numbers of the sequence part are trained, and how they lie; rank 0 stands for all of them, as they are."""

    encoder: EncoderSpec
    rank: int
    """r"""

    def __post_init__(self) -> None:
        if self.rank < 0:
            raise ConfigError(f"the rank of an adapter must be 0 or more; got {self.rank}")

    def is_product(self, array: ArraySpec) -> bool:
        """Whether the array changes by a product: a matrix of which B is half as large at the most."""
        return len(array.shape) == 2 and 0 < 2 * self.rank <= array.shape[1]

    @cached_property
    def products(self) -> dict[str, ArraySpec]:
        """The encoder's arrays that change by a product, by name."""
        return {array.name: array for array in self.encoder.sequence_arrays if self.is_product(array)}

    @cached_property
    def layout(self) -> Layout:
        """The order in which the trained numbers lie in one flat array: each B [o, r], each other array whole."""
        return Layout(
            tuple(
                ArraySpec(name=array.name, shape=(array.shape[0], self.rank)) if array.name in self.products else array
                for array in self.encoder.sequence_arrays
            )
        )

    @cached_property
    def grid(self) -> CellGrid:
        """How the same numbers travel: a byte a number, a power of two a row."""
        return CellGrid(name="shared-adapter", lengths=row_lengths(self.layout.arrays), dtype="int8")

    def right_factors(self, seed: int) -> dict[str, Float32]:
        """A [r, i] of each product.

        Args:
            seed: of the round, which all senders have in common.

        Returns:
            By the matrix's name; rows have length 1 and stand at right angles to each other.
        """
        factors = {}
        for name, array in self.products.items():
            drawn = rng_for(seed, "right-factor", name).standard_normal((array.shape[1], self.rank))
            orthogonal, upper = np.linalg.qr(drawn)
            factors[name] = np.ascontiguousarray((orthogonal * np.sign(np.diag(upper))).T, np.float32)
        return factors

    def nearest(self, change: Float32, factors: Mapping[str, Float32]) -> Float32:
        """The numbers whose change lies nearest to a given one: B = Δ Aᵀ, as A's rows have length 1.

        Args:
            change: [S] of the sequence part.
            factors: A [r, i] by name, as ``right_factors`` gives them.

        Returns:
            [C] in the order of ``layout``.

        Raises:
            ValueError: if length or dtype of ``change`` differ from the sequence part's.
        """
        parts = unflatten(Layout(tuple(self.encoder.sequence_arrays)), change)
        return flatten(
            self.layout, {name: value @ factors[name].T if name in factors else value for name, value in parts.items()}
        )

    def change(self, numbers: Float32, factors: Mapping[str, Float32]) -> Float32:
        """What such numbers add to the sequence part.

        Args:
            numbers: [C] in the order of ``layout``.
            factors: A [r, i] by name, as ``right_factors`` gives them.

        Returns:
            [S] in the order of the encoder's sequence arrays.

        Raises:
            ValueError: if length or dtype of ``numbers`` differ from the layout's.
        """
        parts = unflatten(self.layout, numbers)
        whole = {name: value @ factors[name] if name in factors else value for name, value in parts.items()}
        return flatten(Layout(tuple(self.encoder.sequence_arrays)), whole)


@lru_cache(maxsize=64)
def shared_adapter(encoder: EncoderSpec, rank: int) -> SharedAdapterSpec:
    """The adapter of an encoder, made once for each rank.

    Args:
        encoder: what the encoder is.
        rank: r; 0 for all numbers of the sequence part.

    Returns:
        Which numbers are trained, and how they lie.
    """
    return SharedAdapterSpec(encoder=encoder, rank=rank)
