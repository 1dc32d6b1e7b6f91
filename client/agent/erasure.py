"""Erasing everything that a platform's agent has learnt from its data."""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from client.agent.home import AgentHome
from client.agent.programs import supervision
from client.serving.private_folder import only_service, serving
from client.store.vault import KEYRING, SECOND_RING
from shared.errors import ConfigError

WHAT_REMAINS = (
    "What this cannot undo:",
    "  - what has left: moments and encoder updates stay in encoders that they went into, here and elsewhere.",
    "  - The coordinator of a plain run can subtract this platform's moments, and the linear part is then solved as if",
    "    it had never sent any; ask for it. Of encoder updates and of what bore noise nothing can be subtracted.",
    "  - Copies of these files in backups, and the blocks of plain files on the disk, are not touched.",
    "Kept: the platform's own data, settings, policy and keys, the ledger of what left, and on this machine the",
    "  account of what its users have spent of the promise to them: erased, they could be asked for it again.",
)


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """What would be erased in an agent's folder."""

    home: AgentHome
    files: tuple[Path, ...]

    @classmethod
    def of(cls, folder: Path) -> "Erasure":
        """What erasing an agent would remove; nothing is removed yet.

        Args:
            folder: the agent's.

        Returns:
            the agent and the files of vault, logs and state.

        Raises:
            ConfigError: if the folder is no agent's, or anything runs on it.
        """
        home = AgentHome.existing(folder)
        _require_idle(home)
        places = (home.vault, home.logs, home.state)
        paths = sorted(path for place in places for path in place.rglob("*") if path.is_file() or path.is_symlink())
        return cls(home=home, files=tuple(path for path in paths if path != home.ledger))

    def lines(self) -> list[str]:
        """What is about to happen, and what it cannot undo."""
        size = sum(path.lstat().st_size for path in self.files)
        what = f"{len(self.files)} files of vault, logs and state, {size:,} bytes, are erased for good."
        return [f"{self.home.folder}: {what}", *WHAT_REMAINS]

    def erase(self) -> None:
        """The keyring first: without it what is sealed is noise, however far this comes. Raises ConfigError.

        Nothing can be started on the folder meanwhile.
        """
        rings = [self.home.vault / name for name in (KEYRING, SECOND_RING)]
        try:
            with _idle(self.home):
                for path in (*rings, *self.files):
                    path.unlink(missing_ok=True)
                for place in (self.home.vault, self.home.state):
                    shutil.rmtree(place, ignore_errors=True)
        except OSError as error:
            raise ConfigError(f"{self.home.folder}: not all could be erased: {error.strerror}; try again") from error


def _require_idle(home: AgentHome) -> None:
    """Raises ConfigError, which names the process that runs on the folder: it would write anew what is erased."""
    at_work = supervision(home).at_work("graft-client start")
    if number := serving(home.vault):
        at_work.append(f"graft-client serve (process {number})")
    if at_work:
        raise ConfigError(f"{home.folder}: nothing is erased while {' and '.join(at_work)} runs on it; stop it first")


def _idle(home: AgentHome) -> ExitStack:
    """The folder held against an agent and a service; raises ConfigError where anything runs on it."""
    _require_idle(home)
    with ExitStack() as held:
        if home.state.is_dir():
            held.enter_context(supervision(home).alone())
        if home.vault.is_dir():
            held.enter_context(only_service(home.vault))
        return held.pop_all()
