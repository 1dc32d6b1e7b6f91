"""What a program looks at again and again while it runs: whatever a look raises, the next one comes."""

import logging
from collections.abc import Callable, Mapping

from shared.errors import GraftError


class Watch:
    """Named looks. What is wrong is told once as it begins, once as it changes and once as it ends, and kept."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._seen: Mapping[str, str] = {}
        """name of a look to why it failed last; empty where it did not"""

    @property
    def names(self) -> tuple[str, ...]:
        """Of all looks so far."""
        return tuple(self._seen)

    @property
    def troubles(self) -> dict[str, str]:
        """Name of a look to why it fails now; empty where all is well. Any thread may ask."""
        return {name: why for name, why in self._seen.items() if why}

    def look(self, name: str, work: Callable[[], object]) -> bool:
        """Do the work, and keep why it failed.

        Args:
            name: of the look.
            work: what is done; nothing that it raises as an Exception goes further.

        Returns:
            Whether it ended without an error.
        """
        try:
            work()
        except Exception as error:  # noqa: BLE001 (a watch that ends with one error sees nothing any more)
            self._note(name, reason(error))
            return False
        self._note(name, "")
        return True

    def _note(self, name: str, why: str) -> None:
        before = self._seen.get(name)
        if before == why:
            return
        self._seen = {**self._seen, name: why}
        if why:
            self._log.warning("%s: %s; going on as before, and looking again", name, why)
        elif before is not None:
            self._log.info("%s: well again", name)


def reason(error: Exception) -> str:
    """Why, in words that hold nothing of anybody's: an error of ours says so itself, of others the kind is told."""
    if isinstance(error, GraftError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"unexpected {type(error).__name__}"
