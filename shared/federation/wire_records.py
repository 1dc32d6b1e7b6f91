"""The records of a message, written and read; reading is strict, and no parser sees what a stranger wrote."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord
from numpy.typing import NDArray

from shared.encoder.changes import Int8Delta, delta_grid
from shared.encoder.encoder import CROSS, Encoder, EncoderSpec, Layout, LinearForm
from shared.errors import InputError, WireError
from shared.feature_space import FeatureSpace
from shared.federation.config import LocalSettings
from shared.federation.messages import EvaluateTask, KnownEncoder, TrainTask
from shared.federation.moment_cells import MOST_PAIRS, rounded_pairs
from shared.federation.sum_messages import SumWork

PROTOCOL = "graft/1"
HEADER, SETTINGS, ENCODER, MOMENTS, METRICS = "header", "settings", "encoder", "moments", "metrics"
KNOWN, STEP = "known", "step"
CROSS_MOMENT, PUBLIC = "cross-moment", "public"
SUM, WORK, WEIGHTS = "sum", "work-", "weights"
"""Record of a secure sum's message, what stands before the names of those of what is summed, and one of them."""
INTRODUCTIONS = "introductions"
"""Record of platforms that a coordinator introduces, beside a request for keys."""
SIGNATURE = "signature"
"""Record beside those of a task, which a platform reads first (signatures.py)."""
FLAT = "flat"

MOST_NOISE = 1e6
_NUMPY = "numpy.ndarray"
_COMMON: dict[str, type[Any]] = {"protocol": str, "kind": str, "round": int}
ASKED: dict[str, type[Any]] = {"run": str, "nonce": str, "space": str}
"""fields of every task"""
LAYOUT: dict[str, type[Any]] = {"layout": str, "layout-hash": str}
"""Fields of the header beside a flat array."""
OF_ENCODER: dict[str, type[Any]] = {"run": str, "space": str, **LAYOUT, "seed": int, "keep": bool, "preset": str}
"""Fields of the header of what is about an encoder."""
_DIGITS, _DIGEST = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{64}")


def header_record(kind: str, round_number: int, **fields: str | float | bool) -> ConfigRecord:
    """A header.

    Args:
        kind: of the message.
        round_number: which round the message belongs to.
        **fields: further fields; what stands between words of a name becomes a hyphen.

    Returns:
        The record, with protocol, kind and round before the fields.
    """
    names = {name.replace("_", "-"): value for name, value in fields.items()}
    return ConfigRecord({"protocol": PROTOCOL, "kind": kind, "round": round_number, **names})


@dataclass(frozen=True, kw_only=True)
class Header:
    """A header whose keys and types are those expected."""

    fields: dict[str, Any]

    @classmethod
    def read(
        cls,
        header: Any,
        kind: str,
        expected: Mapping[str, type[Any]],
        *,
        records: Iterable[str],
        beside: Iterable[str] = (),
    ) -> "Header":
        """Check the names of the message's records, then the header's keys and types.

        Args:
            header: the record of this name, None where there is none.
            kind: of the message.
            expected: fields that a header of this kind has, beside those that all have.
            records: names of all records of the message.
            beside: names of the records that it must have beside the header.

        Returns:
            The header.

        Raises:
            WireError: if records, keys or types are others, or the message is of another kind or protocol.
        """
        required = sorted({HEADER, *beside})
        if sorted(records) != required:
            raise WireError(f"expected the records {required}; found {short_names(records)}")
        fields = fields_of(header, HEADER, {**_COMMON, **expected})
        if (fields["protocol"], fields["kind"]) != (PROTOCOL, kind):
            raise WireError(f"expected a {kind} of {PROTOCOL}")
        return cls(fields=fields)

    @property
    def round(self) -> int:
        """Which round the message belongs to."""
        return self.number("round")

    @property
    def question(self) -> dict[str, Any]:
        """Which question a task is: run, round and nonce."""
        digits = {name: self.text(name) for name in ("run", "nonce")}
        for name, text in digits.items():
            if not _DIGITS.fullmatch(text):
                raise WireError(f"{name} must be 32 hexadecimal digits")
        return {**digits, "round": self.round}

    def digest(self, name: str) -> str:
        """A field that is a digest.

        Args:
            name: of the field, with hyphens.

        Returns:
            64 hexadecimal digits.

        Raises:
            WireError: if it is anything else.
        """
        text = self.text(name)
        if _DIGEST.fullmatch(text) is None:
            raise WireError(f"{name} must be 64 hexadecimal digits")
        return text

    def text(self, name: str) -> str:
        """A field that is a text."""
        return str(self.fields[name])

    def number(self, name: str, least: int = 0) -> int:
        """A field that is a whole number.

        Args:
            name: of the field, with hyphens.
            least: the lowest value that is taken.

        Returns:
            The number.

        Raises:
            WireError: if it is below ``least``.
        """
        value = int(self.fields[name])
        if value < least:
            raise WireError(f"{name} must be {least} or more; got {value}")
        return value

    def noise(self) -> float:
        """A spread of noise, as a multiple of what one user can move an answer by."""
        value = float(self.fields["noise"])
        if not 0 <= value <= MOST_NOISE:
            raise WireError(f"noise must be a number from 0 to {MOST_NOISE:g}")
        return value

    def users(self) -> int:
        """A rounded count."""
        value = self.number("users")
        if value & (value - 1):
            raise WireError(f"users must be a power of two or 0; got {value}")
        return value

    def pairs(self) -> int:
        """A rounded number of pairs."""
        value = self.number("pairs")
        if value > MOST_PAIRS or rounded_pairs(value) != value:
            raise WireError(f"pairs must have two significant digits and be {MOST_PAIRS} or less; got {value}")
        return value

    def layout(self) -> Layout:
        """How the message's array lies."""
        try:
            layout = Layout.from_json(self.text("layout"))
        except InputError as error:
            raise WireError("the layout cannot be read") from error
        if layout.hash != self.text("layout-hash"):
            raise WireError("the layout's hash is not that of its names, shapes, dtypes and order")
        return layout

    def space(self) -> FeatureSpace:
        """The feature space that ``space_text`` wrote."""
        try:
            name, parameters, dim, fingerprint = json.loads(self.text("space"))
            pairs = tuple((str(key), value) for key, value in parameters)
        except (ValueError, TypeError, RecursionError) as error:
            raise WireError("the feature space cannot be read") from error
        if type(dim) is not int or not 1 <= dim <= 65536:
            raise WireError("the feature space has an impossible dim")
        return FeatureSpace(name=str(name), parameters=pairs, dim=dim, fingerprint=str(fingerprint))


