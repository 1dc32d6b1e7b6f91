"""A whole round on this platform with nothing sent: what would leave, to the byte, and how long it takes."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flwr.app import Array, RecordDict

from client.agent.settings import AgentSettings
from client.recommender.head_store import HeadStore
from client.round_tasks import evaluate_reply, moments_reply, train_reply
from client.workspace import Workspace, open_workspace
from shared.config import LocalSettings
from shared.encoder.encoder import Encoder
from shared.encoder.file import load_encoder
from shared.messages import EvaluateTask, MomentsTask, Reply, TrainTask
from shared.wire import content_bytes, encode_reply

RUN = "0" * 32
_WIDE = 60


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """What one answer of the round holds."""

    answer: str
    seconds: float
    size: int
    """in bytes"""
    values: dict[str, Any]
    """by record and name: shape and type of an array, anything else as it is"""

    def lines(self) -> list[str]:
        """For people; long texts are cut off."""
        lines = [f"{self.answer}: {self.size:,} bytes, after {self.seconds:.1f} seconds"]
        return lines + [f"  {name}: {_shown(value)}" for name, value in self.values.items()]

    def to_json(self) -> dict[str, Any]:
        """Plain values, nothing cut off."""
        return {"answer": self.answer, "seconds": self.seconds, "bytes": self.size, "values": self.values}


def dry_run(settings: AgentSettings, encoder_file: Path, local: LocalSettings) -> list[Leaving]:
    """Answer one task of each kind from an encoder file; the heads on record are neither read nor changed.

    Raises ConfigError, DataError or EncoderFileError where the round would fail.
    """
    encoder, _ = load_encoder(encoder_file)
    with tempfile.TemporaryDirectory() as folder:
        opened = open_workspace(settings.node(folder))
        workspace = replace(opened, heads=HeadStore(Path(folder)))
        return [_left(name, answer) for name, answer in _answers(encoder, local, workspace).items()]


def _answers(encoder: Encoder, local: LocalSettings, workspace: Workspace) -> dict[str, Callable[[], Reply]]:
    moments = MomentsTask(round=0, feature_space=encoder.spec.feature_space)
    train = TrainTask(run=RUN, round=1, seed=0, encoder=encoder, settings=local)
    evaluate = EvaluateTask(round=1, seed=0, encoder=encoder)
    return {
        "moments": lambda: moments_reply(moments, workspace),
        "train": lambda: train_reply(train, workspace),
        "evaluate": lambda: evaluate_reply(evaluate, workspace),
    }


def _left(name: str, answer: Callable[[], Reply]) -> Leaving:
    start = time.monotonic()
    content = encode_reply(answer())
    seconds = time.monotonic() - start
    return Leaving(answer=name, seconds=seconds, size=content_bytes(content), values=_values(content))


def _values(content: RecordDict) -> dict[str, Any]:
    return {
        f"{record}.{name}": _array(value) if isinstance(value, Array) else value
        for record, fields in content.items()
        for name, value in fields.items()
    }


def _array(array: Array) -> str:
    return f"{array.dtype} {list(array.shape)}, {len(array.data):,} bytes"


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}… ({len(text)} characters)"
