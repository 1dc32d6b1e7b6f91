"""What platforms' vectors of one secure sum are of, but for its encoder, to Flower records and back; reading is strict.

There is one form: settings where the vectors are trained, a public catalogue where they are whitened by it, and else
neither.
"""

from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, RecordDict

from shared.encoder.encoder import Encoder
from shared.errors import ConfigError, WireError
from shared.federation.config import LocalSettings
from shared.federation.cross_wire import public_of
from shared.federation.messages import SUM_PARTS, KnownEncoder, SumWork
from shared.federation.wire_records import PUBLIC, SETTINGS, WEIGHTS, Header, array_record

WORK_FIELDS: dict[str, type[Any]] = {"parts": str, "noise": float, "users": int}
"""of its header, beside those of its encoder"""
_BETWEEN = ","


def work_fields(work: SumWork) -> dict[str, str | float | int]:
    """``WORK_FIELDS`` of its header."""
    return {"parts": _BETWEEN.join(work.parts), "noise": work.noise, "users": work.users}


def work_records(work: SumWork) -> dict[str, ArrayRecord | ConfigRecord]:
    """Its records beside header and encoder."""
    records: dict[str, ArrayRecord | ConfigRecord] = {WEIGHTS: ConfigRecord(dict(sorted(work.weights.items())))}
    if work.settings is not None:
        records[SETTINGS] = ConfigRecord(dict(work.settings.to_flat()))
    if work.public is not None:
        records[PUBLIC] = array_record(flat=work.public.to_flat())
    return records


def work_beside(records: set[str]) -> set[str]:
    """Which records must stand beside header and encoder, of those found."""
    return {WEIGHTS} | (records & {SETTINGS, PUBLIC})


def read_sum_work(
    content: RecordDict,
    header: Header,
    question: dict[str, Any],
    encoder: Encoder | KnownEncoder,
    settings: LocalSettings | None,
) -> SumWork:
    """The work of a question, about an encoder.

    Args:
        content: records of the work, weights among them, by their own names.
        header: of the work.
        question: run and round of the task beside which the work came.
        encoder: the encoder that came with the work, or that is known.
        settings: of the training; None where no part is trained.

    Returns:
        The work.

    Raises:
        WireError: if it is of another run or round, cannot be read, or makes no sense.
    """
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
