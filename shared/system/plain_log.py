"""One of Flower's programs with a plain log: ``plain_log.py PROGRAM [its own arguments]``; times, no colours.

Started by its path, with nothing of Graft: a server app takes its modules from the bundle alone.
"""

import logging
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from types import TracebackType


class PlainLines(logging.Formatter):
    """A message is one line, whatever it holds; each line of a traceback begins as that one does."""

    def format(self, record: logging.LogRecord) -> str:
        """As Flower's own lines are, without the colours."""
        begins = f"{record.levelname} {self.formatTime(record)}:     "
        traceback = self.formatException(record.exc_info).splitlines() if record.exc_info else []
        return "\n".join(f"{begins}{line}" for line in (" ".join(record.getMessage().split()), *traceback))


def plain_log() -> None:
    """From now on Flower's loggers and Graft's write such lines in this process."""
    from flwr.supercore.logger import console_handler

    handler = logging.StreamHandler()
    handler.setFormatter(PlainLines())
    logging.basicConfig(handlers=[handler])
    logging.captureWarnings(capture=True)
    console_handler.format = PlainLines().format  # type: ignore[method-assign] # Flower's asks no formatter
    logging.getLogger("flwr").propagate = False


def _say_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("flwr").critical("ended by an error", exc_info=(kind, error, trace))


def main(arguments: Sequence[str]) -> None:
    """Become one of Flower's programs, with plain lines as its log.

    Args:
        arguments: name of the program, then its words.
    """
    from uvicorn.config import LOGGING_CONFIG

    (program,) = entry_points(group="console_scripts", name=arguments[0])
    sys.argv = list(arguments)
    plain_log()
    sys.excepthook = _say_end
    logging.getLogger("graft").setLevel(logging.INFO)
    LOGGING_CONFIG["formatters"]["default"] = {"()": PlainLines}
    program.load()()


if __name__ == "__main__":
    main(sys.argv[1:])
