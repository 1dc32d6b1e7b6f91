"""``graft-client serve`` as a process of its own, with what its systemd unit sets, and a channel to it."""

import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from client.serving.tokens import add_token
from shared.serving_api import recommend_pb2_grpc

THREADS = 64
SCRIPT = "from client.cli.main import main; main()"


@dataclass(frozen=True, kw_only=True)
class Service:
    """The process, and what calls it."""

    process: subprocess.Popen[str]
    stub: recommend_pb2_grpc.RecommenderStub
    metadata: tuple[tuple[str, str], ...]
    ports: tuple[int, int]
    """of gRPC and of HTTP"""

    @property
    def spent(self) -> float:
        """Seconds of the processor so far, of all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def most_memory(self) -> float:
        """GiB of resident memory at most, so far."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text("utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**20


@contextmanager
def running_service(out: Path, *options: str, build: Path | None = None) -> Iterator[Service]:
    """The service of ``out/heads`` while it lasts, by the packages of another checkout where ``build`` names one.

    Raises SystemExit where it does not start.
    """
    out = out.resolve()
    token = add_token(out / "tokens", "benchmark")
    folders = ("--heads", str(out / "heads"), "--tokens", str(out / "tokens"))
    with called_service((*folders, *options), token, build=build) as service:
        yield service


@contextmanager
def called_service(arguments: Sequence[str], token: str, *, build: Path | None = None) -> Iterator[Service]:
    """``graft-client serve`` with these arguments while it lasts.

    Args:
        arguments: without those of ports.
        token: with which it is called.
        build: another checkout, by whose packages it runs; None: this one's.

    Yields:
        The service.

    Raises:
        SystemExit: if it does not start.
    """
    command = [sys.executable, "-c", SCRIPT, "serve", *arguments, "--port", "0", "--http-port", "0"]
    environment = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", **os.environ}
    if build is not None:
        environment["PYTHONPATH"] = str(build.resolve())
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=build) as process:
        try:
            ports = re.findall(r"://127\.0\.0\.1:(\d+)", process.stdout.readline() if process.stdout else "")
            if not ports:
                raise SystemExit("the service did not start")
            with grpc.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
                stub = recommend_pb2_grpc.RecommenderStub(channel)  # type: ignore[no-untyped-call]
                metadata = (("authorization", f"Bearer {token}"),)
                yield Service(process=process, stub=stub, metadata=metadata, ports=(int(ports[0]), int(ports[1])))
        finally:
            process.terminate()


def steadily(call: Callable[[int], object], rate: float, seconds: float, began: float) -> list[float]:
    """Milliseconds from when each call was due until it was answered; infinite where gRPC says that it failed.

    A call is due when its number says it, from ``began`` on (``time.perf_counter``), answered or not what was before.
    """

    def timed(number: int) -> float:
        due = began + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        try:
            call(number)
        except grpc.RpcError:
            return math.inf
        return 1e3 * (time.perf_counter() - due)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(timed, range(int(rate * seconds))))
