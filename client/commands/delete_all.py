"""``graft-client delete-all``: everything that a platform's agent has learnt from its data is erased."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from client.guard.ledger import PLACE as LEDGER
from client.vault.vault import KEYRING, SECOND_RING
from shared.errors import ConfigError
from shared.file_lock import is_locked

VAULT, LOGS, STATE = "vault", "logs", "state"
RUNNING = Path(STATE) / "running.lock"

WHAT_REMAINS = (
    "What this cannot undo:",
    "  - what has left: moments and encoder updates stay in encoders that they went into, here and elsewhere.",
    "  - The coordinator can subtract this platform's moments, and the linear part is then solved as if it had never",
    "    sent any; ask for it. Of encoder updates nothing can be subtracted.",
    "  - Copies of these files in backups, and the blocks of plain files on the disk, are not touched.",
    "Kept: the platform's own data, settings, policy and keys, and the ledger of what left.",
)


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """What would be erased in an agent's folder."""

    folder: Path
    files: tuple[Path, ...]

    @classmethod
    def of(cls, folder: Path) -> "Erasure":
        """Raises ConfigError for a folder that is no agent's, or whose agent runs."""
        if not (folder / "settings.toml").is_file():
            raise ConfigError(f"{folder}: no agent's folder; it has no settings.toml")
        if is_locked(folder / RUNNING):
            raise ConfigError(f"{folder}: the agent runs; stop it first")
        places = (folder / name for name in (VAULT, LOGS, STATE))
        found = sorted(path for place in places for path in place.rglob("*") if path.is_file() or path.is_symlink())
        return cls(folder=folder, files=tuple(path for path in found if path != folder / LEDGER))

    def lines(self) -> list[str]:
        """What is about to happen, and what it cannot undo."""
        size = sum(path.lstat().st_size for path in self.files)
        head = f"{self.folder}: {len(self.files)} files of vault, logs and state, {size:,} bytes, are erased for good."
        return [head, *WHAT_REMAINS]

    def erase(self) -> None:
        """The keyring first: without it what is sealed is noise, however far this comes. Raises ConfigError."""
        rings = [self.folder / VAULT / name for name in (KEYRING, SECOND_RING)]
        try:
            for path in (*rings, *self.files):
                path.unlink(missing_ok=True)
            for name in (VAULT, STATE):
                shutil.rmtree(self.folder / name, ignore_errors=True)
        except OSError as error:
            raise ConfigError(f"{self.folder}: not all could be erased: {error.strerror}; try again") from error
