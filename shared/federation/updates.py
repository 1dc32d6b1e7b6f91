"""The form in which a platform's update travels: whole encoder, step of a byte a number, or low-rank adapter.

The settings choose one of the three once, when a task is made or read. All that follows asks the form: how an update
of it lies (``layout``), what travels of an encoder that was trained (``encoded``), and which encoder an update makes of
the one that was sent (``applied``), whose numbers need not be finite.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.encoder.changes import Adapter, AdapterSpec, Cut, Step, cut, step_layout
from shared.encoder.encoder import Encoder, EncoderSpec, Layout
from shared.federation.config import LocalSettings

Flat = NDArray[np.float32] | NDArray[np.int8]
Inputs = Callable[[], Mapping[str, NDArray[np.float64]]]
"""Gives the second moments of matrices' inputs, by the matrix's name; called where a form needs them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trained:
    """What a platform's training made of the encoder that it was sent."""

    encoder: Encoder
    limit: float
    """the longest update that may travel; 0 sets none"""
    left_out: NDArray[np.float32] | None
    """[S] what the last round's update left out; None where nothing waits"""
    inputs: Inputs
    """of the trained encoder's matrices"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoded:
    """An update as it travels, and what its form leaves out."""

    flat: Flat
    """in the form's layout"""
    left_out: NDArray[np.float32] | None = None
    """[S] of the sequence part's change; None where nothing waits for the next round"""


@dataclass(frozen=True, kw_only=True)
class WholeForm:
    """The trained encoder itself."""

    def layout(self, spec: EncoderSpec) -> Layout:
        """The encoder's."""
        return spec.layout()

    def encoded(self, sent: Encoder, trained: Trained) -> Encoded:
        """All its numbers."""
        return Encoded(flat=_limited(sent, trained).flat if trained.limit else trained.encoder.flat)

    def applied(self, sent: Encoder, flat: Flat) -> Encoder:
        """The encoder of these numbers."""
        return Encoder(spec=sent.spec, flat=flat.astype(np.float32, copy=False))


@dataclass(frozen=True, kw_only=True)
class StepForm:
    """What changed in the sequence part, as a byte a number."""

    def layout(self, spec: EncoderSpec) -> Layout:
        """A step's."""
        return step_layout(spec)

    def encoded(self, sent: Encoder, trained: Trained) -> Encoded:
        """The nearest step."""
        return Encoded(flat=Step.between(sent, _limited(sent, trained)).to_flat())

    def applied(self, sent: Encoder, flat: Flat) -> Encoder:
        """The encoder to which the step leads."""
        return Step.from_flat(flat.astype(np.int8, copy=False), step_layout(sent.spec)).added_to(sent)


@dataclass(frozen=True, kw_only=True)
class AdapterForm:
    """A low-rank adapter with the most of what changed, as a byte a number."""

    rank: int

    def layout(self, spec: EncoderSpec) -> Layout:
        """Of the adapter's numbers in bytes."""
        return AdapterSpec(encoder=spec, rank=self.rank).byte_layout()

    def encoded(self, sent: Encoder, trained: Trained) -> Encoded:
        """The bytes of ``adapted``."""
        found = self.adapted(sent, trained)
        return Encoded(flat=found.adapter.to_bytes(), left_out=found.left_out)

    def adapted(self, sent: Encoder, trained: Trained) -> Cut:
        """The adapter before it is brought to bytes; the limit is on what it adds to the encoder."""
        place, waiting = sent.spec.sequence_place, trained.left_out
        change = trained.encoder.flat[place].astype(np.float64) - sent.flat[place]
        found = cut(sent.spec, change + (0 if waiting is None else waiting), self.rank, trained.inputs())
        share = _share(found.adapter.change().astype(np.float64), trained.limit)
        return found if share == 1 else Cut(adapter=found.adapter.scaled(share), left_out=found.left_out)

    def applied(self, sent: Encoder, flat: Flat) -> Encoder:
        """The encoder with the adapter's products added."""
        spec = AdapterSpec(encoder=sent.spec, rank=self.rank)
        return Adapter.from_bytes(spec, flat.astype(np.int8, copy=False)).added_to(sent)


UpdateForm = WholeForm | StepForm | AdapterForm


def update_form(settings: LocalSettings) -> UpdateForm:
    """The form that these settings ask for."""
    if settings.rank:
        return AdapterForm(rank=settings.rank)
    return StepForm() if settings.updates == "steps" else WholeForm()


def _limited(sent: Encoder, trained: Trained) -> Encoder:
    """The trained encoder, moved back toward the one sent where the norm of their difference is above the limit."""
    update = trained.encoder.flat.astype(np.float64) - sent.flat
    share = _share(update, trained.limit)
    if share == 1:
        return trained.encoder
    return Encoder(spec=sent.spec, flat=(sent.flat + share * update).astype(np.float32))


def _share(update: NDArray[np.float64], limit: float) -> float:
    norm = float(np.linalg.norm(update))
    return 1.0 if limit == 0 or norm <= limit else limit / norm
