"""What keeps a platform from taking part, as its own operator is told it: a word, what was found, what to do."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from shared.errors import ConfigError
from shared.system.command_options import say


class Cause(StrEnum):
    """Why a platform takes no part, where no answer of its own says it."""

    STOPPED = "stopped"
    KILLED = "killed"
    CONNECTING = "connecting"
    NAME_UNKNOWN = "name-unknown"
    UNREACHABLE = "server-unreachable"
    STARTING = "server-starting"
    NO_COORDINATOR = "no-coordinator"
    CERTIFICATE = "certificate"
    CLOCK = "clock"
    NOT_ENROLLED = "not-enrolled"
    KEY_REFUSED = "key-refused"
    DATA = "data"
    TOO_FEW_USERS = "too-few-users"
    SITE_POLICY = "site-policy"
    DISK = "disk"
    KEYS = "keys"
    TASK_KEY = "task-key"
    VAULT = "vault"
    DEVICE = "device"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    cause: str
    """a ``Cause``, or the code of an answer that left"""
    why: str
    """what was found, in words"""
    do: str
    """what its operator can do"""
    lasting: bool = False
    """whether it can never work as it is; else it is wrong for now, and an agent tries again"""

    @property
    def sentence(self) -> str:
        """Both in one."""
        return f"{self.why}; {self.do}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of ``to_json``."""
        return cls(**values)


def refuse_lasting(findings: Iterable[Finding]) -> list[Finding]:
    """Refuse what cannot mend itself; what is wrong for now is told as a note.

    Args:
        findings: what is wrong.

    Returns:
        the findings that are wrong for now.

    Raises:
        ConfigError: if one is not of that kind; it is about the first one.
    """
    passing = []
    for finding in findings:
        if finding.lasting:
            raise ConfigError(finding.sentence)
        say(finding.sentence)
        passing.append(finding)
    return passing
