"""Flower's simulation engine on Ray: an actor for each process, one thread each, on a cluster of its own."""

import os
import traceback

from flwr.simulation import run_simulation

from benchmarks.devices.peer_run import PeerRun
from benchmarks.devices.peers.flower_app import COURSE, client_app, server_app_of


def main() -> None:
    """Train all rounds of the course."""
    run = PeerRun.from_arguments()
    os.environ[COURSE] = str(run.folder)
    try:
        run_simulation(
            server_app=server_app_of(run),
            client_app=client_app,
            num_supernodes=run.course.cohort,
            backend_config={
                "init_args": {"address": "local", "num_cpus": run.processes},
                "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
            },
        )
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        os._exit(1)  # the thread of the ServerApp waits for nodes that never come


if __name__ == "__main__":
    main()
