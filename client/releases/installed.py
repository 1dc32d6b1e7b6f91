"""What a platform remembers of releases: which one is installed, which was before, what was refused, the last look."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.errors import ConfigError, os_error_as
from shared.system.utc_clock import utc_now
from shared.system.whole_file import write_whole

OWNER_ONLY = 0o600
NO_RELEASE = 0
"""stands for what was served before any release"""
_MOST_HISTORY = 100


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that was done."""

    time: str
    version: int
    done: str
    """``installed``, ``taken back`` or ``refused``"""


@dataclass(frozen=True, kw_only=True)
class Look:
    """The last look at a source."""

    time: str
    outcome: str
    """in one sentence"""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A change of the head that is served, begun and not known to have ended."""

    version: int
    """of the release whose head is to be served"""
    digest: str = ""
    """of its encoder, by which a stored head says what it was fitted with; empty where an earlier head is taken back"""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The record; it changes by being replaced whole."""

    current: int = NO_RELEASE
    last_good: int | None = None
    """what a roll-back goes to; None where nothing was served before"""
    newest: int = NO_RELEASE
    """the highest version that was ever installed: no source may offer less"""
    refused: Mapping[int, str] = field(default_factory=dict)
    """by version, why it is not tried again"""
    history: tuple[Step, ...] = ()
    looked: Look | None = None
    begun: Begun | None = None

    def with_installed(self, version: int, heads: Collection[int]) -> "Installed":
        """After a release was installed.

        Args:
            version: of the release.
            heads: the releases whose heads are kept.

        Returns:
            The record; the release before is the last good one, where its head is kept.
        """
        before = self.last_good if version == self.current else self.current
        return replace(
            self._with(version, "installed"),
            current=version,
            last_good=before if before in heads else None,
            newest=max(self.newest, version),
            refused={other: why for other, why in self.refused.items() if other != version},
            begun=None,
        )

    def with_taken_back(self, version: int, heads: Collection[int]) -> "Installed":
        """After a kept head was taken back.

        Args:
            version: of its release.
            heads: the releases whose heads are kept.

        Returns:
            The record; a later release that was installed until now is not tried again by itself.
        """
        left = {self.current: f"the operator went back to {named(version)}"} if self.current > version else {}
        return replace(
            self._with(version, "taken back"),
            current=version,
            last_good=max((other for other in heads if other < version), default=None),
            refused={other: why for other, why in {**self.refused, **left}.items() if other != version},
            begun=None,
        )

    def with_refused(self, version: int, why: str) -> "Installed":
        """After the platform's own gate refused a release.

        Args:
            version: of the release.
            why: in one sentence.

        Returns:
            The record.
        """
        return replace(self._with(version, "refused"), refused={**self.refused, version: why})

    def with_look(self, outcome: str) -> "Installed":
        """After a look at the sources, whatever came of it."""
        return replace(self, looked=Look(time=_now(), outcome=outcome))

    def _with(self, version: int, done: str) -> "Installed":
        step = Step(time=_now(), version=version, done=done)
        return replace(self, history=(*self.history, step)[-_MOST_HISTORY:])

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "refused": {str(version): why for version, why in self.refused.items()}}


def named(version: int) -> str:
    """A release, in words."""
    return "what was served before any release" if version == NO_RELEASE else f"release {version}"


def seconds_since_look(installed: Installed, now: datetime) -> float:
    """How long ago the sources were looked at.

    Args:
        installed: the record.
        now: the present time, with its offset.

    Returns:
        Seconds; infinite where nobody has looked yet.
    """
    if installed.looked is None:
        return float("inf")
    return (now - datetime.fromisoformat(installed.looked.time)).total_seconds()


def read_installed(path: Path) -> Installed:
    """The record; raises ConfigError where it cannot be read. Where there is none, no release was ever installed."""
    try:
        return _from_json(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Installed()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path}: expected what was written down of installed releases; it cannot be read") from error


def write_installed(path: Path, installed: Installed) -> None:
    """Replace the record.

    Args:
        path: its file.
        installed: the new one.

    Raises:
        ConfigError: if it cannot be written; the old one is as it was.
    """
    with os_error_as(ConfigError, f"{path}: cannot be written"):
        write_whole(path, json.dumps(installed.to_json(), indent=1).encode("utf-8"), mode=OWNER_ONLY)


def _from_json(values: dict[str, Any]) -> Installed:
    looked, begun = values["looked"], values["begun"]
    return Installed(
        current=int(values["current"]),
        last_good=None if values["last_good"] is None else int(values["last_good"]),
        newest=int(values["newest"]),
        refused={int(version): str(why) for version, why in values["refused"].items()},
        history=tuple(Step(**step) for step in values["history"]),
        looked=None if looked is None else Look(**looked),
        begun=None if begun is None else Begun(**begun),
    )


def _now() -> str:
    return utc_now().isoformat(timespec="seconds")
