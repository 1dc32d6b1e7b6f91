"""What an engine starts for a task: it hands the task to the process of ``warm_start.py``, or does it itself.

Started by its path, with nothing of Graft: ``hand_over.py SOCKET LIST PROGRAM [the program's own arguments]``.
"""

import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

_GATEKEEPER = Path(__file__).with_name("gatekeeper.py")
_SECONDS = 5.0


def handed_over(place: str, command: Sequence[str]) -> bool:
    """Hand a task to the process of ``warm_start.py``; its output goes to this process's own.

    Args:
        place: socket at which that process listens.
        command: the program that does the task, and its arguments.

    Returns:
        whether that process has begun the task.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.settimeout(_SECONDS)
        try:
            other.connect(place)
            socket.send_fds(other, [json.dumps(list(command)).encode("utf-8")], [1, 2])
            return bool(other.recv(16))
        except OSError:
            return False


def main(arguments: Sequence[str]) -> None:
    """Ends at once where the task was handed over; becomes the gate where nobody took it."""
    place, *command = arguments
    if not handed_over(place, command):
        os.execv(sys.executable, [sys.executable, "-I", str(_GATEKEEPER), *command])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
