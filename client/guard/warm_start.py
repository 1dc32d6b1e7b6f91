"""A process that has the libraries of a task in memory: each task is a copy of it, which need not read them anew.

A task's own process takes seconds of a core until Flower and torch are read; a copy takes hundredths. This module is
started by its path, as ``gatekeeper.py`` is, and like it imports nothing of Graft: a copy becomes the gate, and what
the gate admits is read from the bundle. Without this process tasks start as before, only slower (``hand_over.py``).
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

LIBRARIES = (
    "flwr.supernode.cli",
    "flwr.supernode.runtime.run_clientapp",
    "numpy",
    "scipy.linalg",
    "scipy.sparse",
    "scipy.special",
    "scipy.stats",
    "torch",
    "torch._dynamo",
    "safetensors.numpy",
    "httpcore",
    "cryptography.hazmat.backends.openssl.backend",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.asymmetric.x25519",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.scrypt",
)
"""``torch._dynamo`` takes as long as the rest of torch, and the first optimiser would read it. Not polars: it begins
threads as it is read, and a copy would lack them."""
LARGEST = 65_536
"""bytes of a task's command line"""
_GATEKEEPER = Path(__file__).with_name("gatekeeper.py")
_CREDENTIALS = struct.Struct("3i")
_MODE = 0o600


def listening(place: str) -> socket.socket:
    """A socket at a path, relative where the folder's own is too long for one, that only this user may open."""
    Path(place).unlink(missing_ok=True)
    before = os.umask(0o777 & ~_MODE)
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(place)
    finally:
        os.umask(before)
    listener.listen()
    return listener


def next_task(listener: socket.socket) -> list[str]:
    """A task's command line, in a copy of this process that writes where the caller does; it returns there alone."""
    while True:
        caller, _ = listener.accept()
        with caller:
            command, streams = _asked(caller)
            if command and os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for number, stream in enumerate(streams, start=1):
                    os.dup2(stream, number)
                    os.close(stream)
                return command
            for stream in streams:
                os.close(stream)
            if command:
                with suppress(OSError):  # who has gone meanwhile need not know
                    caller.send(b"begun")


def _asked(caller: socket.socket) -> tuple[list[str], list[int]]:
    """Command line and two streams; an empty one of anybody else, or of what is none."""
    caller.settimeout(1.0)
    *_, user, _ = _CREDENTIALS.unpack(caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    try:
        content, streams, *_ = socket.recv_fds(caller, LARGEST, 2)
        command = json.loads(content)
    except (OSError, ValueError):
        return [], []
    sound = user == os.getuid() and len(streams) == 2 and isinstance(command, list)
    return (command if sound else []), streams


def main(arguments: Sequence[str]) -> None:
    """``SOCKET``: read the libraries, then make a copy for each task."""
    (place,) = arguments
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.argv = [str(_GATEKEEPER), *next_task(listening(place))]
    os._exit(ended(lambda: runpy.run_path(str(_GATEKEEPER), run_name="__main__")))


def ended(task: Callable[[], object]) -> int:
    """The status with which a task ends, what it wrote written out; nothing of it is left for the interpreter to do.

    An interpreter that ends takes all that is in memory apart first, torch among it: half a second of a core, as much
    as a short task takes. Flower has called its own handlers by then, and what a task keeps is on the disk.
    """
    status = 0
    try:
        task()
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        status = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status


if __name__ == "__main__":
    main(sys.argv[1:])
