"""Flower's ServerApp: reads the run config, runs the rounds, leaves the files; wiring only."""

import time
from pathlib import Path

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from server.aggregation.aggregation import BuildAggregation
from server.aggregation.server_optimiser import ServerOptimiser
from server.checkpoints import save_state
from server.rounds import Clock, run_rounds
from shared.config import RoundsConfig
from shared.encoder.file import load_encoder
from shared.errors import ConfigError


def server_app(aggregation: BuildAggregation = ServerOptimiser) -> ServerApp:
    """The app with an aggregation; that of the deployed one is named by the run config's ``strategy``."""
    made = ServerApp()

    @made.main()
    def main(grid: Grid, context: Context) -> None:
        """One federated run, from the encoder file ``encoder`` to the folder ``out``."""
        run_config = dict(context.run_config)
        encoder_file, out = str(run_config.pop("encoder", "")), str(run_config.pop("out", ""))
        if not encoder_file or not out:
            raise ConfigError("the run config must name the starting encoder's file (encoder) and a folder (out)")
        config = RoundsConfig.from_run_config(run_config)
        encoder, card = load_encoder(Path(encoder_file))
        run_rounds(
            grid,
            config,
            encoder,
            clock=Clock(now=time.monotonic, sleep=time.sleep),
            on_round=lambda state: save_state(Path(out), state, card),
            aggregation=aggregation,
        )

    return made


app = server_app()
