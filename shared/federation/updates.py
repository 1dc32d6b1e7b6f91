"""The form in which a platform's update travels: whole encoder, low-rank adapter, or step of a byte a number."""

import numpy as np
from numpy.typing import NDArray

from shared.encoder.adapters import Adapter, AdapterSpec
from shared.encoder.byte_rows import ByteRows, byte_layout, row_lengths
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.layout import Layout
from shared.encoder.step import Step, step_layout
from shared.federation.config import LocalSettings

Flat = NDArray[np.float32] | NDArray[np.int8]


def update_layout(spec: EncoderSpec, settings: LocalSettings) -> Layout:
    """The only layout that an update under these settings may have."""
    if settings.rank:
        return byte_layout("adapter", AdapterSpec(encoder=spec, rank=settings.rank).layout().arrays)
    return step_layout(spec) if settings.updates == "steps" else spec.layout()


def update_numbers(sent: Encoder, update: Encoder | Adapter, settings: LocalSettings) -> Flat:
    """The flat array, in ``update_layout``, of what a platform made of the encoder that it was sent."""
    if isinstance(update, Adapter):
        return ByteRows.nearest(update.flat.astype(np.float64), row_lengths(update.spec.layout().arrays)).to_flat()
    return Step.between(sent, update).to_flat() if settings.updates == "steps" else update.flat


def whole_update(sent: Encoder, flat: Flat, settings: LocalSettings) -> Encoder:
    """The encoder that an update of this form makes of the one that was sent; its numbers need not be finite."""
    layout = update_layout(sent.spec, settings)
    if settings.rank:
        spec = AdapterSpec(encoder=sent.spec, rank=settings.rank)
        found = ByteRows.from_flat(flat.astype(np.int8, copy=False), layout)
        return Adapter(spec=spec, flat=found.values(row_lengths(spec.layout().arrays))).added_to(sent)
    if settings.updates == "steps":
        return Step.from_flat(flat.astype(np.int8, copy=False), layout).added_to(sent)
    return Encoder(spec=sent.spec, flat=flat.astype(np.float32, copy=False))
