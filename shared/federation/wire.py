"""Messages to Flower records and back; the only place that knows the records' names.

An encoder or a platform's moments travel as one flat array (cost grows with the number of arrays) beside a header
with its layout and the feature space's fingerprint. Reading is strict: whatever is not expected is refused.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from numpy.typing import NDArray

from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.layout import ArraySpec, Layout
from shared.encoder.linear import Moments
from shared.encoder.step import Step, rows
from shared.errors import InputError, WireError
from shared.feature_space.spec import FeatureSpace
from shared.federation.config import LocalSettings
from shared.federation.messages import (
    LOSSES,
    VALIDATIONS,
    Declined,
    DeclineReason,
    EvaluateReply,
    EvaluateTask,
    Failed,
    FailureCode,
    KnownEncoder,
    MomentsReply,
    MomentsTask,
    Reply,
    Task,
    TrainReply,
    TrainTask,
)
from shared.federation.wire_arrays import array_record, arrays_of, short_names

PROTOCOL = "graft/1"
MOMENTS_TYPE, TRAIN_TYPE, EVALUATE_TYPE = "query.moments", "train", "evaluate"
"""Flower's message types"""

HEADER, SETTINGS, ENCODER, MOMENTS, METRICS = "header", "settings", "encoder", "moments", "metrics"
KNOWN, STEP = "known", "step"
FLAT, CODES, SCALES = "flat", "codes", "scales"


def moments_layout(dim: int) -> Layout:
    """The order in which moments in D dimensions lie in their flat array."""
    triangle = dim * (dim + 1) // 2
    shapes = {"A": (triangle,), "B": (dim, dim), "C": (triangle,), "sum_q": (dim,), "sum_y": (dim,), "n": (1,)}
    return Layout(tuple(ArraySpec(name=name, shape=shape, dtype="float64") for name, shape in shapes.items()))


def content_bytes(content: RecordDict) -> int:
    """How many bytes a message's content takes, array by array and record by record."""
    total = 0
    for name, record in content.items():
        total += len(name) + len(record.deflate())
        if isinstance(record, ArrayRecord):
            total += sum(len(array.deflate()) + len(array.data) for array in record.values())
    return total


def round_of(content: RecordDict) -> int:
    """The round that a message says it belongs to, whatever else is wrong with it; 0 where it says none."""
    header = content.get(HEADER)
    number = header.get("round") if isinstance(header, ConfigRecord) else None
    return number if type(number) is int else 0


def encode_task(task: Task) -> RecordDict:
    """A task as records."""
    if isinstance(task, MomentsTask):
        return _content(_header("moments-task", task.round, space=_space_to_json(task.feature_space)))
    run = {"run": task.run} if isinstance(task, TrainTask) else {}
    content = _content(
        _header(
            "train-task" if isinstance(task, TrainTask) else "evaluate-task",
            task.round,
            seed=task.seed,
            keep=task.keep,
            preset=task.encoder.spec.preset,
            space=_space_to_json(task.encoder.spec.feature_space),
            **run,
            **_layout_fields(task.encoder.spec.layout()),
        )
    )
    content.update(_encoder_records(task.encoder))
    if isinstance(task, TrainTask):
        content[SETTINGS] = ConfigRecord(dict(task.settings.to_flat()))
    return content


def decode_moments_task(content: RecordDict) -> MomentsTask:
    """Raises WireError for anything but a moments task."""
    header = _Header.read(content, "moments-task", {HEADER: ConfigRecord}, {"space": str})
    return MomentsTask(round=header.round, feature_space=_space_from_json(header.text("space")))


def decode_train_task(content: RecordDict) -> TrainTask:
    """Raises WireError for anything but a training task."""
    header = _Header.read(content, "train-task", {SETTINGS: ConfigRecord, **_task_records(content)}, _TRAIN_TASK)
    if not _RUN.fullmatch(header.text("run")):
        raise WireError("run must be 32 hexadecimal digits")
    try:
        settings = LocalSettings.from_flat(dict(content[SETTINGS]))  # type: ignore[arg-type]
    except InputError as error:
        raise WireError(f"the settings cannot be followed: {error}") from error
    return TrainTask(
        run=header.text("run"),
        round=header.round,
        seed=header.number("seed"),
        encoder=_encoder(header, content),
        settings=settings,
        keep=header.fields["keep"],
    )


