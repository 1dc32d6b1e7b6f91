"""A Ray cluster of two node processes on this machine trains devices: the encoder, and what a killed node changes.

    python -m benchmarks.device_cluster OUT [--devices N] [--cohort K] [--rounds R] [--port PORT]

Runs the same rounds with one worker here; with two nodes of one worker each; with two nodes of which one is killed in
the second round; and once more so, with the run itself killed too and gone on with. Prints a row for each, with the
digest of its encoder; exits with 1 where they differ. Ray comes with the extra ``ray``.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from server.rounds.checkpoints import HISTORY_FILE
from shared.encoder.encoder import Encoder, EncoderSpec
from simulations.config.device_run_config import USUAL, DeviceRunConfig
from simulations.config.drawn_size import DrawnSize
from simulations.config.engine_options import EngineOptions
from simulations.config.population_config import PopulationConfig
from simulations.devices.device_federation import SERVER_FOLDER, run_devices, seconds_before
from simulations.devices.drawn_devices import drawn_devices
from simulations.devices.engine import work_of
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock
from simulations.results.table import markdown

RAY = [str(Path(sys.executable).with_name("ray"))]
_START_SECONDS = 120


class Cluster:
    """Two nodes of one worker each; the first is the head, which holds no worker's results alone."""

    def __init__(self, port: int, out: Path) -> None:
        self.address = f"127.0.0.1:{port}"
        out.mkdir(parents=True, exist_ok=True)
        self._log = (out / "ray.log").open("ab")
        self._nodes = [self._node("--head", f"--port={port}", "--include-dashboard=false")]
        self._wait(f"127.0.0.1:{port}")
        self._nodes.append(self._node(f"--address={self.address}"))

    def kill_second(self) -> None:
        """Kill the second node with all of its processes."""
        _kill(self._nodes[1])

    def close(self) -> None:
        """Kill what is left."""
        for node in self._nodes[::-1]:
            _kill(node)
        self._log.close()

    def _node(self, *options: str) -> "subprocess.Popen[bytes]":
        common = ["--num-cpus=1", "--object-store-memory=200000000", "--disable-usage-stats", "--block"]
        command = [*RAY, "start", *options, *common, "--node-ip-address=127.0.0.1"]
        return subprocess.Popen(command, stdout=self._log, stderr=self._log, env={**os.environ, "OMP_NUM_THREADS": "1"})

    def _wait(self, address: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while subprocess.run([*RAY, "status", f"--address={address}"], check=False, capture_output=True).returncode:
            if time.monotonic() > deadline or self._nodes[0].poll() is not None:
                raise SystemExit(f"Ray's head node did not start within {_START_SECONDS} seconds")
            time.sleep(1)


def _kill(node: "subprocess.Popen[bytes]") -> None:
    if node.poll() is None:
        below = psutil.Process(node.pid).children(recursive=True)
        for process in [*below, psutil.Process(node.pid)]:
            with _gone():
                process.kill()
        node.wait()


@contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return


def run(arguments: argparse.Namespace, folder: Path, engine: EngineOptions, *, resume: bool = False) -> str:
    """Make the rounds.

    Args:
        arguments: of the command.
        folder: for the run's files.
        engine: who trains.
        resume: whether to go on with what stands there.

    Returns:
        Digest of the encoder.
    """
    config = DeviceRunConfig(
        federation=replace(USUAL, rounds=arguments.rounds, cohort=arguments.cohort),
        population=PopulationConfig(availability="always", breaks_per_minute=0.0),
        engine=engine,
    )
    devices = drawn_devices(DrawnSize(devices=arguments.devices, items=2_000), config.seed)
    space = devices.catalogue.space
    encoder = Encoder.initial(EncoderSpec(preset=config.preset, input_dim=space.dim, feature_space=space), config.seed)
    population = Population(config.population, count=arguments.devices, seed=config.seed)
    with work_of(engine, devices, folder) as work:
        clock = VirtualClock(seconds_before(folder / SERVER_FOLDER) if resume else 0.0)
        result = run_devices(devices, population, encoder, config, folder=folder, work=work, time=clock, resume=resume)
    return result.encoder.digest


def _run_apart(arguments: argparse.Namespace, folder: Path, address: str) -> "subprocess.Popen[bytes]":
    """The same in a process of its own, which goes on with what stands in the folder."""
    sizes = [f"--{name}={getattr(arguments, name)}" for name in ("devices", "cohort", "rounds")]
    command = [sys.executable, "-m", "benchmarks.device_cluster", str(folder), *sizes, "--only-run", address]
    return subprocess.Popen(command)


def _wait_for_round(folder: Path, apart: "subprocess.Popen[bytes]") -> None:
    """Until the first round is whole, and the second under way."""
    while not (folder / SERVER_FOLDER / HISTORY_FILE).exists():
        if apart.poll() is not None:
            raise SystemExit("the run ended before its first round")
        time.sleep(0.1)
    time.sleep(0.5)


def on_cluster(arguments: argparse.Namespace, name: str, *, kill_node: bool, kill_run: bool) -> tuple[str, float]:
    """Run on two nodes.

    Args:
        arguments: of the command.
        name: of the folder.
        kill_node: whether the second node is killed in the second round.
        kill_run: whether the run is killed then, and begun anew on what is left of the cluster.

    Returns:
        Digest of the encoder, and seconds that it took.
    """
    folder = arguments.out / name
    cluster = Cluster(arguments.port, folder)
    try:
        start = time.monotonic()
        apart = _run_apart(arguments, folder, cluster.address)
        if kill_node:
            _wait_for_round(folder, apart)
            cluster.kill_second()
        if kill_run:
            apart.send_signal(signal.SIGKILL)
            apart.wait()
            apart = _run_apart(arguments, folder, cluster.address)
        if apart.wait():
            raise SystemExit(f"{name}: the run failed")
        return (folder / "digest").read_text("utf-8"), time.monotonic() - start
    finally:
        cluster.close()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--devices", type=int, default=2_000)
    parser.add_argument("--cohort", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=6_399)
    parser.add_argument("--only-run", metavar="ADDRESS", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only_run:
        engine = EngineOptions(engine="ray", workers=2, address=arguments.only_run)
        (arguments.out / "digest").write_text(run(arguments, arguments.out, engine, resume=True), "utf-8")
        return 0
    start = time.monotonic()
    rows = [("one worker here", (run(arguments, arguments.out / "here", EngineOptions()), time.monotonic() - start))]
    ways: list[tuple[str, Callable[[], tuple[str, float]]]] = [
        ("two nodes", lambda: on_cluster(arguments, "nodes", kill_node=False, kill_run=False)),
        ("one of two nodes killed", lambda: on_cluster(arguments, "killed", kill_node=True, kill_run=False)),
        ("a node and the run killed", lambda: on_cluster(arguments, "resumed", kill_node=True, kill_run=True)),
    ]
    rows += [(name, way()) for name, way in ways]
    table = [[name, digest[:16], f"{seconds:.0f}"] for name, (digest, seconds) in rows]
    sys.stdout.write(markdown(["what", "encoder", "seconds"], table) + "\n")
    return int(len({digest for _, (digest, _) in rows}) > 1)


if __name__ == "__main__":
    sys.exit(main())
