"""All that can keep an agent from taking part, looked at before it starts: nothing is written, nothing leaves."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from client.agent.authority import read_authority
from client.agent.data_look import look_at_data
from client.agent.disk_room import room_in
from client.agent.door import door_of
from client.agent.finding import Cause, Finding
from client.agent.home import AgentHome, AgentSettings
from client.agent.key_pair import require_key_pair
from client.guard.pinned_key import pinned_key
from client.guard.site_policy import SitePolicy, TaskKind, read_policy
from client.store.keyring import KeySource
from client.store.vault import Vault, is_vault
from shared.errors import GraftError
from shared.system.device import CUDA, used_device
from shared.system.settings_file import read_settings
from shared.system.utc_clock import utc_now

_AUTHORITY = "take tls/ca.crt of the coordinator's folder"
_NEW_KEYS = "make a new folder with graft-client init, and have its key enrolled"
_GIVEN_KEY = "look at --vault-key"
_VAULT_KEY = "name what opens it: vault-key in settings.toml"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    what: str
    finding: Finding | None
    """None where nothing is wrong"""
    unknown: str = ""
    """why it could not be looked at; empty where it was"""

    @property
    def state(self) -> str:
        """In a word."""
        if self.finding is None:
            return "not looked at" if self.unknown else "good"
        return "refused" if self.finding.lasting else "note"

    def line(self) -> str:
        """For people."""
        says = self.finding.sentence if self.finding else self.unknown
        return f"{self.what}: {self.state}{f': {says}' if says else ''}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"check": self.what, "state": self.state, **({} if self.finding is None else self.finding.to_json())}


def checks_of_new(settings: AgentSettings, authority: Path) -> Iterator[Check]:
    """Check what an agent needs before its folder is made.

    No further check may be asked for after one that can never work.

    Args:
        settings: of the agent to be made.
        authority: file of the coordinator's authority.

    Yields:
        checks, one by one: vault where a key is named, authority, tasks, device, data and door.
    """
    if settings.vault_key:
        yield Check("vault", _broken(Cause.VAULT, _GIVEN_KEY, lambda: _try_key(KeySource.parse(settings.vault_key))))
    yield _authority(authority)
    yield _tasks(authority)
    yield Check("device", _device(settings))
    yield Check("data", look_at_data(settings, now=False))
    yield _door(settings, authority)


def checks_of(home: AgentHome) -> Iterator[Check]:
    """Check what an agent needs before it starts.

    Args:
        home: an agent's folder that is there.

    Yields:
        checks, one by one.

    Raises:
        ConfigError: if the settings cannot be read.
    """
    settings = read_settings(AgentSettings, home.settings)
    place = settings.node(home).policy
    unread = _broken(Cause.SITE_POLICY, "mend the site policy", lambda: read_policy(place))
    policy = SitePolicy() if unread else read_policy(place)
    yield Check("site policy", unread or _turned_away(policy))
    yield Check("disk", room_in(home.folder))
    yield Check("key pair", _broken(Cause.KEYS, _NEW_KEYS, lambda: require_key_pair(home)))
    yield Check("vault", _broken(Cause.VAULT, _VAULT_KEY, lambda: _open_vault(home, settings)))
    authority = _authority(home.authority)
    yield authority
    yield _tasks(home.authority)
    yield Check("device", _device(settings))
    yield Check("data", _data(settings, policy))
    if authority.finding is None:
        yield _door(settings, home.authority)


def _device(settings: AgentSettings) -> Finding | None:
    if settings.device != CUDA:
        return None
    return _broken(Cause.DEVICE, "set device to cpu or auto", lambda: used_device(settings.device))


def _data(settings: AgentSettings, policy: SitePolicy) -> Finding | None:
    return look_at_data(settings, minimum_users=policy.minimum_users, now=True, private=policy.is_private)


def findings(checks: Iterable[Check]) -> Iterator[Finding]:
    """What is wrong, in the order in which it was looked at."""
    return (check.finding for check in checks if check.finding is not None)


def _authority(path: Path) -> Check:
    return Check("authority", _broken(Cause.CERTIFICATE, _AUTHORITY, lambda: read_authority(path, now=utc_now())))


def _tasks(path: Path) -> Check:
    """Whether the coordinator's tasks can be told from others'."""
    broken = _broken(Cause.TASK_KEY, _AUTHORITY, lambda: pinned_key(str(path)))
    return Check("tasks", broken or _unpinned(path))


def _unpinned(path: Path) -> Finding | None:
    if pinned_key(str(path)) is not None:
        return None
    why = f"{path}: holds no key that signs tasks, so it is not checked whose tasks come"
    return Finding(cause=Cause.TASK_KEY, why=why, do=f"{_AUTHORITY} as it is now, in its place")


def _door(settings: AgentSettings, authority: Path) -> Check:
    return Check("coordinator", door_of(settings, authority).look())


def _broken(cause: Cause, do: str, work: Callable[[], object]) -> Finding | None:
    """What the work raises on purpose, which cannot mend itself."""
    try:
        work()
    except GraftError as error:
        return Finding(cause=cause, why=str(error), do=do, lasting=True)
    return None


def _try_key(source: KeySource) -> None:
    with TemporaryDirectory() as folder:
        Vault.make(Path(folder), source)


def _open_vault(home: AgentHome, settings: AgentSettings) -> None:
    source = settings.key_source(home)
    if source is not None and is_vault(home.vault):
        Vault.open(home.vault, source)


def _turned_away(policy: SitePolicy) -> Finding | None:
    refused = [str(task) for task in TaskKind if policy.turns_away(task, utc_now())]
    if not refused:
        return None
    quiet = f" in its quiet hours {policy.quiet_hours}" if policy.quiet(utc_now()) else ""
    why = f"the site policy lets no {' and no '.join(refused)} task begin{quiet}"
    return Finding(cause=Cause.SITE_POLICY, why=why, do="it is yours to say: policy.toml; it counts from the next task")
