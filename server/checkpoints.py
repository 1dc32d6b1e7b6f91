"""What the server leaves on disk after each round: one file to go on from, and beside it what people read.

The checkpoint is the truth, replaced whole in one step. The encoder, the moments and the history are written after it
and can be made from it again; a run that goes on begins by doing so.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from server.run_state import RoundRecord, RunState
from shared.array_digest import array_digest
from shared.config import RoundsConfig
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, save_encoder
from shared.encoder.linear import Moments
from shared.encoder.step import digest
from shared.errors import CheckpointError, ConfigError
from shared.whole_file import write_whole

ENCODER_FILE, MOMENTS_FILE, HISTORY_FILE = "encoder.safetensors", "moments.safetensors", "rounds.json"
CHECKPOINT_FILE, OUTCOME_FILE = "checkpoint.safetensors", "outcome.json"
FORMAT = "graft-run/1"
_FLAT, _MOMENTS, _OPTIMISER = "encoder", "moments/", "optimiser/"


def save_state(folder: Path, state: RunState, card: EncoderCard, *, config: RoundsConfig, start: Encoder) -> None:
    """Write the checkpoint, then the three files, each in one step; raises CheckpointError where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / CHECKPOINT_FILE, _checkpoint_bytes(state, config, start))
        save_encoder(folder / ENCODER_FILE, state.encoder, card)
        if state.moments:
            write_whole(folder / MOMENTS_FILE, save(_flat_moments(state.moments)))
        history = [record.to_json() for record in state.history]
        write_whole(folder / HISTORY_FILE, json.dumps(history, indent=1).encode("utf-8"))
    except OSError as error:
        raise CheckpointError(f"{folder}: the run cannot be written: {error.strerror}") from error


def load_state(folder: Path, *, config: RoundsConfig, start: Encoder) -> RunState | None:
    """The state to go on from, or None where the folder holds none.

    Raises CheckpointError where the file is damaged, ConfigError where it is of another config or starting encoder.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    arrays, facts = _read(path)
    for what, expected in _identity(config, start).items():
        if facts[what] != expected:
            raise ConfigError(f"{path}: the run that stands here has another {what}; it cannot go on with this one")
    dim = start.spec.input_dim
    return RunState(
        encoder=Encoder(spec=start.spec, flat=arrays[_FLAT]),
        run=facts["run"],
        round=facts["round"],
        cohort=tuple(facts["cohort"]),
        moments={name: Moments.from_flat(flat, dim) for name, flat in _under(_MOMENTS, arrays).items()},
        optimiser=_under(_OPTIMISER, arrays),
        history=tuple(RoundRecord.from_json(record) for record in facts["history"]),
    )


def save_outcome(folder: Path, reason: str) -> None:
    """Say how the run ended: completed where there is no reason to the contrary."""
    folder.mkdir(parents=True, exist_ok=True)
    outcome = {"state": "failed" if reason else "completed", "reason": reason}
    write_whole(folder / OUTCOME_FILE, json.dumps(outcome).encode("utf-8"))


def _checkpoint_bytes(state: RunState, config: RoundsConfig, start: Encoder) -> bytes:
    arrays: dict[str, NDArray[Any]] = {
        _FLAT: np.ascontiguousarray(state.encoder.flat),
        **{_MOMENTS + name: flat for name, flat in _flat_moments(state.moments).items()},
        **{_OPTIMISER + name: np.ascontiguousarray(value) for name, value in sorted(state.optimiser.items())},
    }
    facts = json.dumps(
        {
            **_identity(config, start),
            "run": state.run,
            "round": state.round,
            "cohort": list(state.cohort),
            "history": [record.to_json() for record in state.history],
        }
    )
    content: bytes = save(arrays, metadata={"format": FORMAT, "facts": facts, "digest": array_digest(arrays, facts)})
    return content


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    try:
        with safe_open(path, framework="np") as file:
            metadata = dict(file.metadata() or {})
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: not a whole checkpoint") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected the format {FORMAT}; got {metadata.get('format')!r}")
    if metadata.get("digest") != array_digest(arrays, metadata.get("facts", "")):
        raise CheckpointError(f"{path}: damaged, its digest does not match")
    facts: dict[str, Any] = json.loads(metadata["facts"])
    return arrays, facts


def _identity(config: RoundsConfig, start: Encoder) -> dict[str, Any]:
    """What a run must have in common with its checkpoint."""
    return {"config": dict(config.to_run_config()), "starting encoder": digest(start)}


def _flat_moments(moments: Mapping[str, Moments]) -> dict[str, NDArray[np.float64]]:
    return {name: np.ascontiguousarray(value.to_flat()) for name, value in sorted(moments.items())}


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
