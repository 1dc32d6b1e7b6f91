"""The trained parts of a served recommender, as arrays of its record: encoders, and what the platform trained alone."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from client.ensemble.candidates import OWN_PART as OWN
from client.features.grown_rows import GrownRows
from client.features.row_matrices import Rows
from client.recommender.served_catalogue import Arrays
from client.scorers.encoder_scorers import KeptEncoder, Linear, Named, Sequence, Solved
from client.scorers.scorer import Scorer
from client.training.local_id import LARGE, SMALL
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import item_table
from client.transfer.local import IDS_PART, Own
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import LinearMap
from shared.errors import GraftError
from shared.feature_space import FeatureSpace

_IDS, _HEAD = "ids.", ("v", "a", "b")
_SOLVED, _MAP, _TABLE = "solved.", ("W", "mean_q", "mean_y"), "table"
NOT_A_RECORD = (KeyError, TypeError, ValueError, AttributeError, RuntimeError, StopIteration, GraftError)
"""What reading a record of another kind may raise."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ServedParts:
    """Encoders by part: one as it was received, tuned here or taught here; and what the platform trained alone."""

    encoders: Mapping[str, KeptEncoder]
    own: Own | None

    def scorers(self, features: NDArray[np.float32]) -> tuple[Scorer, ...]:
        """Of all parts, in the order of the parts' names; ``features`` [n, D]."""
        parts = {name: encoder.scorers(name, features) for name, encoder in self.encoders.items()}
        if self.own is not None:
            parts[OWN] = self.own.scorers(features)
        return tuple(scorer for name in sorted(parts) for scorer in parts[name])

    def only(self, columns: set[str]) -> "ServedParts":
        """Without the parts that have none of these columns."""
        encoders = {name: encoder for name, encoder in self.encoders.items() if _has(name, columns)}
        own_models = self.own if _has(OWN, columns) or _has(f"{OWN}-ids", columns) else None
        return ServedParts(encoders=encoders, own=own_models)

    def on_rows(self, rows: NDArray[np.int64]) -> "ServedParts":
        """For another catalogue [m], whose items stand in ``rows`` of this one; -1 where they do not."""
        encoders = {name: encoder.on_rows(rows) for name, encoder in self.encoders.items()}
        return ServedParts(encoders=encoders, own=None if self.own is None else self.own.on_rows(rows))

    def to_record(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and facts."""
        arrays: dict[str, NDArray[Any]] = {}
        facts: dict[str, Any] = {"received": {}, "own": None}
        for name, part in self.encoders.items():
            arrays |= {f"encoder.{name}": part.encoder.flat, **_head_arrays(name, part.head)}
            facts["received"][name] = part.encoder.spec.preset
        if self.own is not None:
            own_encoder = self.own.kept
            state = {_IDS + key: value.numpy() for key, value in self.own.ids.state_dict().items()}
            arrays |= {"own.encoder": own_encoder.encoder.flat, **_head_arrays(OWN, own_encoder.head), **state}
            facts["own"] = own_encoder.encoder.spec.preset
        return arrays, facts

    @property
    def tables(self) -> dict[str, Rows]:
        """[n, d + 1] vectors and biases of the sequence parts that are read from a record, by the prefix of columns."""
        encoders = {**self.encoders, **({} if self.own is None else {OWN: self.own.kept})}
        tables = {name: part.solved.table for name, part in encoders.items() if part.solved is not None}
        if self.own is not None:
            tables[IDS_PART] = self.own.table
        return {name: table for name, table in tables.items() if table is not None}

    def grown(self, features: Rows, rows: NDArray[np.int64]) -> "ServedParts":
        """Over a catalogue of a record to which items were added; what the encoders are solved to stays.

        Args:
            features: [N, D] vectors of the catalogue as it is now.
            rows: [c] of it that changed or are new.

        Returns:
            The parts.
        """
        encoders = {name: _grown(encoder, features, rows) for name, encoder in self.encoders.items()}
        if self.own is None or self.own.table is None:
            return ServedParts(encoders=encoders, own=self.own)
        table, ids = self.own.table, self.own.ids
        new = rows[rows >= len(table)]
        nothing = torch.zeros(len(new), ids.v.shape[1])
        with torch.no_grad():
            vectors = ids.item_norm(nothing).numpy()
        beside = np.concatenate([vectors, np.zeros((len(new), 1), np.float32)], axis=1)
        own = Own(
            kept=_grown(self.own.kept, features, rows), ids=ids, table=GrownRows(table, new, beside, len(features))
        )
        return ServedParts(encoders=encoders, own=own)

    @classmethod
    def from_record(cls, arrays: Arrays, facts: Mapping[str, Any], space: FeatureSpace) -> "ServedParts":
        """The inverse of ``to_record``; raises one of ``NOT_A_RECORD`` for anything else.

        Args:
            arrays: of the record.
            facts: which parts there are, and of which preset each encoder is.
            space: the feature space that the encoders read items in.

        Returns:
            The parts.
        """
        presets = {str(name): str(preset) for name, preset in facts["received"].items()}
        encoders = {name: _kept(name, preset, arrays, space) for name, preset in presets.items()}
        if facts["own"] is None:
            return cls(encoders=encoders, own=None)
        own_encoder = _kept(OWN, str(facts["own"]), arrays, space)
        table = arrays.get(f"{_SOLVED}{IDS_PART}.{_TABLE}")
        if table is None or isinstance(table, np.ndarray):
            return cls(encoders=encoders, own=Own(kept=own_encoder, ids=_ids_model(_ids_state(arrays))))
        nothing = {name: np.zeros((0, *arrays[_IDS + name].shape[1:]), np.float32) for name in _HEAD}
        ids = _ids_model({**_ids_state(arrays, _HEAD), **nothing})
        return cls(encoders=encoders, own=Own(kept=own_encoder, ids=ids, table=table))


def solved_arrays(scorers: Iterable[Scorer]) -> dict[str, NDArray[Any]]:
    """What encoders come to over a catalogue, as arrays beside those of the parts.

    Args:
        scorers: of all parts, as ``ServedParts.scorers`` gives them.

    Returns:
        The arrays by name.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for scorer in scorers:
        named = cast("Named", scorer)
        if isinstance(named.scorer, Linear):
            arrays |= {f"{_SOLVED}{named.prefix}.{key}": getattr(named.scorer.linear, key) for key in _MAP}
        if isinstance(named.scorer, Sequence):
            arrays[f"{_SOLVED}{named.prefix}.{_TABLE}"] = named.scorer.table.joined.numpy()
    return arrays


def _has(part: str, columns: set[str]) -> bool:
    return any(column.startswith(f"{part}:") for column in columns)


def _kept(part: str, preset: str, arrays: Arrays, space: FeatureSpace) -> KeptEncoder:
    spec = EncoderSpec(preset=preset, input_dim=space.dim, feature_space=space)
    flat = arrays["own.encoder" if part == OWN else f"encoder.{part}"].astype(np.float32)
    return KeptEncoder(encoder=Encoder(spec=spec, flat=flat), head=_head(part, arrays), solved=_solved(part, arrays))


def _solved(part: str, arrays: Arrays) -> Solved | None:
    """None for a record of whose catalogue all is in memory."""
    linear, table = f"{_SOLVED}{part}.{_MAP[0]}" in arrays, arrays.get(f"{_SOLVED}{part}.{_TABLE}")
    if isinstance(table, np.ndarray) or not (linear or table is not None):
        return None
    known = LinearMap(**{key: arrays[f"{_SOLVED}{part}.{key}"] for key in _MAP}) if linear else None
    return Solved(linear=known, table=table)


def _head_arrays(part: str, head: SequenceHead | None) -> dict[str, NDArray[Any]]:
    return {} if head is None else {f"{part}.{name}": getattr(head, name) for name in _HEAD}


def _head(part: str, arrays: Arrays) -> SequenceHead | None:
    """None where a part knows nothing of items beyond their content."""
    if f"{part}.{_HEAD[0]}" not in arrays:
        return None
    return SequenceHead(**{name: arrays[f"{part}.{name}"] for name in _HEAD})


def _grown(part: KeptEncoder, features: Rows, rows: NDArray[np.int64]) -> KeptEncoder:
    """Over the catalogue as it is now, of whose rows some [c] changed or are new."""
    head, solved, size = part.head, part.solved, len(features)
    if head is not None:
        before = len(head.b)
        head = head.of_rows(np.concatenate([np.arange(before), np.full(size - before, -1)]))
    if solved is None or solved.table is None:
        return KeptEncoder(encoder=part.encoder, head=head, solved=solved)
    of_changed = None if head is None else head.of_rows(rows)
    model = KeptEncoder(encoder=part.encoder, head=of_changed).model(features[rows])
    table = GrownRows(solved.table, rows, item_table(model).joined.numpy(), size)
    return KeptEncoder(encoder=part.encoder, head=head, solved=Solved(linear=solved.linear, table=table))


def _ids_state(arrays: Arrays, without: Collection[str] = ()) -> dict[str, NDArray[Any]]:
    """The numbers of the model of ids by their names in it."""
    names = {key: key.removeprefix(_IDS) for key in arrays if key.startswith(_IDS)}
    return {name: arrays[key] for key, name in names.items() if name not in without}


def _ids_model(numbers: Arrays) -> SequenceModel:
    state = {name: torch.from_numpy(array) for name, array in numbers.items()}
    layers = len({key.split(".")[2] for key in state if key.startswith("history.blocks.")})
    preset = next(candidate for candidate in (SMALL, LARGE) if candidate.layers == layers)
    model = SequenceModel.ids_only(preset, len(state["b"]), seed=0)
    model.load_state_dict(state)
    return model
