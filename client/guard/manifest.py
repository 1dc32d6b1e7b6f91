"""The manifest: everything that may leave a platform, by kind of answer; what is not listed does not leave.

No field is free text: each has one value, or a few, that the guard works out from the task and the policy itself. So
an item's text or a user's id has no place in which it could travel. Numbers lie on grids, and each entry says how many
bits tell its answers apart: there are no others (docs/decisions/0039-numbers-leave-on-grids.md).
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from client.guard.site_policy import SitePolicy, TaskKind
from shared.encoder.cells import CellGrid
from shared.encoder.encoder import Layout
from shared.federation.cross_cells import CrossGrid
from shared.federation.messages import BOTH, LOSSES, VALIDATIONS, DeclineReason, FailureCode, power_of_two
from shared.federation.moment_cells import MOST_PAIRS, MomentGrid, rounded_pairs
from shared.federation.sum_wire import ByteGrid
from shared.federation.validation_levels import LEAST_VALIDATION
from shared.federation.wire_records import CROSS_MOMENT, ENCODER, MOMENTS, PROTOCOL, SUM
from shared.privacy.ledger import START, seal_of

SLACK_BYTES = 64 * 2**10
"""room for names, header and layout beside the arrays"""
HIGHEST_LOSS = 1000.0
_HEXADECIMAL = re.compile(r"[0-9a-f]{64}")
MOST_ENTRIES = 2**16
"""of a privacy ledger"""


@dataclass(frozen=True, kw_only=True)
class ExpectedReply:
    """What the platform knows of an answer before it sees it."""

    task: TaskKind
    round: int
    fingerprint: str
    """of the platform's feature space"""
    dim: int
    """of the feature space"""
    grid: CellGrid | None
    """of the update that was asked for, from the task; None where the task asks for none"""
    training_users: int
    catalogue: int
    """number of items"""
    noise: float = 0.0
    """that the task asks for; 0: none"""
    encoder: str = ""
    """digest of the encoder that the task is about"""
    seal: str = ""
    """of the platform's privacy ledger, as the coordinator has seen it"""
    answer_bytes: int = 0
    """how long its answer in a step of a secure sum is; 0 where none is asked for"""
    is_without_data: bool = False
    """whether nothing of the platform's users is asked for: a step of a secure sum but keys and vectors"""

    @classmethod
    def unopened(cls, task: TaskKind, round_number: int) -> "ExpectedReply":
        """What is expected before the platform's data is open.

        Nothing but a decline or a failure's code can come of it.

        Args:
            task: kind of the task.
            round_number: of the task.

        Returns:
            the expected reply, without anything of the data.
        """
        return cls(task=task, round=round_number, fingerprint="", dim=0, grid=None, training_users=0, catalogue=0)


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """One value that may leave."""

    what: str
    """in words"""
    holds: Callable[[Any], bool]
    values: int = 1
    """how many hold"""


class Grid(Protocol):
    """Which flat arrays may leave in a record."""

    @property
    def layout(self) -> Layout:
        """How they lie."""
        ...

    @property
    def bits(self) -> float:
        """log2 of their number."""
        ...

    def fault(self, flat: Any) -> str:
        """Why an array of the layout is none of them, in words; empty where it is one."""
        ...


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One kind of answer: all that it holds, in this order, and nothing beside it."""

    header: Mapping[str, Allowed]
    """fields, each of which must be there"""
    arrays: Mapping[str, Grid] = field(default_factory=dict)
    """record to the grid of its one flat array"""
    metrics: Mapping[str, Allowed] | None = None
    """metrics that may be there; None: not even their record"""

    @property
    def most_bytes(self) -> int:
        """What such an answer takes at the most."""
        layouts = [grid.layout for grid in self.arrays.values()]
        return SLACK_BYTES + sum(layout.size * layout.dtype.itemsize for layout in layouts)

    @property
    def bits(self) -> float:
        """log2 of how many such answers there are; a metric may also be left out."""
        header = sum(math.log2(allowed.values) for allowed in self.header.values())
        metrics = sum(math.log2(1 + allowed.values) for allowed in (self.metrics or {}).values())
        return header + metrics + sum(grid.bits for grid in self.arrays.values())


def manifest(expected: ExpectedReply, policy: SitePolicy) -> dict[str, Entry]:
    """Kinds of answers that may leave for a task.

    Args:
        expected: what the platform knows of the answer before it sees it.
        policy: what the operator lets leave.

    Returns:
        an entry by kind: a failure's code; a decline where the policy tells it; the task's result where the policy lets
        one leave.
    """
    failed = _header("failed", expected, code=_one_of(FailureCode), least=_least(policy))
    entries = {"failed": Entry(header=failed)}
    if policy.tell_declined:
        entries["declined"] = Entry(header=_header("declined", expected, reason=_one_of(DeclineReason)))
    is_few = not expected.is_without_data and expected.training_users < policy.minimum_users
    if expected.task not in policy.tasks or is_few or policy.why_plain(expected.task, expected.noise):
        return entries
    if expected.task is TaskKind.SUM and expected.answer_bytes:
        entries["sum-reply"] = Entry(
            header=_header("sum-reply", expected, ledger=_DIGEST if expected.noise else exactly("")),
            arrays={SUM: ByteGrid(size=expected.answer_bytes)},
        )
    if expected.task is TaskKind.MOMENTS:
        entries["moments-reply"] = _moments(expected, policy)
    if expected.task is TaskKind.CROSS:
        entries["cross-reply"] = _cross(expected, policy)
    if expected.task is TaskKind.TRAIN and expected.grid is not None:
        entries["train-reply"] = _train(expected, policy, expected.grid)
    if expected.task is TaskKind.EVALUATE:
        header = _header("evaluate-reply", expected, users=_users(expected, policy))
        parts = (BOTH,) if expected.noise else VALIDATIONS
        metrics = dict.fromkeys(parts, _VALIDATION) if policy.tell_validation else {}
        entries["evaluate-reply"] = Entry(header=header, metrics=metrics)
    return entries


def _moments(expected: ExpectedReply, policy: SitePolicy) -> Entry:
    grid = MomentGrid(dim=expected.dim)
    header_fields = {"dim": exactly(expected.dim), "pairs": _PAIRS, **_origin(expected, policy)}
    return Entry(
        header=_header("moments-reply", expected, **header_fields, **_layout(grid.layout)), arrays={MOMENTS: grid}
    )


def _cross(expected: ExpectedReply, policy: SitePolicy) -> Entry:
    grid = CrossGrid(dim=expected.dim)
    header_fields = {
        "dim": exactly(expected.dim),
        "noise": Allowed(
            what="the noise that was asked for, or more", holds=lambda value: _is_noise(value, expected), values=2**64
        ),
        "ledger_entries": _ENTRIES,
        "ledger_head": _DIGEST,
        "ledger_before": _where_it_was_seen(expected.seal),
        **_origin(expected, policy),
    }
    return Entry(
        header=_header("cross-reply", expected, **header_fields, **_layout(grid.layout)), arrays={CROSS_MOMENT: grid}
    )


def _least(policy: SitePolicy) -> Allowed:
    return Allowed(
        what="0, or the least number of platforms of the site policy",
        holds=lambda value: type(value) is int and value in (0, policy.least_parties),
        values=2,
    )


def _where_it_was_seen(seal: str) -> Allowed:
    """A digest that the coordinator has already, or START: no other one of the ledger's."""
    return Allowed(
        what="the digest that the task shows to be known, or none",
        holds=lambda value: type(value) is str and (value == START or seal_of(value) == seal),
        values=2,
    )


