"""The encoder: linear part and sequence part in one flat array, the only thing that travels, and the array's layout.

A layout holds names, shapes, dtype and order of the arrays that lie in a flat one. Torch takes seconds to import: it is
imported where a sequence part is made, so commands that make none start at once.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cross import map_on, triangle_size
from shared.encoder.linear import LinearMap, Moments
from shared.encoder.presets import PRESETS, Preset
from shared.errors import ConfigError, EncoderFileError
from shared.feature_space import FeatureSpace
from shared.seeding import torch_generator_for

if TYPE_CHECKING:
    from torch import nn

    from shared.encoder.towers import SequenceModule

SEQUENCE = "sequence."
CROSS = "linear.cross"
LinearForm = Literal["map", "cross"]
"""How the linear part is carried: as the map itself, or as a cross moment of which each receiver makes a map of its own
(shared/encoder/cross.py)."""
LINEAR_FORMS = get_args(LinearForm)
DTYPES = ("float32", "float64", "int8", "int16", "int32")


@dataclass(frozen=True, kw_only=True)
class ArraySpec:
    """One array of a layout."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """Arrays in a fixed order, with unique names and one dtype, so that one flat array holds them."""

    arrays: tuple[ArraySpec, ...]

    def __post_init__(self) -> None:
        names = [array.name for array in self.arrays]
        if not names or len(set(names)) != len(names):
            raise EncoderFileError(f"a layout needs at least one array and unique names; got {names}")
        dtypes = {array.dtype for array in self.arrays}
        if len(dtypes) != 1 or not dtypes <= set(DTYPES):
            raise EncoderFileError(f"a layout needs one dtype out of {DTYPES}; got {sorted(dtypes)}")
        if any(side < 1 for array in self.arrays for side in array.shape):
            raise EncoderFileError("a layout needs positive shapes")

    @property
    def size(self) -> int:
        """P, the length of the flat array."""
        return sum(array.size for array in self.arrays)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the flat array."""
        return np.dtype(self.arrays[0].dtype)

    @property
    def lies(self) -> tuple[np.dtype[Any], int]:
        """Dtype and length of the flat array."""
        return self.dtype, self.size

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where each array lies in the flat array, by name."""
        ends = np.cumsum([array.size for array in self.arrays]).tolist()
        return {array.name: slice(end - array.size, end) for array, end in zip(self.arrays, ends, strict=True)}

    @cached_property
    def hash(self) -> str:
        """Hex digest of names, shapes, dtypes and order."""
        return hashlib.sha256(self.to_json().encode("utf-8")).hexdigest()

    def to_json(self) -> str:
        """``[[name, shape, dtype], ...]`` without spaces."""
        return self._text

    @cached_property
    def _text(self) -> str:
        rows = [[array.name, list(array.shape), array.dtype] for array in self.arrays]
        return json.dumps(rows, separators=(",", ":"), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> "Layout":
        """The inverse of ``to_json``; raises EncoderFileError for anything else."""
        return cls(_arrays_from_json(text))


@lru_cache(maxsize=16)
def _arrays_from_json(text: str) -> tuple[ArraySpec, ...]:
    """All replies of a round bear the same text."""
    try:
        return tuple(_array_from_row(row) for row in json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise EncoderFileError("a layout must be a JSON list of [name, shape, dtype]") from error


def _array_from_row(row: Any) -> ArraySpec:
    name, shape, dtype = row
    if not isinstance(name, str) or not isinstance(dtype, str) or not isinstance(shape, list):
        raise TypeError("not [name, shape, dtype]")
    if not all(type(side) is int for side in shape):
        raise TypeError("a shape is a list of integers")
    return ArraySpec(name=name, shape=tuple(shape), dtype=dtype)


def flatten(layout: Layout, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """The arrays as one flat array in the layout's order.

    Args:
        layout: names, shapes and order of the arrays.
        arrays: by name, each of its shape in the layout.

    Returns:
        [P] of the layout's dtype, a copy.

    Raises:
        ValueError: if names or shapes are not those of the layout.
    """
    if set(arrays) != {array.name for array in layout.arrays}:
        raise ValueError(f"expected the arrays {[a.name for a in layout.arrays]}; got {sorted(arrays)}")
    flat = np.empty(layout.size, dtype=layout.dtype)
    for array in layout.arrays:
        value = arrays[array.name]
        if value.shape != array.shape:
            raise ValueError(f"{array.name} must have the shape {array.shape}; got {value.shape}")
        flat[layout.places[array.name]] = value.reshape(-1)
    return flat


def unflatten(layout: Layout, flat: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The arrays of a flat array, by name.

    Args:
        layout: names, shapes and order of the arrays.
        flat: [P] of the layout's dtype.

    Returns:
        Views into ``flat``, by name, each of its shape in the layout.

    Raises:
        ValueError: if length or dtype of ``flat`` differ from the layout's.
    """
    if flat.shape != (layout.size,) or flat.dtype != layout.dtype:
        raise ValueError(f"expected a flat array {layout.dtype} [{layout.size}]; got {flat.dtype} {list(flat.shape)}")
    return {array.name: flat[layout.places[array.name]].reshape(array.shape) for array in layout.arrays}


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """What an encoder is, without its numbers; equal specs have equal layouts."""

    preset: str
    """name of a preset"""
    input_dim: int
    """D, the feature space's dim"""
    feature_space: FeatureSpace
    linear: LinearForm = "map"

    def __post_init__(self) -> None:
        if self.linear not in LINEAR_FORMS:
            raise ConfigError(f"the linear part must be one of {', '.join(LINEAR_FORMS)}; got {self.linear!r}")
        if self.preset not in PRESETS:
            raise ConfigError(f"encoder must be one of {', '.join(PRESETS)}; got {self.preset!r}")
        if self.input_dim != self.feature_space.dim:
            raise ConfigError(f"encoder reads {self.input_dim} numbers, its space has {self.feature_space.dim}")

    @property
    def architecture(self) -> Preset:
        """The preset's sizes."""
        return PRESETS[self.preset]

    def layout(self) -> Layout:
        """The order in which the encoder's arrays lie in the flat array."""
        return _layout(self.preset, self.input_dim, self.linear)

    @property
    def sequence_arrays(self) -> list[ArraySpec]:
        """The arrays of the sequence part, in their order; they lie behind the linear part."""
        return [array for array in self.layout().arrays if array.name.startswith(SEQUENCE)]

    @property
    def sequence_place(self) -> slice:
        """Where the sequence part lies in the flat array; before it lies the linear part."""
        return slice(self.layout().places[self.sequence_arrays[0].name].start, self.layout().size)


