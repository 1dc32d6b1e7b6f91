"""``python -m client.joined.node_process PORT SECRET PROGRAM ...``: Flower's SuperNode and SuperExec as one process.

A device has little memory; each of the two takes most of what both take, since both are the same libraries. The
SuperExec only looks for tasks and starts a process for each. Where it ends, the SuperNode ends too, and both are
started again.
"""

import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from client.agent import supernode

LOOPBACK = "127.0.0.1"
_LOOK_SECONDS = 0.2


def main(arguments: Sequence[str]) -> NoReturn:
    """Become both: the SuperNode's port on loopback, the file of the secret of tasks, then the SuperNode's words."""
    port, secret, *program = arguments
    threading.Thread(target=_take_tasks, args=(int(port), Path(secret)), name="superexec", daemon=True).start()
    supernode.main(program)


def _take_tasks(port: int, secret: Path) -> None:
    """Raises RuntimeError where it ends, which ends the process (client/agent/supernode.py)."""
    _wait_for(port)
    from flwr.supercore.superexec import run_superexec as superexec

    superexec.register_signal_handlers = lambda **_: None  # type: ignore[attr-defined] # the SuperNode has them
    try:
        superexec.run_superexec(
            runtime_api_address=f"{LOOPBACK}:{port}",
            insecure=True,
            superexec_auth_secret=secret.read_bytes(),
        )
    except SystemExit as end:
        raise RuntimeError("the SuperExec has ended") from end


def _wait_for(port: int) -> None:
    """Until the SuperNode listens: a connection that was tried before would be told in its log as one that failed."""
    while True:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(_LOOK_SECONDS)
        else:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
