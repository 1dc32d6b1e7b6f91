"""A process that has read this working tree: each command is a copy of it, which need not read it anew.

A command's own process takes seconds of a core until torch and Flower are read; a copy takes hundredths.
"""

import atexit
import gc
import importlib
import json
import math
import os
import pkgutil
import selectors
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import NoReturn

PACKAGES = ("shared", "client", "server", "simulations")
LIBRARIES = ("torch._dynamo", "flwr.cli.build")
"""what a command reads late"""
LARGEST = 2**18
"""bytes of a request"""


def main(handle: int) -> None:
    """Answer requests at this socket, which listens, until stdin ends; a copy returns and becomes the command."""
    with socket.socket(fileno=handle) as listener:
        module = _next_command(listener)
    _say_nothing_of_progress()
    try:
        importlib.import_module(module).main()
    except SystemExit as end:
        _leave(end.code)
    _leave(0)


def _say_nothing_of_progress() -> None:
    """Whether a command takes over two seconds hangs on the machine; what it says must not."""
    importlib.import_module("shared.system.progress").PATIENCE_SECONDS = math.inf


def _next_command(listener: socket.socket) -> str:
    """The module of a command, in a copy of this process that stands where the caller wants it."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(listener, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is sys.stdin:
                    _leave(0)
                if key.data:
                    waiting.unregister(key.fd)
                    _report_end(key.fd, *key.data)
                    continue
                caller, _ = listener.accept()
                content, streams, *_ = socket.recv_fds(caller, LARGEST, 2)
                _read_all()
                if (pid := os.fork()) == 0:
                    return _stand(json.loads(content), streams)
                for stream in streams:
                    os.close(stream)
                caller.send(str(pid).encode())
                waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, caller))


def _read_all() -> None:
    """Every module of the product, once."""
    if gc.get_freeze_count():
        return
    for name in LIBRARIES:
        importlib.import_module(name)
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
    gc.freeze()


def _stand(request: dict, streams: list[int]) -> str:
    """With the streams, folder, environment and command line that were asked for; the command's module."""
    if request["own_group"]:
        os.setsid()
    for number, stream in enumerate([os.open(os.devnull, os.O_RDONLY), *streams]):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job would ignore
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = [request["command"], *request["arguments"]]
    return request["module"]


def _leave(code: object) -> NoReturn:
    """End as Python does, but leave memory to the system: taking down what was read would first copy all of it."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _report_end(handle: int, pid: int, caller: socket.socket) -> None:
    """The exit code, to who asked; negative for a signal."""
    os.close(handle)
    _, status = os.waitpid(pid, 0)
    with caller, suppress(OSError):  # who has gone meanwhile need not know
        caller.send(str(os.waitstatus_to_exitcode(status)).encode())