def layout_fields(layout: Layout) -> dict[str, str]:
    """How a message's array lies, as fields of its header."""
    return {"layout": layout.to_json(), "layout_hash": layout.hash}


def space_text(space: FeatureSpace) -> str:
    """A feature space as a header's field."""
    return json.dumps([space.name, space.parameters, space.dim, space.fingerprint])


def fields_of(record: Any, name: str, expected: Mapping[str, type[Any]]) -> dict[str, Any]:
    """The record's fields, which have these names and types.

    Args:
        record: as it came; None where there is none.
        name: the record's, for the error.
        expected: type by name of field; exactly these must be there.

    Returns:
        Value by name of field.

    Raises:
        WireError: if it is no record of fields, or has other names or types.
    """
    if not isinstance(record, ConfigRecord):
        raise WireError(f"record {name!r} must be a ConfigRecord")
    fields = dict(record)
    if set(fields) != set(expected):
        raise WireError(f"record {name!r} must hold {sorted(expected)}; found {short_names(fields)}")
    for field, kind in expected.items():
        if type(fields[field]) is not kind:
            raise WireError(f"{field} in record {name!r} must be of type {kind.__name__}")
    return fields


def metrics_of(record: Any, allowed: tuple[str, ...]) -> dict[str, float]:
    """The record's metrics, some of those allowed and finite.

    Args:
        record: as it came.
        allowed: names that metrics may have.

    Returns:
        Number by name, in the order of ``allowed``.

    Raises:
        WireError: if it is no record of metrics, or holds another name or anything but finite numbers.
    """
    if not isinstance(record, MetricRecord):
        raise WireError(f"record {METRICS!r} must be a MetricRecord")
    metrics: dict[str, Any] = dict(record)
    if not set(metrics) <= set(allowed):
        raise WireError(f"record {METRICS!r} may hold {list(allowed)}; found {short_names(metrics)}")
    if not all(type(value) is float and math.isfinite(value) for value in metrics.values()):
        raise WireError(f"record {METRICS!r} must hold finite numbers")
    return {name: metrics[name] for name in allowed if name in metrics}


def array_record(**arrays: NDArray[Any]) -> ArrayRecord:
    """A record of these arrays."""
    return ArrayRecord({name: Array(np.ascontiguousarray(value)) for name, value in arrays.items()})