def decode_evaluate_task(content: RecordDict) -> EvaluateTask:
    """Raises WireError for anything but an evaluation task."""
    header = _Header.read(content, "evaluate-task", _task_records(content), _ENCODER_TASK)
    return EvaluateTask(
        round=header.round,
        seed=header.number("seed"),
        encoder=_encoder(header, content),
        keep=header.fields["keep"],
    )


def encode_reply(reply: Reply) -> RecordDict:
    """A reply as records."""
    return _REPLY_WRITERS[type(reply)](reply)


def decode_moments_reply(content: RecordDict) -> MomentsReply | Declined | Failed:
    """Raises WireError for anything but an answer to a moments task."""
    if (refusal := _refusal(content)) is not None:
        return refusal
    records = {HEADER: ConfigRecord, MOMENTS: ArrayRecord}
    header = _Header.read(content, "moments-reply", records, {**_LAYOUT, "dim": int, "fingerprint": str, "users": int})
    dim = header.number("dim", least=1)
    layout = header.layout()
    if layout != moments_layout(dim):
        raise WireError(f"the layout is not that of moments in {dim} dimensions")
    return MomentsReply(
        round=header.round,
        moments=Moments.from_flat(_flat(content, MOMENTS, layout), dim),
        fingerprint=header.text("fingerprint"),
        users=header.users(),
    )


def decode_train_reply(content: RecordDict) -> TrainReply | Declined | Failed:
    """Raises WireError for anything but an answer to a training task."""
    if (refusal := _refusal(content)) is not None:
        return refusal
    records = {HEADER: ConfigRecord, ENCODER: ArrayRecord, METRICS: MetricRecord}
    header = _Header.read(content, "train-reply", records, {**_LAYOUT, "fingerprint": str, "users": int})
    layout = header.layout()
    return TrainReply(
        round=header.round,
        flat=_flat(content, ENCODER, layout),
        layout=layout,
        fingerprint=header.text("fingerprint"),
        users=header.users(),
        losses=_metrics(content, LOSSES),
    )


def decode_evaluate_reply(content: RecordDict) -> EvaluateReply | Declined | Failed:
    """Raises WireError for anything but an answer to an evaluation task."""
    if (refusal := _refusal(content)) is not None:
        return refusal
    records = {HEADER: ConfigRecord, METRICS: MetricRecord}
    header = _Header.read(content, "evaluate-reply", records, {"users": int})
    return EvaluateReply(round=header.round, users=header.users(), validation=_metrics(content, VALIDATIONS))


@dataclass(frozen=True, kw_only=True)
class _Header:
    """A header whose keys and types are those expected."""

    fields: dict[str, Any]

    @classmethod
    def read(
        cls, content: RecordDict, kind: str, records: Mapping[str, type[Any]], expected: Mapping[str, type[Any]]
    ) -> "_Header":
        """Check the records' names and types, then the header's keys and types."""
        if set(content) != set(records):
            raise WireError(f"expected the records {sorted(records)}; found {short_names(content)}")
        for name, record_type in records.items():
            if not isinstance(content[name], record_type):
                raise WireError(f"record {name!r} must be a {record_type.__name__}")
        fields = dict(content[HEADER])
        _require_keys(HEADER, fields, {**_COMMON, **expected})
        if (fields["protocol"], fields["kind"]) != (PROTOCOL, kind):
            raise WireError(f"expected a {kind} of {PROTOCOL}")
        return cls(fields=fields)

    @property
    def round(self) -> int:
        return self.number("round")

    def text(self, name: str) -> str:
        return str(self.fields[name])

    def number(self, name: str, least: int = 0) -> int:
        value = int(self.fields[name])
        if value < least:
            raise WireError(f"{name} must be {least} or more; got {value}")
        return value

    def users(self) -> int:
        value = self.number("users")
        if value & (value - 1):
            raise WireError(f"users must be a power of two or 0; got {value}")
        return value

    def layout(self) -> Layout:
        try:
            layout = Layout.from_json(self.text("layout"))
        except InputError as error:
            raise WireError("the layout cannot be read") from error
        if layout.hash != self.text("layout-hash"):
            raise WireError("the layout's hash is not that of its names, shapes, dtypes and order")
        return layout


