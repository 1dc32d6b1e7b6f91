"""``python -m client.joined.keeping DIR FORMAT``: a joined device's one process runs while its conditions hold.

It loads neither the engine nor what computes, and rests with the device: without the conditions nothing else runs, and
nobody is asked for anything. A round that is cut off so loses nothing (docs/devices.md).
"""

import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from client.agent.connection import SUPERNODE, Connection
from client.guard.ledger import Ledger, line_of, said
from client.joined.conditions import Conditions
from client.joined.home import JoinedHome, JoinedSettings
from shared.errors import ConfigError
from shared.system.engine_environment import engine_environment
from shared.system.free_port import free_port
from shared.system.log_format import begin_log
from shared.system.new_lines import NewLines
from shared.system.processes.keeper import Program
from shared.system.processes.supervision import Processes, Supervision, asked_to_stop
from shared.system.settings_file import read_settings
from shared.system.utc_clock import utc_now

_LOG = logging.getLogger("graft.device")
LOG_BYTES = 2**20
LOOPBACK = "127.0.0.1"
MIB = 2**20
RESTS = "rests"
"""in a report: why the device takes no part now; empty where it does"""


class Rest:
    """Whether the conditions hold, looked at now and then."""

    def __init__(self, home: JoinedHome, conditions: Conditions) -> None:
        self._home, self._conditions = home, conditions
        self._next, self.why = 0.0, ""

    def look(self) -> bool:
        """Whether the device rests."""
        if time.monotonic() >= self._next:
            sent = sent_on(self._home, utc_now().date().isoformat())
            self.why = self._conditions.obstacle(sent)
            self._next = time.monotonic() + self._conditions.look_seconds
        return bool(self.why)


def sent_on(home: JoinedHome, day: str) -> int:
    """Bytes of answers that left on a day.

    Args:
        home: of a device that joined.
        day: ISO 8601, in UTC.

    Returns:
        Their sum; 0 where nothing has left yet.

    Raises:
        ConfigError: if the ledger cannot be read.
    """
    if not home.ledger.exists():
        return 0
    lines, _cut = Ledger(home.ledger).lines()
    return sum(line.bytes for line in lines if line.time.startswith(day))


def supervision(home: JoinedHome) -> Supervision:
    """The supervisor of a joined device."""
    return Supervision(what=f"the device of {home.device.folder}", state=home.state, logs=home.logs)


def node_program(home: JoinedHome, settings: JoinedSettings, port: int) -> Program:
    """The process that asks for tasks and starts a process for each.

    Args:
        home: of the device.
        settings: of rounds.
        port: of loopback, at which tasks are handed out.

    Returns:
        The program, with the gate before whatever code comes.
    """
    environment = engine_environment(home.engine)
    libraries = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    way_out = {"HTTPS_PROXY": settings.http_proxy, "NO_PROXY": f"{LOOPBACK},localhost"} if settings.http_proxy else {}
    return Program(
        name=SUPERNODE,
        command=(
            *(sys.executable, "-P", "-m", "client.joined.node_process", str(port), str(home.secret)),
            *("flower-supernode", "--superlink", settings.server, "--root-certificates", str(home.authority)),
            *("--auth-supernode-private-key", str(home.key), "--host", LOOPBACK, "--port", str(port)),
            *("--isolation", "process", "--superexec-auth-secret-file", str(home.secret)),
            *("--node-config", str(home.node_config)),
        ),
        environment={
            **environment,
            "PATH": f"{home.programs}{os.pathsep}{environment['PATH']}",
            "PYTHONPATH": "",
            **dict.fromkeys(libraries, str(settings.threads)),
            **way_out,
        },
        folder=home.state,
        memory_bytes=settings.memory_mib * MIB,
    )


def keep(home: JoinedHome, settings: JoinedSettings) -> None:
    """Keep the device's process running while its conditions hold, until it is told to stop.

    Args:
        home: of the device.
        settings: of rounds.

    Raises:
        ConfigError: if another keeper runs in the folder.
    """
    connection, rest = Connection.of(home, settings, time.monotonic), Rest(home, settings.conditions)
    answers = NewLines(home.ledger, from_its_end=True)

    def each_tick(processes: Processes) -> Mapping[str, Any]:
        for line in filter(None, map(line_of, answers.read())):
            _LOG.info("%s", said(line))
        if rest.why:
            connection.rest()
            return {"connected": False, "obstacle": None, RESTS: rest.why}
        return {**connection.look(processes), RESTS: ""}

    try:
        supervision(home).serve(
            lambda: [node_program(home, settings, free_port())],
            each_tick=each_tick,
            stopping=asked_to_stop(),
            log_bytes=LOG_BYTES,
            resting=rest.look,
        )
    finally:
        connection.end()


def main(arguments: Sequence[str]) -> None:
    """The device's folder, and the form of the log."""
    folder, log_format = arguments
    begin_log(log_format)
    home = JoinedHome.joined(Path(folder))
    try:
        keep(home, read_settings(JoinedSettings, home.settings))
    except ConfigError as error:
        sys.exit(f"graft-device: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
