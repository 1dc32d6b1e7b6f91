"""Flower's engine as processes on loopback: a SuperLink, SuperNodes, and the `flwr` commands."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from server.engine.database import is_under_way

BIN = Path(sys.executable).parent
CONNECTION = "loopback"


@dataclass(kw_only=True)
class Engine:
    """Started processes with a log file each; everything lives in one folder."""

    folder: Path
    port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def database(self) -> Path:
        """The engine's own."""
        return self.folder / "state.db"

    @property
    def environment(self) -> dict[str, str]:
        """No telemetry, no look for updates, no installation of dependencies, a home of its own."""
        return {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            "FLWR_HOME": str(self.folder / "flwr"),
            "FLWR_TELEMETRY_ENABLED": "0",
            "FLWR_DISABLE_UPDATE_CHECK": "1",
            "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": "",
        }

    def start(self, name: str, *command: str, programs: Path | None = None) -> None:
        """A process in a group of its own, its output in NAME.log; it looks for programs in ``programs`` first."""
        path = {"PATH": f"{programs}{os.pathsep}{self.environment['PATH']}"} if programs else {}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(BIN / command[0]), *command[1:]],
                cwd=self.folder,
                env={**self.environment, **path},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)

    def start_node(self, name: str, config: Mapping[str, str | int], *, programs: Path | None = None) -> None:
        """A SuperNode with this node config, and with programs that stand before Flower's own."""
        pairs = " ".join(f"{key}={json.dumps(value)}" for key, value in config.items())
        self.start(
            name,
            *("flower-supernode", "--insecure", "--superlink", f"127.0.0.1:{self.port}"),
            *("--host", "127.0.0.1", "--port", str(free_port()), "--node-config", pairs),
            programs=programs,
        )

    def command(self, *arguments: str) -> dict[str, object]:
        """A `flwr` command's JSON answer."""
        done = subprocess.run(
            [str(BIN / "flwr"), *arguments, "--format", "json"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.strip().startswith("{"), f"{arguments}: {done.stdout}{done.stderr}{self.logs()}"
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def wait_for_run(self, run_id: str, *, seconds: float) -> str:
        """Until its database gives no sign of the run, and `flwr list` says that it is over; the final status."""
        deadline = time.monotonic() + seconds
        status = "unknown"
        while time.monotonic() < deadline:
            if not is_under_way(self.database, int(run_id), now=datetime.now(UTC)):
                runs = self.command("list", CONNECTION, "--run-id", run_id)["runs"]
                status = str(runs[0]["status"])  # type: ignore[index]
                if status.startswith("finished"):
                    return status
            time.sleep(0.1)
        raise AssertionError(f"the run was still {status!r} after {seconds:g} seconds{self.logs()}")

    def wait_until(self, holds: Callable[[], bool], *, seconds: float) -> None:
        """Look ten times a second."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"not so after {seconds:g} seconds{self.logs()}"
            time.sleep(0.1)

    def kill(self, program: str) -> None:
        """SIGKILL to the processes of this engine that run a program; there must be one."""
        found = _running(program, home=self.environment["FLWR_HOME"])
        assert found, f"no {program} runs{self.logs()}"
        for pid in found:
            os.kill(pid, signal.SIGKILL)

    def wait_for_port(self, *, seconds: float = 40) -> None:
        """Until the SuperLink listens."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        raise AssertionError(f"no SuperLink on port {self.port} after {seconds:g} seconds{self.logs()}")

    def logs(self) -> str:
        """The end of every log, for a failure message."""
        parts = [
            f"\n--- {path.name}\n{path.read_text('utf-8', 'replace')[-4000:]}" for path in self.folder.glob("*.log")
        ]
        return "".join(parts)

    def stop(self) -> None:
        """End every group, politely first."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self.processes:
                _signal_group(process, number)
            _wait_for_all(self.processes, seconds=5)


@contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """A SuperLink on a free port, and a connection to it by name."""
    engine = Engine(folder=folder, port=free_port())
    home = folder / "flwr"
    home.mkdir(parents=True)
    address = f"127.0.0.1:{engine.port}"
    connection = f'[superlink]\ndefault = "{CONNECTION}"\n\n[superlink.{CONNECTION}]\naddress = "{address}"\n'
    (home / "config.toml").write_text(f"{connection}insecure = true\n", "utf-8")
    try:
        engine.start(
            "superlink",
            *("flower-superlink", "--insecure", "--host", "127.0.0.1", "--port", str(engine.port)),
            *("--disable-runtime-dependency-installation", "--database", str(engine.database)),
        )
        engine.wait_for_port()
        yield engine
    finally:
        engine.stop()


def _running(program: str, *, home: str) -> list[int]:
    """Processes in whose command line a word ends with the program's name, and whose engine lives in ``home``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            own = f"FLWR_HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0")
            if own and any(word.endswith(program.encode()) for word in words):
                found.append(int(folder.name))
    return found


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _wait_for_all(processes: list[subprocess.Popen[bytes]], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(process.poll() is None for process in processes):
        time.sleep(0.1)
