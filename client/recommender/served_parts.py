"""The trained parts of a served recommender, as arrays of its record: a received encoder, and the platform's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from client.recommender.own import PART as OWN
from client.recommender.own import Own
from client.recommender.record_arrays import Arrays
from client.scorers.encoder_scorers import KeptEncoder
from client.scorers.scorer import Scorer
from client.training.local_id import LARGE, SMALL
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.errors import GraftError
from shared.feature_space.spec import FeatureSpace

_IDS = "ids."
NOT_A_RECORD = (KeyError, TypeError, ValueError, AttributeError, RuntimeError, StopIteration, GraftError)
"""What reading a record of another kind may raise."""


@dataclass(frozen=True, kw_only=True)
class ServedParts:
    """At most one encoder that was received, under the part's name, and what the platform trained alone."""

    received: Mapping[str, Encoder]
    own: Own | None

    def scorers(self, features: NDArray[np.float32]) -> tuple[Scorer, ...]:
        """Of all parts, in the order of the parts' names; ``features`` [n, D]."""
        parts = {name: KeptEncoder(encoder=one).scorers(name, features) for name, one in self.received.items()}
        if self.own is not None:
            parts[OWN] = self.own.scorers(features)
        return tuple(scorer for name in sorted(parts) for scorer in parts[name])

    def only(self, columns: set[str]) -> "ServedParts":
        """Without the parts that have none of these columns."""
        received = {name: one for name, one in self.received.items() if _has(name, columns)}
        own = self.own if _has(OWN, columns) or _has(f"{OWN}-ids", columns) else None
        return ServedParts(received=received, own=own)

    def on_rows(self, rows: NDArray[np.int64]) -> "ServedParts":
        """For another catalogue [m], whose items stand in ``rows`` of this one; -1 where they do not."""
        return self if self.own is None else ServedParts(received=self.received, own=self.own.on_rows(rows))

    def to_record(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and facts."""
        arrays: dict[str, NDArray[Any]] = {f"encoder.{name}": one.flat for name, one in self.received.items()}
        presets = {name: one.spec.preset for name, one in self.received.items()}
        facts: dict[str, Any] = {"received": presets, "own": None}
        if self.own is not None:
            head = self.own.kept.head
            private = {} if head is None else {"own.v": head.v, "own.a": head.a, "own.b": head.b}
            state = {_IDS + key: value.numpy() for key, value in self.own.ids.state_dict().items()}
            arrays |= {"own.encoder": self.own.kept.encoder.flat, **private, **state}
            facts["own"] = self.own.kept.encoder.spec.preset
        return arrays, facts

    @classmethod
    def from_record(cls, arrays: Arrays, facts: Mapping[str, Any], space: FeatureSpace) -> "ServedParts":
        """The inverse of ``to_record``; raises one of ``NOT_A_RECORD`` for anything else."""
        received = {
            str(name): _encoder(str(preset), arrays[f"encoder.{name}"], space)
            for name, preset in facts["received"].items()
        }
        if facts["own"] is None:
            return cls(received=received, own=None)
        head = SequenceHead(v=arrays["own.v"], a=arrays["own.a"], b=arrays["own.b"])
        kept = KeptEncoder(encoder=_encoder(str(facts["own"]), arrays["own.encoder"], space), head=head)
        return cls(received=received, own=Own(kept=kept, ids=_ids_model(arrays)))


def _has(part: str, columns: set[str]) -> bool:
    return any(column.startswith(f"{part}:") for column in columns)


def _encoder(preset: str, flat: NDArray[Any], space: FeatureSpace) -> Encoder:
    spec = EncoderSpec(preset=preset, input_dim=space.dim, feature_space=space)
    return Encoder(spec=spec, flat=flat.astype(np.float32))


def _ids_model(arrays: Arrays) -> SequenceModel:
    state = {key.removeprefix(_IDS): torch.from_numpy(value) for key, value in arrays.items() if key.startswith(_IDS)}
    layers = len({key.split(".")[2] for key in state if key.startswith("history.blocks.")})
    preset = next(one for one in (SMALL, LARGE) if one.layers == layers)
    model = SequenceModel.ids_only(preset, len(state["b"]), seed=0)
    model.load_state_dict(state)
    return model
