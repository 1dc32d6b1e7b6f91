"""One service a folder of heads: two would number the lines of one journal twice, and nobody could read it again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import ConfigError
from shared.system.file_lock import claim, claimant

PLACE = ".serving.lock"
"""in the folder of heads"""


@contextmanager
def only_service(heads: Path) -> Iterator[None]:
    """Hold the folder; raises ConfigError where another service does, or nothing can be written there."""
    try:
        heads.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"{heads} must be a folder that can be written; {error.strerror}") from error
    with claim(heads / PLACE, f"{heads}: a service runs on it already"):
        yield


def serving(heads: Path) -> str:
    """The number of the process that serves from the folder; empty where none does."""
    return claimant(heads / PLACE)
