"""What the server leaves on disk after each round: the encoder, the platforms' moments, the history."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from server.rounds import RunState
from shared.encoder.file import EncoderCard, save_encoder
from shared.encoder.linear import Moments

ENCODER_FILE, MOMENTS_FILE, HISTORY_FILE = "encoder.safetensors", "moments.safetensors", "rounds.json"


def save_state(folder: Path, state: RunState, card: EncoderCard) -> None:
    """Write the three files, each in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    save_encoder(folder / ENCODER_FILE, state.encoder, card)
    if state.moments:
        _replace(folder / MOMENTS_FILE, _moments_bytes(state.moments))
    history = [record.to_json() for record in state.history]
    _replace(folder / HISTORY_FILE, json.dumps(history, indent=1).encode("utf-8"))


def _moments_bytes(moments: Mapping[str, Moments]) -> bytes:
    flat = {name: np.ascontiguousarray(value.to_flat()) for name, value in sorted(moments.items())}
    content: bytes = save(flat)
    return content


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(content)
    temporary.replace(path)
