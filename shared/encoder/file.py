"""The encoder file: named arrays and a card, in safetensors, checked in full before use.

Beside its numbers the card holds mean and covariance of the item tower's outputs over a catalogue, and those of the
catalogue's item vectors, by which cross moments are whitened before they bear noise. d width.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cross import CatalogueMoments, triangle_size
from shared.encoder.encoder import Encoder, EncoderSpec, Layout, LinearForm, flatten
from shared.encoder.provenance import Provenance, check_line
from shared.errors import EncoderFileError, InputError
from shared.feature_space import FeatureSpace
from shared.system.array_file import NotAnArrayFile, array_file, read_array_file
from shared.system.whole_file import write_whole

_MEAN, _TRIANGLE = "catalogue.mean", "catalogue.triangle"
_MOST_COUNTS = 16
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
        """The inverse of ``to_json``.

        Args:
            values: ``mean`` and ``covariance``, as lists.
            width: d.

        Returns:
            The moments.

        Raises:
            KeyError: if one of both is missing.
            TypeError: if one holds something else than numbers.
            ValueError: if one holds something else than numbers, is not of its size, or is not finite.
        """
        mean, covariance = (np.asarray(values[name], np.float32) for name in ("mean", "covariance"))
        if mean.shape != (width,) or covariance.shape != (width, width):
            raise ValueError(f"moments of items must be [{width}] and [{width}, {width}]")
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise ValueError("moments of items must be finite")
        return cls(mean=mean, covariance=covariance)


FORMAT = "graft-encoder/1"


@dataclass(frozen=True, kw_only=True)
class EncoderCard(Provenance):
    """What is known of an encoder beside its numbers: no id, no exact count, no name but the one given for it."""

    calibration: dict[str, Any] = field(default_factory=dict)
    """by scorer (``linear``, ``sequence``): its calibration on the source's calibration users, as JSON"""
    counts: dict[str, int] = field(default_factory=dict)
    """users, items and events it was pretrained on, rounded to a power of two"""
    item_moments: dict[str, Any] = field(default_factory=dict)
    """mean and covariance of its item tower over the source's catalogue, as JSON; empty where it is small"""
    catalogue: CatalogueMoments | None = field(default=None, compare=False)
    """mean and covariance of the source's item vectors themselves; None where it is small"""
    privacy: dict[str, float] = field(default_factory=dict)
    """``epsilon`` and ``delta`` that each user of its makers was promised; empty where it was trained without noise"""


def save_encoder(path: Path, encoder: Encoder, card: EncoderCard) -> None:
    """Write the file in one step: a reader sees the old file or the new one, never half of it.

    Args:
        path: the file; one that is there is replaced.
        encoder: its numbers and what it is.
        card: what is known of it beside its numbers.

    Raises:
        OSError: if the file cannot be written.
    """
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
        "card": json.dumps(_written(card), sort_keys=True),
    }
    if encoder.spec.linear != "map":
        parts["linear"] = encoder.spec.linear
    write_whole(path, array_file({**encoder.arrays(), **_public_arrays(card.catalogue)}, parts))


def _written(card: EncoderCard) -> dict[str, Any]:
    """The card but for its arrays; what says nothing is left out, as files of before have it."""
    numbers = {"calibration": card.calibration, "counts": card.counts, "item_moments": card.item_moments}
    return {**numbers, **({"privacy": card.privacy} if card.privacy else {}), **card.said()}


def _public_arrays(catalogue: CatalogueMoments | None) -> dict[str, NDArray[Any]]:
    parts = {} if catalogue is None else {_MEAN: catalogue.mean, _TRIANGLE: catalogue.triangle}
    return {name: part.astype(np.float16) for name, part in parts.items()}


