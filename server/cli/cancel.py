"""``graft-server cancel``: stop a run."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home
from shared.errors import ConfigError
from shared.system.answer import AsJson, tell


def cancel(
    *,
    home: Home = Path(),
    number: Annotated[int, typer.Argument(metavar="RUN", help="Its number.")],
    as_json: AsJson = False,
) -> None:
    """Stop a run; `graft-server run --resume` goes on with it."""
    from server.coordinator.home import ServerHome
    from server.coordinator.run_book import OPEN, RunBook

    begun = RunBook(ServerHome.existing(home).runs).get(number)
    if begun.standing().state not in OPEN:
        raise ConfigError(f"run {number} is {begun.standing().state}")
    begun.ask_to_stop()
    tell({"run": number}, f"run {number} is being stopped", as_json=as_json)
