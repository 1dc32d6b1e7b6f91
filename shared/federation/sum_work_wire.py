"""What platforms' vectors of one secure sum are of, to Flower records and back; reading is strict.

There is one form: settings where the vectors are trained, a public catalogue where they are whitened by it, and else
neither.
"""

from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, RecordDict

from shared.encoder.encoder import Encoder
from shared.errors import ConfigError, WireError
from shared.federation.cross_wire import public_of
from shared.federation.sum_messages import SUM_PARTS, SumWork
from shared.federation.wire_records import (
    ENCODER,
    FLAT,
    HEADER,
    KNOWN,
    OF_ENCODER,
    PUBLIC,
    SETTINGS,
    WEIGHTS,
    Header,
    array_record,
    arrays_of,
    encoder_beside,
    encoder_records,
    encoder_spec,
    known_encoder,
    read_settings,
)

_FIELDS: dict[str, type[Any]] = {**OF_ENCODER, "parts": str, "noise": float, "users": int}
_BETWEEN = ","


def work_records(work: SumWork) -> dict[str, ArrayRecord | ConfigRecord]:
    """Its records, by their own names."""
    parts = _BETWEEN.join(work.parts)
    records = encoder_records("sum-work", work, parts=parts, noise=work.noise, users=work.users)
    records[WEIGHTS] = ConfigRecord(dict(sorted(work.weights.items())))
    if work.settings is not None:
        records[SETTINGS] = ConfigRecord(dict(work.settings.to_flat()))
    if work.public is not None:
        records[PUBLIC] = array_record(flat=work.public.to_flat())
    return records


def read_sum_work(content: RecordDict, question: dict[str, Any]) -> SumWork:
    """The work of a question, about an encoder.

    Args:
        content: records of the work, weights among them, by their own names.
        question: run and round of the task beside which the work came.

    Returns:
        The work.

    Raises:
        WireError: if it is of another run or round, cannot be read, or makes no sense.
    """
    records = set(content)
    beside = encoder_beside(records) | {WEIGHTS} | (records & {SETTINGS, PUBLIC})
    header = Header.read(content.get(HEADER), "sum-work", _FIELDS, records=records, beside=beside)
    settings = read_settings(content[SETTINGS]) if SETTINGS in content else None
    spec = encoder_spec(header)
    whole = {} if KNOWN in content else arrays_of(content[ENCODER], ENCODER, {FLAT: spec.layout().lies})
    encoder = Encoder(spec=spec, flat=whole[FLAT]) if whole else known_encoder(content, spec)
    if (header.text("run"), header.round) != (question["run"], question["round"]):
        raise WireError("expected work of the question's run and round; found another's")
    try:
        return SumWork(
            run=question["run"],
            round=question["round"],
            seed=header.number("seed"),
            parts=_parts(header.text("parts")),
            encoder=encoder,
            keep=header.fields["keep"],
            weights=_weights(content[WEIGHTS]),
            settings=settings,
            noise=header.noise(),
            users=header.number("users"),
            public=public_of(content, encoder.spec.input_dim) if PUBLIC in content else None,
        )
    except ConfigError as error:
        raise WireError(f"the work of a sum cannot be followed: {error}") from error


def _parts(text: str) -> tuple[Any, ...]:
    parts = tuple(text.split(_BETWEEN))
    if unknown := [part for part in parts if part not in SUM_PARTS]:
        raise WireError(f"parts must be some of {', '.join(SUM_PARTS)}; found {unknown[0][:40]!r}")
    return parts


def _weights(record: Any) -> dict[str, float]:
    if not isinstance(record, ConfigRecord) or not all(type(value) is float for value in record.values()):
        raise WireError(f"record {WEIGHTS!r} must hold a number for each platform")
    return {name: float(value) for name, value in sorted(record.items())}  # type: ignore[arg-type]
