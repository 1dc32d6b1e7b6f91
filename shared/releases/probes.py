"""Probes: what an encoder answers to a few fixed inputs, so that a platform sees whether its own programs agree.

Inputs are item vectors [n, D] drawn from a digest, the same on every machine and with every library. Answers are the
scores [n, n] of all of them after each beginning of them as a history.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import Encoder
from shared.errors import ReleaseRefused
from shared.releases.json_fields import JsonFields

Float32 = NDArray[np.float32]
COUNT = 8
"""n, items of a probe"""
TOLERANCE = 1e-3
"""by which answers may differ, as a share of the largest one of their part"""
_CODE = "probes"
_PARTS = ("linear", "sequence")
_DIGITS = 7
"""significant ones of an answer that are written"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Probes:
    """Inputs by their seed, and an encoder's answers."""

    seed: int
    linear: Float32
    """[n, n]; 0 where the encoder has no linear part"""
    sequence: Float32
    """[n, n]; 0 where the encoder has no sequence part"""

    def to_json(self) -> dict[str, Any]:
        """As lists of numbers."""
        answers = {name: [_rounded(row) for row in getattr(self, name)] for name in _PARTS}
        return {"seed": self.seed, **answers}

    @classmethod
    def from_json(cls, values: object) -> "Probes":
        """The inverse of ``to_json``; raises ReleaseRefused."""
        fields = JsonFields(values, ("seed", *_PARTS), "probes", "manifest")
        linear, sequence = (_square(fields, name) for name in _PARTS)
        return cls(seed=fields.whole("seed"), linear=linear, sequence=sequence)


def probe_inputs(seed: int, dim: int) -> Float32:
    """Item vectors of length 1.

    Args:
        seed: any whole number.
        dim: D.

    Returns:
        [n, D].
    """
    stream = hashlib.shake_256(f"graft-probe/1 {seed} {dim}".encode()).digest(COUNT * dim * 2)
    vectors = np.frombuffer(stream, "<u2").reshape(COUNT, dim).astype(np.float64) - 2**15 + 0.5
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def probes_of(encoder: Encoder, seed: int = 0) -> Probes:
    """An encoder's answers.

    Args:
        encoder: of any preset and linear form.
        seed: of the inputs.

    Returns:
        Inputs and answers.
    """
    items = probe_inputs(seed, encoder.spec.input_dim)
    return Probes(seed=seed, linear=_linear_scores(encoder, items), sequence=_sequence_scores(encoder, items))


def check_probes(encoder: Encoder, probes: Probes) -> None:
    """Check that this machine's answers are those of who published the encoder.

    Args:
        encoder: as it was read here.
        probes: of the release's manifest.

    Raises:
        ReleaseRefused: if an answer differs by more than ``TOLERANCE``.
    """
    here = probes_of(encoder, probes.seed)
    for name in _PARTS:
        expected, actual = getattr(probes, name), getattr(here, name)
        bound = TOLERANCE * max(float(np.abs(expected).max()), float(np.abs(actual).max()))
        away = float(np.abs(expected - actual).max())
        if not away <= bound:
            raise ReleaseRefused(
                f"probes: expected the manifest's {name} scores within {bound:.3g}; found one that is {away:.3g} away",
                code=_CODE,
            )


def _linear_scores(encoder: Encoder, items: Float32) -> Float32:
    if not encoder.has_linear:
        return np.zeros((COUNT, COUNT), np.float32)
    histories = np.cumsum(items, axis=0) / np.arange(1, COUNT + 1, dtype=np.float32)[:, None]
    return encoder.linear_on(items).scores(np.asarray(histories, np.float32), items)


def _sequence_scores(encoder: Encoder, items: Float32) -> Float32:
    if not encoder.has_sequence:
        return np.zeros((COUNT, COUNT), np.float32)
    import torch

    module = encoder.sequence_module()
    with torch.no_grad():
        vectors = module.item_norm(module.item(torch.from_numpy(items)))
        states = module.history(vectors[None])[0]
        return np.asarray((states @ vectors.T).numpy(), np.float32)


def _rounded(row: Float32) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in row.tolist()]


def _square(fields: JsonFields, name: str) -> Float32:
    rows: Sequence[Any] = fields.items(name)
    if len(rows) != COUNT or not all(isinstance(row, list) and len(row) == COUNT for row in rows):
        raise fields.refused(f"{name} must be {COUNT} lists of {COUNT} numbers")
    if not all(type(value) in (int, float) and abs(value) < 1e30 for row in rows for value in row):
        raise fields.refused(f"{name} must hold finite numbers alone")
    return np.asarray(rows, np.float32)