def arrays_of(record: Any, name: str, expected: Mapping[str, tuple[np.dtype[Any], int]]) -> dict[str, NDArray[Any]]:
    """The record's arrays, each of its dtype and length, and finite.

    Args:
        record: as it came.
        name: the record's, for the error.
        expected: dtype and length by name of array; exactly these must be there.

    Returns:
        [size] by name of array, read-only.

    Raises:
        WireError: if it is no record of these arrays, or one of them is not as expected; the error says ``name``.
    """
    if not isinstance(record, ArrayRecord) or set(record) != set(expected):
        keys = " and ".join(repr(key) for key in expected)
        raise WireError(f"record {name!r} must hold the array {keys} alone; found {short_names(record)}")
    arrays = {}
    for key, (dtype, size) in expected.items():
        array, header = record[key], _npy_header(dtype, size)
        if (array.dtype, tuple(array.shape)) != (str(dtype), (size,)):
            announced = f"{array.dtype[:20]} {list(array.shape)[:4]}"
            raise WireError(f"record {name!r} must be {dtype} [{size}]; found {announced}")
        if array.stype != _NUMPY or not array.data.startswith(header):
            raise WireError(f"record {name!r} does not hold the array that it announces")
        if len(array.data) != len(header) + size * dtype.itemsize:
            raise WireError(f"record {name!r} is not as long as its shape says")
        arrays[key] = np.frombuffer(array.data, dtype, offset=len(header))
        if not np.isfinite(arrays[key]).all():
            raise WireError(f"record {name!r} holds numbers that are not finite")
    return arrays


def short_names(names: Any) -> list[str]:
    """What may be repeated of names that came from outside."""
    return [str(name)[:40] for name in sorted(names)[:8]]


@lru_cache(maxsize=64)
def _npy_header(dtype: np.dtype[Any], size: int) -> bytes:
    """The only beginning that is taken (numpy's own reader opens zip files too)."""
    stream = BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (size,)}
    np.lib.format.write_array_header_1_0(stream, description)
    return stream.getvalue()


def encoder_records(
    kind: str, task: TrainTask | EvaluateTask | SumWork, **fields: str | float
) -> dict[str, ArrayRecord | ConfigRecord]:
    """The header of a task about an encoder, and the encoder or what leads to it.

    Args:
        kind: of the header.
        task: the task, or the work of a sum.
        fields: of the header, beside those of every task about an encoder.

    Returns:
        The records by name.
    """
    sent, spec = task.encoder, task.encoder.spec
    header = header_record(
        kind,
        task.round,
        seed=task.seed,
        keep=task.keep,
        **fields,
        preset=spec.preset,
        space=space_text(spec.feature_space),
        run=task.run,
        **layout_fields(spec.layout()),
    )
    records = {ENCODER: array_record(flat=sent.flat)} if isinstance(sent, Encoder) else _known_records(sent)
    return {HEADER: header, **records}


def encoder_beside(records: set[str]) -> set[str]:
    """The records in which a task's encoder came: itself, or what leads to it from the one that the platform holds."""
    return {KNOWN} | (records & {STEP}) if KNOWN in records else {ENCODER}


def _known_records(sent: KnownEncoder) -> dict[str, ArrayRecord | ConfigRecord]:
    known = ConfigRecord({"base": sent.base, "digest": sent.digest})
    step = {} if sent.delta is None else {STEP: array_record(flat=sent.delta.cells)}
    return {KNOWN: known, **step}


def known_encoder(content: Mapping[str, Any], spec: EncoderSpec) -> KnownEncoder:
    """What leads to a task's encoder from the one that the platform holds.

    Args:
        content: records of the task; ``KNOWN`` is there, and ``STEP`` but where the platform holds the encoder itself.
        spec: of the encoder.

    Returns:
        The encoder by its digest, with the step.

    Raises:
        WireError: if the records are anything else.
    """
    known, step = content[KNOWN], content.get(STEP)
    fields = fields_of(known, KNOWN, {"base": str, "digest": str})
    if step is None:
        return KnownEncoder(spec=spec, base=fields["base"], digest=fields["digest"], delta=None)
    cells = arrays_of(step, STEP, {FLAT: delta_grid(spec).layout.lies})[FLAT]
    if fault := delta_grid(spec).fault(cells):
        raise WireError(f"record {STEP!r}: {fault}")
    return KnownEncoder(spec=spec, base=fields["base"], digest=fields["digest"], delta=Int8Delta(cells=cells))


def read_settings(record: Any) -> LocalSettings:
    """The settings of a training; raises WireError where they cannot be followed."""
    if not isinstance(record, ConfigRecord):
        raise WireError(f"record {SETTINGS!r} must be a ConfigRecord")
    try:
        return LocalSettings.from_flat(dict(record))  # type: ignore[arg-type]
    except InputError as error:
        raise WireError(f"the settings cannot be followed: {error}") from error


def encoder_spec(header: Header) -> EncoderSpec:
    """Of a task's encoder; raises WireError where it is of a kind unknown here, or is not laid out as its kind is."""
    space = header.space()
    layout = header.layout()
    form: LinearForm = "cross" if layout.arrays[0].name == CROSS else "map"
    try:
        spec = EncoderSpec(preset=header.text("preset"), input_dim=space.dim, feature_space=space, linear=form)
    except InputError as error:
        raise WireError(f"the encoder is of a kind unknown here: {error}") from error
    if layout != spec.layout():
        raise WireError(f"the layout is not that of preset {spec.preset!r} at {space.dim} dimensions")
    return spec