def load_encoder(path: Path) -> tuple[Encoder, EncoderCard]:
    """Read and check an encoder file; raises EncoderFileError, in one sentence, for anything else."""
    try:
        arrays, metadata = read_array_file(path)
    except (NotAnArrayFile, OSError) as error:
        reason = "not found" if isinstance(error, FileNotFoundError) else "not a whole safetensors file"
        raise EncoderFileError(f"{path}: {reason}") from error
    if metadata.get("format") != FORMAT:
        raise EncoderFileError(f"{path}: expected the format {FORMAT}; got {_short(metadata.get('format'))}")
    try:
        spec = _spec(metadata)
        catalogue = _catalogue(arrays, spec.input_dim)
        card = replace(_card(metadata), catalogue=catalogue)
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
        preset, linear = metadata["preset"], metadata.get("linear", "map")
        layout = Layout.from_json(metadata["layout"])
        for text in (preset, *_texts(feature_space)):
            check_line("a text of its metadata", text)
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise EncoderFileError("its metadata is incomplete") from error
    if not 1 <= feature_space.dim <= 65536:
        raise EncoderFileError(f"its feature space has the impossible dim {feature_space.dim}")
    spec = EncoderSpec(
        preset=preset, input_dim=feature_space.dim, feature_space=feature_space, linear=cast(LinearForm, linear)
    )
    if layout != spec.layout() or metadata.get("layout_hash") != layout.hash:
        raise EncoderFileError(f"its layout is not that of preset {preset!r} at {spec.input_dim} dimensions")
    return spec


def _texts(space: FeatureSpace) -> list[str]:
    """All that a feature space says in words."""
    values = [part for pair in space.parameters for part in pair]
    return [space.name, space.fingerprint, *(value for value in values if isinstance(value, str))]


def _short(text: str | None) -> str:
    return ascii(text)[:60]


def _scalar(value: Any) -> str | int | float | bool:
    if not isinstance(value, str | int | float | bool):
        raise TypeError("a parameter is one value")
    return value


def _catalogue(arrays: dict[str, NDArray[Any]], dim: int) -> CatalogueMoments | None:
    """What the file says of the source's item vectors, taken out of ``arrays``; None where it says nothing."""
    if _MEAN not in arrays and _TRIANGLE not in arrays:
        return None
    public = {name: arrays.pop(name, np.zeros(0)) for name in (_MEAN, _TRIANGLE)}
    for name, size in ((_MEAN, dim), (_TRIANGLE, triangle_size(dim))):
        if public[name].dtype != np.float16 or public[name].shape != (size,) or not np.isfinite(public[name]).all():
            raise EncoderFileError(f"expected {name} as float16 [{size}], all finite")
    return CatalogueMoments(mean=public[_MEAN].astype(np.float32), triangle=public[_TRIANGLE].astype(np.float32))


def _card(metadata: dict[str, str]) -> EncoderCard:
    try:
        card = json.loads(metadata["card"])
        calibration, counts, moments = card["calibration"], card["counts"], card.get("item_moments", {})
        privacy = {name: float(card.get("privacy", {})[name]) for name in card.get("privacy", {})}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise EncoderFileError("its card cannot be read") from error
    if not all(isinstance(part, dict) for part in (calibration, counts, moments)):
        raise EncoderFileError("its card cannot be read")
    if len(counts) > _MOST_COUNTS or not all(type(count) is int and 0 <= count < 2**63 for count in counts.values()):
        raise EncoderFileError(f"its card's counts must be at most {_MOST_COUNTS} whole numbers")
    for name in counts:
        check_line("the name of a count in its card", name)
    if privacy and (
        set(privacy) != {"epsilon", "delta"} or not all(0 < value < math.inf for value in privacy.values())
    ):
        raise EncoderFileError("its card's privacy must be an epsilon and a delta above 0")
    said = vars(Provenance.from_json(card))
    return EncoderCard(calibration=calibration, counts=counts, item_moments=moments, privacy=privacy, **said)


def _checked_flat(layout: Layout, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    for array in layout.arrays:
        given = arrays.get(array.name)
        if given is None or given.shape != array.shape or given.dtype != array.dtype:
            raise EncoderFileError(f"expected {array.name} as {array.dtype} {list(array.shape)}")
        if not np.isfinite(given).all():
            raise EncoderFileError(f"{array.name} holds numbers that are not finite")
    extra = len(arrays) - len(layout.arrays)
    if extra:
        raise EncoderFileError(f"{extra} arrays too many")
    return flatten(layout, arrays)
