"""The form in which an update travels: what changed in two bytes a number, in one or in half of one, or an adapter.

The settings choose one of the forms once, when a task is made or read. All that follows asks the form: on which grid an
update of it lies (``grid``), what travels of an encoder that was trained (``encoded``) or of numbers that were
(``in_cells``), and which encoder an update makes of the one that was sent (``applied``). No form has a place for the
linear part.

In two bytes a number is the nearest of the grid. In fewer bits it is drawn, so that on average it is the number, and
what that leaves out is added to the sender's next update (error feedback; Seide et al. 2014, Stich et al. 2018).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cells import CellGrid, CodeBits, Codes
from shared.encoder.changes import (
    Adapter,
    AdapterSpec,
    Cut,
    change_grid,
    cut,
    delta_grid,
    half_byte_grid,
    with_change,
)
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.shared_adapter import SharedAdapterSpec, shared_adapter
from shared.errors import ConfigError
from shared.federation.config import LocalSettings, Updates
from shared.seeding import rng_for, seed_for

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Inputs = Callable[[], Mapping[str, NDArray[np.float64]]]
"""Gives the second moments of matrices' inputs, by the matrix's name; called where a form needs them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trained:
    """What a platform's training made of the encoder that it was sent."""

    sent: Encoder
    encoder: Encoder
    limit: float
    """the longest update that may travel; 0 sets none"""
    left_out: NDArray[np.float32] | None
    """[S] what the last round's update left out; None where nothing waits"""
    inputs: Inputs
    """of the trained encoder's matrices"""
    seed: int
    """of the sender and the round: draws what is rounded"""

    @property
    def change(self) -> Float64:
        """[S] what training changed in the sequence part."""
        place = self.sent.spec.sequence_place
        return self.encoder.flat[place].astype(np.float64) - self.sent.flat[place]


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoded:
    """An update as it travels, and what its form leaves out."""

    flat: Codes
    """in the form's grid"""
    left_out: NDArray[np.float32] | None = None
    """[S] of the sequence part's change; None where nothing waits for the next round"""


