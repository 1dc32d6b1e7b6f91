"""Flower's ServerApp: reads the run config, runs the rounds, leaves the files; wiring only."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from server.aggregation.server_optimiser import BuildAggregation, ServerOptimiser
from server.aggregation.size_classes import SizeClasses
from server.rounds.checkpoints import OUTCOME_FILE, Checkpoints, save_outcome
from server.rounds.kept_sums import KeptSums
from server.rounds.known_ledgers import KnownLedgers
from server.rounds.run import OpenSums, run_rounds
from server.rounds.run_state import RunState
from server.rounds.sum_roster import roster_of
from server.rounds.told_stage import StageTeller
from server.rounds.waiting import Clock
from shared.encoder.file import load_encoder
from shared.errors import ConfigError, GraftError
from shared.federation.config import RoundsConfig
from shared.federation.signatures import TaskSigner

REAL_TIME = Clock(now=time.monotonic, sleep=time.sleep)


def server_app(
    aggregation: BuildAggregation = ServerOptimiser, clock: Clock = REAL_TIME, open_sums: OpenSums | None = None
) -> ServerApp:
    """The app with an aggregation.

    Args:
        aggregation: makes what takes the server's step; that of the deployed app is named by the run config's
            ``aggregation``.
        clock: tells the time and sleeps; a simulation may have a time of its own.
        open_sums: makes what sums a masked run, where a simulation does it without masks.

    Returns:
        Flower's ServerApp.
    """
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        """One federated run, from the encoder file ``encoder`` to the folder ``out``.

        With ``resume`` it goes on from what the folder holds, if anything; with a ``task-key`` its tasks are signed;
        ``classes`` are the platforms' size classes, ``ledgers`` a folder of what they released under noise, ``roster``
        their keys for secure sums, ``summed`` the file of the sets that were summed.
        """
        run_config = dict(context.run_config)
        key_file, ledgers = str(run_config.pop("task-key", "")), str(run_config.pop("ledgers", ""))
        encoder_file, out = str(run_config.pop("encoder", "")), Path(str(run_config.pop("out", "")))
        resume, classes = bool(run_config.pop("resume", False)), str(run_config.pop("classes", ""))
        roster, summed = str(run_config.pop("roster", "")), str(run_config.pop("summed", ""))
        if not encoder_file or out == Path():
            raise ConfigError("the run config must name the starting encoder's file (encoder) and a folder (out)")
        with _outcome_said(out):
            config = RoundsConfig.from_run_config(run_config)
            signer = TaskSigner.read(Path(key_file)) if key_file else None
            start, card = load_encoder(Path(encoder_file))
            checkpoints = Checkpoints(out, card, config=config, start=start)
            run_rounds(
                grid,
                config,
                (checkpoints.load() if resume else None) or RunState(encoder=start, run=secrets.token_hex(16)),
                clock=clock,
                on_round=checkpoints.save,
                aggregation=aggregation,
                public=card.catalogue,
                classes=SizeClasses.from_text(classes),
                ledgers=KnownLedgers(Path(ledgers) if ledgers else None),
                signer=signer,
                roster=roster_of(roster, Path(summed) if summed else None, config.least_summed),
                sums=KeptSums(out),
                teller=StageTeller(out),
                open_sums=open_sums,
            )

    return app


@contextmanager
def _outcome_said(out: Path) -> Iterator[None]:
    """Leave word of how the run ended.

    Of one that was killed, that lost its engine, or whose disk is full, there is none: it may go on.
    """
    (out / OUTCOME_FILE).unlink(missing_ok=True)
    try:
        yield
    except GraftError as error:
        with suppress(OSError):
            save_outcome(out, str(error))
        raise
    save_outcome(out, "")


app = server_app()
