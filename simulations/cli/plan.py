"""``graft-sim plan``: what a run of devices will take."""

from pathlib import Path
from typing import Annotated

import typer

from shared.system.answer import AsJson, tell
from shared.system.command_options import with_options
from simulations.config.plan_config import PlanConfig


@with_options
def plan(
    config: PlanConfig,
    costs: Annotated[
        Path, typer.Option(metavar="FILE", help="Runs that were measured on a machine like the one in mind.")
    ] = Path("plan-costs.json"),
    measure: Annotated[
        bool, typer.Option("--measure", help="First make those small runs here, as far as the file lacks them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a run of devices will take: time, memory, bytes.

    Prices are fitted on small runs that were measured. Beside the plan stands how far such plans were off on larger
    runs that the fit had not seen.
    """
    from simulations.devices.cost_file import measure_runs
    from simulations.devices.plan import plan_of

    if measure:
        measure_runs(costs, lambda line: typer.echo(line, err=True))
    planned = plan_of(config, costs)
    tell(planned.document, planned.text, as_json=as_json)
