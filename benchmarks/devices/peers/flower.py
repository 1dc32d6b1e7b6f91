"""Flower's simulation engine on Ray: an actor for each process, one thread each."""

import os

from flwr.simulation import run_simulation

from benchmarks.devices.peer_run import PeerRun
from benchmarks.devices.peers.flower_app import COURSE, client_app, server_app_of


def main() -> None:
    """Train all rounds of the course."""
    run = PeerRun.from_arguments()
    os.environ[COURSE] = str(run.folder)
    run_simulation(
        server_app=server_app_of(run),
        client_app=client_app,
        num_supernodes=run.course.cohort,
        backend_config={
            "init_args": {"num_cpus": run.processes},
            "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
        },
    )


if __name__ == "__main__":
    main()