@dataclass(frozen=True, kw_only=True)
class ChangeForm:
    """What changed in the sequence part, on a grid: two bytes a number, one, or half of one."""

    grid_of: Callable[[EncoderSpec], CellGrid]

    def grid(self, spec: EncoderSpec) -> CellGrid:
        """Of its bits a number."""
        return self.grid_of(spec)

    def encoded(self, trained: Trained) -> Encoded:
        """The change, and what waited."""
        return self.in_cells(
            trained.sent.spec, trained.change, left_out=trained.left_out, limit=trained.limit, seed=trained.seed
        )

    def in_cells(
        self, spec: EncoderSpec, numbers: Float64, *, left_out: Float32 | None, limit: float, seed: int
    ) -> Encoded:
        """A change on the grid.

        Args:
            spec: what the encoder is.
            numbers: [S] the change.
            left_out: [S] what the sender's last update left out; None where nothing waits.
            limit: the longest update that may travel; 0 sets none.
            seed: of the sender and the round.

        Returns:
            The update, and what it leaves out.

        Raises:
            GraftError: if a number is not finite.
        """
        total = _cut(numbers if left_out is None else numbers + left_out, limit)
        flat, lost = _rounded(self.grid(spec), total, seed)
        return Encoded(flat=flat, left_out=lost)

    def applied(self, sent: Encoder, flat: Codes) -> Encoder:
        """The encoder to which the change leads.

        Args:
            sent: the encoder that the platform was sent.
            flat: the update's codes and exponents, in the order of ``grid``.

        Returns:
            A new encoder; its linear part is that of ``sent``.

        Raises:
            ValueError: if length or dtype of ``flat`` differ from the grid's.
        """
        return with_change(sent, flat, self.grid(sent.spec))

    def difference(self, spec: EncoderSpec, numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        """What the mean of updates changes in an encoder.

        Args:
            spec: what the encoder is.
            numbers: [S] the mean of what the updates' cells stand for.

        Returns:
            [P], 0 in the linear part.
        """
        return in_sequence_part(spec, numbers)


@dataclass(frozen=True, kw_only=True)
class AdapterForm:
    """A low-rank adapter with the most of what changed, as a byte a number."""

    rank: int

    def grid(self, spec: EncoderSpec) -> CellGrid:
        """Of the adapter's numbers."""
        return AdapterSpec(encoder=spec, rank=self.rank).grid()

    def encoded(self, trained: Trained) -> Encoded:
        """The cells of ``adapted``."""
        adapted = self.adapted(trained)
        return Encoded(flat=adapted.adapter.to_cells(), left_out=adapted.left_out)

    def adapted(self, trained: Trained) -> Cut:
        """The adapter before it is brought to cells; the limit is on what it adds to the encoder."""
        waiting = 0 if trained.left_out is None else trained.left_out
        nearest = cut(trained.sent.spec, trained.change + waiting, self.rank, trained.inputs())
        share = _share(float(np.linalg.norm(nearest.adapter.change().astype(np.float64))), trained.limit)
        return nearest if share == 1 else Cut(adapter=nearest.adapter.scaled(share), left_out=nearest.left_out)

    def applied(self, sent: Encoder, flat: Codes) -> Encoder:
        """The encoder with the adapter's products added.

        Args:
            sent: the encoder that the platform was sent.
            flat: the adapter's codes and exponents, in the order of ``grid``.

        Returns:
            A new encoder; its linear part is that of ``sent``.

        Raises:
            ValueError: if length or dtype of ``flat`` differ from the grid's.
        """
        return Adapter.from_cells(AdapterSpec(encoder=sent.spec, rank=self.rank), flat).added_to(sent)


@dataclass(frozen=True, kw_only=True)
class SharedForm:
    """A low-rank adapter whose right factors all senders of a round have in common."""

    rank: int
    seed: int
    """of the round"""
    code_bits: CodeBits
    """of a number"""

    def difference(self, spec: EncoderSpec, numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        """What the mean of updates changes in an encoder.

        Args:
            spec: what the encoder is.
            numbers: [C] the mean of what the updates' cells stand for.

        Returns:
            [P], 0 in the linear part.
        """
        adapter = self.spec(spec)
        return in_sequence_part(spec, adapter.change(numbers, _right_factors(adapter, self.seed)))

    def spec(self, encoder: EncoderSpec) -> SharedAdapterSpec:
        """Which numbers travel."""
        return shared_adapter(encoder, self.rank)

    def grid(self, spec: EncoderSpec) -> CellGrid:
        """Of the adapter's numbers."""
        return self.spec(spec).grid(self.code_bits)

    def encoded(self, trained: Trained) -> Encoded:
        """The nearest adapter with the round's right factors to what changed; what it lacks waits."""
        spec = self.spec(trained.sent.spec)
        factors, change = _right_factors(spec, self.seed), _cut(trained.change, trained.limit).astype(np.float32)
        numbers = spec.nearest(change, factors)
        left_out = change - spec.change(numbers, factors) + (0 if trained.left_out is None else trained.left_out)
        return self.in_cells(
            trained.sent.spec,
            numbers.astype(np.float64),
            left_out=left_out,
            limit=trained.limit,
            seed=trained.seed,
        )

    def in_cells(
        self, spec: EncoderSpec, numbers: Float64, *, left_out: Float32 | None, limit: float, seed: int
    ) -> Encoded:
        """An adapter's numbers on the grid.

        Args:
            spec: what the encoder is.
            numbers: [C] in the order of the adapter's layout.
            left_out: [S] what the sender's updates have left out; its nearest adapter is added. None where nothing
                waits.
            limit: the longest update that may travel; 0 sets none.
            seed: of the sender and the round.

        Returns:
            The update, and what it leaves out.

        Raises:
            GraftError: if a number is not finite.
        """
        adapter = self.spec(spec)
        factors, total, waiting = _right_factors(adapter, self.seed), numbers, left_out
        if left_out is not None:
            taken = adapter.nearest(left_out, factors)
            total, waiting = numbers + taken, left_out - adapter.change(taken, factors)
        flat, lost = _rounded(self.grid(spec), _cut(total, limit), seed)
        if lost is not None:
            waiting = adapter.change(lost, factors) + (0 if waiting is None else waiting)
        return Encoded(flat=flat, left_out=waiting)

    def applied(self, sent: Encoder, flat: Codes) -> Encoder:
        """The encoder with the adapter's products added.

        Args:
            sent: the encoder that the sender was sent.
            flat: the adapter's codes and exponents, in the order of ``grid``.

        Returns:
            A new encoder; its linear part is that of ``sent``.

        Raises:
            ValueError: if length or dtype of ``flat`` differ from the grid's.
        """
        spec, whole = self.spec(sent.spec), sent.flat.copy()
        numbers = self.grid(sent.spec).values(flat)
        whole[sent.spec.sequence_place] += spec.change(numbers, _right_factors(spec, self.seed))
        return Encoder(spec=sent.spec, flat=whole)


WHOLE = ChangeForm(grid_of=change_grid)
CHANGES: dict[Updates, ChangeForm] = {
    "whole": WHOLE,
    "int8-delta": ChangeForm(grid_of=delta_grid),
    "int4-delta": ChangeForm(grid_of=half_byte_grid),
}
CODE_BITS: dict[Updates, CodeBits] = {"whole": 16, "int8-delta": 8, "int4-delta": 4}
SummedForm = ChangeForm | SharedForm
"""a mean of such updates is an update too"""
UpdateForm = SummedForm | AdapterForm


def update_form(settings: LocalSettings, seed: int) -> UpdateForm:
    """The form that these settings ask for.

    Args:
        settings: of a local round.
        seed: of the round, as ``round_seed`` makes it.

    Returns:
        The form.
    """
    if settings.shared_rank:
        return SharedForm(rank=settings.shared_rank, seed=seed, code_bits=CODE_BITS[settings.updates])
    return AdapterForm(rank=settings.rank) if settings.rank else CHANGES[settings.updates]


def summed_form(settings: LocalSettings, seed: int) -> SummedForm:
    """The form that these settings ask for, where it can be summed.

    Args:
        settings: of a local round.
        seed: of the round, as ``round_seed`` makes it.

    Returns:
        The form.

    Raises:
        ConfigError: if a sum of such updates is none.
    """
    form = update_form(settings, seed)
    if isinstance(form, AdapterForm):
        raise ConfigError(f"adapters must be none or shared:RANK in a sum of updates; got {settings.adapters!r}")
    return form


def round_seed(seed: int, number: int) -> int:
    """The seed of what all who take part in a training round draw alike.

    Args:
        seed: of the run.
        number: of the round, from 1.

    Returns:
        The seed.
    """
    return seed_for(seed, "round", number)


def in_sequence_part(spec: EncoderSpec, change: NDArray[np.float32]) -> NDArray[np.float64]:
    """A change of the sequence part as one of the whole encoder.

    Args:
        spec: what the encoder is.
        change: [S].

    Returns:
        [P], 0 in the linear part.
    """
    whole = np.zeros(spec.layout().size)
    whole[spec.sequence_place] = change
    return whole


@lru_cache(maxsize=8)
def _right_factors(adapter: SharedAdapterSpec, seed: int) -> dict[str, Float32]:
    """Those of a round, drawn once for all of a cohort."""
    return adapter.right_factors(seed)


def _cut(numbers: Float64, limit: float) -> Float64:
    """The numbers, no longer than the limit."""
    return _share(float(np.linalg.norm(numbers)), limit) * numbers


def _rounded(grid: CellGrid, numbers: Float64, seed: int) -> tuple[Codes, Float32 | None]:
    """The cells of numbers, and what these lack; None where they are the nearest of two bytes."""
    if grid.code_bits == CODE_BITS["whole"]:
        return grid.nearest(numbers), None
    flat = grid.drawn(numbers, rng_for(seed, "rounding"))
    return flat, (numbers - grid.values(flat)).astype(np.float32)


def _share(norm: float, limit: float) -> float:
    return 1.0 if limit == 0 or norm <= limit else limit / norm
