"""The form in which a platform's update travels: whole encoder, low-rank adapter, or step of a byte a number."""

import numpy as np
from numpy.typing import NDArray

from shared.config import LocalSettings
from shared.encoder.adapters import Adapter, AdapterSpec
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.layout import Layout
from shared.encoder.step import Step, step_layout

Flat = NDArray[np.float32] | NDArray[np.int8]


def update_layout(spec: EncoderSpec, settings: LocalSettings) -> Layout:
    """The only layout that an update under these settings may have."""
    if settings.rank:
        return AdapterSpec(encoder=spec, rank=settings.rank).layout()
    return step_layout(spec) if settings.updates == "steps" else spec.layout()


def update_numbers(sent: Encoder, update: Encoder | Adapter, settings: LocalSettings) -> Flat:
    """The flat array, in ``update_layout``, of what a platform made of the encoder that it was sent."""
    if settings.updates == "steps" and isinstance(update, Encoder):
        return Step.between(sent, update).to_flat()
    return update.flat


def whole_update(sent: Encoder, flat: Flat, settings: LocalSettings) -> Encoder:
    """The encoder that an update of this form makes of the one that was sent; its numbers need not be finite."""
    if settings.rank:
        spec = AdapterSpec(encoder=sent.spec, rank=settings.rank)
        return Adapter(spec=spec, flat=flat.astype(np.float32, copy=False)).added_to(sent)
    if settings.updates == "steps":
        return Step.from_flat(flat.astype(np.int8, copy=False), sent.spec).added_to(sent)
    return Encoder(spec=sent.spec, flat=flat.astype(np.float32, copy=False))
