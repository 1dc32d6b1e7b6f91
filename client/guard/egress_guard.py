"""The one exit of a platform: an answer is stripped, encoded, checked, written down, and only then handed over.

It is checked as it is encoded to be sent. Rules, in order:
1. the answer is of a kind that the manifest lists for this task under this policy;
2. it has that kind's records and no other, in that order, each of its type;
3. its header has that kind's fields and no other, in that order, each with a value that is listed;
4. each array is the one that is listed: name, dtype, shape, bytes as long as they say, on its grid;
5. each metric is listed, in the order of the list, and no finer than listed;
6. it takes no more bytes than its kind does, and than the policy allows;
7. it is not the time of the policy's quiet hours (a decline or a failure's code may leave then).
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict

from client.guard.ledger import Ledger, LedgerLine, Passed
from client.guard.manifest import Entry, ExpectedReply, Grid, manifest
from client.guard.site_policy import SitePolicy, read_policy
from shared.errors import OutboundRefused, WireError
from shared.federation.message_kinds import Reply
from shared.federation.messages import Declined, Failed, FailureCode
from shared.federation.wire import content_bytes, encode_reply
from shared.federation.wire_records import FLAT, HEADER, METRICS, arrays_of
from shared.system.utc_clock import utc_now

REFUSALS = ("declined", "failed")
"""kinds that tell of no data at all"""
Clock = Callable[[], datetime]
Keep = Callable[[RecordDict], None]


class EgressGuard:
    """What a platform's answers go through."""

    def __init__(self, policy: SitePolicy, ledger: Ledger | None, clock: Clock = utc_now) -> None:
        self.policy = policy
        self._ledger, self._clock = ledger, clock

    @classmethod
    def of(cls, policy: str, ledger: str, clock: Clock = utc_now, kind: type[SitePolicy] = SitePolicy) -> "EgressGuard":
        """The guard by its files' paths.

        Args:
            policy: file of the site policy; empty for the default one.
            ledger: file of the ledger; empty for none.
            kind: of the policy: a platform's, or a device's.
            clock: gives the time of the ledger's lines and of the quiet hours.

        Returns:
            the guard.

        Raises:
            ConfigError: if the policy is wrong.
        """
        return cls(read_policy(policy, kind), Ledger(Path(ledger)) if ledger else None, clock)

    def turned_away(self, expected: ExpectedReply) -> Declined | None:
        """The answer to a task that the policy does not let begin."""
        reason = self.policy.turns_away(expected.task, self._clock())
        return None if reason is None else Declined(round=expected.round, reason=reason)

    def let_out(self, reply: Reply, expected: ExpectedReply, keep: Keep = lambda _content: None) -> RecordDict:
        """Encode an answer, check it and write it down; what the policy does not tell is left out.

        What is held back is noted too.

        Args:
            reply: the answer.
            expected: what the platform knows of the answer before it sees it.
            keep: gets a result before it leaves.

        Returns:
            the encoded answer, which may leave.

        Raises:
            OutboundRefused: if it may not leave.
            LedgerError: if it cannot be noted.
        """
        if isinstance(reply, Declined) and not self.policy.tell_declined:
            reply = Failed(round=reply.round, code=FailureCode.REFUSED)
        redacted = _redacted(self.policy, {field.name for field in fields(reply)})
        content = encode_reply(replace(reply, **redacted))
        return self.let_out_encoded(content, expected, keep)

    def let_out_encoded(
        self, content: RecordDict, expected: ExpectedReply, keep: Keep = lambda _content: None
    ) -> RecordDict:
        """Check an answer that left before, and write it down: today's policy counts.

        Args:
            content: the encoded answer.
            expected: what the platform knows of the answer before it sees it.
            keep: gets a result before it leaves.

        Returns:
            the same content, which may leave.

        Raises:
            OutboundRefused: if it may not leave.
            LedgerError: if it cannot be noted.
        """
        now = self._clock()
        try:
            passed = check(content, expected, self.policy, now)
        except OutboundRefused as error:
            self._note(LedgerLine.kept(str(error), task=expected.task, round_number=expected.round, now=now))
            raise
        if passed.kind not in REFUSALS:
            keep(content)
        if self._ledger is not None:
            now = self._clock()
            line = LedgerLine.left(
                passed, task=expected.task, round_number=expected.round, now=now, encoder=expected.encoder
            )
            self._note(line)
        return content

    def _note(self, line: LedgerLine) -> None:
        if self._ledger is not None:
            self._ledger.add(line)


