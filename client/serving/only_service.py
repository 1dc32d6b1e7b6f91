"""One service a folder of heads: two would number the lines of one journal twice, and nobody could read it again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shared.errors import ConfigError
from shared.file_lock import claim, claimant

PLACE = ".serving.lock"
"""in the folder of heads"""


@contextmanager
def only_service(heads: Path) -> Iterator[None]:
    """Hold the folder; raises ConfigError where another service does, or nothing can be written there."""
    with ExitStack() as held:
        try:
            heads.mkdir(parents=True, exist_ok=True, mode=0o700)
            held.enter_context(claim(heads / PLACE))
        except BlockingIOError as error:
            raise ConfigError(f"{heads}: a service runs on it already, as process {serving(heads)}") from error
        except OSError as error:
            raise ConfigError(f"{heads}: cannot be written: {error.strerror}") from error
        yield


def serving(heads: Path) -> str:
    """The number of the process that serves from the folder; empty where none does."""
    return claimant(heads / PLACE)
