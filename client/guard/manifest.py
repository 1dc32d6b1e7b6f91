"""The manifest: everything that may leave a platform, by kind of answer; what is not listed does not leave.

No field is free text: each has one value, or a few, that the guard works out from the task and the policy itself. So
an item's text or a user's id has no place in which it could travel.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from client.guard.site_policy import SitePolicy, TaskKind
from shared.encoder.encoder import Layout
from shared.federation.messages import BOTH, LOSSES, VALIDATIONS, DeclineReason, FailureCode, power_of_two
from shared.federation.wire import cross_layout, moments_layout
from shared.federation.wire_records import CROSS_MOMENT, ENCODER, MOMENTS, PROTOCOL
from shared.privacy.grid import MOST_CELL

SLACK_BYTES = 64 * 2**10
"""room for names, header and layout beside the arrays"""
HIGHEST_LOSS = 1000.0
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the platform knows of an answer before it sees it."""

    task: TaskKind
    round: int
    fingerprint: str
    """of the platform's feature space"""
    dim: int
    """of the feature space"""
    layout: Layout | None
    """of the encoder or the adapter that was asked for, from the task; None where the task has none"""
    training_users: int
    catalogue: int
    """number of items"""
    noise: float = 0.0
    """that the task asks for; 0: none"""

    @classmethod
    def unopened(cls, task: TaskKind, round_number: int) -> "Asked":
        """Before the platform's data is open: nothing but a decline or a failure's code can come of it."""
        return cls(task=task, round=round_number, fingerprint="", dim=0, layout=None, training_users=0, catalogue=0)


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """One value that may leave."""

    what: str
    """in words"""
    holds: Callable[[Any], bool]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One kind of answer: all that it holds, and nothing beside it."""

    header: Mapping[str, Allowed]
    """fields, each of which must be there"""
    arrays: Mapping[str, Layout] = field(default_factory=dict)
    """record to the layout of its one flat array"""
    metrics: Mapping[str, Allowed] | None = None
    """metrics that may be there; None: not even their record"""
    highest: int | None = None
    """size of the arrays' numbers at the most; None where they are no cells of a grid"""

    @property
    def most_bytes(self) -> int:
        """What such an answer takes at the most."""
        return SLACK_BYTES + sum(layout.size * layout.dtype.itemsize for layout in self.arrays.values())


def manifest(asked: Asked, policy: SitePolicy) -> dict[str, Entry]:
    """Kinds of answers to a task: its result where the policy lets one leave, a decline, a failure's code."""
    entries = {"failed": Entry(header=_header("failed", asked, code=_one_of(FailureCode)))}
    if policy.tell_declined:
        entries["declined"] = Entry(header=_header("declined", asked, reason=_one_of(DeclineReason)))
    if asked.task not in policy.tasks or asked.training_users < policy.minimum_users:
        return entries
    if asked.task is TaskKind.MOMENTS:
        entries["moments-reply"] = _moments(asked, policy)
    if asked.task is TaskKind.CROSS:
        entries["cross-reply"] = _cross(asked, policy)
    if asked.task is TaskKind.TRAIN and asked.layout is not None:
        entries["train-reply"] = _train(asked, policy, asked.layout)
    if asked.task is TaskKind.EVALUATE:
        header = _header("evaluate-reply", asked, users=_users(asked, policy))
        parts = (BOTH,) if asked.noise else VALIDATIONS
        metrics = dict.fromkeys(parts, _VALIDATION) if policy.tell_validation else {}
        entries["evaluate-reply"] = Entry(header=header, metrics=metrics)
    return entries


def _moments(asked: Asked, policy: SitePolicy) -> Entry:
    layout = moments_layout(asked.dim)
    own = {"dim": exactly(asked.dim), "users": _users(asked, policy), "fingerprint": exactly(asked.fingerprint)}
    return Entry(header=_header("moments-reply", asked, **own, **_layout(layout)), arrays={MOMENTS: layout})


def _cross(asked: Asked, policy: SitePolicy) -> Entry:
    layout = cross_layout(asked.dim)
    own = {
        "dim": exactly(asked.dim),
        "users": _users(asked, policy),
        "fingerprint": exactly(asked.fingerprint),
        "noise": Allowed(what="the noise that was asked for, or more", holds=lambda value: _is_noise(value, asked)),
        "ledger_entries": Allowed(what="a number of entries", holds=lambda value: type(value) is int and value > 0),
        "ledger_head": Allowed(what="64 hexadecimal digits", holds=lambda value: bool(_DIGEST.fullmatch(str(value)))),
    }
    header = _header("cross-reply", asked, **own, **_layout(layout))
    return Entry(header=header, arrays={CROSS_MOMENT: layout}, highest=MOST_CELL)


def _is_noise(value: Any, asked: Asked) -> bool:
    return _is_number(value) and value >= asked.noise > 0


def _train(asked: Asked, policy: SitePolicy, layout: Layout) -> Entry:
    own = {"users": _users(asked, policy), "fingerprint": exactly(asked.fingerprint)}
    metrics = dict.fromkeys(LOSSES, _LOSS) if policy.tell_losses else {}
    header = _header("train-reply", asked, **own, **_layout(layout))
    return Entry(header=header, arrays={ENCODER: layout}, metrics=metrics)


def _header(kind: str, asked: Asked, **own: Allowed) -> dict[str, Allowed]:
    common = {"protocol": exactly(PROTOCOL), "kind": exactly(kind), "round": exactly(asked.round)}
    return {**common, **{name.replace("_", "-"): allowed for name, allowed in own.items()}}


def _layout(layout: Layout) -> dict[str, Allowed]:
    text, digest = layout.to_json(), layout.hash
    as_asked = Allowed(what="the layout that was asked for", holds=lambda value: value == text)
    return {"layout": as_asked, "layout_hash": exactly(digest)}


def exactly(expected: str | int) -> Allowed:
    """This value, of this type, and no other."""
    return Allowed(what=repr(expected), holds=lambda value: type(value) is type(expected) and value == expected)


def _one_of(values: Any) -> Allowed:
    known = [str(value) for value in values]
    return Allowed(what=f"one of {', '.join(known)}", holds=lambda value: type(value) is str and value in known)


def _users(asked: Asked, policy: SitePolicy) -> Allowed:
    if not policy.tell_users:
        return exactly(0)
    most = power_of_two(asked.training_users)
    holds = lambda value: type(value) is int and 0 <= value <= most and value & (value - 1) == 0  # noqa: E731
    return Allowed(what=f"a power of two up to {most}", holds=holds)


def _is_loss(value: Any) -> bool:
    return _is_number(value) and abs(value) < HIGHEST_LOSS and round(value, 2) == value


def _is_validation(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1 and float(f"{value:.2g}") == value


def _is_number(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)


_LOSS = Allowed(what="a number with two digits after the point", holds=_is_loss)
_VALIDATION = Allowed(what="a number from 0 to 1 with two digits", holds=_is_validation)