@lru_cache(maxsize=64)
def _layout(preset: str, dim: int, form: LinearForm) -> Layout:
    whole = {"linear.W": (dim, dim), "linear.mean_q": (dim,), "linear.mean_y": (dim,)}
    forms: dict[LinearForm, dict[str, tuple[int, ...]]] = {"map": whole, "cross": {CROSS: (triangle_size(dim),)}}
    linear = [ArraySpec(name=name, shape=shape) for name, shape in forms[form].items()]
    state = _empty_module(PRESETS[preset], dim, "meta").state_dict()
    sequence = [ArraySpec(name=SEQUENCE + name, shape=tuple(value.shape)) for name, value in state.items()]
    return Layout((*linear, *sequence))


def _empty_module(preset: Preset, dim: int, device: str) -> "SequenceModule":
    """A module whose parameters are not drawn (the default initialisation reads the global generator)."""
    import torch

    from shared.encoder.towers import SequenceModule

    with torch.device("meta"):
        module = SequenceModule(preset, dim)
    return module if device == "meta" else module.to_empty(device=device)


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoder:
    """The numbers of an encoder; never changed in place."""

    spec: EncoderSpec
    flat: NDArray[np.float32]
    """[P] in the order of ``spec.layout()``"""

    def __post_init__(self) -> None:
        size = self.spec.layout().size
        if self.flat.shape != (size,) or self.flat.dtype != np.float32:
            got = f"{self.flat.dtype} {list(self.flat.shape)}"
            raise ValueError(f"an encoder {self.spec.preset!r} is float32 [{size}]; got {got}")

    @classmethod
    def initial(cls, spec: EncoderSpec, seed: int) -> "Encoder":
        """An encoder before any training: linear part 0, sequence part drawn from the seed.

        Args:
            spec: what the encoder is.
            seed: of the draw; the preset's name enters too.

        Returns:
            The encoder.
        """
        from shared.encoder.towers import initialise

        module = _empty_module(spec.architecture, spec.input_dim, "cpu")
        initialise(module, torch_generator_for(seed, "encoder", spec.preset))
        return cls(spec=spec, flat=np.zeros(spec.layout().size, np.float32)).with_sequence(module)

    @cached_property
    def digest(self) -> str:
        """Hex digest of layout and numbers, taken once."""
        numbers = self.flat.astype("<f4", copy=False).tobytes()
        return hashlib.sha256(self.spec.layout().hash.encode("ascii") + numbers).hexdigest()

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Views into the flat array, by name."""
        return unflatten(self.spec.layout(), self.flat)

    def linear(self) -> LinearMap:
        """The linear part that is carried as a map, as views."""
        arrays = self.arrays()
        return LinearMap(W=arrays["linear.W"], mean_q=arrays["linear.mean_q"], mean_y=arrays["linear.mean_y"])

    def linear_on(self, features: NDArray[np.float32], own_moments: Moments | None = None) -> LinearMap:
        """The linear part for a catalogue, solved where it is carried as a cross moment (``map_on``).

        Args:
            features: item vectors [n, D] of the catalogue; not read where the linear part is a map.
            own_moments: of histories on the platform itself; None: there are none. Not read where the linear part is a
                map.

        Returns:
            The map.
        """
        return map_on(self.arrays()[CROSS], features, own_moments) if self.spec.linear == "cross" else self.linear()

    @property
    def has_linear(self) -> bool:
        """Whether anything was learnt in the linear part."""
        return bool(self.flat[: self.spec.sequence_place.start].any())

    @property
    def has_sequence(self) -> bool:
        """Whether anything was learnt in the sequence part; it is 0 where training was left out."""
        return bool(self.flat[self.spec.sequence_place].any())

    def with_linear(self, linear: LinearMap) -> "Encoder":
        """The same encoder with this map as its linear part."""
        return self._with_front(
            "map", {"linear.W": linear.W, "linear.mean_q": linear.mean_q, "linear.mean_y": linear.mean_y}
        )

    def with_cross(self, cross: NDArray[np.float32]) -> "Encoder":
        """The same encoder with a cross moment [D(D+1)/2] as its linear part."""
        return self._with_front("cross", {CROSS: cross})

    def on_catalogue(self, features: NDArray[np.float32], own_moments: Moments | None = None) -> "Encoder":
        """The same encoder with its linear part as a map, for a catalogue (``map_on``).

        Args:
            features: item vectors [n, D] of the catalogue; not read where the linear part is a map.
            own_moments: of histories on the platform itself; None: there are none. Not read where the linear part is a
                map.

        Returns:
            The encoder; this one itself where its linear part is a map.
        """
        return self if self.spec.linear == "map" else self.with_linear(self.linear_on(features, own_moments))

    def without_sequence(self) -> "Encoder":
        """The same encoder whose sequence part is left out."""
        flat = self.flat.copy()
        flat[self.spec.sequence_place] = 0
        return Encoder(spec=self.spec, flat=flat)

    def _with_front(self, form: LinearForm, linear: dict[str, NDArray[np.float32]]) -> "Encoder":
        spec = replace(self.spec, linear=form)
        sequence = {name: value for name, value in self.arrays().items() if name.startswith(SEQUENCE)}
        return Encoder(spec=spec, flat=flatten(spec.layout(), {**linear, **sequence}))

    def sequence_module(self) -> "SequenceModule":
        """The sequence part as a module of its own: training it does not touch this encoder."""
        import torch

        module = _empty_module(self.spec.architecture, self.spec.input_dim, "cpu")
        places = self.spec.layout().places
        state = {
            array.name.removeprefix(SEQUENCE): torch.from_numpy(
                self.flat[places[array.name]].reshape(array.shape).copy()
            )
            for array in self.spec.sequence_arrays
        }
        module.load_state_dict(state, assign=True)
        return module.requires_grad_(True)

    def with_sequence(self, towers: "nn.Module") -> "Encoder":
        """The same encoder with the numbers of these towers, named as in its own module, as its sequence part."""
        flat, places = self.flat.copy(), self.spec.layout().places
        for name, value in towers.state_dict().items():
            flat[places[SEQUENCE + name]] = value.detach().cpu().numpy().reshape(-1)
        return Encoder(spec=self.spec, flat=flat)
