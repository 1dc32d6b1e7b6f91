"""The encoder file: named arrays and a card, in safetensors, checked in full before use.

Beside its numbers the card holds mean and covariance of the item tower's outputs over a catalogue. d width.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import Encoder, EncoderSpec, Layout, flatten
from shared.errors import EncoderFileError, InputError
from shared.feature_space import FeatureSpace
from shared.system.array_file import NotAnArrayFile, array_file, read_array_file
from shared.system.whole_file import write_whole

_DIGITS = 3
"""Decimals that are released; outputs of the tower are about 1."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemMoments:
    """Of vectors of items alone: no user and no event has a part in them."""

    mean: NDArray[np.float32]
    """[d]"""
    covariance: NDArray[np.float32]
    """[d, d]"""

    def to_json(self) -> dict[str, Any]:
        """As lists of rounded numbers."""
        parts = {"mean": self.mean, "covariance": self.covariance}
        return {name: np.round(part.astype(np.float64), _DIGITS).tolist() for name, part in parts.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], width: int) -> "ItemMoments":
        """The inverse of ``to_json``; raises KeyError, TypeError or ValueError for anything else."""
        mean, covariance = (np.asarray(values[name], np.float32) for name in ("mean", "covariance"))
        if mean.shape != (width,) or covariance.shape != (width, width):
            raise ValueError(f"moments of items must be [{width}] and [{width}, {width}]")
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise ValueError("moments of items must be finite")
        return cls(mean=mean, covariance=covariance)


FORMAT = "graft-encoder/1"


@dataclass(frozen=True, kw_only=True)
class EncoderCard:
    """What is known of an encoder beside its numbers; holds no name, id or exact count of the source."""

    calibration: dict[str, Any] = field(default_factory=dict)
    """by scorer (``linear``, ``sequence``): its calibration on the source's weighting users, as JSON"""
    counts: dict[str, int] = field(default_factory=dict)
    """users, items and events it was pretrained on, rounded to a power of two"""
    item_moments: dict[str, Any] = field(default_factory=dict)
    """mean and covariance of its item tower over the source's catalogue, as JSON; empty where it is small"""


def save_encoder(path: Path, encoder: Encoder, card: EncoderCard) -> None:
    """Write the file in one step: a reader sees the old file or the new one, never half of it."""
    space = encoder.spec.feature_space
    parts = {
        "format": FORMAT,
        "preset": encoder.spec.preset,
        "layout": encoder.spec.layout().to_json(),
        "layout_hash": encoder.spec.layout().hash,
        "feature_space": json.dumps(
            {
                "name": space.name,
                "parameters": [list(pair) for pair in space.parameters],
                "dim": space.dim,
                "fingerprint": space.fingerprint,
            },
            sort_keys=True,
        ),
        "card": json.dumps(asdict(card), sort_keys=True),
    }
    write_whole(path, array_file(encoder.arrays(), parts))


def load_encoder(path: Path) -> tuple[Encoder, EncoderCard]:
    """Read and check an encoder file; raises EncoderFileError, in one sentence, for anything else."""
    try:
        arrays, metadata = read_array_file(path)
    except (NotAnArrayFile, OSError) as error:
        reason = "not found" if isinstance(error, FileNotFoundError) else "not a whole safetensors file"
        raise EncoderFileError(f"{path}: {reason}") from error
    if metadata.get("format") != FORMAT:
        raise EncoderFileError(f"{path}: expected the format {FORMAT}; got {metadata.get('format')!r}")
    try:
        spec = _spec(metadata)
        card = _card(metadata)
        return Encoder(spec=spec, flat=_checked_flat(spec.layout(), arrays)), card
    except InputError as error:
        raise EncoderFileError(f"{path}: {error}") from error


def _spec(metadata: dict[str, str]) -> EncoderSpec:
    try:
        space = json.loads(metadata["feature_space"])
        feature_space = FeatureSpace(
            name=str(space["name"]),
            parameters=tuple((str(name), _scalar(value)) for name, value in space["parameters"]),
            dim=int(space["dim"]),
            fingerprint=str(space["fingerprint"]),
        )
        preset = metadata["preset"]
        layout = Layout.from_json(metadata["layout"])
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise EncoderFileError("its metadata is incomplete") from error
    if not 1 <= feature_space.dim <= 65536:
        raise EncoderFileError(f"its feature space has the impossible dim {feature_space.dim}")
    spec = EncoderSpec(preset=preset, input_dim=feature_space.dim, feature_space=feature_space)
    if layout != spec.layout() or metadata.get("layout_hash") != layout.hash:
        raise EncoderFileError(f"its layout is not that of preset {preset!r} at {spec.input_dim} dimensions")
    return spec


def _scalar(value: Any) -> str | int | float | bool:
    if not isinstance(value, str | int | float | bool):
        raise TypeError("a parameter is one value")
    return value


def _card(metadata: dict[str, str]) -> EncoderCard:
    try:
        card = json.loads(metadata["card"])
        calibration, counts, moments = card["calibration"], card["counts"], card.get("item_moments", {})
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise EncoderFileError("its card cannot be read") from error
    if not all(isinstance(part, dict) for part in (calibration, counts, moments)):
        raise EncoderFileError("its card cannot be read")
    if not all(type(count) is int and count >= 0 for count in counts.values()):
        raise EncoderFileError("its card's counts must be whole numbers")
    return EncoderCard(calibration=calibration, counts=counts, item_moments=moments)


def _checked_flat(layout: Layout, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    for array in layout.arrays:
        found = arrays.get(array.name)
        if found is None or found.shape != array.shape or found.dtype != array.dtype:
            raise EncoderFileError(f"expected {array.name} as {array.dtype} {list(array.shape)}")
        if not np.isfinite(found).all():
            raise EncoderFileError(f"{array.name} holds numbers that are not finite")
    extra = len(arrays) - len(layout.arrays)
    if extra:
        raise EncoderFileError(f"{extra} arrays too many")
    return flatten(layout, arrays)
