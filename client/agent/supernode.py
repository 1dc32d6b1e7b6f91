"""Flower's SuperNode, which ends where it has given up: ``python -m client.agent.supernode PROGRAM [its arguments]``.

Flower (1.42, ``http_retry.py``) tries again where no connection is made, and gives up for good on an error with "ssl",
"tls" or "certificate" in its text, on most statuses, and on all that it does not foresee. ``fleet_http_connection.py``
then writes the error down and asks for nothing any more, but the process lives on: its server on loopback is a thread
of its own. Its heartbeats, another thread, may end of such an error alone. Who keeps it running sees only an end.
"""

import logging
import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from shared.system import plain_log

GAVE_UP = 75
"""the exit code; none of Flower's own"""


def main(arguments: Sequence[str]) -> NoReturn:
    """Become the program; it returns, or raises anything but SystemExit, only where it has given up."""
    threading.excepthook = _give_up_with_thread
    try:
        plain_log.main(arguments)
    except Exception as error:  # noqa: BLE001 (whatever it is, the process has nothing to do any more)
        _say("the SuperNode", error)
    _end()


def _give_up_with_thread(ended: threading.ExceptHookArgs) -> None:
    if not isinstance(ended.exc_value, SystemExit):
        _say(f"the SuperNode's thread {ended.thread.name if ended.thread else 'of no name'}", ended.exc_value)
        _end()


def _say(what: str, error: BaseException | None) -> None:
    logging.getLogger("flwr").error("%s has ended", what, exc_info=error)


def _end() -> NoReturn:
    """Whatever its other threads do."""
    os._exit(GAVE_UP)


if __name__ == "__main__":
    main(sys.argv[1:])
