"""What is small enough to travel in the encoder's place: a step in a byte a number, and a low-rank adapter.

A step leads from one encoder to the next: it goes to a platform that holds the one before, and may come back from it.
Numbers lie in rows, as a byte each and a scale a row: rounded to 127 levels on either side of 0, up to the row's
largest. Decoding is a product of float32 numbers, the same bits on every machine: both ends hold the same encoder, and
its digest proves it. The linear part has no step: where it is new, the whole encoder goes out.

An adapter changes a matrix W [o, i] of the towers φ and ψ by (α/r) · B · A (LoRA; Hu et al. 2022). Where the factors
are trained (client/training/low_rank.py), B [o, r] starts at 0, so that training starts at the received encoder, and
A [r, i] is drawn from N(0, 1/i); what travels in rounds is cut from a whole change (``cut``). An array that
two factors would not make smaller changes as it is: biases, norms and distances are 3,233 of the 390,305
numbers of the sequence part of preset ``small``. The linear part never changes: it is solved from moments alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import ArraySpec, Encoder, EncoderSpec, Layout, flatten, unflatten
from shared.errors import ConfigError, GraftError

LEVELS = 127
_SCALE = np.dtype("<f4")


def row_lengths(arrays: Sequence[ArraySpec]) -> NDArray[np.int64]:
    """[R] how long the arrays' rows are, in their order; what has no rows is one."""
    counts = [array.shape[0] if len(array.shape) > 1 else 1 for array in arrays]
    return np.repeat([array.size // count for array, count in zip(arrays, counts, strict=True)], counts)


def byte_layout(name: str, arrays: Sequence[ArraySpec]) -> Layout:
    """How codes and scales lie in one flat array of bytes; a scale is a little-endian float32."""
    lengths = row_lengths(arrays)
    codes = ArraySpec(name=f"{name}.codes", shape=(int(lengths.sum()),), dtype="int8")
    return Layout((codes, ArraySpec(name=f"{name}.scales", shape=(len(lengths), _SCALE.itemsize), dtype="int8")))


@dataclass(frozen=True, eq=False, kw_only=True)
class ByteRows:
    """[S] numbers in [R] rows: each row's scale times its codes."""

    codes: NDArray[np.int8]
    """[S]"""
    scales: NDArray[np.float32]
    """[R]"""

    @classmethod
    def nearest(cls, values: NDArray[np.float64], lengths: NDArray[np.int64]) -> Self:
        """To ``values`` [S]; half a level of a row's largest number is the most that any is off."""
        largest = np.maximum.reduceat(np.abs(values), np.cumsum(lengths) - lengths)
        scales = (largest / LEVELS).astype(np.float32)
        levels = values / np.repeat(np.where(scales > 0, scales, 1), lengths)
        return cls(codes=np.clip(np.rint(levels), -LEVELS, LEVELS).astype(np.int8), scales=scales)

    def values(self, lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """[S]; scales of absurd size give numbers that are not finite, without a warning."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.repeat(self.scales, lengths) * self.codes.astype(np.float32)

    def to_flat(self) -> NDArray[np.int8]:
        """[S + 4 R] in the order of ``byte_layout``."""
        return np.concatenate([self.codes, self.scales.astype(_SCALE).view(np.int8)])

    @classmethod
    def from_flat(cls, flat: NDArray[np.int8], layout: Layout) -> Self:
        """The inverse of ``to_flat``; scales that are not finite are taken as they are.

        Raises ValueError where length or dtype differ from the layout's.
        """
        codes = unflatten(layout, flat)[layout.arrays[0].name]
        return cls(codes=codes, scales=np.ascontiguousarray(flat[len(codes) :]).view(_SCALE).astype(np.float32))


def rows(spec: EncoderSpec) -> NDArray[np.int64]:
    """[R] how long the rows of the sequence part's arrays are, in their order; what has no rows is one."""
    return row_lengths(spec.sequence_arrays)


def step_layout(spec: EncoderSpec) -> Layout:
    """How a step lies in one flat array of bytes."""
    return byte_layout("step", spec.sequence_arrays)


@dataclass(frozen=True, eq=False, kw_only=True)
class Step(ByteRows):
    """What is added to the sequence part, row by row."""

    @classmethod
    def between(cls, before: Encoder, after: Encoder) -> "Step":
        """The nearest step; half a level of a row's largest change is the most that any number is off."""
        place = before.spec.sequence_place
        return cls.nearest(after.flat[place].astype(np.float64) - before.flat[place], rows(before.spec))

    def added_to(self, encoder: Encoder) -> Encoder:
        """The next encoder; its linear part is that of the given one.

        Scales of absurd size give numbers that are not finite, without a warning.
        """
        flat = encoder.flat.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            flat[encoder.spec.sequence_place] += self.values(rows(encoder.spec))
        return Encoder(spec=encoder.spec, flat=flat)


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


@dataclass(frozen=True, eq=False, kw_only=True)
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


@dataclass(frozen=True, eq=False, kw_only=True)
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
