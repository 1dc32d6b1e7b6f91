"""``graft-server run``: write a run down for the supervisor, and follow it to its end."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.arguments import Home
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from shared.system.answer import tell, tell_json
from shared.system.command_options import Given, say, with_options
from shared.system.options import assigned, from_flat


@with_options
def run(
    named: Annotated[dict[str, Any], Given(RoundsConfig)],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any value of the run: docs/run-values.md; repeatable. Default: none."
        ),
    ] = None,
    resume: Annotated[
        int | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped. Default: a new run.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not follow it.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the run's history as JSON at its end, its course on stderr.")
    ] = False,
    home: Home = Path(),
) -> None:
    """Run rounds from the newest encoder, and follow them; the run goes on without this terminal."""
    from rich.console import Console

    from server.coordinator.home import ServerHome
    from server.engine.followed_run import begin, follow, go_on

    coordinator = ServerHome.existing(home)
    if resume is not None and (named or settings):
        raise ConfigError("a run goes on with what it was asked; --resume takes no other option of the run")
    begun = begin(coordinator, asked_config(named, settings or ())) if resume is None else go_on(coordinator, resume)
    if detach:
        tell({"run": begun.number}, f"run {begun.number} is queued", as_json=as_json)
        return
    follow(begun, coordinator, Console(stderr=as_json))
    if as_json:
        tell_json({"run": begun.number, "history": begun.history()})


def asked_config(named: Mapping[str, object], settings: Iterable[str]) -> RoundsConfig:
    """The run's config from options that were given and ``KEY=VALUE`` texts.

    Raises ConfigError for an unknown key or a value of another kind.
    """
    return from_flat(RoundsConfig, {**named, **assigned(RoundsConfig, settings, say)})
