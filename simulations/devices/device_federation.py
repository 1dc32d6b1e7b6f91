"""Rounds over a population of devices, by the two apps of a deployed run, in virtual time."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from flwr.app import Context, RecordDict

from server.app import server_app
from server.rounds.checkpoints import HISTORY_FILE
from server.rounds.exchange import Exchange
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, save_encoder
from shared.federation.config import RoundsConfig
from simulations.config.device_run_config import DeviceRunConfig
from simulations.devices.cohort_answer import ChunkWork, answers_by
from simulations.devices.device_grid import DeviceGrid
from simulations.devices.held_devices import HeldDevices
from simulations.devices.ideal_sums import IdealSums
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock
from simulations.federation.held_federation import FederationResult, quiet_engine, read_result
from simulations.federation.in_process_grid import RUN_ID, SERVER_NODE, task_identity

START_FILE, SERVER_FOLDER = "start.safetensors", "server"


def run_devices(
    devices: HeldDevices,
    population: Population,
    encoder: Encoder,
    config: DeviceRunConfig,
    *,
    folder: Path,
    work: ChunkWork,
    time: VirtualClock,
    resume: bool = False,
) -> FederationResult:
    """Run the server's app over devices.

    Args:
        devices: what they hold.
        population: when they take part, and how long they take.
        encoder: the starting encoder.
        config: of the run.
        folder: for the server's files.
        work: does the devices' part.
        time: of the run; of one that goes on as ``seconds_before`` has it.
        resume: whether to go on with the run that stands in the folder, if any.

    Returns:
        The encoder and the history that the server left.

    Raises:
        GraftError: if the run cannot go on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start, out = folder / START_FILE, folder / SERVER_FOLDER
    save_encoder(start, encoder, EncoderCard())
    federation = replace(config.federation, seed=config.seed)
    seconds = devices.work(federation.local.steps, config.event_seconds, encoder.spec.architecture.length + 1)
    grid = DeviceGrid(population, seconds, answers_by(devices, work), time, check_ins=config.check_ins)

    def open_sums(exchange: Exchange, rounds: RoundsConfig) -> IdealSums:
        return IdealSums(
            exchange, rounds, devices=devices, population=population, seconds=seconds, work=work, time=time
        )

    run_config: dict[str, Any] = {
        **federation.to_run_config(),
        "encoder": str(start),
        "out": str(out),
        "resume": resume,
    }
    context = Context(run_id=RUN_ID, node_id=SERVER_NODE, node_config={}, state=RecordDict(), run_config=run_config)
    with task_identity(), quiet_engine():
        server_app(clock=time.clock, open_sums=open_sums)(grid, context)
    return read_result(out)


def seconds_before(out: Path) -> float:
    """The virtual time that the rounds took which a server's folder holds; 0 where it holds none."""
    try:
        lines = json.loads((out / HISTORY_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return 0.0
    return float(sum(line["seconds"] for line in lines))
