"""``graft-server encoder``: the encoder that the platforms improve."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home
from shared.system.answer import AsJson, tell_json


def export(
    *,
    home: Home = Path(),
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    number: Annotated[
        int | None,
        typer.Option("--run", metavar="RUN", help="Of this run, as far as it is. Default: the newest encoder."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the newest encoder to a file, checked."""
    from server.coordinator.home import ServerHome
    from server.coordinator.run_book import RunBook
    from shared.encoder.file import load_encoder, save_encoder
    from shared.errors import ConfigError, os_error_as

    coordinator = ServerHome.existing(home)
    encoder, card = load_encoder(
        coordinator.encoder if number is None else RunBook(coordinator.runs).get(number).encoder
    )
    with os_error_as(ConfigError, f"{file}: the encoder cannot be written"):
        save_encoder(file, encoder, card)
    if as_json:
        figures = {"preset": encoder.spec.preset, "parameters": int(encoder.flat.size), "privacy": card.privacy or None}
        tell_json({"file": str(file), **figures})
        return
    promise = f", made under ε {card.privacy['epsilon']:g} for each user" if card.privacy else ""
    typer.echo(f"{file}: {encoder.spec.preset}, {encoder.flat.size:,} parameters{promise}")