_COMMON: dict[str, type[Any]] = {"protocol": str, "kind": str, "round": int}
_LAYOUT: dict[str, type[Any]] = {"layout": str, "layout-hash": str}
_ENCODER_TASK: dict[str, type[Any]] = {**_LAYOUT, "seed": int, "keep": bool, "preset": str, "space": str}
_TRAIN_TASK: dict[str, type[Any]] = {**_ENCODER_TASK, "run": str}
_RUN = re.compile(r"[0-9a-f]{32}")


def _moments_reply(reply: MomentsReply) -> RecordDict:
    content = _content(
        _header(
            "moments-reply",
            reply.round,
            dim=reply.moments.dim,
            fingerprint=reply.fingerprint,
            users=reply.users,
            **_layout_fields(moments_layout(reply.moments.dim)),
        )
    )
    content[MOMENTS] = array_record(flat=reply.moments.to_flat())
    return content


def _train_reply(reply: TrainReply) -> RecordDict:
    header = _header(
        "train-reply",
        reply.round,
        fingerprint=reply.fingerprint,
        users=reply.users,
        **_layout_fields(reply.layout),
    )
    return _content(header, encoder=array_record(flat=reply.flat), metrics=MetricRecord(dict(reply.losses)))


def _evaluate_reply(reply: EvaluateReply) -> RecordDict:
    header = _header("evaluate-reply", reply.round, users=reply.users)
    return _content(header, metrics=MetricRecord(dict(reply.validation)))


def _declined(reply: Declined) -> RecordDict:
    return _content(_header("declined", reply.round, reason=str(reply.reason)))


def _failed(reply: Failed) -> RecordDict:
    return _content(_header("failed", reply.round, code=str(reply.code)))


_REPLY_WRITERS: dict[type[Any], Callable[[Any], RecordDict]] = {
    MomentsReply: _moments_reply,
    TrainReply: _train_reply,
    EvaluateReply: _evaluate_reply,
    Declined: _declined,
    Failed: _failed,
}


def _refusal(content: RecordDict) -> Declined | Failed | None:
    """A platform's answer that it does not contribute or met an error, else None."""
    header = content.get(HEADER)
    kind = header.get("kind") if isinstance(header, ConfigRecord) else None
    try:
        if kind == "declined":
            read = _Header.read(content, "declined", {HEADER: ConfigRecord}, {"reason": str})
            return Declined(round=read.round, reason=DeclineReason(read.text("reason")))
        if kind == "failed":
            read = _Header.read(content, "failed", {HEADER: ConfigRecord}, {"code": str})
            return Failed(round=read.round, code=FailureCode(read.text("code")))
    except ValueError as error:
        raise WireError("the reason or code of a refusal is not one of the listed ones") from error
    return None


def _header(kind: str, round_number: int, **fields: str | int | bool) -> ConfigRecord:
    names = {name.replace("_", "-"): value for name, value in fields.items()}
    return ConfigRecord({"protocol": PROTOCOL, "kind": kind, "round": round_number, **names})


def _content(header: ConfigRecord, **records: ArrayRecord | MetricRecord) -> RecordDict:
    return RecordDict({HEADER: header, **records})


def _layout_fields(layout: Layout) -> dict[str, str]:
    return {"layout": layout.to_json(), "layout_hash": layout.hash}


