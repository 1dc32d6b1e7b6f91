"""The coordinator's three programs: Flower's SuperLink and SuperExec on loopback, and the proxy before them."""

import os
import sys

from server.coordinator.home import ServerHome
from shared.system.engine_environment import engine_environment, program
from shared.system.processes.program import Program

LOOPBACK = "127.0.0.1"


def engine_programs(home: ServerHome, port: int) -> list[Program]:
    """In the order in which they are started; the engine listens at this port of loopback.

    The SuperLink hands its tasks only to who knows the secret, and a server app is a process of the SuperExec's: so the
    run outlives a SuperLink that is killed.
    """
    environment = engine_environment(home.engine)
    superlink = (
        *(program("flower-superlink"), "--host", LOOPBACK, "--port", str(port)),
        *("--ssl-ca-certfile", str(home.authority), "--ssl-certfile", str(home.certificate)),
        *("--ssl-keyfile", str(home.certificate_key), "--enable-supernode-auth", "--database", str(home.database)),
        *("--disable-runtime-dependency-installation", "--isolation", "process"),
        *("--superexec-auth-secret-file", str(home.secret)),
    )
    superexec = (
        *(program("flower-superexec"), "--runtime-api-address", f"{LOOPBACK}:{port}"),
        *("--root-certificates", str(home.authority), "--superexec-auth-secret-file", str(home.secret)),
    )
    proxy = (sys.executable, "-P", "-m", "server.proxy", str(home.folder), str(port))
    return [
        Program(name="superlink", command=superlink, environment=environment, folder=home.state),
        Program(name="superexec", command=superexec, environment=_bundle_alone(environment), folder=home.state),
        Program(name="proxy", command=proxy, environment=dict(os.environ), folder=home.state),
    ]


def _bundle_alone(environment: dict[str, str]) -> dict[str, str]:
    """A server app takes its modules from the bundle, and from nowhere before it."""
    return {**environment, "PYTHONPATH": "", "OMP_NUM_THREADS": environment.get("OMP_NUM_THREADS", "1")}
