"""One of Flower's programs with a plain log: ``plain_log.py PROGRAM [its own arguments]``; times, no colours.

Started by its path, with nothing of Graft: a server app takes its modules from the bundle alone.
"""

import logging
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points

FORMAT = "%(levelname)s %(asctime)s:     %(message)s"
"""as Flower's own lines are"""


def plain_log() -> None:
    """From now on Flower's loggers, Graft's and uvicorn's write times and no colours, in this process."""
    from flwr.supercore.logger import update_console_handler
    from uvicorn.config import LOGGING_CONFIG

    LOGGING_CONFIG["formatters"]["default"].update(fmt=FORMAT, use_colors=False)
    update_console_handler(timestamps=True, colored=False)
    logging.basicConfig(format=FORMAT)
    logging.getLogger("graft").setLevel(logging.INFO)
    logging.getLogger("flwr").propagate = False


def main(arguments: Sequence[str]) -> None:
    """Become the program."""
    (program,) = entry_points(group="console_scripts", name=arguments[0])
    sys.argv = list(arguments)
    plain_log()
    program.load()()


if __name__ == "__main__":
    main(sys.argv[1:])
