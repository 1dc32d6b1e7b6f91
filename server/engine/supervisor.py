"""What ``graft-server start`` does until it is told to stop: programs kept running, platforms admitted, runs run.

The programs are Flower's SuperLink and SuperExec on loopback, and the proxy before them.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome, ServerSettings
from server.coordinator.metrics import ONLINE, ServerMetrics
from server.coordinator.task_key import ensure_task_key
from server.engine.admission import Attendance, admit
from server.engine.database import compact
from server.engine.flwr_command import FlwrCommand
from server.engine.run_keeper import RunKeeper
from server.releases.freshness import ReleaseKeeper
from shared.errors import ConfigError, os_error_as
from shared.system.engine_environment import engine_environment, engine_program, script
from shared.system.free_port import free_port
from shared.system.metrics_port import metrics_served
from shared.system.processes.keeper import Program
from shared.system.processes.supervision import TROUBLES, Processes, Supervision
from shared.system.watch import Watch
from shared.system.whole_file import write_whole

LOOPBACK = "127.0.0.1"
SERVER_APP = "flwr-serverapp"
"""what a SuperExec starts, by its bare name"""


def engine_programs(home: ServerHome, port: int) -> list[Program]:
    """The programs in the order in which they are started: SuperLink, SuperExec and proxy.

    The SuperLink hands its tasks only to who knows the secret, and a server app is a process of the SuperExec's: so the
    run outlives a SuperLink that is killed.

    Args:
        home: the coordinator's folder.
        port: of loopback, at which the engine listens.

    Returns:
        The three programs, with their commands, environments and folders.
    """
    environment = engine_environment(home.engine)
    superlink = (
        *engine_program("flower-superlink"),
        *("--host", LOOPBACK, "--port", str(port)),
        *("--ssl-ca-certfile", str(home.authority), "--ssl-certfile", str(home.certificate)),
        *("--ssl-keyfile", str(home.certificate_key), "--enable-supernode-auth", "--database", str(home.database)),
        *("--disable-runtime-dependency-installation", "--isolation", "process"),
        *("--superexec-auth-secret-file", str(home.secret)),
    )
    superexec = (
        *engine_program("flower-superexec"),
        *("--runtime-api-address", f"{LOOPBACK}:{port}"),
        *("--root-certificates", str(home.authority), "--superexec-auth-secret-file", str(home.secret)),
    )
    proxy = (sys.executable, "-P", "-m", "server.proxy", str(home.folder), str(port))
    return [
        Program(name="superlink", command=superlink, environment=environment, folder=home.state),
        Program(name="superexec", command=superexec, environment=_bundle_alone(environment, home), folder=home.state),
        Program(name="proxy", command=proxy, environment=dict(os.environ), folder=home.state),
    ]


def _bundle_alone(environment: dict[str, str], home: ServerHome) -> dict[str, str]:
    """A server app takes its modules from the bundle, and from nowhere before it."""
    path = f"{home.programs}{os.pathsep}{environment['PATH']}"
    return {**environment, "PATH": path, "PYTHONPATH": "", "OMP_NUM_THREADS": environment.get("OMP_NUM_THREADS", "1")}


def write_programs(folder: Path) -> None:
    """The folder that the SuperExec's PATH begins with: what it starts writes its log as the engine's own programs."""
    with os_error_as(ConfigError, f"{folder}: cannot be written"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(folder / SERVER_APP, script(engine_program(SERVER_APP)), mode=0o700)


_LOG = logging.getLogger("graft.server")
MIB = 2**20
PATIENCE_SECONDS = 5.0
"""after a duty failed: the engine gave no answer, a file cannot be read"""


def supervision(home: ServerHome) -> Supervision:
    """The supervisor of a coordinator's folder."""
    return Supervision(what=f"the server of {home.folder}", state=home.state, logs=home.logs)


@dataclass(frozen=True)
class Supervisor:
    """What the supervisor of a coordinator does beside keeping its programs running."""

    home: ServerHome
    settings: ServerSettings

    def serve(self, stopping: Callable[[], bool]) -> None:
        """Keep the programs running, and do the supervisor's duties, until ``stopping``.

        Args:
            stopping: whether it is to stop; asked again and again.

        Raises:
            ConfigError: if another supervisor runs in the folder, or the port is taken.
        """
        port = free_port()
        engine, watch, keep = FlwrCommand(self.home), Watch(_LOG), self.settings.keep_runs
        runs = RunKeeper(home=self.home, engine=engine, now=time.monotonic, keep_runs=keep)
        releases = ReleaseKeeper(home=self.home, settings=self.settings, now=lambda: datetime.now(UTC))
        attendance = Attendance(engine=engine, register=Enrolment(self.home.platforms), now=time.monotonic)

        def each_tick(_processes: Processes) -> dict[str, Any]:
            listens = _listens(LOOPBACK, port)
            watch.look("releases", releases.look)
            if listens and not self.told(watch, engine, runs, attendance if self.settings.metrics_port else None):
                time.sleep(PATIENCE_SECONDS)
            ready = listens and _listens(self.settings.host, self.settings.port)
            return {"ready": ready, ONLINE: attendance.online, TROUBLES: watch.troubles}

        def programs() -> list[Program]:
            _require_free(self.settings)
            open_for_long.enter_context(metrics_served(self.settings.metrics_port, self._metrics()))
            if ensure_task_key(self.home):
                _LOG.warning("tasks are signed from now on: give every platform %s anew", self.home.authority)
            compact(self.home.database)
            runs.prune()
            write_programs(self.home.programs)
            engine.connect(port)
            return engine_programs(self.home, port)

        most = self.settings.log_mib * MIB
        with ExitStack() as open_for_long:
            supervision(self.home).serve(programs, each_tick=each_tick, stopping=stopping, log_bytes=most)

    def _metrics(self) -> ServerMetrics:
        return ServerMetrics(home=self.home, report=supervision(self.home).report, now=lambda: datetime.now(UTC))

    def told(self, watch: Watch, engine: FlwrCommand, runs: RunKeeper, attendance: Attendance | None) -> bool:
        """Do each duty, whatever became of the one before.

        Args:
            watch: runs each duty, and remembers what fails and why.
            engine: is told who may join.
            runs: submits runs and looks after them.
            attendance: counts who is online; None: nobody is counted.

        Returns:
            Whether all ended well.
        """
        register = Enrolment(self.home.platforms)
        well = [watch.look("admission", lambda: admit(register, engine)), watch.look("runs", runs.look)]
        if attendance is not None:
            well.append(watch.look("attendance", attendance.look))
        return all(well)


def _listens(host: str, port: int) -> bool:
    anywhere = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104
    try:
        with socket.create_connection((anywhere.get(host, host), port), timeout=1):
            return True
    except OSError:
        return False


def _require_free(settings: ServerSettings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with os_error_as(ConfigError, f"cannot listen on {settings.host} port {settings.port}"):
            probe.bind((settings.host, settings.port))
