"""The site policy: what the platform's operator lets leave, whatever the server asks.

A flat TOML file; what it does not name has the value below, and a name it does not know is an error, so that a
misspelt rule is never a missing one.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Literal

from client.data.platform import MIN_TO_CONTRIBUTE
from client.guard.task_bounds import TaskBounds
from shared.errors import BudgetBroken, ConfigError, PlainTask, TaskBeyondBounds
from shared.federation.messages import DeclineReason, TaskFacts
from shared.privacy.promise import MODES, Colluding, HasMode, LeastParties, Privacy, Promise
from shared.secure_sum.sum_messages import MASK
from shared.system.options import group, option
from shared.system.settings_file import read_settings

NewParties = Literal["first-use", "accepted", "introduced"]
FIRST_USE: NewParties = "first-use"
ACCEPTED: NewParties = "accepted"
INTRODUCED: NewParties = "introduced"
"""whoever the coordinator introduces for a sum is taken for that sum; devices alone do so"""
_SLACK = 1e-9
"""of a spread of noise, for what rounding does to it on its way"""
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")


class TaskKind(StrEnum):
    """What a server may ask."""

    MOMENTS = "moments"
    CROSS = "cross"
    TRAIN = "train"
    EVALUATE = "evaluate"
    SUM = "sum"


def _check_tasks(key: str, tasks: tuple[str, ...]) -> None:
    if unknown := sorted(set(tasks) - set(TaskKind)):
        raise ConfigError(f"{key} must be some of {', '.join(TaskKind)}; got {', '.join(unknown)!r}")


def _check_hours(key: str, hours: str) -> None:
    if hours and _HOURS.fullmatch(hours) is None:
        raise ConfigError(f"{key} must be HH:MM-HH:MM or empty; got {hours!r}")


@dataclass(frozen=True, kw_only=True)
class SitePromise(HasMode, Promise, Colluding):
    """What the platform's users are promised, whatever a run asks for."""

    privacy: Privacy = option(
        "private",
        choices=MODES,
        help="private: nothing that was counted or trained on users leaves but under the noise that the promise asks "
        "for, its own in each answer; masked-private: that, or a sum over several platforms that bears it once; "
        "masked: it leaves in sums over several platforms alone, whose masks hide who sent what and no more; "
        "plain: what a task asks for leaves as it is, and whoever runs the coordinator can solve users' histories from "
        "it.",
        see="privacy.md",
    )


USUAL = SitePromise()


@dataclass(frozen=True, kw_only=True)
class SitePolicy(SitePromise, LeastParties):
    """The rules, checked; raises ConfigError for what cannot be."""

    tasks: tuple[str, ...] = option(
        tuple(kind.value for kind in TaskKind),
        check=_check_tasks,
        help="The tasks that are worked on, of moments, cross, train, evaluate, sum.",
    )
    maximum_bytes: int = option(256 * 2**20, least=1, help="Of one answer.")
    minimum_users: int = option(
        MIN_TO_CONTRIBUTE, least=MIN_TO_CONTRIBUTE, help="Training users below which nothing about them is told."
    )
    parties: NewParties = option(
        FIRST_USE,
        choices=(FIRST_USE, ACCEPTED),
        help="How this platform comes to know the platforms that it sums with. first-use: it takes those that the "
        "coordinator introduces first, and no new name and no changed key after that until graft-client parties "
        "accepts it; accepted: the first ones wait to be accepted, too.",
        see="decisions/0051-who-sums-with-whom.md",
    )
    quiet_hours: str = option(
        "",
        metavar="HH:MM-HH:MM",
        check=_check_hours,
        help="In the machine's local time, in which no task is worked on and no result leaves; empty: none.",
    )
    tell_losses: bool = option(True, help="A local round's two losses, two digits after the point.")
    tell_validation: bool = option(True, help="What an encoder is worth here, two digits.")
    tell_users: bool = option(True, help="How many users stand behind an answer, as a power of two.")
    tell_declined: bool = option(
        True, help="Why the platform only receives; else it says no more than that it refuses."
    )
    bounds: TaskBounds = group(TaskBounds)

    def quiet(self, now: datetime) -> bool:
        """Whether ``now`` lies in the quiet hours; they may go through midnight."""
        match = _HOURS.fullmatch(self.quiet_hours)
        if match is None:
            return False
        start, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
        moment = now.astimezone().time().replace(tzinfo=None)
        return start <= moment < end if start <= end else moment >= start or moment < end

    def turns_away(self, task: TaskKind, now: datetime) -> DeclineReason | None:
        """Why a task is not begun at all.

        Args:
            task: kind of the task.
            now: time that the quiet hours are compared with.

        Returns:
            the reason, or None.
        """
        return DeclineReason.SITE_POLICY if task not in self.tasks or self.quiet(now) else None

    def why_plain(self, task: str, noise: float) -> str:
        """Why no result of a task leaves in this mode.

        Of a step of a secure sum, only the one that asks for a vector asks for noise.

        Args:
            task: kind of the task.
            noise: spread of the noise that the task asks for; 0 asks for none.

        Returns:
            a sentence; empty where a result may leave.
        """
        if task == TaskKind.SUM:
            alone = self.privacy == "private"
            return "this platform answers under noise of its own; the task is a step of a secure sum" if alone else ""
        if self.is_private and noise == 0:
            return f"this platform answers under noise alone; the task of kind {task} asks for none"
        if self.privacy == "masked":
            return f"this platform answers in secure sums alone; the task is of kind {task}"
        return ""

    def require_within_bounds(self, task: TaskFacts) -> None:
        """Require that a task asks only for what this policy allows.

        Args:
            task: what is asked.

        Raises:
            TaskBeyondBounds: if it asks for more.
            PlainTask: if it asks for an answer without noise that needs some.
        """
        broken = self.bounds.broken_by(task.settings) if task.settings else ""
        if broken:
            raise TaskBeyondBounds(f"this platform's site policy allows {broken}")
        if plain := self.why_plain(task.kind, task.noise):
            raise PlainTask(plain)
        if self.is_private and task.noise == 0 and task.step[:1] == bytes([MASK]):
            raise PlainTask("this platform's vector enters a sum under noise alone; the task asks for none")
        if task.noise and task.noise < self.noise * (1 - _SLACK):
            raise BudgetBroken(
                f"this platform promises its users ε {self.epsilon:g}, which noise of {self.noise:.4g} keeps; the task "
                f"asks for {task.noise:.4g}"
            )


def read_policy(path: str, kind: type[SitePolicy] = SitePolicy) -> SitePolicy:
    """Read the site policy.

    Args:
        path: of the file; empty for the default policy.
        kind: of a platform, or of a device.

    Returns:
        the policy.

    Raises:
        ConfigError: if the file is gone or a rule is wrong.
    """
    return read_settings(kind, Path(path)) if path else kind()