def _is_noise(value: Any, expected: ExpectedReply) -> bool:
    return _is_number(value) and value >= expected.noise > 0


def _train(expected: ExpectedReply, policy: SitePolicy, grid: CellGrid) -> Entry:
    metrics = dict.fromkeys(LOSSES, _LOSS) if policy.tell_losses else {}
    header = _header("train-reply", expected, **_origin(expected, policy), **_layout(grid.layout))
    return Entry(header=header, arrays={ENCODER: grid}, metrics=metrics)


def _origin(expected: ExpectedReply, policy: SitePolicy) -> dict[str, Allowed]:
    return {"fingerprint": exactly(expected.fingerprint), "users": _users(expected, policy)}


def _header(kind: str, expected: ExpectedReply, **header_fields: Allowed) -> dict[str, Allowed]:
    common = {"protocol": exactly(PROTOCOL), "kind": exactly(kind), "round": exactly(expected.round)}
    return {**common, **{name.replace("_", "-"): allowed for name, allowed in header_fields.items()}}


def _layout(layout: Layout) -> dict[str, Allowed]:
    text, digest = layout.to_json(), layout.hash
    as_asked = Allowed(what="the layout that was asked for", holds=lambda value: value == text)
    return {"layout": as_asked, "layout_hash": exactly(digest)}


def exactly(expected: str | int) -> Allowed:
    """This value, of this type, and no other."""
    return Allowed(what=repr(expected), holds=lambda value: type(value) is type(expected) and value == expected)


def _one_of(values: Any) -> Allowed:
    known = [str(value) for value in values]
    holds = lambda value: type(value) is str and value in known  # noqa: E731
    return Allowed(what=f"one of {', '.join(known)}", holds=holds, values=len(known))


def _users(expected: ExpectedReply, policy: SitePolicy) -> Allowed:
    if not policy.tell_users:
        return exactly(0)
    most = power_of_two(expected.training_users)
    holds = lambda value: type(value) is int and 0 <= value <= most and value & (value - 1) == 0  # noqa: E731
    return Allowed(what=f"a power of two up to {most}", holds=holds, values=1 + most.bit_length())


def _is_pairs(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST_PAIRS and rounded_pairs(value) == value


def _is_loss(value: Any) -> bool:
    return _is_number(value) and abs(value) < HIGHEST_LOSS and round(value, 2) == value


def _is_validation(value: Any) -> bool:
    return _is_number(value) and (value == 0 or LEAST_VALIDATION <= value <= 1) and float(f"{value:.2g}") == value


def _is_number(value: Any) -> bool:
    """Finite, and not the second of the two zeros."""
    return type(value) is float and math.isfinite(value) and (value != 0 or math.copysign(1, value) > 0)


_PAIRS = Allowed(what="a number with two significant digits", holds=_is_pairs, values=100 + 90 * 10 + 1)
_ENTRIES = Allowed(
    what=f"a number from 1 to {MOST_ENTRIES:,}",
    holds=lambda value: type(value) is int and 1 <= value <= MOST_ENTRIES,
    values=MOST_ENTRIES,
)
_DIGEST = Allowed(
    what="64 hexadecimal digits",
    holds=lambda value: type(value) is str and bool(_HEXADECIMAL.fullmatch(value)),
    values=2**256,
)
_LOSS = Allowed(what="a number with two digits after the point", holds=_is_loss, values=2 * 99_999 + 1)
_VALIDATION = Allowed(what="a number from 0 to 1 with two digits", holds=_is_validation, values=1 + 90 * 4 + 1)
