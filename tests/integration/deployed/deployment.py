"""A coordinator and its platforms in one folder, made and run through the commands."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, save_encoder
from shared.feature_space import FeatureSpace
from shared.system.free_port import free_port
from tests.integration.commands import run
from tests.integration.engine_world import USERS, write_platform
from tests.integration.sql.sqlite_platform import SOURCE, into_sqlite
from tests.small_space import SPACE

PLAIN = ("--privacy", "plain")
SECONDS = 900
"""for anything to happen on a machine that does much else"""


@dataclass(frozen=True)
class Deployment:
    """The folders of a coordinator and of platforms, and the commands on them."""

    folder: Path
    platforms: tuple[str, ...]
    port: int
    databases: tuple[str, ...] = ()
    """platforms whose data lie in SQLite"""

    @property
    def server(self) -> Path:
        """The coordinator's folder."""
        return self.folder / "server"

    def agent(self, name: str) -> Path:
        """A platform's folder."""
        return self.folder / f"agent-{name}"

    def data(self, name: str) -> Path:
        """A platform's folder of data."""
        return self.folder / name

    def source(self, name: str) -> Path:
        """What an agent is told of them."""
        return self.data(name) / SOURCE if name in self.databases else self.data(name)

    def on_server(self, *arguments: object) -> str:
        """What ``graft-server`` prints; it must end well."""
        words = 2 if arguments[0] in {"certificate", "encoder"} else 1
        done = run("graft-server", *arguments[:words], self.server, *arguments[words:], seconds=SECONDS)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}{self.logs()}"
        return done.stdout

    def on_agent(self, command: str, name: str, *arguments: object) -> str:
        """What ``graft-client`` prints; it must end well."""
        done = run("graft-client", command, self.agent(name), *arguments, seconds=SECONDS)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{self.logs()}"
        return done.stdout

    def status(self) -> dict:
        """Of the coordinator."""
        return json.loads(self.on_server("status", "--json"))

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Look five times a second."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.2)

    def logs(self) -> str:
        """The end of every log, for a failure message."""
        paths = [*self.folder.glob("server/logs/*.log"), *self.folder.glob("agent-*/logs/*.log")]
        return "".join(f"\n--- {path}\n{path.read_text('utf-8', 'replace')[-3000:]}" for path in paths)


@contextmanager
def deployment(
    folder: Path,
    platforms: tuple[str, ...],
    *,
    databases: tuple[str, ...] = (),
    users: int = USERS,
    promise: tuple[str, ...] = PLAIN,
    preset: str = "tiny",
    space: FeatureSpace = SPACE,
) -> Iterator[Deployment]:
    """A coordinator, made and not started, and agents that are enrolled and not started; all ended afterwards.

    ``promise`` is what ``graft-client init`` is told of privacy; ``space`` is one of hashed texts.
    """
    made = Deployment(folder=folder, platforms=platforms, port=free_port(), databases=databases)
    start = Encoder.initial(EncoderSpec(preset=preset, input_dim=space.dim, feature_space=space), seed=1)
    save_encoder(folder / "start.safetensors", start, EncoderCard())
    address = ("--host", "127.0.0.1", "--port", made.port)
    begun = run(
        "graft-server", "init", made.server, "--encoder", folder / "start.safetensors", *address, seconds=SECONDS
    )
    assert begun.returncode == 0, begun.stderr
    for seed, name in enumerate(platforms):
        write_platform(made.data(name), seed=seed, users=users)
        if name in databases:
            into_sqlite(made.data(name))
        made.on_agent(
            "init",
            name,
            *("--server", f"localhost:{made.port}", "--ca", made.server / "tls" / "ca.crt"),
            *("--name", name, "--data", made.source(name), "--features", f"hashing:{space.dim}", *promise),
        )
        made.on_server("enroll", name, "--public-key", made.agent(name) / "node.key.pub")
    try:
        yield made
    finally:
        for home in (made.server, *(made.agent(name) for name in platforms)):
            for one in processes_of(home):
                one.kill()


def processes_of(home: Path) -> list[psutil.Process]:
    """Processes that belong to a folder: by their command line, or by the home of Flower's that they were given."""
    found = []
    for one in psutil.process_iter():
        try:
            words, flower = one.cmdline(), one.environ().get("FLWR_HOME", "")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        mine = one.pid != os.getpid() and one.status() != psutil.STATUS_ZOMBIE
        if mine and (str(home) in words or flower.startswith(f"{home}{os.sep}")):
            found.append(one)
    return found
