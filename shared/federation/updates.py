"""The form in which an update travels: what changed in two bytes a number or in one, or a low-rank adapter.

The settings choose one of the forms once, when a task is made or read. All that follows asks the form: on which grid an
update of it lies (``grid``), what travels of an encoder that was trained (``encoded``), and which encoder an update
makes of the one that was sent (``applied``). No form has a place for the linear part.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cells import CellGrid, Codes
from shared.encoder.changes import Adapter, AdapterSpec, Cut, change_between, change_grid, cut, delta_grid, with_change
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.shared_adapter import SharedAdapterSpec, shared_adapter
from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.seeding import seed_for

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

    @property
    def limited(self) -> Encoder:
        """The trained encoder, moved back toward the one sent where their difference is longer than the limit."""
        update = self.encoder.flat.astype(np.float64) - self.sent.flat
        share = _share(float(np.linalg.norm(update)), self.limit)
        if share == 1:
            return self.encoder
        return Encoder(spec=self.sent.spec, flat=(self.sent.flat + share * update).astype(np.float32))


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoded:
    """An update as it travels, and what its form leaves out."""

    flat: Codes
    """in the form's grid"""
    left_out: NDArray[np.float32] | None = None
    """[S] of the sequence part's change; None where nothing waits for the next round"""


@dataclass(frozen=True, kw_only=True)
class ChangeForm:
    """What changed in the sequence part, on a grid: two bytes a number, or one."""

    grid_of: Callable[[EncoderSpec], CellGrid]

    def grid(self, spec: EncoderSpec) -> CellGrid:
        """Of two bytes a number, or of one."""
        return self.grid_of(spec)

    def encoded(self, trained: Trained) -> Encoded:
        """The nearest change."""
        sent = trained.sent
        return Encoded(flat=change_between(sent, trained.limited, self.grid(sent.spec)))

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
        sent = trained.sent
        place, waiting = sent.spec.sequence_place, trained.left_out
        change = trained.encoder.flat[place].astype(np.float64) - sent.flat[place]
        nearest = cut(sent.spec, change + (0 if waiting is None else waiting), self.rank, trained.inputs())
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
    """A low-rank adapter whose right factors all senders of a round have in common, as a byte a number."""

    rank: int
    seed: int
    """of the round"""

    def difference(self, spec: EncoderSpec, numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        """What the mean of updates changes in an encoder.

        Args:
            spec: what the encoder is.
            numbers: [C] the mean of what the updates' cells stand for.

        Returns:
            [P], 0 in the linear part.
        """
        adapter = self.spec(spec)
        return in_sequence_part(spec, adapter.change(numbers, adapter.right_factors(self.seed)))

    def spec(self, encoder: EncoderSpec) -> SharedAdapterSpec:
        """Which numbers travel."""
        return shared_adapter(encoder, self.rank)

    def grid(self, spec: EncoderSpec) -> CellGrid:
        """Of the adapter's numbers."""
        return self.spec(spec).grid

    def encoded(self, trained: Trained) -> Encoded:
        """The nearest adapter with the round's right factors to what changed, and what the last one left out."""
        sent, waiting = trained.sent, trained.left_out
        spec, place = self.spec(sent.spec), sent.spec.sequence_place
        factors = spec.right_factors(self.seed)
        change = trained.limited.flat[place] - sent.flat[place] + (0 if waiting is None else waiting)
        numbers = spec.nearest(change, factors)
        share = _share(float(np.linalg.norm(numbers.astype(np.float64))), trained.limit)
        codes = self.grid(sent.spec).nearest(share * numbers.astype(np.float64))
        return Encoded(flat=codes, left_out=change - spec.change(numbers, factors))

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
        whole[sent.spec.sequence_place] += spec.change(numbers, spec.right_factors(self.seed))
        return Encoder(spec=sent.spec, flat=whole)


WHOLE, INT8_DELTA = ChangeForm(grid_of=change_grid), ChangeForm(grid_of=delta_grid)
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
        return SharedForm(rank=settings.shared_rank, seed=seed)
    if settings.rank:
        return AdapterForm(rank=settings.rank)
    return INT8_DELTA if settings.updates == "int8-delta" else WHOLE


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


def _share(norm: float, limit: float) -> float:
    return 1.0 if limit == 0 or norm <= limit else limit / norm
