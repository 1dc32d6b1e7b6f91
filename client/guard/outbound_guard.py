"""The outbound guard: looks at an answer as it is encoded to be sent, and lets it pass or says why not.

Rules, in order:
1. the answer is of a kind that the manifest lists for this task under this policy;
2. it has that kind's records and no other, each of its type;
3. its header has that kind's fields and no other, each with a value that is listed;
4. each array is the one that is listed: name, dtype, shape, and bytes as long as they say, all finite;
5. each metric is listed, and no finer than listed;
6. it takes no more bytes than its kind does, and than the policy allows;
7. it is not the time of the policy's quiet hours (a decline or a failure's code may leave then).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict

from client.guard.manifest import Asked, Entry, manifest
from client.guard.site_policy import SitePolicy
from shared.errors import OutboundRefused, WireError
from shared.federation.wire import FLAT, HEADER, METRICS, content_bytes
from shared.federation.wire_arrays import arrays_of

REFUSALS = ("declined", "failed")
"""kinds that tell of no data at all"""


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What leaves, in the ledger's words."""

    kind: str
    bytes: int
    arrays: Mapping[str, str]
    """record to dtype and size"""
    metrics: tuple[str, ...]
    """their names"""
    users: int
    """as told; 0 where nothing was"""
    code: str = ""
    """of a decline or a failure"""


def check(content: RecordDict, asked: Asked, policy: SitePolicy, now: datetime) -> Passed:
    """What would leave; raises OutboundRefused, which names the rule and at the most a dtype and shape."""
    kind, entry = _entry(content, asked, policy)
    _check_records(content, entry)
    _check_header(content[HEADER], entry)
    _check_arrays(content, entry, asked)
    _check_metrics(content.get(METRICS), entry)
    size = content_bytes(content)
    most = min(entry.most_bytes, policy.maximum_bytes)
    if size > most:
        raise OutboundRefused(f"{kind} of {size:,} bytes; {most:,} may leave")
    if kind not in REFUSALS and policy.quiet(now):
        raise OutboundRefused(f"{kind} in the quiet hours {policy.quiet_hours}")
    header: Any = content[HEADER]
    return Passed(
        kind=kind,
        bytes=size,
        arrays={name: f"{layout.dtype} [{layout.size}]" for name, layout in entry.arrays.items()},
        metrics=tuple(sorted(content.get(METRICS, MetricRecord()))),
        users=int(header.get("users", 0)),
        code=str(header.get("code", header.get("reason", ""))),
    )


def _entry(content: RecordDict, asked: Asked, policy: SitePolicy) -> tuple[str, Entry]:
    header = content.get(HEADER)
    kind = header.get("kind") if isinstance(header, ConfigRecord) else None
    listed = manifest(asked, policy)
    if not isinstance(kind, str) or kind not in listed:
        raise OutboundRefused(f"an answer to {asked.task} may be {', '.join(sorted(listed))}; this one is another")
    return kind, listed[kind]


def _check_records(content: RecordDict, entry: Entry) -> None:
    expected: dict[str, type[Any]] = {HEADER: ConfigRecord, **dict.fromkeys(entry.arrays, ArrayRecord)}
    if entry.metrics is not None:
        expected[METRICS] = MetricRecord
    for name, record in content.items():
        if name not in expected:
            raise OutboundRefused("a record that is not listed")
        if type(record) is not expected[name]:
            raise OutboundRefused(f"record {name!r} is no {expected[name].__name__}")
    if missing := sorted(set(expected) - set(content)):
        raise OutboundRefused(f"without the records {', '.join(missing)}")


def _check_header(header: Any, entry: Entry) -> None:
    if set(header) != set(entry.header):
        raise OutboundRefused(f"the header must have the fields {', '.join(sorted(entry.header))} alone")
    for name, allowed in entry.header.items():
        if not allowed.holds(header[name]):
            raise OutboundRefused(f"{name} in the header must be {allowed.what}")


def _check_arrays(content: RecordDict, entry: Entry, asked: Asked) -> None:
    for name, layout in entry.arrays.items():
        record: Any = content[name]
        if set(record) != {FLAT}:
            raise OutboundRefused(f"record {name!r} must hold the array {FLAT!r} alone")
        try:
            arrays_of(record, name, {FLAT: (layout.dtype, layout.size)})
        except WireError as error:
            raise OutboundRefused(f"{error}{_of_catalogue(record, asked)}") from error


def _of_catalogue(record: Any, asked: Asked) -> str:
    """Said in addition where an array has the size of what must never leave."""
    sides = {side for array in record.values() for side in array.shape}
    return f"; it has a side of {asked.catalogue}, as the catalogue" if asked.catalogue in sides else ""


def _check_metrics(metrics: Any, entry: Entry) -> None:
    listed = entry.metrics or {}
    for name, value in dict(metrics or {}).items():
        if name not in listed:
            raise OutboundRefused(f"a metric that is not listed; listed are {', '.join(listed) or 'none'}")
        if not listed[name].holds(value):
            raise OutboundRefused(f"the metric {name} must be {listed[name].what}")
