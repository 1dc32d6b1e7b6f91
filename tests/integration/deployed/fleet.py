"""Real processes of devices on loopback, enrolled with a coordinator, some of them running at a time."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from client.device.home import DeviceHome
from client.guard.device_policy import DevicePolicy
from client.joined.home import JoinedHome, JoinedSettings
from client.joined.joining import join
from client.joined.preparing import prepare
from server.coordinator.enrolment import Enrolment, read_public_key, read_sum_key
from server.coordinator.home import ServerHome
from server.coordinator.run_book import RunBook
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, save_encoder
from shared.federation.config import RoundsConfig
from shared.system.free_port import free_port
from tests.device_world import START, write_device
from tests.integration.commands import run
from tests.integration.deployed.deployment import SECONDS, processes_of
from tests.unit.client.device.world import write_pack

MIB = 2**20


@dataclass(kw_only=True)
class Fleet:
    """A coordinator and devices in one folder."""

    folder: Path
    names: Sequence[str]
    port: int
    started: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def server(self) -> Path:
        """The coordinator's folder."""
        return self.folder / "server"

    def device(self, name: str) -> Path:
        """A device's folder."""
        return self.folder / name

    def on_server(self, *words: object) -> str:
        """What ``graft-server`` prints; it must end well."""
        done = run("graft-server", words[0], self.server, *words[1:], seconds=SECONDS)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}{self.logs()}"
        return done.stdout

    def start(self, name: str) -> None:
        """Start a device, as ``graft-device start`` in a terminal of its own."""
        log = (self.folder / f"{name}.log").open("ab")
        self.started[name] = subprocess.Popen(
            [sys.executable, "-P", "-m", "client.joined.cli.main", "start", str(self.device(name))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            start_new_session=True,
        )
        log.close()

    def kill(self, name: str) -> int:
        """SIGKILL to all processes of a device at once; how many there were."""
        mine = processes_of_device(self.device(name))
        for process in mine:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.started.pop(name).wait()
        return len(mine)

    def stop(self, name: str) -> None:
        """End a device politely."""
        process = self.started.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)

    def standing(self, name: str) -> dict:
        """What ``graft-device status`` says."""
        done = run("graft-device", "status", self.device(name), "--json", seconds=SECONDS)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def connected(self, name: str) -> bool:
        """As the device's own report says it."""
        try:
            report = json.loads((JoinedHome.of(DeviceHome(self.device(name))).state / "report.json").read_text())
        except (OSError, ValueError):
            return False
        return bool(report.get("connected"))

    def begin(self, config: RoundsConfig) -> int:
        """Write a run down; its number."""
        words = [word for key, value in asked(config).items() for word in ("--set", f"{key}={value}")]
        return json.loads(self.on_server("run", *words, "--detach", "--json"))["run"]

    def history(self, number: int) -> list[dict]:
        """Of a run, as far as it has come."""
        return list(RunBook(self.server / "runs").get(number).history())

    def state(self, number: int) -> str:
        """Of a run, in a word."""
        return RunBook(self.server / "runs").get(number).standing().state

    def encoder(self, number: int) -> Path:
        """The newest encoder of a run."""
        return RunBook(self.server / "runs").get(number).encoder

    def wait_until(self, holds: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Look five times a second."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.2)

    def logs(self) -> str:
        """The end of some logs, for a failure message."""
        paths = [*self.folder.glob("server/logs/*.log"), *self.folder.glob("*.log")]
        paths += list(self.folder.glob("*/rounds/logs/*.log"))[:4]
        return "".join(f"\n--- {path}\n{path.read_text('utf-8', 'replace')[-2500:]}" for path in paths)


def processes_of_device(folder: Path) -> list[psutil.Process]:
    """All of a device: the keeper, the node and what works on a task."""
    rounds = folder / "rounds"
    return list({process.pid: process for home in (folder, rounds) for process in processes_of(home)}.values())


def resident(processes: Sequence[psutil.Process]) -> float:
    """Resident memory of these, in MiB."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss / MIB
    return total


def asked(config: RoundsConfig) -> dict[str, object]:
    """What differs from a usual run."""
    usual = RoundsConfig().to_run_config()
    return {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in config.to_run_config().items()
        if value != usual[key]
    }


@contextmanager
def fleet(folder: Path, number: int, *, least: int, start: Encoder = START, events: int = 6) -> Iterator[Fleet]:
    """A coordinator that runs, and devices that are enrolled and not started; all ended afterwards.

    ``least`` is K of the devices' policy.
    """
    made = Fleet(folder=folder, names=[f"device-{place:03}" for place in range(number)], port=free_port())
    save_encoder(folder / "start.safetensors", start, EncoderCard())
    address = ("--host", "127.0.0.1", "--port", made.port)
    made.on_server("init", "--encoder", folder / "start.safetensors", *address)
    write_pack(folder / "shop.pack")
    try:
        made.on_server("start", "--background")
        _enroll(made, least, events)
        yield made
    finally:
        for process in made.started.values():
            process.kill()
        for name in made.names:
            for process in processes_of_device(made.device(name)):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        for process in processes_of(made.server):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _enroll(made: Fleet, least: int, events: int) -> None:
    """Make the devices, and wait until the engine knows them: it takes one after the other, some seconds each."""
    enrolment, folder, bundle = Enrolment(ServerHome(made.server).platforms), made.folder, Path()
    for seed, name in enumerate(made.names):
        write_device(made.device(name), folder / "shop.pack", seed=seed, events=events)
        settings = JoinedSettings(server=f"localhost:{made.port}", name=name)
        home = join(made.device(name), settings, made.server / "tls" / "ca.crt", DevicePolicy(least_parties=least))
        if bundle.name:
            shutil.copy(bundle, home.state / bundle.name)
        prepare(home)
        bundle = bundle if bundle.name else next(home.state.glob("release-*.fab"))
        enrolment.enroll(name, read_public_key(home.public_key), sum_key=read_sum_key(home.public_key))
    made.wait_until(lambda: not any(entry.waiting for entry in enrolment.read()))


def over_devices(rounds: int, cohort: int, least: int) -> RoundsConfig:
    """Masked rounds over cohorts of devices."""
    from tests.device_world import cohorts

    config = cohorts(rounds=rounds, cohort=cohort, least_parties=least, min_platforms=least)
    return replace(config, wait_seconds=600.0, deadline_seconds=600.0, stage_seconds=300.0)