def _encoder_records(sent: Encoder | KnownEncoder) -> dict[str, ArrayRecord | ConfigRecord]:
    """The numbers of an encoder, or what leads to it from the one that the platform holds."""
    if isinstance(sent, Encoder):
        return {ENCODER: array_record(flat=sent.flat)}
    records: dict[str, ArrayRecord | ConfigRecord] = {KNOWN: ConfigRecord({"base": sent.base, "digest": sent.digest})}
    if sent.step is not None:
        records[STEP] = array_record(codes=sent.step.codes, scales=sent.step.scales)
    return records


def _task_records(content: RecordDict) -> dict[str, type[Any]]:
    """The records that a task must hold, by the form in which its encoder came."""
    if KNOWN not in content:
        return {HEADER: ConfigRecord, ENCODER: ArrayRecord}
    return {HEADER: ConfigRecord, KNOWN: ConfigRecord, **({STEP: ArrayRecord} if STEP in content else {})}


def _encoder(header: _Header, content: RecordDict) -> Encoder | KnownEncoder:
    space = _space_from_json(header.text("space"))
    try:
        spec = EncoderSpec(preset=header.text("preset"), input_dim=space.dim, feature_space=space)
    except InputError as error:
        raise WireError(f"the encoder is of a kind unknown here: {error}") from error
    if header.layout() != spec.layout():
        raise WireError(f"the layout is not that of preset {spec.preset!r} at {space.dim} dimensions")
    if KNOWN not in content:
        return Encoder(spec=spec, flat=_flat(content, ENCODER, spec.layout()))
    known = dict(content[KNOWN])
    _require_keys(KNOWN, known, {"base": str, "digest": str})
    step = _step(content, spec) if STEP in content else None
    return KnownEncoder(spec=spec, base=str(known["base"]), digest=str(known["digest"]), step=step)


def _step(content: RecordDict, spec: EncoderSpec) -> Step:
    lengths = rows(spec)
    codes: tuple[np.dtype[Any], int] = (np.dtype(np.int8), int(lengths.sum()))
    arrays = arrays_of(content[STEP], STEP, {CODES: codes, SCALES: (np.dtype(np.float32), len(lengths))})
    return Step(codes=arrays[CODES], scales=arrays[SCALES])


def _flat(content: RecordDict, name: str, layout: Layout) -> NDArray[Any]:
    """The record's only array, [size of layout], of its dtype and finite."""
    return arrays_of(content[name], name, {FLAT: (layout.dtype, layout.size)})[FLAT]


def _metrics(content: RecordDict, allowed: tuple[str, ...]) -> dict[str, float]:
    metrics = dict(content[METRICS])
    if not set(metrics) <= set(allowed):
        raise WireError(f"record {METRICS!r} may hold {list(allowed)}; found {short_names(metrics)}")
    if not all(type(value) is float and math.isfinite(value) for value in metrics.values()):
        raise WireError(f"record {METRICS!r} must hold finite numbers")
    return {name: metrics[name] for name in allowed if name in metrics}  # type: ignore[misc]


def _require_keys(record: str, fields: dict[str, Any], expected: Mapping[str, type[Any]]) -> None:
    if set(fields) != set(expected):
        raise WireError(f"record {record!r} must hold {sorted(expected)}; found {short_names(fields)}")
    for name, kind in expected.items():
        if type(fields[name]) is not kind:
            raise WireError(f"{name} in record {record!r} must be of type {kind.__name__}")


def _space_to_json(space: FeatureSpace) -> str:
    return json.dumps([space.name, space.parameters, space.dim, space.fingerprint])


def _space_from_json(text: str) -> FeatureSpace:
    try:
        name, parameters, dim, fingerprint = json.loads(text)
        pairs = tuple((str(key), value) for key, value in parameters)
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError("the feature space cannot be read") from error
    if type(dim) is not int or not 1 <= dim <= 65536:
        raise WireError("the feature space has an impossible dim")
    return FeatureSpace(name=str(name), parameters=pairs, dim=dim, fingerprint=str(fingerprint))
