"""What is small enough to travel in the encoder's place: what changed, in cells, and a low-rank adapter.

A change leads from one encoder to the next, in the sequence part alone: two bytes a number and a power of two an array,
or as an int8 delta, a byte a number and a power of two a row (shared/encoder/cells.py). One also goes to a platform
that holds the encoder before. Adding a change is one float32 operation a number, the same bits on every machine: both
ends hold the same encoder, and its digest proves it. The linear part has no place in a change: where it is new, the
whole encoder goes out.

An adapter changes a matrix W [o, i] of the towers φ and ψ by (α/r) · B · A (LoRA; Hu et al. 2022). Where the factors
are trained (client/training/low_rank.py), B [o, r] starts at 0, so that training starts at the received encoder, and
A [r, i] is drawn from N(0, 1/i); what travels in rounds is cut from a whole change (``cut``). An array that
two factors would not make smaller changes as it is: biases, norms and distances are 3,233 of the 390,305
numbers of the sequence part of preset ``small``. The linear part never changes: it is solved from moments alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cells import NOT_FINITE, CellGrid, Codes
from shared.encoder.encoder import ArraySpec, Encoder, EncoderSpec, Layout, flatten, unflatten
from shared.errors import ConfigError, GraftError


def row_lengths(arrays: Sequence[ArraySpec]) -> NDArray[np.int64]:
    """[R] how long the arrays' rows are, in their order; what has no rows is one."""
    counts = [array.shape[0] if len(array.shape) > 1 else 1 for array in arrays]
    return np.repeat([array.size // count for array, count in zip(arrays, counts, strict=True)], counts)


@lru_cache(maxsize=64)
def delta_grid(spec: EncoderSpec) -> CellGrid:
    """How an int8 delta lies: a byte a number, a power of two a row of the sequence part's arrays."""
    return CellGrid(name="step", lengths=row_lengths(spec.sequence_arrays), code_bits=8)


@lru_cache(maxsize=64)
def half_byte_grid(spec: EncoderSpec) -> CellGrid:
    """How an int4 delta lies: half a byte a number, a power of two a row of the sequence part's arrays."""
    return CellGrid(name="half-step", lengths=row_lengths(spec.sequence_arrays), code_bits=4)


@lru_cache(maxsize=64)
def change_grid(spec: EncoderSpec) -> CellGrid:
    """How a whole change lies: two bytes a number, a power of two an array of the sequence part."""
    return CellGrid(name="change", lengths=np.array([array.size for array in spec.sequence_arrays]), code_bits=16)


def change_between(before: Encoder, after: Encoder, grid: CellGrid) -> Codes:
    """The nearest change of the sequence part, in the cells of a grid.

    Args:
        before: the encoder from which the change leads.
        after: the encoder to which it leads, of the same sizes.
        grid: of S numbers in G groups, on which the change lies.

    Returns:
        [S + G] codes and exponents, in the order of ``grid``.

    Raises:
        GraftError: if a number is not finite.
    """
    place = before.spec.sequence_place
    return grid.nearest(after.flat[place].astype(np.float64) - before.flat[place])


def with_change(encoder: Encoder, change: Codes, grid: CellGrid) -> Encoder:
    """The next encoder; its linear part is that of the given one.

    Args:
        encoder: the one before.
        change: [S + G] codes and exponents, in the order of ``grid``.
        grid: of the S numbers of the sequence part in G groups.

    Returns:
        A new encoder with the change added.

    Raises:
        ValueError: if length or dtype of ``change`` differ from the grid's.
    """
    flat = encoder.flat.copy()
    flat[encoder.spec.sequence_place] += grid.values(change)
    return Encoder(spec=encoder.spec, flat=flat)


@dataclass(frozen=True, eq=False, kw_only=True)
class Int8Delta:
    """What is added to the sequence part, row by row."""

    cells: Codes
    """in the order of ``delta_grid``"""

    @classmethod
    def between(cls, before: Encoder, after: Encoder) -> "Int8Delta":
        """The nearest delta; half a power of two of its row is the most that any number is off.

        Args:
            before: the encoder from which it leads.
            after: the encoder to which it leads, of the same sizes.

        Returns:
            The delta.

        Raises:
            GraftError: if a number is not finite.
        """
        return cls(cells=change_between(before, after, delta_grid(before.spec)))

    def added_to(self, encoder: Encoder) -> Encoder:
        """The next encoder; its linear part is that of the given one."""
        return with_change(encoder, self.cells, delta_grid(encoder.spec))


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

    def grid(self) -> CellGrid:
        """How the same numbers travel: a byte a number, a power of two a row."""
        return CellGrid(name="adapter", lengths=row_lengths(self.layout().arrays), code_bits=8)

    def _parts(self, array: ArraySpec) -> tuple[ArraySpec, ...]:
        if not self.is_product(array):
            return (array,)
        rows, columns = array.shape
        left = ArraySpec(name=array.name + LEFT, shape=(self.rank, rows))
        return left, ArraySpec(name=array.name + RIGHT, shape=(self.rank, columns))


@dataclass(frozen=True, eq=False, kw_only=True)
class Adapter:
    """The numbers of an adapter; never changed in place."""

    spec: AdapterSpec
    flat: NDArray[np.float32]
    """[A] in the order of ``spec.layout()``"""

    @classmethod
    def from_cells(cls, spec: AdapterSpec, cells: Codes) -> "Adapter":
        """The inverse of ``to_cells``, but for what rounding took.

        Args:
            spec: which adapter it is.
            cells: codes and exponents, in the order of ``spec.grid()``.

        Returns:
            The adapter.

        Raises:
            ValueError: if length or dtype of ``cells`` differ from the grid's.
        """
        return cls(spec=spec, flat=spec.grid().values(cells))

    def to_cells(self) -> Codes:
        """In the order of ``spec.grid()``; half a power of two of its row is the most that any number is off."""
        return self.spec.grid().nearest(self.flat.astype(np.float64))

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


@dataclass(frozen=True, eq=False, kw_only=True)
class Cut:
    """A change in two parts."""

    adapter: Adapter
    left_out: NDArray[np.float32]
    """[S] the change of the sequence part less what the adapter adds"""


def cut(
    encoder: EncoderSpec, change: NDArray[np.float64], rank: int, moments: Mapping[str, NDArray[np.float64]]
) -> Cut:
    """The change of an encoder's sequence part as an adapter, and what is cut off.

    The nearest product by numbers is not the nearest by effect. A matrix's change Δ [o, i] on inputs whose second
    moment is S [i, i] does Δ S^½, and of rank r the nearest to that is U Uᵀ Δ with U [o, r] the first eigenvectors of
    Δ S Δᵀ. What was cut off is added to the next round's change (error feedback; Stich et al. 2018, Vogels et al.
    2019).

    Args:
        encoder: what the encoder is.
        change: [S] of all numbers of its sequence part.
        rank: r of the adapter, at least 1.
        moments: second moments [i, i] of matrices' inputs, by the matrix's name; a matrix that is not there is cut as
            if its inputs were all alike.

    Returns:
        The adapter and what it leaves out.

    Raises:
        GraftError: if a number of ``change`` is not finite.
        ConfigError: if ``rank`` is below 1.
    """
    if not np.isfinite(change).all():
        raise GraftError(NOT_FINITE)
    spec = AdapterSpec(encoder=encoder, rank=rank)
    changes = unflatten(Layout(tuple(replace(array, dtype="float64") for array in spec.changed())), change)
    parts: dict[str, NDArray[np.float32]] = {}
    for array in spec.changed():
        name, delta = array.name, changes[array.name]
        if spec.is_product(array):
            seen = delta @ moments[name] if name in moments else delta
            left = np.linalg.eigh(seen @ delta.T)[1][:, : -rank - 1 : -1]
            parts[name + LEFT] = (left.T / spec.scale).astype(np.float32)
            parts[name + RIGHT] = (left.T @ delta).astype(np.float32)
        else:
            parts[name] = delta.astype(np.float32)
    adapter = Adapter(spec=spec, flat=flatten(spec.layout(), parts))
    return Cut(adapter=adapter, left_out=(change - adapter.change()[-len(change) :]).astype(np.float32))
