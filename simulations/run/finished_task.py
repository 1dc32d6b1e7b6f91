"""A finished task's report on disk: a resumed run hears it again instead of doing the task again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from client.clicks.click_metrics import ClickRanking
from client.evaluation.beyond_accuracy import ListQuality
from shared.errors import GraftError
from shared.system.array_file import NotAnArrayFile, array_file, read_array_file
from shared.system.whole_file import write_whole
from simulations.results.outcomes import (
    ClickOutcome,
    ColdStart,
    ContributionOutcome,
    GateOutcome,
    MethodOutcome,
    PlatformSummary,
    StudentSummary,
    TradeOff,
)
from simulations.results.recorder import ForwardingRecorder, Recorder

P = ParamSpec("P")
KEPT_FOLDER = "kept"
"""In the work folder of a run: what of it is finished, by seed."""
FORMAT = "graft-task/1"
_RECORDS = {
    record.__name__: record
    for record in (
        PlatformSummary,
        MethodOutcome,
        ListQuality,
        ColdStart,
        TradeOff,
        StudentSummary,
        GateOutcome,
        ClickOutcome,
        ClickRanking,
        ContributionOutcome,
    )
}
"""Every record that a task may report, and those within them."""


@dataclass(frozen=True)
class Kept(Generic[P]):
    """A task that keeps in ``file``, once it is finished, what it reported; other processes can run it too."""

    file: Path
    task: Callable[Concatenate[Recorder, P], None]

    def __call__(self, recorder: Recorder, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Run ``task(recorder, ...)``."""
        keeping = _Keeping(recorder)
        self.task(keeping, *args, **kwargs)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, keeping.content())


def report_again(file: Path, recorder: Recorder) -> bool:
    """Tell the recorder what a finished task had reported.

    Args:
        file: of the task.
        recorder: hears it.

    Returns:
        False where there is no whole file of a finished task; then the recorder hears nothing.
    """
    try:
        arrays, metadata = read_array_file(file)
        if metadata["format"] != FORMAT:
            return False
        notes = json.loads(metadata["notes"])
        calls = [(name, [_restored(argument, arrays) for argument in arguments]) for name, arguments in notes]
    except (OSError, NotAnArrayFile, ValueError, KeyError, TypeError, GraftError):
        return False
    for name, arguments in calls:
        getattr(recorder, name)(*arguments)
    return True


class _Keeping(ForwardingRecorder):
    """Passes everything on and keeps what a result is made of."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._notes: list[tuple[str, list[dict[str, Any]]]] = []
        self._arrays: dict[str, NDArray[Any]] = {}

    def content(self) -> bytes:
        """The file: arrays, and everything else as JSON."""
        return array_file(self._arrays, {"format": FORMAT, "notes": json.dumps(self._notes)})

    @override
    def forward(self, name: str, *arguments: Any) -> None:
        getattr(self._recorder, name)(*arguments)
        if name != "say":
            self._notes.append((name, [self._stored(argument) for argument in arguments]))

    def _stored(self, value: object) -> dict[str, Any]:
        """JSON values, which say of an array where it is."""
        if isinstance(value, np.ndarray):
            name = str(len(self._arrays))
            self._arrays[name] = np.ascontiguousarray(value)
            return {"array": name}
        if is_dataclass(value):
            parts = {field.name: self._stored(getattr(value, field.name)) for field in fields(value)}
            return {"record": _RECORDS[type(value).__name__].__name__, "fields": parts}
        if isinstance(value, Mapping):
            return {"mapping": {key: self._stored(item) for key, item in value.items()}}
        return {"value": value}


def _restored(stored: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    if "array" in stored:
        return arrays[stored["array"]]
    if "record" in stored:
        return _RECORDS[stored["record"]](**{name: _restored(part, arrays) for name, part in stored["fields"].items()})
    if "mapping" in stored:
        return {key: _restored(item, arrays) for key, item in stored["mapping"].items()}
    return stored["value"]