def check(content: RecordDict, expected: ExpectedReply, policy: SitePolicy, now: datetime) -> Passed:
    """Check what would leave.

    Args:
        content: the encoded answer.
        expected: what the platform knows of the answer before it sees it.
        policy: what the operator lets leave.
        now: time that the quiet hours are compared with.

    Returns:
        kind, size and names of what would leave.

    Raises:
        OutboundRefused: if it may not leave; the error names the rule and at the most a dtype and shape.
    """
    kind, entry = _entry(content.get(HEADER), expected, policy)
    _check_records({name: type(record) for name, record in content.items()}, entry)
    header: Any = content[HEADER]
    metrics = content.metric_records.get(METRICS, MetricRecord())
    _check_header(header, entry)
    for name, grid in entry.arrays.items():
        _check_array(content.array_records[name], name, grid, expected)
    _check_metrics(metrics, entry)
    size = content_bytes(content)
    if size > (most := min(entry.most_bytes, policy.maximum_bytes)):
        raise OutboundRefused(f"{kind} of {size:,} bytes; {most:,} may leave")
    if kind not in REFUSALS and policy.quiet(now):
        raise OutboundRefused(f"{kind} in the quiet hours {policy.quiet_hours}")
    return Passed(
        kind=kind,
        bytes=size,
        arrays={name: f"{grid.layout.dtype} [{grid.layout.size}]" for name, grid in entry.arrays.items()},
        metrics=tuple(sorted(metrics)),
        users=int(header.get("users", 0)),
        code=str(header.get("code", header.get("reason", ""))),
    )


def _redacted(policy: SitePolicy, fields_of_reply: set[str]) -> dict[str, Any]:
    """The fields that the policy does not tell, and what stands in their place."""
    tells = {"users": policy.tell_users, "losses": policy.tell_losses, "validation": policy.tell_validation}
    empty: dict[str, Any] = {"users": 0, "losses": {}, "validation": {}}
    return {name: empty[name] for name in fields_of_reply & set(tells) if not tells[name]}


def _entry(header: Any, expected: ExpectedReply, policy: SitePolicy) -> tuple[str, Entry]:
    kind = header.get("kind") if isinstance(header, ConfigRecord) else None
    listed = _listed(expected, policy)
    if not isinstance(kind, str) or kind not in listed:
        raise OutboundRefused(f"an answer to {expected.task} may be {', '.join(sorted(listed))}; this one is another")
    return kind, listed[kind]


@lru_cache(maxsize=8)
def _listed(expected: ExpectedReply, policy: SitePolicy) -> dict[str, Entry]:
    """A cohort's answers are held to the same."""
    return manifest(expected, policy)


def _check_records(records: Mapping[str, type[Any]], entry: Entry) -> None:
    expected: dict[str, type[Any]] = {HEADER: ConfigRecord, **dict.fromkeys(entry.arrays, ArrayRecord)}
    if entry.metrics is not None:
        expected[METRICS] = MetricRecord
    for name, record in records.items():
        if name not in expected:
            raise OutboundRefused("a record that is not listed")
        if record is not expected[name]:
            raise OutboundRefused(f"record {name!r} is no {expected[name].__name__}")
    if missing := sorted(set(expected) - set(records)):
        raise OutboundRefused(f"without the records {', '.join(missing)}")
    if list(records) != list(expected):
        raise OutboundRefused(f"the records must come as {', '.join(expected)}")


def _check_header(header: Any, entry: Entry) -> None:
    if set(header) != set(entry.header):
        raise OutboundRefused(f"the header must have the fields {', '.join(sorted(entry.header))} alone")
    if list(header) != list(entry.header):
        raise OutboundRefused(f"the header's fields must come as {', '.join(entry.header)}")
    for name, allowed in entry.header.items():
        if not allowed.holds(header[name]):
            raise OutboundRefused(f"{name} in the header must be {allowed.what}")


def _check_array(record: ArrayRecord, name: str, grid: Grid, expected: ExpectedReply) -> None:
    try:
        fault = grid.fault(arrays_of(record, name, {FLAT: grid.layout.lies})[FLAT])
    except WireError as error:
        sides = {side for array in record.values() for side in array.shape}
        raise OutboundRefused(f"{error}{_of_catalogue(sides, expected)}") from error
    if fault:
        raise OutboundRefused(f"record {name!r}: {fault}")


def _of_catalogue(sides: set[int], expected: ExpectedReply) -> str:
    """Said in addition where an array has the size of what must never leave."""
    return f"; it has a side of {expected.catalogue}, as the catalogue" if expected.catalogue in sides else ""


def _check_metrics(metrics: Any, entry: Entry) -> None:
    listed = entry.metrics or {}
    for name, value in dict(metrics or {}).items():
        if name not in listed:
            raise OutboundRefused(f"a metric that is not listed; listed are {', '.join(listed) or 'none'}")
        if not listed[name].holds(value):
            raise OutboundRefused(f"the metric {name} must be {listed[name].what}")
    if list(metrics or {}) != [name for name in listed if name in (metrics or {})]:
        raise OutboundRefused(f"the metrics must come as {', '.join(listed)}")
